#include "runtime/data/augmentation.h"
#include "runtime/options/data_keys.h"

namespace tailor::runtime {
namespace {

struct FlipKeys {
  double p = 0.5;

  static const KeySet<FlipKeys>& keys() {
    static const KeySet<FlipKeys> set{"data.augment.flip.",
                                      {key("p", &FlipKeys::p,
                                           {.min = 0,
                                            .max = 1,
                                            .text = "probability of an image to be flipped",
                                            .source = "methods 9.6",
                                            .only_if = concat(key_name(&DataKeys::augment), " = flip")})}};
    return set;
  }
};

class Flip final : public Augmentation {
public:
  explicit Flip(double p) : p_(p) {}
  void apply(AugmentedImage& image, std::int32_t, DataRandom& random) const override {
    if (random.uniform() < p_) image.flip_columns();
  }

private:
  double p_;
};

const Registered<AugmentationSpec> registered{
    {.name = "flip",
     .text = "left and right swapped, with probability p",
     .source = "methods 9.6",
     .keys = FlipKeys::keys().specs(),
     .make = [](const AugmentationRequest& request) -> Result<std::unique_ptr<const Augmentation>> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const FlipKeys keys, read_keys<FlipKeys>(request.options));
       return std::unique_ptr<const Augmentation>(new Flip(keys.p));
     }}};

} // namespace
} // namespace tailor::runtime
