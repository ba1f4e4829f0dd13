#include "runtime/options/program_keys.h"

namespace tailor::runtime {

const KeySet<ModelKeys>& ModelKeys::keys() {
  static const KeySet<ModelKeys> set{
      "model.",
      {
          key("name", &ModelKeys::name,
              {.stage = kCompiled,
               .text = "network; a program can register its own",
               .source = "methods 10, 11.3",
               .choices_of = "model"}),
          key("freeze", &ModelKeys::freeze,
              {.stage = kCompiled, .text = "patterns of parameters that do not train, as [\"layer1.*\"]"}),
          key("initialise", &ModelKeys::initialise,
              {.stage = kCompiled,
               .text = "patterns of tensors that get their first values again when a [[stage]] begins, as "
                       "[\"head.*\"]",
               .source = "methods 8"}),
          key("weights.file", &ModelKeys::weights_file,
              {.text = "safetensors file that a seed starts from", .type = KeyType::kPath, .unset = true}),
          key("weights.names", &ModelKeys::weights_names,
              {.text = "how names of the file become the model's: \"FROM=TO\" for prefixes"}),
          key("weights.skip", &ModelKeys::weights_skip,
              {.text = "patterns of tensors that stay as initialised"}),
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
               .text = "update rule; a program can register its own",
               .source = "methods 4.1-4.2",
               .choices_of = "optimizer"}),
          key("lr", &OptimizerKeys::lr,
              {.min = 0, .max = 1e6, .text = "peak learning rate", .source = "methods 4.6"}),
      }};
  return set;
}

std::string epochs_key(std::string_view fraction_key) {
  return std::string(fraction_key) + "_epoch";
}

} // namespace tailor::runtime
