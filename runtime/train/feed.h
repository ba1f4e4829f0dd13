#pragma once
#include "runtime/data/dataset.h"
#include "runtime/data/loader.h"
#include "runtime/exec/executor.h"

namespace tailor::runtime {

/// Where the loader writes the batches of a variant: slots [first, first + count) of the executor, as the
/// variant lays them out. Its inputs are the columns of `data` that agree in name, dtype and row shape. `augmenter`, if any,
/// gathers the column that it augments.
///
/// Errors   kIncompatible for an input that `data` has no such column for, with the columns there are.
Result<std::vector<BatchSlot>> batch_slots(Executor& executor, VariantId variant, const Dataset& data,
                                           std::uint32_t first, std::uint32_t count,
                                           const Augmenter* augmenter = nullptr);

/// run.accumulate of a program: how many micro-batches of run.batch rows make one step. A step's variant is one of all
/// their rows, in one slot.
std::int64_t micro_batches(const ArtifactSpec& spec);

/// run.batch of a step of so many rows: those of one micro-batch.
std::int64_t batch_size_of(const ArtifactSpec& spec, std::int64_t step_rows);

/// The batch size of a variant as run.batch and --batch say it: its rows, of a step those of one micro-batch.
std::int64_t batch_size_of(const ArtifactSpec& spec, const Entry& entry, const Variant& variant);

/// The variant of a step entry for batches of `batch` rows, of micro-batches where there are several; batch 0 = the size
/// that run.batch names first (of a program that says none, and of other entries, the smallest). kInvalidArgument
/// with the sizes there are.
Result<VariantId> variant_for(const ArtifactSpec& spec, std::int32_t entry, std::int64_t batch);

inline const Variant& variant_of(const ArtifactSpec& spec, VariantId id) {
  return spec.entries[static_cast<std::size_t>(id.entry)].variants[static_cast<std::size_t>(id.variant)];
}

} // namespace tailor::runtime
