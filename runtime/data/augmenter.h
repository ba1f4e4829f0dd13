#pragma once
#include "runtime/data/augmentation.h"
#include "runtime/data/dataset.h"

namespace tailor::runtime {

/// Where a batch stands in a run: what its random numbers are drawn by.
struct BatchPlace {
  std::uint64_t seed = 0;
  std::int64_t epoch = 0;
  std::int64_t draw_position = 0; ///< of row 0 within the epoch
};

/// Gathers the images of batches with data.augment.use done to them.
///
/// The numbers of augmentation `op` (its place in the list) of the row drawn at `position` are the DataRandom of
/// (seed, kAugment, epoch, position, op): they depend on no thread, no batch size and not on where a run was resumed.
/// Cost      one pass over the pixels of an image for a chain of moves; no allocation.
class Augmenter {
public:
  /// Null if `options` name none. `data` outlives it.
  /// Errors   those of make_augmentations().
  static Result<std::unique_ptr<const Augmenter>> create(const Options& options, const DataSchema& schema,
                                                         const Dataset& data);

  /// The column it augments.
  const DataColumn& column() const { return column_; }
  /// As DataColumn::gather. Thread-safe.
  void gather(std::span<const std::int32_t> rows, std::size_t batch, const BatchPlace& place,
              std::byte* to) const;

private:
  Augmenter(std::vector<std::unique_ptr<const Augmentation>> augmentations, const DataColumn& column,
            std::span<const std::int32_t> labels);

  std::vector<std::unique_ptr<const Augmentation>> augmentations_;
  const DataColumn& column_;
  std::span<const std::int32_t> labels_;
  ImageShape shape_;
};

} // namespace tailor::runtime
