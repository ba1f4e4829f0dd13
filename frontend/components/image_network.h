#pragma once

#include "frontend/components/model.h"

namespace tailor {

/// A network that reads one image.
class ImageNetwork : public nn::Module {
public:
  /// image [N, H, W, C] -> what the last layer reads: [N, D].
  virtual Array features(const Operand& image, const Context& context) = 0;
  /// The last layer on what features() gave: logits [N, outputs].
  virtual Array head(const Array& features, const Context& context) = 0;
  /// head(features(image)): [N, outputs].
  Array operator()(const Operand& image, const Context& context);
};

/// The network as recipes use it: reads the image of a batch, writes its features in predict, lets methods mix rows, and
/// gives [N] for one output.
std::unique_ptr<Network> as_network_of_images(std::unique_ptr<ImageNetwork> net);

} // namespace tailor
