#pragma once

#include "frontend/nn/batch_norm.h"
#include "frontend/nn/conv2d.h"
#include "frontend/nn/linear.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace tailor::models {

struct CifarResNetOptions {
  int depth = 32; ///< 6n + 2: 8, 20, 32, ...
  std::int64_t channels = 3;
  std::int64_t num_classes = 10;
};

/// CIFAR ResNet of depth 6n + 2: conv3x3 to 16, BN, ReLU; stages of 16, 32, 64 channels with n
/// post-activation basic blocks, strides 1, 2, 2; global average pool; Linear. Shortcut A: every second
/// pixel, channels zero-padded by a quarter of the new width on each side.
///
/// Names    conv1, bn1, layer1.0.conv1, ..., linear (LDAM authors' code).
/// Init     kaiming normal, fan in, for convolutions and the linear weight; linear bias
///          U(+-1/sqrt(fan_in)).
/// Size     75,290 (depth 8), 269,722 (20), 464,154 (32) parameters with 10 classes.
/// Source   methods.md 10.2; He et al. 2015 section 4.2.
class CifarResNet : public nn::Module {
public:
  /// TraceError unless depth = 6n + 2 with n >= 1.
  explicit CifarResNet(const CifarResNetOptions& options = {});

  /// Pooled activations: [N, 64].
  Array features(const Operand& image, const Context& context);
  /// The linear layer on what features() gave: logits [N, K].
  Array head(const Array& features, const Context& context);
  /// image [N, H, W, C] -> logits [N, K].
  Array operator()(const Operand& image, const Context& context);

private:
  class Block : public nn::Module {
  public:
    Block(std::int64_t in, std::int64_t out, std::int64_t stride);
    Array operator()(const Operand& x, const Context& context);

  private:
    std::int64_t in_, out_, stride_;
    nn::Conv2d conv1_, conv2_;
    nn::BatchNorm bn1_, bn2_;
  };
  class StageBlocks : public nn::Module {
  public:
    StageBlocks(std::int64_t in, std::int64_t out, std::int64_t stride, int blocks);
    Array operator()(const Operand& x, const Context& context);

  private:
    std::vector<std::unique_ptr<Block>> blocks_;
  };

  nn::Conv2d conv1_;
  nn::BatchNorm bn1_;
  StageBlocks layer1_, layer2_, layer3_;
  nn::Linear linear_;
};

} // namespace tailor::models
