// LDAM (Cao et al. 2019): margins that are larger for rare classes, on cosines. methods.md 2.4.
#include "frontend/components/head.h"
#include "frontend/components/method.h"
#include "frontend/imbalance/class_tables.h"
#include "frontend/ops/elementwise.h"
#include "runtime/base/option_condition.h"

namespace tailor::methods {
namespace {

struct LdamKeys {
  double max_margin = 0.5;
  double scale = 30;

  static const runtime::KeySet<LdamKeys>& keys();
};

const runtime::KeySet<LdamKeys>& LdamKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<LdamKeys> set{
      "method.ldam.",
      {
          key("max_margin", &LdamKeys::max_margin,
              {.min = 0,
               .max = 2, // the whole range of a cosine
               .text = "margin of the rarest class; the others have C / n_i^(1/4)",
               .source = "methods 2.4"}),
          key("scale", &LdamKeys::scale,
              {.stage = runtime::kCompiled,
               .min = 0,
               .max = 1000,
               .above_min = true,
               .text = "factor of the cosines in the loss: a softmax of numbers in [-1, 1] decides nothing",
               .source = "methods 2.4"}),
      }};
  return set;
}

class Ldam final : public Method {
public:
  explicit Ldam(LdamKeys keys) : keys_(keys) {}

  void shape_loss(Step& step, losses::LossOptions& loss) override {
    const Array largest = control(step, "max_margin", keys_, &LdamKeys::max_margin);
    loss.margin = Operand(imbalance::ldam_margins(step.classes().counts(), largest));
    loss.scale = keys_.scale; // behind the margin, so that the loss does it in training
  }
  /// The probabilities that training gives them: those of plain cosines would be near 1/K for every row.
  Array adjust_logits(const Array& logits, const Context& context) override {
    return context.train ? logits : logits * keys_.scale;
  }

private:
  LdamKeys keys_;
};

/// Margins of at most a half mean nothing to logits of any size.
void check(RecipeCheck& recipe) {
  const std::string& head = runtime::key_name(&HeadKeys::head);
  // A key that the model does not read says nothing of its head.
  const bool is_read = !runtime::unmet_condition(recipe.options(), head);
  if (is_read && component_keys<HeadKeys>(recipe.options()).head == Head::cosine) return;
  recipe.contradict(recipe.place_of("ldam"), "'ldam' needs a cosine head: its margins are those of cosines",
                    head, "the head is set here",
                    head + " = \"cosine\", with a model that has the key, as mlp");
}

const Registered<MethodSpec> ldam{{.name = "ldam",
                                   .text = "margins C / n_i^(1/4) on scaled cosines: larger for rare classes",
                                   .source = "methods 2.4",
                                   .keys = LdamKeys::keys().specs(),
                                   .part = Part::margin,
                                   .adjusts_logits = true,
                                   .needs_class_logits = true,
                                   .check = check,
                                   .make = [](const runtime::Options& options) {
                                     return std::make_unique<Ldam>(component_keys<LdamKeys>(options));
                                   }}};

} // namespace
} // namespace tailor::methods
