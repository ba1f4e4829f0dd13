#include "runtime/data/sampler.h"

#include "runtime/base/wording.h"
#include "runtime/options/data_keys.h"

#include <limits>
#include <numeric>

namespace tailor::runtime {
namespace {

class SequentialSampler final : public Sampler {
public:
  explicit SequentialSampler(std::int64_t num_rows) : num_rows_(num_rows) {}
  std::int64_t epoch_length() const override { return num_rows_; }
  void draw_epoch(std::uint64_t, std::int64_t, std::span<std::int32_t> rows) const override {
    std::iota(rows.begin(), rows.end(), 0);
  }

private:
  std::int64_t num_rows_;
};

} // namespace

Result<std::unique_ptr<Sampler>> make_sampler(std::string_view name, const SamplerRequest& request) {
  const SamplerSpec* spec = Registry<SamplerSpec>::find(name);
  if (!spec)
    return invalid_argument("sampler '", name, "', expected ",
                            listed(component_names(SamplerSpec::kKind), " | "))
        .about(key_name(&DataKeys::sampler));
  if (request.labels.empty()) return invalid_argument("no labelled row to draw from");
  for (const std::int32_t label : request.labels)
    if (label < 0 || label >= request.num_classes)
      return invalid_argument("label ", label, " of ", request.num_classes, " classes reached the sampler");
  TAILOR_ASSIGN_OR_RETURN(std::unique_ptr<Sampler> sampler, spec->make(request),
                          concat("sampler '", name, "'"));
  const std::int64_t length = sampler->epoch_length();
  if (length < 1 || length > std::numeric_limits<std::int32_t>::max())
    return invalid_argument("sampler '", name, "': an epoch of ", length, " draws, expected 1 to 2^31 - 1");
  return sampler;
}

std::unique_ptr<Sampler> make_sequential_sampler(std::int64_t num_rows) {
  return std::make_unique<SequentialSampler>(num_rows);
}

std::vector<std::vector<std::int32_t>> rows_by_class(std::span<const std::int32_t> labels,
                                                     std::int32_t num_classes) {
  std::vector<std::vector<std::int32_t>> rows(static_cast<std::size_t>(num_classes));
  for (std::size_t row = 0; row < labels.size(); ++row)
    rows[static_cast<std::size_t>(labels[row])].push_back(static_cast<std::int32_t>(row));
  return rows;
}

} // namespace tailor::runtime
