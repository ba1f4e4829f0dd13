// The MLPs of mlp.json and mlp_bn.json.
#include "models/networks/mlp.h"
#include "tests/golden/recorded_program.h"

namespace tailor::golden {
namespace {

class RecordedMlp final : public RecordedNetwork {
public:
  RecordedMlp(const Recording& recording, bool batch_norm)
      : mlp_({.numeric_columns = recording.input[0],
              .layers = {10, 7},
              .outputs = recording.num_classes(),
              .batch_norm = batch_norm}) {}
  nn::Module& module() override { return mlp_; }
  Array logits(const Batch& batch, const Context& context) override { return mlp_(batch, context); }

private:
  models::Mlp mlp_;
};

[[maybe_unused]] const bool added = [] {
  for (const bool batch_norm : {false, true})
    recorded_networks().emplace(batch_norm ? "mlp_bn" : "mlp", [batch_norm](const Recording& recording) {
      return std::make_unique<RecordedMlp>(recording, batch_norm);
    });
  return true;
}();

} // namespace
} // namespace tailor::golden
