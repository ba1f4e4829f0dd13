// An augmentation of one's own, in one file: what runtime/data/augment/README.md says.
#include "runtime/data/augmenter.h"
#include "runtime/options/key_table.h"

#include "data_testing.h"

namespace tailor::runtime {
namespace {

struct DarkenKeys {
  std::int64_t most = 10;

  static const KeySet<DarkenKeys>& keys() {
    static const KeySet<DarkenKeys> set{
        "data.augment.darken.",
        {key("most", &DarkenKeys::most, {.min = 0, .max = 255, .text = "largest number taken off a pixel"})}};
    return set;
  }
};

/// Takes a number off every pixel of a rare image.
class Darken final : public Augmentation {
public:
  explicit Darken(std::int64_t most) : most_(static_cast<std::uint32_t>(most)) {}
  void apply(AugmentedImage& image, std::int32_t label, DataRandom& random) const override {
    if (label == 0) return;
    const std::uint32_t by = random.below(most_ + 1);
    for (std::uint8_t& pixel : image.pixels())
      pixel = static_cast<std::uint8_t>(pixel < by ? 0 : pixel - by);
  }

private:
  std::uint32_t most_;
};

const Registered<AugmentationSpec> registered{
    {.name = "darken",
     .text = "a number taken off every pixel of images that are not of the first class",
     .keys = DarkenKeys::keys().specs(),
     .make = [](const AugmentationRequest& request) -> Result<std::unique_ptr<const Augmentation>> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const DarkenKeys keys, read_keys<DarkenKeys>(request.options));
       return std::unique_ptr<const Augmentation>(new Darken(keys.most));
     }}};

TEST(OwnAugmentation, IsNamedKeyedAndApplied) {
  EXPECT_THAT(registration_problems(), testing::IsEmpty());
  DataSchema schema;
  schema.image_height = schema.image_channels = 1;
  schema.image_width = 2;
  schema.image_mean = {0};
  schema.image_deviation = {1};
  schema.num_classes = 2;
  Dataset data;
  data.num_rows = 2;
  data.num_classes = 2;
  for (const InputColumn& input : schema.inputs())
    data.columns.emplace_back(input, 2);
  for (DataColumn& column : data.columns) {
    if (column.input().name == "image")
      std::ranges::copy(std::array{100, 101, 102, 103}, column.values<std::uint8_t>().begin());
    if (column.input().name == "label") column.values<std::int32_t>()[1] = 1;
  }
  Options options;
  options.set("data.augment.use", OptionValue::List{"flip", "darken"});
  options.set("data.augment.flip.p", 1.0);
  options.set("data.augment.darken.most", 3);
  const auto augmenter = value_of(Augmenter::create(options, schema, data));
  const std::vector<std::int32_t> rows = {0, 1};
  std::vector<std::uint8_t> pixels(4);
  augmenter->gather(rows, 2, {.seed = 4, .epoch = 2, .draw_position = 6},
                    std::as_writable_bytes(std::span(pixels)).data());
  DataRandom random(4, DataPurpose::kAugment, 2, 7, 1);
  const auto by = static_cast<std::uint8_t>(random.below(4));
  EXPECT_THAT(pixels, testing::ElementsAre(101, 100, 103 - by, 102 - by));
}

TEST(OwnAugmentation, IsInTheTableAndInHints) {
  ASSERT_NE(find_key("data.augment.darken.most"), nullptr);
  EXPECT_THAT(find_key("data.augment.use")->words(), testing::Contains("darken"));
}

} // namespace
} // namespace tailor::runtime
