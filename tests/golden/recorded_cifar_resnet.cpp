// The CIFAR ResNets of resnet8.json and resnet20.json.
#include "models/networks/cifar_resnet.h"
#include "tests/golden/recorded_program.h"

namespace tailor::golden {
namespace {

[[maybe_unused]] const bool added = [] {
  for (const std::int64_t depth : {8, 20})
    add_recorded_images("resnet" + std::to_string(depth), [depth](const Recording& recording) {
      return std::make_unique<models::CifarResNet>(models::CifarResNetOptions{
          .depth = depth, .channels = recording.input[2], .num_classes = recording.num_classes()});
    });
  return true;
}();

} // namespace
} // namespace tailor::golden
