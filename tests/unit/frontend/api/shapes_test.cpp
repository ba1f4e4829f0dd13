#include "tailor/tailor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor {
namespace {

using testing::ElementsAre;

std::vector<std::string> names_of(const nn::Module& module) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : module.tensors())
    names.push_back(name);
  return names;
}

TEST(Sequential, NumbersItsLayers) {
  nn::Sequential net;
  net.emplace<nn::Linear>(2, 3).emplace<nn::BatchNorm>(3).push(std::make_unique<nn::Linear>(3, 1), "head");
  EXPECT_THAT(names_of(net), ElementsAre("0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean",
                                         "1.running_var", "head.weight", "head.bias"));
}

TEST(Shapes, ConvolutionAndPooling) {
  Array image = full({2, 9, 7, 4}, 0);
  Array weight = full({6, 2, 3, 3}, 0);
  EXPECT_EQ(
      conv2d(image, weight, {.strides = {2, 1}, .padding = {1, 0, 2, 1}, .dilation = {1, 2}, .groups = 2})
          .shape(),
      (Shape{2, 4, 6, 6}));
  PoolOptions pool{.window = {3, 3}, .strides = {2, 2}};
  EXPECT_EQ(max_pool2d(image, pool).shape(), (Shape{2, 4, 3, 4}));
  // 2x2 windows by 3 on 9 rows and 7 columns: ceil adds one at column 6, but none at row 9, outside the
  // image.
  EXPECT_EQ(max_pool2d(image, {.window = {2, 2}, .strides = {3, 3}, .ceil_mode = true}).shape(),
            (Shape{2, 3, 3, 4}));
  // By 3 on 5 rows and one of padding: 2 windows; a third would start in the padding.
  EXPECT_EQ(avg_pool2d(full({1, 5, 5, 1}, 0),
                       {.window = {2, 2}, .strides = {3, 3}, .padding = {0, 1, 0, 1}, .ceil_mode = true})
                .shape(),
            (Shape{1, 2, 2, 1}));
}

TEST(Shapes, Broadcasting) {
  Shape shape;
  EXPECT_TRUE(broadcast_shapes({4, 1}, {3}, shape));
  EXPECT_EQ(shape, (Shape{4, 3}));
  EXPECT_TRUE(broadcast_shapes({}, {2, 2}, shape));
  EXPECT_FALSE(broadcast_shapes({2, 3}, {2}, shape));
  Array sum = full({4, 1}, 1) + full({3}, 1);
  EXPECT_EQ(sum.shape(), (Shape{4, 3}));
  EXPECT_EQ(std::get<DimsOptions>(sum.node()->inputs[0].node()->options).dims,
            (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(std::get<DimsOptions>(sum.node()->inputs[1].node()->options).dims,
            (std::vector<std::int64_t>{1}));
  // A number takes the type of the array it meets.
  EXPECT_EQ((full({2}, 1, DType::i32) * 2).dtype(), DType::i32);
  EXPECT_EQ((Shape{1 << 30, 1 << 30, 1 << 30}).num_elements(), std::numeric_limits<std::int64_t>::max());
}

TEST(Options, DifferentFieldsMakeDifferentNodes) {
  ConvOptions a, b;
  EXPECT_EQ(OpOptions(a), OpOptions(b));
  b.padding[3] = 1;
  EXPECT_NE(OpOptions(a), OpOptions(b));
  EXPECT_NE(OpOptions(DimsOptions{{0}}), OpOptions(PermutationOptions{{0}}));
}

} // namespace
} // namespace tailor
