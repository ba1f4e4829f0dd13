#include "runtime/data/augmentation.h"
#include "runtime/data/key_error.h"
#include "runtime/options/data_keys.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

struct CropKeys {
  std::int64_t padding = 4;
  std::int64_t fill = 0;

  static const KeySet<CropKeys>& keys() {
    static const std::string with_crop = concat(key_name(&DataKeys::augment), " = crop");
    static const KeySet<CropKeys> set{"data.augment.crop.",
                                      {key("padding", &CropKeys::padding,
                                           {.min = 1,
                                            .max = kMaxCount,
                                            .text = "pixels around the image, which is cropped to its size",
                                            .source = "methods 9.6",
                                            .only_if = with_crop}),
                                       key("fill", &CropKeys::fill,
                                           {.min = 0,
                                            .max = 255,
                                            .text = "what those pixels are, in all channels",
                                            .source = "methods 9.6",
                                            .only_if = with_crop})}};
    return set;
  }
};

/// A window of the image's size in the image with `padding` pixels of `fill` around it, its corner uniform among the
/// 2 padding + 1 places of each axis; the row is drawn first. torchvision's RandomCrop(size, padding, fill).
class Crop final : public Augmentation {
public:
  explicit Crop(const CropKeys& keys)
      : padding_(static_cast<std::int32_t>(keys.padding)), fill_(static_cast<std::uint8_t>(keys.fill)) {}

  void apply(AugmentedImage& image, std::int32_t, DataRandom& random) const override {
    const std::uint32_t places = 2 * static_cast<std::uint32_t>(padding_) + 1;
    const std::int32_t top = static_cast<std::int32_t>(random.below(places)),
                       left = static_cast<std::int32_t>(random.below(places));
    image.shift(top - padding_, left - padding_, fill_);
  }

private:
  std::int32_t padding_;
  std::uint8_t fill_;
};

Result<std::unique_ptr<const Augmentation>> make(const AugmentationRequest& request) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const CropKeys keys, read_keys<CropKeys>(request.options));
  if (keys.padding >= std::min(request.image.height, request.image.width))
    return wrong(key_name(&CropKeys::padding), " = ", keys.padding, " around images of ",
                 request.image.height, " x ", request.image.width,
                 " leaves nothing of some: expected less than a side");
  return std::unique_ptr<const Augmentation>(new Crop(keys));
}

const Registered<AugmentationSpec> registered{
    {.name = "crop",
     .text = "a window of the image's size, uniform in the image with padding around it",
     .source = "methods 9.6",
     .keys = CropKeys::keys().specs(),
     .make = make}};

} // namespace
} // namespace tailor::runtime
