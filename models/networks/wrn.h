#pragma once

#include "frontend/components/head.h"
#include "frontend/components/image_network.h"
#include "frontend/nn/batch_norm.h"
#include "frontend/nn/conv2d.h"
#include "frontend/nn/sequential.h"

#include <cstdint>
#include <memory>

namespace tailor::models {

/// The two published forms of a block (methods.md 10.1).
enum class WrnVariant : std::uint8_t {
  /// Stride on the first convolution; a 1x1 shortcut reads the activated input; no convolution has a bias. Normal law by
  /// fan-in (SAM; Zagoruyko and Komodakis 2016).
  activated,
  /// Stride on the second convolution; a 1x1 shortcut reads the input as it is; every convolution has a bias. Init
  /// U(+-1/sqrt(fan_in)); the last batch norm has momentum 0.9 (the code of the paper on simple methods, TrivialAugment).
  raw
};

struct WrnOptions {
  std::int64_t depth = 0;        ///< 6n + 4: 10, 16, 22, 28, 40
  std::int64_t widen_factor = 0; ///< k: 10 of WRN-28-10
  std::int64_t channels = 3;
  std::int64_t num_classes = 10;
  WrnVariant variant = WrnVariant::activated;
  double dropout = 0; ///< behind the first convolution of a block
  Head head = Head::linear;
};

/// Wide ResNet WRN-d-k: conv3x3 to 16; stages of 16k, 32k, 64k channels with n blocks, strides 1, 2, 2; BN, ReLU, global
/// average pool; the head.
///
///   a = relu(bn1(x));   y = conv2(relu(bn2(dropout(conv1(a))))) + shortcut
///
/// with x itself as the shortcut, or a 1x1 convolution where stride or width change (WrnVariant).
///
/// Shapes   image [N, H, W, channels]; features [N, 64k]; logits [N, num_classes].
/// Names    conv1, layer1.0.bn1, layer1.0.conv1, ..., layer1.0.shortcut.0, bn1, linear.
/// Size     WRN-28-10 with 10 classes: 36,479,194 parameters (activated), 36,489,290 (raw).
/// Source   methods.md 10.1.
class Wrn : public ImageNetwork {
public:
  /// TraceError unless depth = 6n + 4 with n >= 1 and widen_factor >= 1.
  explicit Wrn(const WrnOptions& options);

  Array features(const Operand& image, const Context& context) override;
  Array head(const Array& features, const Context& context) override;

private:
  class Block;

  nn::Conv2d conv1_;
  nn::Sequential layer1_, layer2_, layer3_;
  nn::BatchNorm bn1_;
  std::unique_ptr<nn::Layer> linear_;
};

} // namespace tailor::models

template <> struct tailor::runtime::Words<tailor::models::WrnVariant> {
  using WrnVariant = tailor::models::WrnVariant;
  static constexpr std::pair<WrnVariant, const char*> kAll[] = {{WrnVariant::activated, "activated"},
                                                                {WrnVariant::raw, "raw"}};
};
