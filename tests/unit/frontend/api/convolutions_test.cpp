/// What makes no convolution or pooling is refused at the line that asks for it, whatever the numbers.
#include "tailor/tailor.h"
#include "tests/unit/frontend/api/error_of.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace tailor {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
const Array image = full({1, 8, 8, 4}, 0), weight = full({4, 4, 3, 3}, 0);

TEST(Convolutions, ALayerIsRefusedWhereItIsMade) {
  const auto here = [](std::uint32_t line) { return "convolutions_test.cpp:" + std::to_string(line) + ":"; };
  const std::uint32_t line = __LINE__ + 1;
  const auto make = [] { nn::Conv2d(6, 8, {.groups = 4}); };
  EXPECT_THAT(error_of(make),
              AllOf(HasSubstr(here(line)), HasSubstr("4 groups do not divide 6 -> 8 channels")));
  EXPECT_THAT(error_of([] { nn::Conv2d(8, 6, {.groups = 4}); }), HasSubstr("4 groups do not divide 8 -> 6"));
  const InitRule init = InitRule::normal(1);
  for (const std::int64_t groups : {std::int64_t{0}, std::int64_t{-1}, kHuge})
    EXPECT_THAT(error_of([&] { nn::Conv2d(8, 8, {.groups = groups, .init = init}); }), HasSubstr("groups"));
  for (const std::int64_t channels : {std::int64_t{0}, std::int64_t{-3}, kHuge})
    EXPECT_THAT(error_of([&] { nn::Conv2d(channels, 8, {.init = init}); }),
                HasSubstr("channels on each side"));
  for (const std::int64_t number : {std::int64_t{-1}, kHuge}) {
    EXPECT_THAT(error_of([&] { nn::Conv2d(8, 8, {.kernel = number}); }),
                HasSubstr("do not make a convolution"));
    EXPECT_THAT(error_of([&] { nn::Conv2d(8, 8, {.stride = number}); }),
                HasSubstr("do not make a convolution"));
    EXPECT_THAT(error_of([&] { nn::Conv2d(8, 8, {.padding = number}); }),
                HasSubstr("do not make a convolution"));
    EXPECT_THAT(error_of([&] { nn::Conv2d(8, 8, {.dilation = number}); }),
                HasSubstr("do not make a convolution"));
  }
}

TEST(Convolutions, AbsurdNumbersAreRefused) {
  for (const std::int64_t number : {std::int64_t{-1}, kHuge}) {
    EXPECT_THAT(error_of([&] {
                  conv2d(image, weight, {.strides = {number, 1}});
                }),
                HasSubstr("the stride must be"));
    EXPECT_THAT(error_of([&] {
                  conv2d(image, weight, {.dilation = {1, number}});
                }),
                HasSubstr("the dilation must be"));
    EXPECT_THAT(error_of([&] {
                  conv2d(image, weight, {.padding = {0, 0, number, number}});
                }),
                HasSubstr("the padding must be"));
    EXPECT_THAT(error_of([&] {
                  max_pool2d(image, {.window = {number, 1}});
                }),
                HasSubstr("the window must be"));
    EXPECT_THAT(error_of([&] {
                  avg_pool2d(image, {.strides = {1, number}});
                }),
                HasSubstr("the stride must be"));
  }
}

TEST(Convolutions, AnImageThatPoolsToNothingIsRefused) {
  EXPECT_THAT(error_of([] {
                max_pool2d(image, {.window = {9, 9}});
              }),
              HasSubstr("a window of 9 does not fit an axis of 8 (padding included)"));
  EXPECT_THAT(error_of([] {
                avg_pool2d(image, {.window = {2, 2}, .padding = {2, 0, 0, 0}});
              }),
              HasSubstr("the padding 2 must be smaller than the window 2"));
}

} // namespace
} // namespace tailor
