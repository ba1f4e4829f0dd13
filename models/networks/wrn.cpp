#include "models/networks/wrn.h"

#include "frontend/components/depth.h"
#include "frontend/nn/dropout.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"

namespace tailor::models {

namespace {

/// kernel 3 or 1, which keeps the side of the image where the stride is 1.
nn::Conv2dOptions conv(std::int64_t in, std::int64_t kernel, std::int64_t stride, WrnVariant variant) {
  nn::Conv2dOptions options{.kernel = kernel, .stride = stride, .padding = kernel / 2};
  options.bias = variant == WrnVariant::raw;
  if (variant == WrnVariant::activated) options.init = nn::kaiming_normal(in * kernel * kernel);
  return options;
}

std::int64_t widen_factor(const WrnOptions& options) {
  if (options.widen_factor < 1)
    throw TraceError("wrn",
                     options.widen_factor == 0
                         ? "WRN-d-k needs its k, and none is set"
                         : "the widen factor must be at least 1, not " + std::to_string(options.widen_factor),
                     {}, "a widen_factor of 10 makes WRN-28-10 of depth 28");
  return options.widen_factor;
}

} // namespace

class Wrn::Block : public nn::Layer {
public:
  Block(std::int64_t in, std::int64_t out, std::int64_t stride, const WrnOptions& options)
      : variant_(options.variant), bn1_(in),
        conv1_(in, out, conv(in, 3, variant_ == WrnVariant::activated ? stride : 1, variant_)),
        dropout_(options.dropout), bn2_(out),
        conv2_(out, out, conv(out, 3, variant_ == WrnVariant::raw ? stride : 1, variant_)) {
    add("bn1", bn1_);
    add("conv1", conv1_);
    add("bn2", bn2_);
    add("conv2", conv2_);
    if (stride == 1 && in == out) return;
    shortcut_.emplace<nn::Conv2d>(in, out, conv(in, 1, stride, variant_));
    add("shortcut", shortcut_);
  }

  Array operator()(const Operand& x, const Context& context) override {
    const Array input = x.array();
    const Array activated = relu(bn1_(input, context));
    Array y = dropout_(conv1_(activated, context), context);
    y = conv2_(relu(bn2_(y, context)), context);
    if (shortcut_.size() == 0) return y + input;
    return y + shortcut_(variant_ == WrnVariant::activated ? activated : input, context);
  }

private:
  WrnVariant variant_;
  nn::BatchNorm bn1_;
  nn::Conv2d conv1_;
  nn::Dropout dropout_;
  nn::BatchNorm bn2_;
  nn::Conv2d conv2_;
  nn::Sequential shortcut_; ///< empty: the input itself
};

Wrn::Wrn(const WrnOptions& options)
    : conv1_(options.channels, 16, conv(options.channels, 3, 1, options.variant)),
      bn1_(64 * widen_factor(options), {.momentum = options.variant == WrnVariant::raw ? 0.9 : 0.1}),
      linear_(make_head(options.head, 64 * options.widen_factor, options.num_classes)) {
  const std::int64_t blocks = blocks_of_depth("wrn", options.depth, 6, 4);
  std::int64_t in = 16;
  nn::Sequential* const layers[] = {&layer1_, &layer2_, &layer3_};
  for (int stage = 0; stage < 3; ++stage)
    for (std::int64_t i = 0; i < blocks; ++i) {
      const std::int64_t out = (std::int64_t{16} << stage) * options.widen_factor;
      layers[stage]->push(std::make_unique<Block>(in, out, stage > 0 && i == 0 ? 2 : 1, options));
      in = out;
    }
  add("conv1", conv1_);
  add("layer1", layer1_);
  add("layer2", layer2_);
  add("layer3", layer3_);
  add("bn1", bn1_);
  add("linear", *linear_);
}

Array Wrn::features(const Operand& image, const Context& context) {
  LocationScope scope(image.location());
  const Array x = layer3_(layer2_(layer1_(conv1_(image, context), context), context), context);
  return mean(relu(bn1_(x, context)), {1, 2});
}

Array Wrn::head(const Array& features, const Context& context) {
  return (*linear_)(features, context);
}

namespace {

struct WrnKeys {
  std::int64_t widen_factor = WrnOptions().widen_factor;
  WrnVariant variant = WrnOptions().variant;
  double dropout = WrnOptions().dropout;

  static const runtime::KeySet<WrnKeys>& keys();
};

const runtime::KeySet<WrnKeys>& WrnKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<WrnKeys> set{
      "model.",
      {
          key("widen_factor", &WrnKeys::widen_factor,
              {.stage = runtime::kCompiled,
               .min = 1,
               .max = 1000, // far beyond any published network, and still no overflow of a size
               .text = "k of WRN-d-k: times 16, 32, 64 channels",
               .source = "methods 10.1",
               .unset = true}),
          key("variant", &WrnKeys::variant,
              {.stage = runtime::kCompiled,
               .text =
                   "what the 1x1 shortcuts read; raw has the stride on the second convolution, and biases",
               .source = "methods 10.1"}),
          key("dropout", &WrnKeys::dropout,
              {.stage = runtime::kCompiled,
               .min = 0,
               .max = 0.99,
               .text = "share of the activations that dropout sets to 0 in training",
               .source = "methods 10.1"}),
      }};
  return set;
}

std::unique_ptr<Network> make_wrn(const ModelRequest& request) {
  const auto keys = component_keys<WrnKeys>(request.options);
  return as_network_of_images(
      std::make_unique<Wrn>(WrnOptions{.depth = component_keys<DepthKeys>(request.options).depth,
                                       .widen_factor = keys.widen_factor,
                                       .channels = request.schema.image_channels,
                                       .num_classes = request.outputs,
                                       .variant = keys.variant,
                                       .dropout = keys.dropout,
                                       .head = component_keys<HeadKeys>(request.options).head}));
}

const Registered<ModelSpec> registered{
    {.name = "wrn",
     .text = "wide ResNet WRN-d-k of d = 6n + 4 layers (10, 16, 22, 28, 40) and k times the channels",
     .source = "methods 10.1",
     .keys = all_keys<DepthKeys, WrnKeys, HeadKeys>(),
     .input = InputKind::image,
     .make = make_wrn}};

} // namespace

} // namespace tailor::models
