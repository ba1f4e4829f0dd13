#include "runtime/data/augmentation.h"

#include "runtime/data/key_error.h"
#include "runtime/options/data_keys.h"

#include <algorithm>
#include <cstring>

namespace tailor::runtime {
namespace {

void copy_backwards(const std::uint8_t* last, std::int32_t pixels, std::int32_t channels, std::uint8_t* to) {
  for (std::int32_t i = 0; i < pixels; ++i, last -= channels, to += channels)
    for (std::int32_t c = 0; c < channels; ++c)
      to[c] = last[c];
}

} // namespace

// Position p now takes what position p + by took.
void AugmentedImage::Axis::shift(std::int32_t by, std::int32_t size) {
  begin = std::clamp(begin - by, 0, size);
  end = std::clamp(end - by, begin, size);
  offset += step * by;
}

// Position p now takes what position size - 1 - p took.
void AugmentedImage::Axis::flip(std::int32_t size) {
  const std::int32_t old_begin = begin;
  begin = size - end;
  end = size - old_begin;
  offset += step * (size - 1);
  step = -step;
}

void AugmentedImage::shift(std::int32_t down, std::int32_t right, std::uint8_t fill) {
  if (fill != fill_ && (rows_.fills(shape_.height) || columns_.fills(shape_.width)))
    copy(); // one copy fills with one value
  fill_ = fill;
  // A shift of more than a side leaves nothing, and no number must overflow.
  rows_.shift(std::clamp(down, -shape_.height, shape_.height), shape_.height);
  columns_.shift(std::clamp(right, -shape_.width, shape_.width), shape_.width);
}

void AugmentedImage::flip_columns() {
  columns_.flip(shape_.width);
}

std::span<std::uint8_t> AugmentedImage::pixels() {
  if (from_ != to_ || rows_.changes(shape_.height) || columns_.changes(shape_.width)) copy();
  return {to_, shape_.bytes()};
}

void AugmentedImage::copy() {
  if (from_ == to_) {
    std::memcpy(spare_, to_, shape_.bytes());
    from_ = spare_;
  }
  const auto channels = static_cast<std::size_t>(shape_.channels);
  const std::size_t line = static_cast<std::size_t>(shape_.width) * channels;
  const std::size_t left = static_cast<std::size_t>(columns_.begin) * channels,
                    right = static_cast<std::size_t>(columns_.end) * channels;
  for (std::int32_t y = 0; y < shape_.height; ++y) {
    std::uint8_t* to = to_ + static_cast<std::size_t>(y) * line;
    if (y < rows_.begin || y >= rows_.end || columns_.begin == columns_.end) {
      std::memset(to, fill_, line);
      continue;
    }
    const std::uint8_t* from =
        from_ + static_cast<std::size_t>(y * rows_.step + rows_.offset) * line +
        static_cast<std::size_t>(columns_.begin * columns_.step + columns_.offset) * channels;
    std::memset(to, fill_, left);
    if (columns_.step == 1)
      std::memcpy(to + left, from, right - left);
    else if (channels == 3) // a constant, which the compiler unrolls
      copy_backwards(from, columns_.end - columns_.begin, 3, to + left);
    else
      copy_backwards(from, columns_.end - columns_.begin, shape_.channels, to + left);
    std::memset(to + right, fill_, line - right);
  }
  from_ = to_;
  rows_ = {0, shape_.height};
  columns_ = {0, shape_.width};
}

Result<std::vector<std::unique_ptr<const Augmentation>>> make_augmentations(const Options& options,
                                                                            const DataSchema& schema) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const DataKeys keys, read_keys<DataKeys>(options));
  std::vector<std::unique_ptr<const Augmentation>> augmentations;
  const std::string& key = key_name(&DataKeys::augment);
  if (!keys.augment.empty() && schema.image_mean.empty())
    return wrong(key, " names '", keys.augment.front(), "', and the data have no images of bytes")
        .with_hint(schema.image_height > 0
                       ? "it acts on bytes, before they are normalised; images that are f32 already have none"
                       : "it is for images");
  for (auto name = keys.augment.begin(); name != keys.augment.end(); ++name)
    if (std::find(keys.augment.begin(), name, *name) != name) return wrong(key, " names '", *name, "' twice");
  for (const std::string& name : keys.augment) { // read_keys() knows the names there are
    const AugmentationSpec* spec = Registry<AugmentationSpec>::find(name);
    TAILOR_ASSIGN_OR_RETURN_AS_IS(
        auto made, spec->make({options, {schema.image_height, schema.image_width, schema.image_channels}}));
    augmentations.push_back(std::move(made));
  }
  return augmentations;
}

} // namespace tailor::runtime
