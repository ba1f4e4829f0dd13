#include "models/networks/resnet.h"

#include "frontend/graph/error.h"
#include "frontend/graph/shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

namespace tailor::models {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

ResNetOptions options(std::int64_t depth, ResNetStem stem, std::int64_t classes) {
  ResNetOptions made = ResNetOptions::of_depth(depth);
  made.stem = stem;
  made.num_classes = classes;
  return made;
}

ResNetOptions resnext50(std::int64_t classes) {
  ResNetOptions made = options(50, ResNetStem::imagenet_224, classes);
  made.groups = 32;
  made.width_per_group = 4;
  return made;
}

// methods.md 10.
TEST(ResNet, Sizes) {
  using enum ResNetStem;
  const auto size = [](const ResNetOptions& options) { return ResNet(options).num_parameters(); };
  EXPECT_EQ(size(options(18, imagenet_224, 1000)), 11689512);
  EXPECT_EQ(size(options(18, imagenet_224, 10)), 11181642);
  EXPECT_EQ(size(options(18, imagenet_224, 100)), 11227812);
  EXPECT_EQ(size(options(18, cifar_3x3, 10)), 11173962);
  EXPECT_EQ(size(options(18, cifar_3x3, 100)), 11220132);
  EXPECT_EQ(size(options(34, imagenet_224, 1000)), 21797672);
  EXPECT_EQ(size(options(34, imagenet_224, 10)), 21289802);
  EXPECT_EQ(size(options(34, imagenet_224, 100)), 21335972);
  EXPECT_EQ(size(options(50, imagenet_224, 1000)), 25557032);
  EXPECT_EQ(size(options(50, imagenet_224, 10)), 23528522);
  EXPECT_EQ(size(options(50, imagenet_224, 100)), 23712932);
  EXPECT_EQ(size(options(50, cifar_3x3, 10)), 23520842);
  EXPECT_EQ(size(options(50, cifar_3x3, 100)), 23705252);
  EXPECT_EQ(size(options(101, imagenet_224, 1000)), 44549160);
  EXPECT_EQ(size(options(152, imagenet_224, 1000)), 60192808);
  EXPECT_EQ(size(options(152, imagenet_224, 10)), 58164298);
  EXPECT_EQ(size(options(152, imagenet_224, 100)), 58348708);
  EXPECT_EQ(size(resnext50(1000)), 25028904);
  EXPECT_EQ(size(resnext50(10)), 23000394);
  EXPECT_EQ(size(resnext50(2)), 22984002);
  EXPECT_EQ(size(resnext50(5)), 22990149);
}

using Tensors = std::map<std::string, Shape>;

void add_convolution(Tensors& tensors, const std::string& conv, const std::string& norm,
                     const Shape& weight) {
  tensors[conv + ".weight"] = weight;
  for (const char* tensor : {".weight", ".bias", ".running_mean", ".running_var"})
    tensors[norm + tensor] = {weight[0]};
}

/// What a torchvision checkpoint of a network with 1000 classes holds, *.num_batches_tracked left out.
Tensors of_torchvision(const std::vector<std::int64_t>& blocks, bool bottleneck, std::int64_t groups,
                       std::int64_t width_per_group) {
  Tensors tensors;
  add_convolution(tensors, "conv1", "bn1", {64, 3, 7, 7});
  std::int64_t in = 64, planes = 64;
  for (std::size_t stage = 0; stage < blocks.size(); ++stage, planes *= 2) {
    const std::int64_t out = bottleneck ? 4 * planes : planes, width = planes * width_per_group / 64 * groups;
    for (std::int64_t i = 0; i < blocks[stage]; ++i) {
      const std::string at = "layer" + std::to_string(stage + 1) + "." + std::to_string(i) + ".";
      if (bottleneck) {
        add_convolution(tensors, at + "conv1", at + "bn1", {width, in, 1, 1});
        add_convolution(tensors, at + "conv2", at + "bn2", {width, width / groups, 3, 3});
        add_convolution(tensors, at + "conv3", at + "bn3", {out, width, 1, 1});
      } else {
        add_convolution(tensors, at + "conv1", at + "bn1", {planes, in, 3, 3});
        add_convolution(tensors, at + "conv2", at + "bn2", {planes, planes, 3, 3});
      }
      if (i == 0 && (stage > 0 || in != out))
        add_convolution(tensors, at + "downsample.0", at + "downsample.1", {out, in, 1, 1});
      in = out;
    }
  }
  tensors["fc.weight"] = {1000, in};
  tensors["fc.bias"] = {1000};
  return tensors;
}

Tensors of_ours(const ResNetOptions& options) {
  Tensors tensors;
  const ResNet net(options);
  for (const auto& [name, tensor] : net.tensors())
    tensors[name] = tensor->state()->type.shape;
  return tensors;
}

TEST(ResNet, NamesAndShapesAreThoseOfTorchvision) {
  using enum ResNetStem;
  EXPECT_EQ(of_ours(options(18, imagenet_224, 1000)), of_torchvision({2, 2, 2, 2}, false, 1, 64));
  EXPECT_EQ(of_ours(options(34, imagenet_224, 1000)), of_torchvision({3, 4, 6, 3}, false, 1, 64));
  EXPECT_EQ(of_ours(options(50, imagenet_224, 1000)), of_torchvision({3, 4, 6, 3}, true, 1, 64));
  EXPECT_EQ(of_ours(options(152, imagenet_224, 1000)), of_torchvision({3, 8, 36, 3}, true, 1, 64));
  EXPECT_EQ(of_ours(resnext50(1000)), of_torchvision({3, 4, 6, 3}, true, 32, 4));
}

TEST(ResNet, Init) {
  const auto init = [](bool zero, const std::string& name) {
    ResNetOptions made = options(18, ResNetStem::cifar_3x3, 10);
    made.zero_init_residual = zero;
    const ResNet net(made);
    for (const auto& [known, tensor] : net.tensors())
      if (known == name) return tensor->state()->init;
    ADD_FAILURE() << "no " << name;
    return InitRule();
  };
  EXPECT_DOUBLE_EQ(init(false, "layer2.0.conv1.weight").value, std::sqrt(2.0 / (9 * 128)));
  EXPECT_EQ(init(false, "layer2.0.bn2.weight").kind, InitRule::Kind::ones);
  EXPECT_EQ(init(true, "layer2.0.bn2.weight").kind, InitRule::Kind::zeros);
  EXPECT_EQ(init(true, "layer2.0.bn1.weight").kind, InitRule::Kind::ones);
  EXPECT_EQ(init(true, "layer2.0.downsample.1.weight").kind, InitRule::Kind::ones);
}

TEST(ResNet, WhatIsNoneIsRefused) {
  EXPECT_THAT(
      [] { ResNetOptions::of_depth(20); },
      ThrowsMessage<TraceError>(AllOf(HasSubstr("there is no ResNet of depth 20"),
                                      HasSubstr("18, 34, 50, 101 or 152"), HasSubstr("CIFAR ResNets"))));
  EXPECT_THAT([] { ResNetOptions::of_depth(0); }, ThrowsMessage<TraceError>(HasSubstr("none is set")));
  EXPECT_THAT(
      [] {
        ResNetOptions made = options(18, ResNetStem::cifar_3x3, 10);
        made.groups = 32;
        made.width_per_group = 4;
        ResNet net(made);
      },
      ThrowsMessage<TraceError>(HasSubstr("a basic block has one group of 64, not 32 of 4")));
  EXPECT_THAT(
      [] {
        ResNetOptions made = options(50, ResNetStem::cifar_3x3, 10);
        made.planes = 8;
        made.groups = 3;
        made.width_per_group = 5;
        ResNet net(made);
      },
      ThrowsMessage<TraceError>(HasSubstr("8 planes do not make 3 groups of width 5 / 64")));
}

} // namespace
} // namespace tailor::models
