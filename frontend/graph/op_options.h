#pragma once

#include "frontend/graph/shape.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

/// Options of an op: one struct per kind of op, each with a defaulted operator==, so that two nodes can never
/// be taken for equal by forgetting a field. Operands are never in here: what may change while training is an
/// operand.
namespace tailor {

struct State;

enum class Comparison : std::uint8_t { eq, ne, lt, le, gt, ge };
enum class Reduction : std::uint8_t { none, batch_mean, weighted_mean, sum };

struct NoOptions {
  bool operator==(const NoOptions&) const = default;
};
/// One value for every element, or one per element in row-major order.
struct ConstantOptions {
  std::vector<double> values;
  bool operator==(const ConstantOptions&) const = default;
};
struct CompareOptions {
  Comparison comparison = Comparison::eq;
  bool operator==(const CompareOptions&) const = default;
};
/// Axes of the operand: reduced ones (reductions), or where each lands in the result (broadcast).
struct DimsOptions {
  std::vector<std::int64_t> dims;
  bool operator==(const DimsOptions&) const = default;
};
struct AxisOptions {
  std::int64_t axis = 0;
  bool operator==(const AxisOptions&) const = default;
};
struct PermutationOptions {
  std::vector<std::int64_t> permutation;
  bool operator==(const PermutationOptions&) const = default;
};
struct SliceOptions {
  std::vector<std::int64_t> starts, limits, strides;
  bool operator==(const SliceOptions&) const = default;
};
struct PadOptions {
  std::vector<std::int64_t> low, high;
  double value = 0;
  bool operator==(const PadOptions&) const = default;
};
struct RollOptions {
  std::int64_t axis = 0, shift = 0;
  bool operator==(const RollOptions&) const = default;
};
struct DotOptions {
  std::vector<std::int64_t> lhs_batch, rhs_batch, lhs_contracting, rhs_contracting;
  bool operator==(const DotOptions&) const = default;
};
struct ConvOptions {
  std::array<std::int64_t, 2> strides{1, 1};
  std::array<std::int64_t, 4> padding{0, 0, 0, 0}; ///< top, bottom, left, right
  std::array<std::int64_t, 2> dilation{1, 1};
  std::int64_t groups = 1;
  bool operator==(const ConvOptions&) const = default;
};
struct PoolOptions {
  std::array<std::int64_t, 2> window{1, 1};
  std::array<std::int64_t, 2> strides{1, 1};
  std::array<std::int64_t, 4> padding{0, 0, 0, 0}; ///< top, bottom, left, right
  bool ceil_mode = false;
  bool count_include_pad = true; ///< average pooling only
  bool operator==(const PoolOptions&) const = default;
};
/// Normalisations; the running-statistics update has RunningOptions.
struct NormOptions {
  double epsilon = 1e-5;
  bool operator==(const NormOptions&) const = default;
};
struct RunningOptions {
  double momentum = 0.1;
  std::int64_t rows = 0, row_elements = 1; ///< per channel: rows of the batch, elements of a row
  bool operator==(const RunningOptions&) const = default;
};
/// Range of clamp; NaN passes through.
struct ClampOptions {
  double low = 0, high = 0;
  bool operator==(const ClampOptions&) const = default;
};
/// Optional operands follow (logits, labels) in the order of the flags.
struct CrossEntropyOptions {
  bool soft = false;                                                     ///< labels are a dense target [N, K]
  bool mix = false;                                                      ///< labels_b [N], lambda [N]
  bool weights = false, smoothing = false, margin = false, bias = false; ///< [K] tables
  bool valid = false;                                                    ///< valid rows, i32 []
  double focal_gamma = 0;
  bool focal_of_weighted = false;
  double scale = 1;
  Reduction reduction = Reduction::batch_mean;
  bool operator==(const CrossEntropyOptions&) const = default;
};
/// rng_key: stream separates uses of one op id, view the augmented views of one sample.
struct KeyOptions {
  std::int64_t stream = 0, view = 0;
  bool operator==(const KeyOptions&) const = default;
};
struct ProbabilityOptions {
  double probability = 0; ///< dropout: of dropping; bernoulli: of true
  bool operator==(const ProbabilityOptions&) const = default;
};
/// Multi-tensor updates. Operands come in roles (all weights, then all gradients, ...); a role may be empty.
struct UpdateOptions {
  std::vector<std::int64_t> operand_roles; ///< operands per role, in the dialect's order
  std::vector<std::int64_t> result_roles;  ///< results per role
  std::vector<bool> decayed;               ///< per tensor: weight decay applies
  std::vector<std::int32_t> segments;      ///< per tensor: which rate and decay; empty: there is one of each
  bool adaptive = false;                   ///< sam.perturb: ASAM
  bool nesterov = false;                   ///< sgd_update
  bool operator==(const UpdateOptions&) const = default;
};
/// load: the state that is read.
struct StateOptions {
  std::shared_ptr<const State> state;
  bool operator==(const StateOptions&) const = default;
};
/// input, control_read, argument: the name. missing: why there is no such value.
struct NameOptions {
  std::string name;
  bool run_constant = false; ///< control_read: the field keeps its value for a whole run
  bool operator==(const NameOptions&) const = default;
};
/// value_and_grad: positions of the arguments that are differentiated.
struct GradOptions {
  std::vector<std::int64_t> wrt;
  bool operator==(const GradOptions&) const = default;
};

using OpOptions =
    std::variant<NoOptions, ConstantOptions, CompareOptions, DimsOptions, AxisOptions, PermutationOptions,
                 SliceOptions, PadOptions, RollOptions, DotOptions, ConvOptions, PoolOptions, NormOptions,
                 RunningOptions, ClampOptions, CrossEntropyOptions, KeyOptions, ProbabilityOptions,
                 UpdateOptions, StateOptions, NameOptions, GradOptions>;

} // namespace tailor
