#pragma once

#include "backend/reference/Tensor.h"
#include "runtime/base/options.h"

#include <map>
#include <string>
#include <vector>

/// A recording of tests/golden/record.py.
namespace tailor::golden {

using backend::reference::Element;
using backend::reference::Shape;
using backend::reference::Tensor;

/// Samples of a final tensor.
struct FinalTensor {
  double norm = 0, sum = 0;
  std::vector<int64_t> places;
  std::vector<double> values;
};

/// The draw u in [0, 1) of element `element` of row `row`.
double drawn(uint32_t seed, uint32_t op_id, int64_t row, int64_t element);
/// Readers of what every kind of recording holds.
double number(const runtime::OptionValue& value);
template <typename T> std::vector<T> numbers(const runtime::OptionValue* list) {
  std::vector<T> values;
  if (list)
    for (const runtime::OptionValue& value : *list->as_list())
      values.push_back(static_cast<T>(number(value)));
  return values;
}
/// tests/golden/<name>.json; adds a test failure and returns null if it cannot be read.
runtime::OptionValue read_recording(const std::string& name);
std::map<std::string, FinalTensor> final_tensors(const runtime::OptionValue& json);
/// The initial tensors of a list {name, shape, bound, offset}, drawn in its order from op_id `first` on.
std::map<std::string, Tensor> initial_tensors(uint32_t seed, const runtime::OptionValue& list,
                                              uint32_t first = 0);
/// [num_samples, shape...] and a label per sample.
Tensor drawn_samples(uint32_t seed, int64_t num_samples, Shape shape);
std::vector<int64_t> drawn_labels(uint32_t seed, int64_t num_samples, size_t num_classes);

/// One method's 20 steps.
struct Run {
  bool adaptive = false, nesterov = false, ema = false, adamw = false;
  std::string descent, ascent; ///< plain | weighted | weighted_smoothing; ascent is empty without SAM
  double rho = 0;
  std::vector<double> lr, loss, ascent_loss, ema_decay;
  std::vector<int64_t> valid;
  std::map<std::string, FinalTensor> final;
};

struct Recording {
  int64_t batch = 0;
  double adam_eps = 0;
  Shape input; ///< of one sample
  std::vector<double> class_counts;
  std::map<std::string, Tensor> parameters; ///< initial
  std::map<std::string, Run> runs;          ///< by method
  Tensor samples;                           ///< [num_samples, input...]
  std::vector<int64_t> labels;

  [[nodiscard]] int64_t num_classes() const { return static_cast<int64_t>(class_counts.size()); }
  /// Reads tests/golden/<net>.json; adds a test failure and returns an empty recording if it cannot.
  static Recording load(const std::string& net);
  /// Batch of step `t`: rows [0, valid) are samples, the others zero.
  [[nodiscard]] Tensor inputs(int64_t t, int64_t valid) const;
  [[nodiscard]] Tensor batch_labels(int64_t t, int64_t valid) const;
};

} // namespace tailor::golden
