// Small ResNets of two stages: basic blocks, grouped bottlenecks behind the 7x7 stem, depthwise ones.
#include "models/networks/resnet.h"
#include "tests/golden/recorded_program.h"

namespace tailor::golden {
namespace {

using models::ResNetBlock;
using models::ResNetStem;

void add(const std::string& name, const models::ResNetOptions& network) {
  add_recorded_images(name, [network](const Recording& recording) {
    models::ResNetOptions options = network;
    options.channels = recording.input[2];
    options.num_classes = recording.num_classes();
    return std::make_unique<models::ResNet>(options);
  });
}

[[maybe_unused]] const bool added = [] {
  add("resnet_basic", {.block = ResNetBlock::basic, .blocks = {1, 1}, .planes = 8});
  add("resnext", {.block = ResNetBlock::bottleneck,
                  .blocks = {1, 1},
                  .planes = 8,
                  .groups = 4,
                  .width_per_group = 16,
                  .stem = ResNetStem::imagenet_224});
  add("resnet_depthwise",
      {.block = ResNetBlock::bottleneck, .blocks = {1, 1}, .planes = 8, .groups = 8, .width_per_group = 8});
  return true;
}();

} // namespace
} // namespace tailor::golden
