#include "runtime/data/sampler.h"
#include "runtime/options/data_keys.h"

#include <algorithm>
#include <optional>

namespace tailor::runtime {
namespace {

constexpr std::string_view kName = "deferred";

struct DeferredKeys {
  std::optional<std::int64_t> from;
  std::string then = "class_balanced";

  static const KeySet<DeferredKeys>& keys();
};

const KeySet<DeferredKeys>& DeferredKeys::keys() {
  static const KeySet<DeferredKeys> set{
      "data.sampler_",
      {
          key("from", &DeferredKeys::from,
              {.min = 0,
               .max = kMaxCount,
               .text = "first epoch, counted from 0, that sampler deferred draws with data.sampler_then; "
                       "default: after 80 % of the run",
               .source = "methods 2.6"}),
          key("then", &DeferredKeys::then,
              {.text = "how sampler deferred draws the last epochs",
               .source = "methods 2.6",
               .choices_of = std::string(SamplerSpec::kKind)}),
      }};
  return set;
}

/// Uniform before an epoch of the stage, then another sampler. Both draw as many rows as there are: of a sampler with a longer
/// epoch, its first ones.
class DeferredSampler final : public Sampler {
public:
  DeferredSampler(std::unique_ptr<Sampler> before, std::unique_ptr<Sampler> after, std::int64_t from,
                  std::int64_t num_epochs, std::int64_t first_epoch)
      : before_(std::move(before)), after_(std::move(after)), from_(from), num_epochs_(num_epochs),
        first_epoch_(first_epoch) {}
  std::int64_t epoch_length() const override { return before_->epoch_length(); }
  void draw_epoch(std::uint64_t seed, std::int64_t epoch, std::span<std::int32_t> rows) const override {
    if (epoch - first_epoch_ < from_) return before_->draw_epoch(seed, epoch, rows);
    if (after_->epoch_length() == std::ssize(rows)) return after_->draw_epoch(seed, epoch, rows);
    std::vector<std::int32_t> all(static_cast<std::size_t>(after_->epoch_length()));
    after_->draw_epoch(seed, epoch, all);
    std::copy_n(all.begin(), rows.size(), rows.begin());
  }
  std::string note() const override {
    if (num_epochs_ == 0 || from_ < num_epochs_) return "";
    return concat(key_name(&DeferredKeys::from), " is ", from_, " in a run of ", num_epochs_,
                  num_epochs_ == 1 ? " epoch" : " epochs", ": every one draws uniformly");
  }

private:
  std::unique_ptr<Sampler> before_, after_;
  std::int64_t from_, num_epochs_, first_epoch_;
};

/// The first epoch after 80 % of the run, as ldam_step counts: in whole numbers, 0.8 is no binary fraction.
std::int64_t default_switch(std::int64_t num_epochs) {
  return (8 * num_epochs + 9) / 10;
}

Status check(const Options& options) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const DeferredKeys keys, read_keys<DeferredKeys>(options));
  const std::string& then_key = key_name(&DeferredKeys::then);
  if (keys.then != kName) return {};
  return invalid_argument(then_key, " is \"", kName, "\" too, expected what it is deferred to")
      .about(then_key);
}

Result<std::unique_ptr<Sampler>> make(const SamplerRequest& request) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check(request.options));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const DeferredKeys keys, read_keys<DeferredKeys>(request.options));
  const std::string& then_key = key_name(&DeferredKeys::then);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::unique_ptr<Sampler> before, make_sampler("uniform", request));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::unique_ptr<Sampler> after, make_sampler(keys.then, request));
  const std::int64_t length = before->epoch_length();
  if (after->epoch_length() < length)
    return invalid_argument("an epoch of ", keys.then, " has ", after->epoch_length(),
                            " draws, expected at least the ", length, " of the epochs before")
        .about(then_key);
  const std::int64_t num_epochs = request.num_epochs ? request.num_epochs(length) : 0;
  if (!keys.from && num_epochs == 0)
    return invalid_argument("the length of the run is not known, and ", key_name(&DeferredKeys::from),
                            " is not set");
  return std::unique_ptr<Sampler>(new DeferredSampler(std::move(before), std::move(after),
                                                      keys.from.value_or(default_switch(num_epochs)),
                                                      num_epochs, request.first_epoch));
}

const Registered<SamplerSpec> registered{
    {.name = std::string(kName),
     .text = "deferred re-sampling: uniform, in the last epochs as data.sampler_then says; N draws an epoch",
     .source = "methods 2.6",
     .keys = DeferredKeys::keys().specs(),
     .make = make,
     .check = check,
     .favours_rare = true}};

} // namespace
} // namespace tailor::runtime
