#pragma once

#include "frontend/components/head.h"
#include "frontend/components/image_network.h"
#include "frontend/nn/batch_norm.h"
#include "frontend/nn/conv2d.h"
#include "frontend/nn/sequential.h"

#include <cstdint>
#include <memory>

namespace tailor::models {

/// Where shortcut A puts its zero channels: the sources differ (methods.md 10.2).
enum class ShortcutZeros : std::uint8_t {
  sides, ///< half of them on each side (LDAM)
  end    ///< all behind (M2m)
};

/// Standard deviation of the convolutions' normal law (methods.md 10.2).
enum class CifarResNetInit : std::uint8_t {
  fan_in, ///< sqrt(2 / (9 C_in)), the linear weight by its own fan-in too (LDAM)
  fan_out ///< sqrt(2 / (9 C_out)), the linear layer as every other one (M2m)
};

struct CifarResNetOptions {
  std::int64_t depth = 0; ///< 6n + 2: 8, 20, 32, 44, 56, 110
  std::int64_t channels = 3;
  std::int64_t num_classes = 10;
  ShortcutZeros zeros = ShortcutZeros::sides;
  CifarResNetInit init = CifarResNetInit::fan_in;
  Head head = Head::linear;
};

/// CIFAR ResNet of depth 6n + 2: conv3x3 to 16, BN, ReLU; stages of 16, 32, 64 channels with n
/// post-activation basic blocks, strides 1, 2, 2; global average pool; the head. Shortcut A: every second
/// pixel, zeros for the channels that are new.
///
/// Shapes   image [N, H, W, channels]; features [N, 64]; logits [N, num_classes].
/// Names    conv1, bn1, layer1.0.conv1, ..., linear (LDAM authors' code).
/// Init     CifarResNetInit; linear bias U(+-1/sqrt(fan_in)).
/// Size     75,290 (depth 8), 269,722 (20), 464,154 (32), 853,018 (56), 1,727,962 (110) parameters with 10 classes.
/// Source   methods.md 10.2; He et al. 2015 section 4.2.
class CifarResNet : public ImageNetwork {
public:
  /// TraceError unless depth = 6n + 2 with n >= 1.
  explicit CifarResNet(const CifarResNetOptions& options);

  Array features(const Operand& image, const Context& context) override;
  Array head(const Array& features, const Context& context) override;

private:
  class Block;

  nn::Conv2d conv1_;
  nn::BatchNorm bn1_;
  nn::Sequential layer1_, layer2_, layer3_;
  std::unique_ptr<nn::Layer> linear_;
};

} // namespace tailor::models

template <> struct tailor::runtime::Words<tailor::models::ShortcutZeros> {
  using ShortcutZeros = tailor::models::ShortcutZeros;
  static constexpr std::pair<ShortcutZeros, const char*> kAll[] = {{ShortcutZeros::sides, "sides"},
                                                                   {ShortcutZeros::end, "end"}};
};

template <> struct tailor::runtime::Words<tailor::models::CifarResNetInit> {
  using CifarResNetInit = tailor::models::CifarResNetInit;
  static constexpr std::pair<CifarResNetInit, const char*> kAll[] = {{CifarResNetInit::fan_in, "fan_in"},
                                                                     {CifarResNetInit::fan_out, "fan_out"}};
};
