// MixUp (Zhang et al. 2018): every row mixed with another one of its batch, inputs and labels. methods.md 2.7, 9.5.
#include "frontend/components/divisor.h"
#include "frontend/components/method.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/indexing.h"
#include "frontend/ops/random.h"
#include "runtime/options/program_keys.h"

template <> struct tailor::runtime::Words<tailor::losses::MixedLabels> {
  using MixedLabels = tailor::losses::MixedLabels;
  static constexpr std::pair<MixedLabels, const char*> kAll[] = {{MixedLabels::slotwise, "slotwise"},
                                                                 {MixedLabels::soft, "soft"}};
};

namespace tailor::methods {
namespace {

using losses::MixedLabels;

struct MixupKeys {
  double alpha = 1;
  MixedLabels form = MixedLabels::slotwise;

  static const runtime::KeySet<MixupKeys>& keys();
};

const runtime::KeySet<MixupKeys>& MixupKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<MixupKeys> set{
      "method.mixup.",
      {
          key("alpha", &MixupKeys::alpha,
              {.min = 0,
               .max = 1000,
               .above_min = true,
               .text = "the share of a row is drawn from Beta(alpha, alpha), one a batch",
               .source = "methods 9.5"}),
          key("form", &MixupKeys::form,
              {.stage = runtime::kCompiled,
               .text = "two losses, one for each label, or one loss of the mixed label",
               .source = "methods 2.7"}),
      }};
  return set;
}

class Mixup final : public Method {
public:
  explicit Mixup(MixupKeys keys) : keys_(keys) {}

  MixedRows mix(Step& step, const Array& inputs) override {
    const Array share = step.random_beta("lambda", keys_.alpha, runtime::key_name(&MixupKeys::alpha));
    const Array partners = random_permutation(step.context(), step.batch().valid, step.batch_size());
    step.report("lambda", share);
    return {.inputs = share * inputs + (1.0 - share) * take(inputs, partners),
            .partners = partners,
            .share = share,
            .labels = keys_.form};
  }

private:
  MixupKeys keys_;
};

/// What depends on one label, or divides by its weight, has no meaning for a mixed one.
void check(RecipeCheck& recipe) {
  if (component_keys<MixupKeys>(recipe.options()).form != MixedLabels::soft) return;
  const std::string& form = runtime::key_name(&MixupKeys::form);
  const std::string slotwise = form + " = \"slotwise\", which takes every loss";
  if (const std::string margin = recipe.giver_of(Part::margin); !margin.empty())
    recipe.contradict(form, "a margin belongs to one label: '" + margin + "' has no soft form",
                      recipe.place_of(margin), "the margin comes from here", slotwise);
  if (const std::string weights = recipe.giver_of(Part::class_weights); !weights.empty()) {
    const std::string reduction = divisor_key(weights);
    const runtime::Option* chosen = recipe.options().find(reduction);
    if (const std::string* word = chosen ? chosen->value.as_string() : nullptr;
        word && *word == "weighted_mean")
      recipe.contradict(
          form, "a mixed label has no one weight: the weighted_mean of '" + weights + "' has no soft form",
          reduction, "it divides by the weights", reduction + " = \"batch_mean\", or " + slotwise);
  }
  const std::string& output = runtime::key_name(&runtime::ModelKeys::output);
  if (*recipe.options().get_string(output) == word_of(runtime::ModelOutput::kSigmoid))
    recipe.contradict(form, "one logit has no soft form of mixed labels", output, "the output is set here",
                      slotwise);
}

const Registered<MethodSpec> mixup{
    {.name = "mixup",
     .text = "every row mixed with another one of its batch, inputs and labels",
     .source = "methods 2.7, 9.5",
     .keys = MixupKeys::keys().specs(),
     .part = Part::mixing,
     .check = check,
     .make = [](const runtime::Options& options) {
       return std::make_unique<Mixup>(component_keys<MixupKeys>(options));
     }}};

} // namespace
} // namespace tailor::methods
