#include "models/networks/cifar_resnet.h"

#include "frontend/components/depth.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"
#include "frontend/ops/shaping.h"

namespace tailor::models {

namespace {

constexpr std::int64_t kWidths[] = {16, 32, 64};

nn::Conv2dOptions conv3x3(std::int64_t in, std::int64_t out, std::int64_t stride, CifarResNetInit init) {
  return {.kernel = 3,
          .stride = stride,
          .padding = 1,
          .bias = false,
          .init = nn::kaiming_normal(9 * (init == CifarResNetInit::fan_in ? in : out))};
}

nn::LinearOptions linear(CifarResNetInit init) {
  if (init == CifarResNetInit::fan_out) return {};
  return {.init = nn::kaiming_normal(kWidths[2])};
}

} // namespace

class CifarResNet::Block : public nn::Layer {
public:
  Block(std::int64_t in, std::int64_t out, std::int64_t stride, const CifarResNetOptions& options)
      : in_(in), out_(out), stride_(stride), zeros_(options.zeros),
        conv1_(in, out, conv3x3(in, out, stride, options.init)),
        conv2_(out, out, conv3x3(out, out, 1, options.init)), bn1_(out), bn2_(out) {
    add("conv1", conv1_);
    add("bn1", bn1_);
    add("conv2", conv2_);
    add("bn2", bn2_);
  }

  Array operator()(const Operand& x, const Context& context) override {
    Array input = x.array();
    Array y = relu(bn1_(conv1_(input, context), context));
    y = bn2_(conv2_(y, context), context);
    return relu(y + shortcut(input));
  }

private:
  Array shortcut(const Array& x) const {
    if (stride_ == 1 && in_ == out_) return x;
    const Array picked = slice(x, {0, 0, 0, 0}, x.shape().extents(), {1, stride_, stride_, 1});
    const std::int64_t added = out_ - in_, before = zeros_ == ShortcutZeros::sides ? added / 2 : 0;
    return pad(picked, {0, 0, 0, before}, {0, 0, 0, added - before});
  }

  std::int64_t in_, out_, stride_;
  ShortcutZeros zeros_;
  nn::Conv2d conv1_, conv2_;
  nn::BatchNorm bn1_, bn2_;
};

CifarResNet::CifarResNet(const CifarResNetOptions& options)
    : conv1_(options.channels, kWidths[0], conv3x3(options.channels, kWidths[0], 1, options.init)),
      bn1_(kWidths[0]),
      linear_(make_head(options.head, kWidths[2], options.num_classes, linear(options.init))) {
  const std::int64_t blocks = blocks_of_depth("cifar_resnet", options.depth, 6, 2);
  std::int64_t in = kWidths[0];
  nn::Sequential* const layers[] = {&layer1_, &layer2_, &layer3_};
  for (int stage = 0; stage < 3; ++stage)
    for (std::int64_t i = 0; i < blocks; ++i) {
      const std::int64_t out = kWidths[stage], stride = stage > 0 && i == 0 ? 2 : 1;
      layers[stage]->push(std::make_unique<Block>(in, out, stride, options));
      in = out;
    }
  add("conv1", conv1_);
  add("bn1", bn1_);
  add("layer1", layer1_);
  add("layer2", layer2_);
  add("layer3", layer3_);
  add("linear", *linear_);
}

Array CifarResNet::features(const Operand& image, const Context& context) {
  LocationScope scope(image.location());
  Array x = relu(bn1_(conv1_(image, context), context));
  return mean(layer3_(layer2_(layer1_(x, context), context), context), {1, 2});
}

Array CifarResNet::head(const Array& features, const Context& context) {
  return (*linear_)(features, context);
}

namespace {

struct CifarResNetKeys {
  ShortcutZeros shortcut_zeros = CifarResNetOptions().zeros;
  CifarResNetInit conv_init = CifarResNetOptions().init;

  static const runtime::KeySet<CifarResNetKeys>& keys();
};

const runtime::KeySet<CifarResNetKeys>& CifarResNetKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<CifarResNetKeys> set{
      "model.",
      {
          key("shortcut_zeros", &CifarResNetKeys::shortcut_zeros,
              {.stage = runtime::kCompiled,
               .text = "where shortcut A puts its zero channels: half on each side, or all at the end",
               .source = "methods 10.2"}),
          key("conv_init", &CifarResNetKeys::conv_init,
              {.stage = runtime::kCompiled,
               .text = "fan of the convolutions' normal law; the linear layer follows with fan_in",
               .source = "methods 10.2"}),
      }};
  return set;
}

std::unique_ptr<Network> make_cifar_resnet(const ModelRequest& request) {
  const auto keys = component_keys<CifarResNetKeys>(request.options);
  return as_network_of_images(std::make_unique<CifarResNet>(
      CifarResNetOptions{.depth = component_keys<DepthKeys>(request.options).depth,
                         .channels = request.schema.image_channels,
                         .num_classes = request.outputs,
                         .zeros = keys.shortcut_zeros,
                         .init = keys.conv_init,
                         .head = component_keys<HeadKeys>(request.options).head}));
}

const Registered<ModelSpec> registered{
    {.name = "cifar_resnet",
     .text = "ResNet of 6n + 2 layers for small images (8, 20, 32, 44, 56, 110), shortcut A",
     .source = "methods 10.2",
     .keys = all_keys<DepthKeys, CifarResNetKeys, HeadKeys>(),
     .input = InputKind::image,
     .make = make_cifar_resnet}};

} // namespace

} // namespace tailor::models
