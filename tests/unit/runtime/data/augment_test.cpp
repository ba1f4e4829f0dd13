// What is done to training images: exact moves, their distribution, and bits that depend on nothing but the draw.
#include "runtime/data/augmenter.h"
#include "runtime/data/loader.h"
#include "runtime/options/key_table.h"

#include "data_testing.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace tailor::runtime {
namespace {

using testing::HasSubstr;

constexpr ImageShape kShape{5, 7, 3};
using Pixels = std::vector<std::uint8_t>;

Pixels ramp(const ImageShape& shape, std::uint8_t first = 1) {
  Pixels pixels(shape.bytes());
  std::iota(pixels.begin(), pixels.end(), first);
  return pixels;
}

/// The plain ones: a new image at every move.
Pixels moved(const ImageShape& shape, const Pixels& from,
             const std::function<std::pair<int, int>(int, int)>& source, std::uint8_t fill) {
  Pixels to(from.size());
  for (int y = 0; y < shape.height; ++y)
    for (int x = 0; x < shape.width; ++x) {
      const auto [sy, sx] = source(y, x);
      const bool inside = sy >= 0 && sy < shape.height && sx >= 0 && sx < shape.width;
      for (int c = 0; c < shape.channels; ++c)
        to[static_cast<std::size_t>((y * shape.width + x) * shape.channels + c)] =
            inside ? from[static_cast<std::size_t>((sy * shape.width + sx) * shape.channels + c)] : fill;
    }
  return to;
}
Pixels shifted(const ImageShape& shape, const Pixels& from, int down, int right, std::uint8_t fill) {
  return moved(
      shape, from, [&](int y, int x) { return std::pair(y + down, x + right); }, fill);
}
Pixels flipped(const ImageShape& shape, const Pixels& from) {
  return moved(
      shape, from, [&](int y, int x) { return std::pair(y, shape.width - 1 - x); }, 0);
}

TEST(AugmentedImage, ChainsOfMovesAreThoseOneByOne) {
  DataRandom random(7, DataPurpose::kAugment);
  for (int round = 0; round < 2000; ++round) {
    const ImageShape shape{static_cast<std::int32_t>(1 + random.below(6)),
                           static_cast<std::int32_t>(1 + random.below(6)),
                           static_cast<std::int32_t>(1 + random.below(4))};
    const Pixels from = ramp(shape);
    Pixels to(from.size(), 99), spare(from.size()), wanted = from;
    AugmentedImage image(shape, from.data(), to.data(), spare.data());
    std::string chain;
    for (std::uint32_t move = random.below(5); move > 0; --move) {
      const std::uint32_t kind = random.below(8);
      if (kind < 3) {
        image.flip_columns();
        wanted = flipped(shape, wanted);
        chain += " flip";
      } else if (kind < 7) {
        const int down = static_cast<int>(random.below(11)) - 5,
                  right = static_cast<int>(random.below(11)) - 5;
        const auto fill = static_cast<std::uint8_t>(200 + random.below(2));
        image.shift(down, right, fill);
        wanted = shifted(shape, wanted, down, right, fill);
        chain += concat(" shift ", down, " ", right, " ", int{fill});
      } else {
        for (std::uint8_t& pixel : image.pixels())
          pixel = static_cast<std::uint8_t>(255 - pixel);
        for (std::uint8_t& pixel : wanted)
          pixel = static_cast<std::uint8_t>(255 - pixel);
        chain += " invert";
      }
    }
    image.pixels();
    ASSERT_EQ(to, wanted) << shape.height << " x " << shape.width << " x " << shape.channels << ":" << chain;
    ASSERT_EQ(from, ramp(shape));
  }
}

TEST(AugmentedImage, FarShiftsLeaveTheFill) {
  const Pixels from = ramp(kShape);
  Pixels to(from.size()), spare(from.size());
  AugmentedImage image(kShape, from.data(), to.data(), spare.data());
  image.shift(2147483647, -2147483647, 9);
  image.shift(-2147483647, 2147483647, 9);
  image.pixels();
  EXPECT_THAT(to, testing::Each(9));
}

/// Images whose pixels tell row, place and channel apart, labels by row.
struct Images {
  DataSchema schema;
  Dataset data;
  explicit Images(std::int32_t rows, ImageShape shape = kShape) {
    schema.image_height = shape.height;
    schema.image_width = shape.width;
    schema.image_channels = shape.channels;
    schema.image_mean.assign(static_cast<std::size_t>(shape.channels), 0);
    schema.image_deviation.assign(static_cast<std::size_t>(shape.channels), 1);
    schema.num_classes = 2;
    schema.class_names = {"a", "b"};
    data.num_rows = rows;
    data.num_classes = 2;
    for (const InputColumn& input : schema.inputs())
      data.columns.emplace_back(input, rows);
    for (DataColumn& column : data.columns) {
      const std::string& name = column.input().name;
      for (std::int32_t row = 0; row < rows; ++row) {
        if (name == "label") column.values<std::int32_t>()[static_cast<std::size_t>(row)] = row % 2;
        if (name != "image") continue;
        const Pixels pixels = ramp(shape, static_cast<std::uint8_t>(row * 3));
        std::copy(pixels.begin(), pixels.end(),
                  column.values<std::uint8_t>().begin() +
                      static_cast<std::ptrdiff_t>(row) * std::ssize(pixels));
      }
    }
  }
  const DataColumn& column() const { return *data.find("image"); }
};

Options augmented(OptionValue::List names, std::int64_t padding = 2) {
  Options options;
  options.set("data.augment.use", std::move(names));
  options.set("data.augment.crop.padding", padding);
  return options;
}

Pixels gathered(const Augmenter& augmenter, std::span<const std::int32_t> rows, const BatchPlace& place,
                std::size_t batch) {
  Pixels pixels(batch * augmenter.column().row_bytes(), 77);
  augmenter.gather(rows, batch, place, std::as_writable_bytes(std::span(pixels)).data());
  return pixels;
}

TEST(Augmenter, CropAndFlipAreTheirDefinitions) {
  const Images images(4);
  const Options options = augmented({"crop", "flip"});
  const auto augmenter = value_of(Augmenter::create(options, images.schema, images.data));
  const std::vector<std::int32_t> rows = {2, 0, 3, 2, 1, 1, 0, 3, 0, 2, 1, 3};
  const BatchPlace place{.seed = 5, .epoch = 3, .draw_position = 40};
  const Pixels pixels = gathered(*augmenter, rows, place, rows.size() + 1);
  const std::size_t bytes = kShape.bytes();
  bool flips = false, stays = false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto from =
        images.column().values<std::uint8_t>().subspan(static_cast<std::size_t>(rows[i]) * bytes, bytes);
    DataRandom crop(5, DataPurpose::kAugment, 3, static_cast<std::uint32_t>(40 + i), 0);
    DataRandom flip(5, DataPurpose::kAugment, 3, static_cast<std::uint32_t>(40 + i), 1);
    const int top = static_cast<int>(crop.below(5)), left = static_cast<int>(crop.below(5));
    Pixels wanted = shifted(kShape, Pixels(from.begin(), from.end()), top - 2, left - 2, 0);
    const bool turned = flip.uniform() < 0.5;
    if (turned) wanted = flipped(kShape, wanted);
    (turned ? flips : stays) = true;
    EXPECT_EQ(Pixels(pixels.begin() + static_cast<std::ptrdiff_t>(i * bytes),
                     pixels.begin() + static_cast<std::ptrdiff_t>((i + 1) * bytes)),
              wanted)
        << "row " << i;
  }
  EXPECT_TRUE(flips && stays);
  EXPECT_THAT(Pixels(pixels.end() - static_cast<std::ptrdiff_t>(bytes), pixels.end()),
              testing::Each(0)); // padding
}

TEST(Augmenter, FillsWithWhatItIsTold) {
  const Images images(2); // the pixels of the second begin at 3
  Options options = augmented({"crop"}, 4);
  options.set("data.augment.crop.fill", 250);
  const auto augmenter = value_of(Augmenter::create(options, images.schema, images.data));
  const std::vector<std::int32_t> rows(40, 1);
  const Pixels pixels = gathered(*augmenter, rows, {}, rows.size());
  EXPECT_THAT(pixels, testing::Contains(250));
  EXPECT_THAT(pixels, testing::Not(testing::Contains(0)));
}

// 9 x 9 corners and two sides, each as often as any other: chi-square of 80 degrees of freedom, and of one.
TEST(Augmenter, DrawsAreUniform) {
  const ImageShape shape{9, 9, 1};
  Images images(1, shape);
  const auto augmenter =
      value_of(Augmenter::create(augmented({"crop", "flip"}, 4), images.schema, images.data));
  constexpr int kDraws = 40'500;
  const std::vector<std::int32_t> rows(kDraws, 0);
  const Pixels pixels = gathered(*augmenter, rows, {.seed = 1}, rows.size());
  const Pixels from = ramp(shape, 0);
  std::array<int, 81> corners{};
  int turned = 0;
  for (int i = 0; i < kDraws; ++i) {
    // The pixel in the middle is never filled: where it came from says the move; its right neighbour the side.
    const std::uint8_t* image = pixels.data() + static_cast<std::size_t>(i) * shape.bytes();
    const int middle = image[4 * 9 + 4];
    ++corners[static_cast<std::size_t>(middle)];
    const int right = image[4 * 9 + 5], left = image[4 * 9 + 3];
    turned += middle % 9 > 0 && (right == middle - 1 || left == middle + 1);
    turned += middle % 9 == 0 && left == middle + 1;
  }
  double chi = 0;
  for (const int count : corners)
    chi += (count - 500.0) * (count - 500.0) / 500.0;
  EXPECT_LT(chi, 125); // 0.999 of the distribution lies below 124.8
  EXPECT_GT(chi, 46);  // and 0.999 above 46.5
  EXPECT_NEAR(turned, kDraws / 2, 3.3 * std::sqrt(kDraws / 4.0));
}

struct Batches {
  std::vector<Pixels> images; ///< by draw: epoch after epoch
};

Batches loaded(const Images& images, const Augmenter& augmenter, std::int32_t batch, std::int32_t threads,
               std::int64_t start_epoch, std::int64_t start_batch, std::int64_t num_batches) {
  const std::size_t bytes = images.column().row_bytes();
  std::vector<std::vector<std::byte>> memory(4,
                                             std::vector<std::byte>(static_cast<std::size_t>(batch) * bytes));
  LoaderOptions options{.batch = batch, .num_threads = threads, .seed = 11};
  options.start_epoch = start_epoch;
  options.start_batch = start_batch;
  for (auto& slot : memory)
    options.slots.push_back({{&images.column(), slot.data(), &augmenter}});
  auto loader = value_of(BatchLoader::create(
      value_of(make_sampler("uniform", {images.data.labels(), 2, Options()})), std::move(options)));
  Batches batches;
  for (std::int64_t i = 0; i < num_batches; ++i) {
    BatchInfo info;
    EXPECT_TRUE(value_of(loader->acquire(info)));
    const auto* pixels =
        reinterpret_cast<const std::uint8_t*>(memory[static_cast<std::size_t>(info.slot)].data());
    for (std::int32_t row = 0; row < info.valid; ++row)
      batches.images.emplace_back(pixels + static_cast<std::size_t>(row) * bytes,
                                  pixels + static_cast<std::size_t>(row + 1) * bytes);
    loader->release(1);
  }
  return batches;
}

TEST(Augmenter, BitsDependOnTheDrawAlone) {
  const Images images(13);
  const auto augmenter = value_of(Augmenter::create(augmented({"crop", "flip"}), images.schema, images.data));
  const auto all = loaded(images, *augmenter, 4, 0, 0, 0, 12).images; // three epochs of 13
  ASSERT_EQ(all.size(), 39);
  EXPECT_EQ(loaded(images, *augmenter, 4, 1, 0, 0, 12).images, all);
  EXPECT_EQ(loaded(images, *augmenter, 4, 4, 0, 0, 12).images, all);
  EXPECT_EQ(loaded(images, *augmenter, 13, 2, 0, 0, 3).images, all);
  EXPECT_EQ(loaded(images, *augmenter, 1, 0, 0, 0, 39).images, all);
  // Resumed in the middle of the second epoch.
  EXPECT_EQ(loaded(images, *augmenter, 4, 2, 1, 2, 6).images,
            std::vector<Pixels>(all.begin() + 21, all.end()));
  // The same row is drawn otherwise in another epoch, and by another seed.
  const std::vector<std::int32_t> rows(20, 3);
  const Pixels first = gathered(*augmenter, rows, {.seed = 1}, rows.size());
  EXPECT_NE(gathered(*augmenter, rows, {.seed = 1, .epoch = 1}, rows.size()), first);
  EXPECT_NE(gathered(*augmenter, rows, {.seed = 2}, rows.size()), first);
}

TEST(Augmenter, WhatCannotBeIsRefused) {
  const Images images(2);
  const auto status = [&](const Options& options, const DataSchema& schema) {
    return Augmenter::create(options, schema, images.data).status();
  };
  EXPECT_FALSE(value_of(Augmenter::create(Options(), images.schema, images.data)));
  EXPECT_THAT(status(augmented({"crops"}), images.schema).message(),
              HasSubstr("'data.augment.use' must be one of: crop, "));
  EXPECT_EQ(status(augmented({"crop"}, 5), images.schema).message(),
            "data.augment.crop.padding = 5 around images of 5 x 7 leaves nothing of some: expected less than "
            "a side");
  DataSchema numbers = images.schema;
  numbers.image_mean.clear();
  numbers.image_deviation.clear();
  EXPECT_THAT(status(augmented({"flip"}), numbers).hint(), HasSubstr("images that are f32 already"));
  EXPECT_EQ(status(augmented({"flip"}), DataSchema()).message(),
            "data.augment.use names 'flip', and the data have no images of bytes");
}

TEST(Augmenter, KeysBelongToTheirNames) {
  const KeySpec* padding = find_key("data.augment.crop.padding");
  ASSERT_NE(padding, nullptr);
  EXPECT_EQ(padding->only_if, "data.augment.use = crop");
  EXPECT_THAT(find_key("data.augment.use")->words(), testing::IsSupersetOf({"crop", "flip"}));
}

} // namespace
} // namespace tailor::runtime
