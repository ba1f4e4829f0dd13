#pragma once

#include "frontend/components/head.h"
#include "frontend/components/image_network.h"
#include "frontend/nn/batch_norm.h"
#include "frontend/nn/conv2d.h"
#include "frontend/nn/sequential.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace tailor::models {

/// What comes before the first stage (methods.md 10).
enum class ResNetStem : std::uint8_t {
  imagenet_224, ///< conv7x7 of stride 2, BN, ReLU, 3x3 max-pool of stride 2: for images of about 224 pixels
  cifar_3x3     ///< conv3x3 of stride 1, BN, ReLU: for images of about 32 pixels
};

enum class ResNetBlock : std::uint8_t {
  basic,     ///< 3x3, 3x3
  bottleneck ///< 1x1, 3x3 with the stride and the groups, 1x1 to four times the planes
};

struct ResNetOptions {
  ResNetBlock block = ResNetBlock::basic;
  std::vector<std::int64_t> blocks = {}; ///< of each stage
  std::int64_t planes = 64;              ///< of the first stage, doubled by every further one
  std::int64_t groups = 1;               ///< of the 3x3 convolution of a bottleneck
  std::int64_t width_per_group = 64;     ///< of a bottleneck: width = planes * width_per_group / 64 * groups
  std::int64_t channels = 3;
  std::int64_t num_classes = 10;
  ResNetStem stem = ResNetStem::cifar_3x3;
  bool zero_init_residual = false; ///< the last norm of a block starts with weight 0
  Head head = Head::linear;

  /// Block and blocks of a published depth: 18, 34 (basic), 50, 101, 152 (bottleneck).
  /// Errors   TraceError for any other depth.
  static ResNetOptions of_depth(std::int64_t depth);
};

/// ResNet and ResNeXt of ImageNet: stem; stages of 64, 128, 256, 512 planes with strides 1, 2, 2, 2 of post-activation
/// blocks; global average pool; the head. Shortcut: conv1x1 and BN where stride or channels change.
///
/// Shapes   image [N, H, W, channels]; features [N, 512] (basic) or [N, 2048]; logits [N, num_classes].
/// Names    those of torchvision: conv1, bn1, layer1.0.conv1, layer1.0.downsample.0, ..., fc.
/// Init     convolutions normal with sqrt(2 / (k^2 C_out)); fc U(+-1/sqrt(fan_in)).
/// Size     with 1000 classes and imagenet_224: 11,689,512 (18), 21,797,672 (34), 25,557,032 (50), 60,192,808 (152);
///          ResNeXt-50-32x4d 25,028,904 parameters.
/// Source   methods.md 10.3.
class ResNet : public ImageNetwork {
public:
  /// TraceError without stages, for a stage without blocks, and for groups that a block does not have.
  explicit ResNet(const ResNetOptions& options);

  Array features(const Operand& image, const Context& context) override;
  Array head(const Array& features, const Context& context) override;

private:
  class Block;

  ResNetStem stem_;
  nn::Conv2d conv1_;
  nn::BatchNorm bn1_;
  std::vector<std::unique_ptr<nn::Sequential>> layers_;
  std::unique_ptr<nn::Layer> fc_;
};

} // namespace tailor::models

template <> struct tailor::runtime::Words<tailor::models::ResNetStem> {
  using ResNetStem = tailor::models::ResNetStem;
  static constexpr std::pair<ResNetStem, const char*> kAll[] = {{ResNetStem::imagenet_224, "imagenet_224"},
                                                                {ResNetStem::cifar_3x3, "cifar_3x3"}};
};
