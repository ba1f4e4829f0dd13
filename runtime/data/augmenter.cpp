#include "runtime/data/augmenter.h"

#include "runtime/options/data_keys.h"

#include <cstring>

namespace tailor::runtime {

Result<std::unique_ptr<const Augmenter>> Augmenter::create(const Options& options, const DataSchema& schema,
                                                           const Dataset& data) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(auto augmentations, make_augmentations(options, schema));
  if (augmentations.empty()) return std::unique_ptr<const Augmenter>();
  const DataColumn* column = data.find(input_names::kImage);
  if (!column || column->input().dtype != DType::kU8)
    return internal_error("'", data.path, "' has no images of bytes, its schema says that it has");
  return std::unique_ptr<const Augmenter>(new Augmenter(std::move(augmentations), *column, data.labels()));
}

Augmenter::Augmenter(std::vector<std::unique_ptr<const Augmentation>> augmentations, const DataColumn& column,
                     std::span<const std::int32_t> labels)
    : augmentations_(std::move(augmentations)), column_(column), labels_(labels) {
  const std::vector<std::int64_t>& shape = column.input().row_shape;
  shape_ = {static_cast<std::int32_t>(shape[0]), static_cast<std::int32_t>(shape[1]),
            static_cast<std::int32_t>(shape[2])};
}

void Augmenter::gather(std::span<const std::int32_t> rows, std::size_t batch, const BatchPlace& place,
                       std::byte* to) const {
  thread_local std::vector<std::uint8_t> spare;
  const std::size_t bytes = column_.row_bytes();
  spare.resize(bytes);
  const std::uint8_t* images = column_.values<std::uint8_t>().data();
  auto* out = reinterpret_cast<std::uint8_t*>(to);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<std::size_t>(rows[i]);
    AugmentedImage image(shape_, images + row * bytes, out + i * bytes, spare.data());
    for (std::size_t op = 0; op < augmentations_.size(); ++op) {
      DataRandom random(place.seed, DataPurpose::kAugment, static_cast<std::uint32_t>(place.epoch),
                        static_cast<std::uint32_t>(place.draw_position) + static_cast<std::uint32_t>(i),
                        static_cast<std::uint32_t>(op));
      augmentations_[op]->apply(image, labels_[row], random);
    }
    image.pixels();
  }
  if (batch > rows.size()) std::memset(out + rows.size() * bytes, 0, (batch - rows.size()) * bytes);
}

} // namespace tailor::runtime
