// A sampler of one's own, in one file: what runtime/data/samplers/README.md says.
#include "runtime/data/sampler.h"
#include "runtime/options/key_table.h"

#include "data_testing.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

struct BlockKeys {
  std::int64_t first = 0;

  static const KeySet<BlockKeys>& keys() {
    static const KeySet<BlockKeys> set{
        "data.block_",
        {key("first", &BlockKeys::first,
             {.min = 0, .max = 1000, .text = "class that sampler block begins with"})}};
    return set;
  }
};

/// The classes one after another.
class BlockSampler final : public Sampler {
public:
  BlockSampler(const SamplerRequest& request, std::int64_t first) {
    std::vector<std::vector<std::int32_t>> rows = rows_by_class(request.labels, request.num_classes);
    std::rotate(rows.begin(), rows.begin() + first % request.num_classes, rows.end());
    for (const std::vector<std::int32_t>& members : rows)
      order_.insert(order_.end(), members.begin(), members.end());
  }
  std::int64_t epoch_length() const override { return std::ssize(order_); }
  void draw_epoch(std::uint64_t, std::int64_t, std::span<std::int32_t> rows) const override {
    std::copy(order_.begin(), order_.end(), rows.begin());
  }

private:
  std::vector<std::int32_t> order_;
};

const Registered<SamplerSpec> registered{
    {.name = "block",
     .text = "the classes one after another",
     .keys = BlockKeys::keys().specs(),
     .make = [](const SamplerRequest& request) -> Result<std::unique_ptr<Sampler>> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const BlockKeys keys, read_keys<BlockKeys>(request.options));
       return std::unique_ptr<Sampler>(new BlockSampler(request, keys.first));
     }}};

TEST(OwnSampler, IsNamedKeyedAndDrawnFrom) {
  EXPECT_THAT(registration_problems(), testing::IsEmpty());
  const std::vector<std::int32_t> labels = {0, 1, 0, 1};
  Options options;
  options.set("data.block_first", 1);
  const auto sampler = value_of(make_sampler("block", {labels, 2, options}));
  std::vector<std::int32_t> rows(4);
  sampler->draw_epoch(0, 0, rows);
  EXPECT_EQ(rows, (std::vector<std::int32_t>{1, 3, 0, 2}));
}

TEST(OwnSampler, IsInTheTableAndInHints) {
  const KeySpec* key = find_key("data.block_first");
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->only_if, "data.sampler|data.sampler_then = block");
  EXPECT_THAT(find_key("data.sampler")->words(), testing::Contains("block"));
  EXPECT_THAT(find_key("data.sampler_then")->words(), testing::Contains("block"));
  const std::vector<std::int32_t> labels = {0, 1};
  EXPECT_THAT(make_sampler("blocks", {labels, 2, Options()}).status().message(),
              testing::HasSubstr("block |"));
}

TEST(OwnSampler, MayFollowTheUniformOne) {
  const std::vector<std::int32_t> labels = {0, 1, 0, 1};
  Options options;
  options.set("data.sampler_then", "block");
  options.set("data.sampler_from", 1);
  const auto sampler = value_of(make_sampler("deferred", {labels, 2, options}));
  std::vector<std::int32_t> rows(4);
  sampler->draw_epoch(0, 1, rows);
  EXPECT_EQ(rows, (std::vector<std::int32_t>{0, 2, 1, 3}));
}

} // namespace
} // namespace tailor::runtime
