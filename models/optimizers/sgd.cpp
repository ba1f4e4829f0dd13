// SGD with momentum as recipes name it: the numbers a recipe starts from are the paper's (methods.md 4.6), where
// optim::Sgd of a C++ program has none unless it says so.
#include "frontend/optimizers/sgd.h"

#include "models/optimizers/common.h"

namespace tailor::models {
namespace {

struct SgdKeys {
  double momentum = 0.9;
  bool nesterov = optim::SgdOptions().nesterov;

  static const runtime::KeySet<SgdKeys>& keys();
};

const runtime::KeySet<SgdKeys>& SgdKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<SgdKeys> set{
      "optimizer.",
      {
          key("momentum", &SgdKeys::momentum,
              {.min = 0, .max = 1, .text = "momentum of sgd", .source = "methods 4.6"}),
          key("nesterov", &SgdKeys::nesterov,
              {.stage = runtime::kCompiled, .text = "Nesterov momentum of sgd", .source = "methods 4.1"}),
      }};
  return set;
}

std::unique_ptr<optim::Optimizer> make(const runtime::Options& options) {
  const SgdKeys keys = component_keys<SgdKeys>(options);
  optim::CommonOptions common = common_options(options);
  return std::make_unique<optim::Sgd>(optim::SgdOptions{.momentum = keys.momentum,
                                                        .weight_decay = common.weight_decay,
                                                        .nesterov = keys.nesterov,
                                                        .decay_filter = common.decay_filter,
                                                        .groups = std::move(common.groups)});
}

void check(RecipeCheck& recipe) {
  check_groups(recipe);
  const SgdKeys keys = component_keys<SgdKeys>(recipe.options());
  if (keys.nesterov && keys.momentum == 0)
    recipe.contradict(runtime::key_name(&SgdKeys::nesterov),
                      "nesterov = true looks ahead along the momentum, but momentum = 0",
                      runtime::key_name(&SgdKeys::momentum), "the momentum is set here",
                      "momentum = 0.9 is the usual one");
}

const Registered<OptimizerSpec> registered{{.name = "sgd",
                                            .text = "v = momentum v + g + decay w; w -= lr v",
                                            .source = "methods 4.1",
                                            .keys = with_common_keys(SgdKeys::keys().specs()),
                                            .check = check,
                                            .make = make}};

} // namespace
} // namespace tailor::models
