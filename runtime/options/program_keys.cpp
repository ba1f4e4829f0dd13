#include "runtime/options/program_keys.h"

namespace tailor::runtime {

const KeySet<ModelKeys>& ModelKeys::keys() {
  static const KeySet<ModelKeys> set{"model.",
                                     {
                                         key("name", &ModelKeys::name,
                                             {.stage = kCompiled,
                                              .text = "network; a program can register its own",
                                              .source = "methods 10, 11.3",
                                              .choices_of = "model"}),
                                         key("output", &ModelKeys::output,
                                             {.stage = kCompiled,
                                              .text = "K logits, or one logit for two classes",
                                              .source = "methods 11.1"}),
                                     }};
  return set;
}

const KeySet<MethodKeys>& MethodKeys::keys() {
  static const KeySet<MethodKeys> set{"method.",
                                      {
                                          key("use", &MethodKeys::use,
                                              {.stage = kCompiled,
                                               .text = "methods, composed",
                                               .source = "methods 2-5",
                                               .choices_of = "method"}),
                                          key("loss", &MethodKeys::loss,
                                              {.stage = kCompiled,
                                               .text = "loss of the logits; a program can register its own",
                                               .source = "methods 2",
                                               .choices_of = "loss"}),
                                      }};
  return set;
}

const KeySet<OptimizerKeys>& OptimizerKeys::keys() {
  static const KeySet<OptimizerKeys> set{
      "optimizer.",
      {
          key("name", &OptimizerKeys::name,
              {.stage = kCompiled,
               .text = "update rule",
               .source = "methods 4.1-4.2",
               .choices = {"sgd", "adamw"}}),
          key("lr", &OptimizerKeys::lr,
              {.min = 0, .max = 1e6, .text = "peak learning rate", .source = "methods 4.6"}),
          key("momentum", &OptimizerKeys::momentum,
              {.min = 0,
               .max = 1,
               .text = "momentum of sgd",
               .source = "methods 4.6",
               .only_if = "optimizer.name = sgd"}),
          key("nesterov", &OptimizerKeys::nesterov,
              {.stage = kCompiled,
               .text = "Nesterov momentum of sgd",
               .source = "methods 4.1",
               .only_if = "optimizer.name = sgd"}),
          key("weight_decay", &OptimizerKeys::weight_decay,
              {.min = 0, .max = 1e3, .text = "weight decay (adamw: decoupled)", .source = "methods 4.6"}),
          key("decay_filter", &OptimizerKeys::decay_filter,
              {.stage = kCompiled,
               .text = "parameters that decay",
               .source = "methods 4.1",
               .choices = {"all", "no_norm_bias"}}),
          key("beta1", &OptimizerKeys::beta1,
              {.min = 0,
               .max = 0.999999,
               .text = "adamw",
               .source = "methods 4.2",
               .only_if = "optimizer.name = adamw"}),
          key("beta2", &OptimizerKeys::beta2,
              {.min = 0,
               .max = 0.9999999,
               .text = "adamw",
               .source = "methods 4.2",
               .only_if = "optimizer.name = adamw"}),
          key("eps", &OptimizerKeys::eps,
              {.min = 0,
               .max = 1,
               .above_min = true,
               .text = "adamw",
               .source = "methods 4.2",
               .only_if = "optimizer.name = adamw"}),
      }};
  return set;
}

} // namespace tailor::runtime
