#include "models/networks/cifar_resnet.h"

#include "frontend/components/model.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/reduction.h"
#include "frontend/ops/shaping.h"

namespace tailor::models {

namespace {

nn::Conv2dOptions conv3x3(std::int64_t in, std::int64_t stride) {
  nn::Conv2dOptions options;
  options.kernel = 3;
  options.stride = stride;
  options.padding = 1;
  options.bias = false;
  options.init = nn::kaiming_normal(in * 9);
  return options;
}

int blocks_per_stage(int depth) {
  if (depth < 8 || (depth - 2) % 6 != 0)
    throw TraceError("cifar_resnet", "the depth must be 6n + 2, at least 8, not " + std::to_string(depth), {},
                     "8, 20, 32, 44, 56, 110");
  return (depth - 2) / 6;
}

} // namespace

CifarResNet::Block::Block(std::int64_t in, std::int64_t out, std::int64_t stride)
    : in_(in), out_(out), stride_(stride), conv1_(in, out, conv3x3(in, stride)),
      conv2_(out, out, conv3x3(out, 1)), bn1_(out), bn2_(out) {
  add("conv1", conv1_);
  add("bn1", bn1_);
  add("conv2", conv2_);
  add("bn2", bn2_);
}

Array CifarResNet::Block::operator()(const Operand& x, const Context& context) {
  Array input = x.array();
  Array y = relu(bn1_(conv1_(input, context), context));
  y = bn2_(conv2_(y, context), context);
  Array shortcut = input;
  if (stride_ != 1 || in_ != out_) {
    const Shape& shape = input.shape();
    shortcut = slice(input, {0, 0, 0, 0}, shape.extents(), {1, stride_, stride_, 1});
    std::int64_t added = out_ - in_;
    shortcut = pad(shortcut, {0, 0, 0, added / 2}, {0, 0, 0, added - added / 2});
  }
  return relu(y + shortcut);
}

CifarResNet::StageBlocks::StageBlocks(std::int64_t in, std::int64_t out, std::int64_t stride, int blocks) {
  for (int i = 0; i < blocks; ++i) {
    blocks_.push_back(std::make_unique<Block>(i == 0 ? in : out, out, i == 0 ? stride : 1));
    add(std::to_string(i), *blocks_.back());
  }
}

Array CifarResNet::StageBlocks::operator()(const Operand& x, const Context& context) {
  Array value = x.array();
  for (const std::unique_ptr<Block>& block : blocks_)
    value = (*block)(value, context);
  return value;
}

CifarResNet::CifarResNet(const CifarResNetOptions& options)
    : conv1_(options.channels, 16, conv3x3(options.channels, 1)), bn1_(16),
      layer1_(16, 16, 1, blocks_per_stage(options.depth)),
      layer2_(16, 32, 2, blocks_per_stage(options.depth)),
      layer3_(32, 64, 2, blocks_per_stage(options.depth)),
      linear_(64, options.num_classes, {.bias = true, .init = nn::kaiming_normal(64)}) {
  add("conv1", conv1_);
  add("bn1", bn1_);
  add("layer1", layer1_);
  add("layer2", layer2_);
  add("layer3", layer3_);
  add("linear", linear_);
}

Array CifarResNet::features(const Operand& image, const Context& context) {
  LocationScope scope(image.location());
  Array x = relu(bn1_(conv1_(image, context), context));
  return mean(layer3_(layer2_(layer1_(x, context), context), context), {1, 2});
}

Array CifarResNet::head(const Array& features, const Context& context) {
  return linear_(features, context);
}

Array CifarResNet::operator()(const Operand& image, const Context& context) {
  LocationScope scope(image.location());
  return head(features(image, context), context);
}

namespace {

/// The network as recipes use it: reads the image of a batch.
class RecipeResNet : public CifarResNet {
public:
  using CifarResNet::CifarResNet;
  Array features(const Batch& batch, const Context& context) {
    return CifarResNet::features(batch.image, context);
  }
  Array logits(const Array& features, const Context& context) { return head(features, context); }
  Array operator()(const Batch& batch, const Context& context) {
    return logits(features(batch, context), context);
  }
};

ModelSpec resnet(int depth) {
  const std::string name = "resnet" + std::to_string(depth);
  return {.name = name,
          .text = "CIFAR ResNet of " + std::to_string(depth) + " layers, shortcut A",
          .source = "methods 10.2",
          .input = InputKind::image,
          .make = [depth](const ModelRequest& request) {
            return as_network(std::make_unique<RecipeResNet>(CifarResNetOptions{
                .depth = depth, .channels = request.schema.image_channels, .num_classes = request.outputs}));
          }};
}

const Registered<ModelSpec> resnet8{resnet(8)}, resnet20{resnet(20)}, resnet32{resnet(32)};

} // namespace

} // namespace tailor::models
