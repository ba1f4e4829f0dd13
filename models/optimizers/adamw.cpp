// AdamW as recipes name it.
#include "frontend/optimizers/adamw.h"

#include "models/optimizers/common.h"

namespace tailor::models {
namespace {

struct AdamWKeys {
  double beta1 = optim::AdamWOptions().beta1, beta2 = optim::AdamWOptions().beta2;
  double eps = optim::AdamWOptions().epsilon;

  static const runtime::KeySet<AdamWKeys>& keys();
};

const runtime::KeySet<AdamWKeys>& AdamWKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<AdamWKeys> set{
      "optimizer.",
      {
          key("beta1", &AdamWKeys::beta1,
              {.min = 0, .max = 0.999999, .text = "decay of adamw's first moment", .source = "methods 4.2"}),
          key("beta2", &AdamWKeys::beta2,
              {.min = 0,
               .max = 0.9999999,
               .text = "decay of adamw's second moment",
               .source = "methods 4.2"}),
          key("eps", &AdamWKeys::eps,
              {.min = 0,
               .max = 1,
               .above_min = true,
               .text = "added to adamw's root",
               .source = "methods 4.2"}),
      }};
  return set;
}

std::unique_ptr<optim::Optimizer> make(const runtime::Options& options) {
  const AdamWKeys keys = component_keys<AdamWKeys>(options);
  optim::CommonOptions common = common_options(options);
  return std::make_unique<optim::AdamW>(optim::AdamWOptions{.weight_decay = common.weight_decay,
                                                            .beta1 = keys.beta1,
                                                            .beta2 = keys.beta2,
                                                            .epsilon = keys.eps,
                                                            .decay_filter = common.decay_filter,
                                                            .groups = std::move(common.groups)});
}

const Registered<OptimizerSpec> registered{{.name = "adamw",
                                            .text = "w -= lr m^ / (sqrt(v^) + eps), decoupled decay",
                                            .source = "methods 4.2",
                                            .keys = with_common_keys(AdamWKeys::keys().specs()),
                                            .check = check_groups,
                                            .make = make}};

} // namespace
} // namespace tailor::models
