// The CIFAR ResNet of resnet8.json.
#include "models/networks/cifar_resnet.h"
#include "tests/golden/recorded_program.h"

namespace tailor::golden {
namespace {

class RecordedResNet final : public RecordedNetwork {
public:
  explicit RecordedResNet(const Recording& recording)
      : resnet_({.depth = 8,
                 .channels = recording.input[2],
                 .num_classes = static_cast<std::int64_t>(recording.class_counts.size())}) {}
  nn::Module& module() override { return resnet_; }
  Array logits(const Batch& batch, const Context& context) override { return resnet_(batch.image, context); }

private:
  models::CifarResNet resnet_;
};

[[maybe_unused]] const bool added =
    recorded_networks()
        .emplace("resnet8",
                 [](const Recording& recording) { return std::make_unique<RecordedResNet>(recording); })
        .second;

} // namespace
} // namespace tailor::golden
