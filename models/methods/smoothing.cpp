// Label smoothing, uniform or per class. methods.md 2.5.
#include "frontend/components/method.h"
#include "frontend/imbalance/class_tables.h"

namespace tailor::methods {
namespace {

struct SmoothingKeys {
  double eps = 0.1;
  std::string profile = "uniform";
  double eps_max = 0.5;
  double eps_tail = 0;

  static const runtime::KeySet<SmoothingKeys>& keys();
};

const runtime::KeySet<SmoothingKeys>& SmoothingKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<SmoothingKeys> set{
      "method.smoothing.",
      {
          key("eps", &SmoothingKeys::eps,
              {.min = 0, .max = 1, .text = "label smoothing", .source = "methods 2.5"}),
          key("profile", &SmoothingKeys::profile,
              {.stage = runtime::kCompiled,
               .text = "eps per class; uniform is the plain form",
               .source = "methods 2.5, C2",
               .choices_of = SmoothingTable::kKind}),
          key("eps_max", &SmoothingKeys::eps_max,
              {.min = 0, .max = 1, .text = "clip of eps per class", .source = "methods 2.5"}),
          key("eps_tail", &SmoothingKeys::eps_tail,
              {.min = 0,
               .max = 1,
               .text = "eps of the rarest class; eps is that of the largest",
               .source = "methods 8",
               .read_by = "method.smoothing.profile"}),
      }};
  return set;
}

class Smoothing final : public Method {
public:
  explicit Smoothing(SmoothingKeys keys) : keys_(std::move(keys)) {}

  void shape_loss(Step& step, losses::LossOptions& loss) override {
    const Array counts = step.classes().counts();
    const Array eps = control(step, "smoothing", keys_, &SmoothingKeys::eps);
    const Array eps_max = control(step, "smoothing_max", keys_, &SmoothingKeys::eps_max);
    // A field that no profile reads would make a run key of it that has no effect.
    const bool reads_tail = runtime::Registry<SmoothingTable>::find(keys_.profile)->takes_eps_tail;
    const Operand eps_tail = reads_tail
                                 ? Operand(control(step, "smoothing_tail", keys_, &SmoothingKeys::eps_tail))
                                 : Operand(keys_.eps_tail);
    loss.smoothing = Operand(imbalance::class_smoothing(counts, eps, keys_.profile, eps_max, eps_tail));
  }

private:
  SmoothingKeys keys_;
};

void check(RecipeCheck& recipe) {
  const SmoothingKeys keys = component_keys<SmoothingKeys>(recipe.options());
  if (keys.profile != "uniform" || keys.eps <= keys.eps_max) return;
  const std::string eps = runtime::number_text(keys.eps);
  recipe.contradict(
      runtime::key_name(&SmoothingKeys::eps),
      "uniform smoothing of eps = " + eps + " is above eps_max = " + runtime::number_text(keys.eps_max),
      runtime::key_name(&SmoothingKeys::eps_max), "the limit is set here", "eps_max = " + eps + " allows it");
}

const Registered<MethodSpec> smoothing{{.name = "smoothing",
                                        .text = "label smoothing, uniform or per class",
                                        .source = "methods 2.5",
                                        .keys = SmoothingKeys::keys().specs(),
                                        .part = Part::smoothing,
                                        .check = check,
                                        .make = [](const runtime::Options& options) {
                                          return std::make_unique<Smoothing>(
                                              component_keys<SmoothingKeys>(options));
                                        }}};

} // namespace
} // namespace tailor::methods
