#pragma once
#include "runtime/base/result.h"
#include "runtime/data/dataset.h"

#include <memory>
#include <span>
#include <string_view>

namespace tailor::runtime {

/// Decides which rows an epoch draws and in which order. Stateless: an epoch's draws are a pure function of
/// (seed, epoch), so any thread may ask for any epoch, and a resumed run sees the same rows.
class Sampler {
public:
  virtual ~Sampler() = default;
  virtual const char* name() const = 0;
  /// Draws per epoch, the same in every epoch.
  virtual std::int64_t epoch_length() const = 0;
  /// Writes epoch_length() row numbers. Thread-safe.
  virtual void draw_epoch(std::uint64_t seed, std::int64_t epoch, std::span<std::int32_t> rows) const = 0;
};

enum class SamplerKind { kUniform, kClassBalanced, kEffectiveBalanced, kSqrt, kClassAware };

struct SamplerSpec {
  SamplerKind kind = SamplerKind::kUniform;
  double beta = 0.9999; ///< effective_balanced
  std::int32_t run = 4; ///< class_aware: consecutive rows of one class
  bool drop_last =
      false; ///< leave the ragged last batch of an epoch out (it may hold the only minority rows)
};

Result<SamplerKind> parse_sampler_kind(std::string_view name);

/// methods.md 3. `labels` in [0, num_classes) are copied as far as needed.
///
///   uniform             a permutation; N draws
///   class_balanced      with replacement, P(row) ~ 1 / n_y; N draws
///   effective_balanced  with replacement, P(row) ~ (1 - beta) / (1 - beta^n_y); N draws
///   sqrt                with replacement, P(row) ~ 1 / sqrt(n_y); N draws
///   class_aware         a shuffled cycle over the classes with rows; each turn gives `run` rows of the
///                       class's own shuffled cycle (shuffled again when it wraps); n_max * K draws
///
/// Errors    no rows; beta outside [0, 1); run < 1; more than 2^31 - 1 draws.
Result<std::unique_ptr<Sampler>> make_sampler(const SamplerSpec& spec, std::span<const std::int32_t> labels,
                                              std::int32_t num_classes);

/// Rows 0..num_rows-1 in order, for evaluation.
std::unique_ptr<Sampler> make_sequential_sampler(std::int64_t num_rows);

} // namespace tailor::runtime
