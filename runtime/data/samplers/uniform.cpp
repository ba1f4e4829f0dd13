#include "runtime/data/random.h"
#include "runtime/data/sampler.h"

#include <numeric>

namespace tailor::runtime {
namespace {

class UniformSampler final : public Sampler {
public:
  explicit UniformSampler(std::int64_t num_rows) : num_rows_(num_rows) {}
  std::int64_t epoch_length() const override { return num_rows_; }
  void draw_epoch(std::uint64_t seed, std::int64_t epoch, std::span<std::int32_t> rows) const override {
    std::iota(rows.begin(), rows.end(), 0);
    epoch_random(seed, epoch).shuffle(rows);
  }

private:
  std::int64_t num_rows_;
};

const Registered<SamplerSpec> registered{
    {.name = "uniform",
     .text = "a permutation of the rows; N draws an epoch",
     .source = "methods 3",
     .make = [](const SamplerRequest& request) -> Result<std::unique_ptr<Sampler>> {
       return std::unique_ptr<Sampler>(new UniformSampler(std::ssize(request.labels)));
     }}};

} // namespace
} // namespace tailor::runtime
