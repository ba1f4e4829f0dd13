#include "runtime/data/samplers/weighted.h"

#include "runtime/data/random.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

class WeightedSampler final : public Sampler {
public:
  WeightedSampler(const SamplerRequest& request, const std::function<double(double n)>& row_weight)
      : num_rows_(std::ssize(request.labels)), rows_(rows_by_class(request.labels, request.num_classes)) {
    double sum = 0;
    for (const std::vector<std::int32_t>& members : rows_) {
      const auto n = static_cast<double>(members.size());
      sum += n > 0 ? n * row_weight(n) : 0;
      cumulative_.push_back(sum);
    }
  }
  std::int64_t epoch_length() const override { return num_rows_; }
  void draw_epoch(std::uint64_t seed, std::int64_t epoch, std::span<std::int32_t> rows) const override {
    DataRandom random = epoch_random(seed, epoch);
    for (std::int32_t& row : rows) {
      // upper_bound passes over empty classes; the product stays below the last sum because uniform() < 1.
      const double at = random.uniform() * cumulative_.back();
      auto place = static_cast<std::size_t>(std::upper_bound(cumulative_.begin(), cumulative_.end(), at) -
                                            cumulative_.begin());
      while (place >= rows_.size() || rows_[place].empty()) // at == last sum after rounding
        --place;
      const std::vector<std::int32_t>& members = rows_[place];
      row = members[random.below(static_cast<std::uint32_t>(members.size()))];
    }
  }

private:
  std::int64_t num_rows_;
  std::vector<std::vector<std::int32_t>> rows_;
  std::vector<double> cumulative_;
};

} // namespace

std::unique_ptr<Sampler> make_weighted_sampler(const SamplerRequest& request,
                                               const std::function<double(double n)>& row_weight) {
  return std::make_unique<WeightedSampler>(request, row_weight);
}

} // namespace tailor::runtime
