// The classes one after another, the rarest first.
#include "runtime/data/sampler.h"
#include "runtime/options/key_set.h"

#include <algorithm>

namespace {

using namespace tailor::runtime;

struct RarestFirstKeys {
  std::int64_t repeats = 1;

  static const KeySet<RarestFirstKeys>& keys() {
    static const KeySet<RarestFirstKeys> set{
        "data.rarest_",
        {key("repeats", &RarestFirstKeys::repeats,
             {.min = 1, .max = 1000, .text = "how often rarest_first draws every row"})}};
    return set;
  }
};

class RarestFirst final : public Sampler {
public:
  RarestFirst(const SamplerRequest& request, std::int64_t repeats) {
    std::vector<std::vector<std::int32_t>> classes = rows_by_class(request.labels, request.num_classes);
    std::sort(classes.begin(), classes.end(), [](const auto& a, const auto& b) {
      return a.size() != b.size() ? a.size() < b.size() : a < b;
    });
    for (const std::vector<std::int32_t>& rows : classes)
      for (std::int64_t i = 0; i < repeats; ++i)
        order_.insert(order_.end(), rows.begin(), rows.end());
  }
  std::int64_t epoch_length() const override { return std::ssize(order_); }
  void draw_epoch(std::uint64_t, std::int64_t, std::span<std::int32_t> rows) const override {
    std::copy(order_.begin(), order_.end(), rows.begin());
  }

private:
  std::vector<std::int32_t> order_;
};

const Registered<SamplerSpec> registered{
    {.name = "rarest_first",
     .text = "the classes one after another, the rarest first",
     .keys = RarestFirstKeys::keys().specs(),
     .make = [](const SamplerRequest& request) -> Result<std::unique_ptr<Sampler>> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const RarestFirstKeys keys, read_keys<RarestFirstKeys>(request.options));
       return std::unique_ptr<Sampler>(new RarestFirst(request, keys.repeats));
     }}};

} // namespace
