#pragma once
#include "runtime/base/options.h"
#include "runtime/base/result.h"
#include "runtime/data/data_column.h"
#include "runtime/data/random.h"
#include "runtime/options/component.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

struct ImageShape {
  std::int32_t height = 0, width = 0, channels = 0;

  std::size_t bytes() const {
    return static_cast<std::size_t>(height) * static_cast<std::size_t>(width) *
           static_cast<std::size_t>(channels);
  }
};

/// One image [height, width, channels] of bytes on its way into a batch. Moves of whole pixels only change where each
/// pixel will be copied from, so that a chain of them is one copy.
class AugmentedImage {
public:
  /// `from` is the image as it is held, `to` its place in the batch; `spare` has room for one more.
  AugmentedImage(const ImageShape& shape, const std::uint8_t* from, std::uint8_t* to, std::uint8_t* spare)
      : shape_(shape), from_(from), to_(to), spare_(spare), rows_{0, shape.height}, columns_{0, shape.width} {
  }

  const ImageShape& shape() const { return shape_; }

  /// Pixel (y, x) becomes what is at (y + down, x + right); outside of the image all channels are `fill`.
  void shift(std::int32_t down, std::int32_t right, std::uint8_t fill);
  /// Pixel (y, x) becomes what is at (y, width - 1 - x).
  void flip_columns();
  /// The pixels after everything so far, to be changed in place.
  std::span<std::uint8_t> pixels();

private:
  /// Where the positions of an axis take their pixels: [begin, end) at position * step + offset, the others nowhere.
  struct Axis {
    std::int32_t begin, end;
    std::int32_t step = 1, offset = 0;

    void shift(std::int32_t by, std::int32_t size);
    void flip(std::int32_t size);
    bool fills(std::int32_t size) const { return begin > 0 || end < size; }
    bool changes(std::int32_t size) const { return step != 1 || offset != 0 || fills(size); }
  };

  void copy();

  ImageShape shape_;
  const std::uint8_t* from_;
  std::uint8_t *to_, *spare_;
  Axis rows_, columns_;
  std::uint8_t fill_ = 0;
};

/// What is done to a training image: a pure function of the words of `random`, the class and the pixels. Any number
/// of threads ask at once.
class Augmentation {
public:
  virtual ~Augmentation() = default;
  virtual void apply(AugmentedImage& image, std::int32_t label, DataRandom& random) const = 0;
};

struct AugmentationRequest {
  const Options& options; ///< where an augmentation finds its keys
  ImageShape image;
};

/// A way to augment images (methods.md 9): one file of `augment/`, or of a user's program.
struct AugmentationSpec {
  static constexpr std::string_view kKind = "augmentation";
  std::string name;
  std::string text;
  std::string source = "choice";
  /// "data.augment.NAME.KEY"
  std::vector<KeySpec> keys = {};
  std::function<Result<std::unique_ptr<const Augmentation>>(const AugmentationRequest&)> make;
};

/// Those that data.augment.use names, in its order.
/// Errors   about a key: a name that does not exist, with those there are; data without images of bytes; what an
///          augmentation itself refuses.
Result<std::vector<std::unique_ptr<const Augmentation>>> make_augmentations(const Options& options,
                                                                            const DataSchema& schema);

} // namespace tailor::runtime
