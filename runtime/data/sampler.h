#pragma once
#include "runtime/base/options.h"
#include "runtime/base/result.h"
#include "runtime/data/dataset.h"
#include "runtime/options/component.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// Decides which rows an epoch draws and in which order. Stateless: an epoch's draws are a pure function of
/// (seed, epoch), so any thread may ask for any epoch, and a resumed run sees the same rows.
class Sampler {
public:
  virtual ~Sampler() = default;
  /// Draws per epoch, the same in every epoch.
  virtual std::int64_t epoch_length() const = 0;
  /// Writes epoch_length() row numbers. Thread-safe.
  virtual void draw_epoch(std::uint64_t seed, std::int64_t epoch, std::span<std::int32_t> rows) const = 0;
  /// What a user should know of this sampler in this stage; "" for nothing.
  virtual std::string note() const { return ""; }
};

/// What a sampler is made for: the training split of a stage.
struct SamplerRequest {
  std::span<const std::int32_t> labels; ///< in [0, num_classes); copied as far as needed
  std::int32_t num_classes = 0;
  const Options& options; ///< of the stage: where a sampler finds its keys
  /// Epochs of the stage if an epoch has so many draws: a stage may be given in steps. Null: not known.
  std::function<std::int64_t(std::int64_t epoch_length)> num_epochs = nullptr;
  std::int64_t first_epoch = 0; ///< of the stage, as draw_epoch() counts: over the whole run
};

/// A way to draw rows (methods.md 3): one file of `samplers/`, or of a user's program.
struct SamplerSpec {
  static constexpr std::string_view kKind = "sampler";
  std::string name;
  std::string text;
  std::string source = "choice";
  std::vector<KeySpec> keys = {};
  /// Called with at least one row and labels in their range.
  std::function<Result<std::unique_ptr<Sampler>>(const SamplerRequest&)> make;
  /// What its keys say wrong whatever the rows: refused before a program is compiled.
  std::function<Status(const Options&)> check = {};
  /// Draws rows of rare classes more often than there are: class weights beside it correct the frequencies again.
  bool favours_rare = false;
};

/// The sampler `name`.
/// Errors    an unknown name, with those there are; no rows; a label outside [0, num_classes); what the sampler
///           itself refuses; more than 2^31 - 1 draws.
Result<std::unique_ptr<Sampler>> make_sampler(std::string_view name, const SamplerRequest& request);

/// Rows 0..num_rows-1 in order, for evaluation.
std::unique_ptr<Sampler> make_sequential_sampler(std::int64_t num_rows);

/// [K] the rows of each class, ascending.
std::vector<std::vector<std::int32_t>> rows_by_class(std::span<const std::int32_t> labels,
                                                     std::int32_t num_classes);

} // namespace tailor::runtime
