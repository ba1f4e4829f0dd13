#include "models/networks/resnet.h"

#include "frontend/components/depth.h"
#include "frontend/ops/convolution.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"

#include <map>
#include <string>

namespace tailor::models {

namespace {

nn::Conv2dOptions conv(std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t groups = 1) {
  return {.kernel = kernel,
          .stride = stride,
          .padding = kernel / 2,
          .groups = groups,
          .bias = false,
          .init = nn::kaiming_normal(kernel * kernel * out)};
}

std::int64_t expansion(ResNetBlock block) {
  return block == ResNetBlock::bottleneck ? 4 : 1;
}

void check(const ResNetOptions& options) {
  const auto fail = [](const std::string& what, const std::string& hint = "") {
    throw TraceError("resnet", what, {}, hint);
  };
  if (options.blocks.empty()) fail("there is no stage", "ResNetOptions::of_depth(50)");
  for (const std::int64_t blocks : options.blocks)
    if (blocks < 1) fail("a stage of " + std::to_string(blocks) + " blocks is none");
  const bool is_plain = options.groups == 1 && options.width_per_group == 64;
  if (options.block == ResNetBlock::basic && !is_plain)
    fail("a basic block has one group of 64, not " + std::to_string(options.groups) + " of " +
             std::to_string(options.width_per_group),
         "groups belong to bottleneck blocks: depth 50, 101 or 152");
  if (options.groups < 1 || options.width_per_group < 1 || options.planes * options.width_per_group % 64 != 0)
    fail(std::to_string(options.planes) + " planes do not make " + std::to_string(options.groups) +
         " groups of width " + std::to_string(options.width_per_group) + " / 64");
}

} // namespace

ResNetOptions ResNetOptions::of_depth(std::int64_t depth) {
  static const std::map<std::int64_t, std::pair<ResNetBlock, std::vector<std::int64_t>>> published = {
      {18, {ResNetBlock::basic, {2, 2, 2, 2}}},
      {34, {ResNetBlock::basic, {3, 4, 6, 3}}},
      {50, {ResNetBlock::bottleneck, {3, 4, 6, 3}}},
      {101, {ResNetBlock::bottleneck, {3, 4, 23, 3}}},
      {152, {ResNetBlock::bottleneck, {3, 8, 36, 3}}}};
  const auto found = published.find(depth);
  if (found == published.end())
    throw TraceError("resnet",
                     depth == 0 ? "there are several depths, and none is set"
                                : "there is no ResNet of depth " + std::to_string(depth),
                     {},
                     runtime::key_name(&DepthKeys::depth) +
                         " = 18, 34, 50, 101 or 152 (depths of 6n + 2 are CIFAR ResNets)");
  ResNetOptions options;
  options.block = found->second.first;
  options.blocks = found->second.second;
  return options;
}

class ResNet::Block : public nn::Layer {
public:
  Block(std::int64_t in, std::int64_t planes, std::int64_t stride, const ResNetOptions& options) {
    const InitRule last = options.zero_init_residual ? InitRule::zeros() : InitRule::ones();
    const std::int64_t out = planes * expansion(options.block);
    if (options.block == ResNetBlock::basic) {
      append(in, planes, 3, stride, 1, InitRule::ones());
      append(planes, planes, 3, 1, 1, last);
    } else {
      const std::int64_t width = planes * options.width_per_group / 64 * options.groups;
      append(in, width, 1, 1, 1, InitRule::ones());
      append(width, width, 3, stride, options.groups, InitRule::ones());
      append(width, out, 1, 1, 1, last);
    }
    if (stride == 1 && in == out) return;
    downsample_.emplace<nn::Conv2d>(in, out, conv(out, 1, stride)).emplace<nn::BatchNorm>(out);
    add("downsample", downsample_);
  }

  Array operator()(const Operand& x, const Context& context) override {
    const Array input = x.array();
    Array y = input;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      y = steps_[i]->norm(steps_[i]->conv(y, context), context);
      if (i + 1 < steps_.size()) y = relu(y);
    }
    return relu(y + (downsample_.size() == 0 ? input : downsample_(input, context)));
  }

private:
  struct Step {
    nn::Conv2d conv;
    nn::BatchNorm norm;
  };

  void append(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
              std::int64_t groups, const InitRule& weight) {
    steps_.push_back(std::unique_ptr<Step>(new Step{nn::Conv2d(in, out, conv(out, kernel, stride, groups)),
                                                    nn::BatchNorm(out, {.init = weight})}));
    const std::string place = std::to_string(steps_.size());
    add("conv" + place, steps_.back()->conv);
    add("bn" + place, steps_.back()->norm);
  }

  std::vector<std::unique_ptr<Step>> steps_;
  nn::Sequential downsample_; ///< empty: the input itself
};

ResNet::ResNet(const ResNetOptions& options)
    : stem_(options.stem), conv1_(options.channels, options.planes,
                                  options.stem == ResNetStem::imagenet_224 ? conv(options.planes, 7, 2)
                                                                           : conv(options.planes, 3, 1)),
      bn1_(options.planes) {
  check(options);
  add("conv1", conv1_);
  add("bn1", bn1_);
  std::int64_t in = options.planes, planes = options.planes;
  for (std::size_t stage = 0; stage < options.blocks.size(); ++stage, planes *= 2) {
    nn::Sequential& layer = *layers_.emplace_back(std::make_unique<nn::Sequential>());
    for (std::int64_t i = 0; i < options.blocks[stage]; ++i) {
      layer.push(std::make_unique<Block>(in, planes, stage > 0 && i == 0 ? 2 : 1, options));
      in = planes * expansion(options.block);
    }
    add("layer" + std::to_string(stage + 1), layer);
  }
  fc_ = make_head(options.head, in, options.num_classes);
  add("fc", *fc_);
}

Array ResNet::features(const Operand& image, const Context& context) {
  LocationScope scope(image.location());
  Array x = relu(bn1_(conv1_(image, context), context));
  if (stem_ == ResNetStem::imagenet_224)
    x = max_pool2d(x, {.window = {3, 3}, .strides = {2, 2}, .padding = {1, 1, 1, 1}});
  for (const std::unique_ptr<nn::Sequential>& layer : layers_)
    x = (*layer)(x, context);
  return mean(x, {1, 2});
}

Array ResNet::head(const Array& features, const Context& context) {
  return (*fc_)(features, context);
}

namespace {

struct ResNetKeys {
  ResNetStem stem = ResNetOptions().stem;
  bool zero_init_residual = ResNetOptions().zero_init_residual;

  static const runtime::KeySet<ResNetKeys>& keys();
};

const runtime::KeySet<ResNetKeys>& ResNetKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<ResNetKeys> set{
      "model.",
      {
          key("stem", &ResNetKeys::stem,
              {.stage = runtime::kCompiled,
               .text = "first layers: 7x7 of stride 2 and max-pool, or 3x3 of stride 1 for small images",
               .source = "methods 10"}),
          key("zero_init_residual", &ResNetKeys::zero_init_residual,
              {.stage = runtime::kCompiled,
               .text = "the last norm of a block starts with weight 0: the block as its shortcut",
               .source = "methods 10.3"}),
      }};
  return set;
}

/// Of ResNeXt-50-32x4d.
struct ResNextKeys {
  std::int64_t groups = 32;
  std::int64_t width_per_group = 4;

  static const runtime::KeySet<ResNextKeys>& keys();
};

const runtime::KeySet<ResNextKeys>& ResNextKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<ResNextKeys> set{
      "model.",
      {
          key("groups", &ResNextKeys::groups,
              {.stage = runtime::kCompiled,
               .min = 1,
               .max = 4096, // wider than any published network
               .text = "groups of the 3x3 convolutions: 32 of 32x4d",
               .source = "methods 10.3"}),
          key("width_per_group", &ResNextKeys::width_per_group,
              {.stage = runtime::kCompiled,
               .min = 1,
               .max = 4096,
               .text = "channels of a group in the first stage: 4 of 32x4d",
               .source = "methods 10.3"}),
      }};
  return set;
}

ResNetOptions options_of(const ModelRequest& request) {
  const auto keys = component_keys<ResNetKeys>(request.options);
  ResNetOptions options = ResNetOptions::of_depth(component_keys<DepthKeys>(request.options).depth);
  options.channels = request.schema.image_channels;
  options.num_classes = request.outputs;
  options.stem = keys.stem;
  options.zero_init_residual = keys.zero_init_residual;
  options.head = component_keys<HeadKeys>(request.options).head;
  return options;
}

const Registered<ModelSpec> resnet{
    {.name = "resnet",
     .text = "ImageNet ResNet of 18, 34, 50, 101 or 152 layers, torchvision's names",
     .source = "methods 10.3",
     .keys = all_keys<DepthKeys, ResNetKeys, HeadKeys>(),
     .input = InputKind::image,
     .make = [](const ModelRequest& request) {
       return as_network_of_images(std::make_unique<ResNet>(options_of(request)));
     }}};

std::unique_ptr<Network> make_resnext(const ModelRequest& request) {
  const auto keys = component_keys<ResNextKeys>(request.options);
  try {
    ResNetOptions options = options_of(request);
    options.groups = keys.groups;
    options.width_per_group = keys.width_per_group;
    return as_network_of_images(std::make_unique<ResNet>(options));
  } catch (const TraceError& error) { // by the name that the recipe says
    throw TraceError("resnext", error.message(), error.location(), error.hint());
  }
}

const Registered<ModelSpec> resnext{{.name = "resnext",
                                     .text = "ResNeXt of 50, 101 or 152 layers, torchvision's names",
                                     .source = "methods 10.3",
                                     .keys = all_keys<DepthKeys, ResNetKeys, ResNextKeys, HeadKeys>(),
                                     .input = InputKind::image,
                                     .make = make_resnext}};

} // namespace

} // namespace tailor::models
