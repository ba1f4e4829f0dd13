#include "frontend/optimizers/schedule.h"

namespace tailor {

std::string schedule_prefix(const std::string& key) {
  return key == "optimizer.lr" ? "schedule" : key + ".schedule";
}

} // namespace tailor

namespace tailor::schedule {

Schedule constant(double value) {
  return {.name = "constant", .peak = value};
}

Schedule cosine(const CosineArgs& args) {
  return {.name = "cosine", .peak = args.peak, .per_step = args.per_step};
}

Schedule warmup_cosine(const WarmupCosineArgs& args) {
  return {.name = "warmup_cosine",
          .peak = args.peak,
          .warmup_epochs = args.warmup_epochs,
          .per_step = args.per_step};
}

Schedule step(const StepArgs& args) {
  return {.name = "step", .peak = args.peak, .milestones = args.milestones, .factor = args.factor};
}

Schedule ldam_step(double peak) {
  return {.name = "ldam_step", .peak = peak};
}
Schedule mislas_step(double peak) {
  return {.name = "mislas_step", .peak = peak};
}
Schedule sam_step(double peak) {
  return {.name = "sam_step", .peak = peak};
}

} // namespace tailor::schedule
