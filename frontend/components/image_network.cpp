#include "frontend/components/image_network.h"

#include "frontend/ops/shaping.h"

#include <utility>

namespace tailor {

Array ImageNetwork::operator()(const Operand& image, const Context& context) {
  LocationScope scope(image.location());
  return head(features(image, context), context);
}

namespace {

class NetworkOfImages final : public Network {
public:
  explicit NetworkOfImages(std::unique_ptr<ImageNetwork> net) : net_(std::move(net)) {}

  nn::Module& module() override { return *net_; }
  Array logits(const Batch& batch, const Context& context) override {
    return logits_of(inputs(batch), context);
  }
  Array inputs(const Batch& batch) override { return batch.image; }
  Array logits_of(const Array& inputs, const Context& context) override {
    return evaluate(inputs, context).logits;
  }
  Outputs evaluate(const Batch& batch, const Context& context) override {
    return evaluate(inputs(batch), context);
  }

private:
  Outputs evaluate(const Array& image, const Context& context) {
    const Array features = net_->features(image, context);
    const Array logits = net_->head(features, context);
    const std::int64_t rows = logits.shape()[0], outputs = logits.shape()[1];
    return {.logits = outputs == 1 ? reshape(logits, {rows}) : logits, .features = features};
  }

  std::unique_ptr<ImageNetwork> net_;
};

} // namespace

std::unique_ptr<Network> as_network_of_images(std::unique_ptr<ImageNetwork> net) {
  return std::make_unique<NetworkOfImages>(std::move(net));
}

} // namespace tailor
