// Focal loss (Lin et al. 2017): rows that are learnt count less. methods.md 2.3.
#include "frontend/components/method.h"

namespace tailor::methods {
namespace {

enum class Variant : std::uint8_t { focal, focal_of_weighted };

} // namespace
} // namespace tailor::methods

template <> struct tailor::runtime::Words<tailor::methods::Variant> {
  using Variant = tailor::methods::Variant;
  static constexpr std::pair<Variant, const char*> kAll[] = {
      {Variant::focal, "focal"}, {Variant::focal_of_weighted, "focal_of_weighted"}};
};

namespace tailor::methods {
namespace {

struct FocalKeys {
  double gamma = 1;
  Variant variant = Variant::focal;

  static const runtime::KeySet<FocalKeys>& keys();
};

const runtime::KeySet<FocalKeys>& FocalKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<FocalKeys> set{
      "method.focal.",
      {
          key("gamma", &FocalKeys::gamma,
              {.stage = runtime::kCompiled,
               .min = 0,
               .max = 100, // (1 - p)^100 is 0 in f32 for p above a half: further up nothing trains
               .text = "exponent of (1 - p[y])^gamma; 0 is the cross-entropy",
               .source = "methods 2.3, C27"}),
          key("variant", &FocalKeys::variant,
              {.stage = runtime::kCompiled,
               .text = "class weights outside the focal term, or inside: the focal of w * CE",
               .source = "methods 2.3"}),
      }};
  return set;
}

class Focal final : public Method {
public:
  explicit Focal(FocalKeys keys) : keys_(keys) {}

  void shape_loss(Step&, losses::LossOptions& loss) override {
    loss.focal_gamma = keys_.gamma;
    loss.focal_of_weighted = keys_.variant == Variant::focal_of_weighted;
  }

private:
  FocalKeys keys_;
};

const Registered<MethodSpec> focal{
    {.name = "focal",
     .text = "(1 - p[y])^gamma times the loss: rows that are learnt count less",
     .source = "methods 2.3",
     .keys = FocalKeys::keys().specs(),
     .part = Part::focal,
     .needs_class_logits = true,
     .make = [](const runtime::Options& options) {
       return std::make_unique<Focal>(component_keys<FocalKeys>(options));
     }}};

} // namespace
} // namespace tailor::methods
