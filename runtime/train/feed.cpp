#include "runtime/train/feed.h"

#include "runtime/options/run_keys.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

/// The column of `data` that an input takes.
Result<const DataColumn*> column_for(const SlotField& field, const Dataset& data) {
  InputColumn wanted{field.name, field.dtype};
  wanted.row_shape.assign(field.shape.begin() + 1, field.shape.end());
  const DataColumn* column = data.find(field.name);
  if (column && column->input().dtype == wanted.dtype && column->input().row_shape == wanted.row_shape)
    return column;
  std::string columns;
  for (const DataColumn& each : data.columns)
    columns += (columns.empty() ? "" : ", ") + each.input().describe();
  return incompatible("the program takes the input ", wanted.describe(), " of each row, the columns of '",
                      data.path, "' are ", columns);
}

/// The size that run.batch names first; 0: the program says none.
std::int64_t default_batch(const ArtifactSpec& spec) {
  const Option* batch = spec.options.find(key_name(&RunKeys::batch));
  if (!batch) return 0;
  const OptionValue::List* sizes = batch->value.as_list();
  const OptionValue* first = !sizes ? &batch->value : sizes->empty() ? nullptr : &sizes->front();
  return first && first->as_int() ? *first->as_int() : 0;
}

} // namespace

Result<std::vector<BatchSlot>> batch_slots(Executor& executor, VariantId id, const Dataset& data,
                                           std::uint32_t first, std::uint32_t count,
                                           const Augmenter* augmenter) {
  std::vector<BatchSlot> slots(count);
  for (const SlotField& field : variant_of(executor.spec(), id).slot_fields) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const DataColumn* column, column_for(field, data));
    const Augmenter* own = augmenter && &augmenter->column() == column ? augmenter : nullptr;
    for (std::uint32_t s = 0; s < count; ++s)
      slots[s].push_back({column, executor.slot(first + s) + field.offset, own});
  }
  return slots;
}

std::int64_t micro_batches(const ArtifactSpec& spec) {
  const std::string& key = key_name(&RunKeys::accumulate);
  if (!spec.options.contains(key)) return RunKeys{}.accumulate;
  const Result<std::int64_t> count = spec.options.get_int(key);
  return count.ok() ? std::max<std::int64_t>(*count, 1) : RunKeys{}.accumulate;
}

std::int64_t batch_size_of(const ArtifactSpec& spec, std::int64_t step_rows) {
  return step_rows / micro_batches(spec);
}

std::int64_t batch_size_of(const ArtifactSpec& spec, const Entry& entry, const Variant& variant) {
  return entry.kind == EntryKind::kStep ? batch_size_of(spec, variant.batch) : variant.batch;
}

Result<VariantId> variant_for(const ArtifactSpec& spec, std::int32_t entry, std::int64_t batch) {
  const Entry& step = spec.entries[static_cast<std::size_t>(entry)];
  // Variants stand by size, whatever the order of the list; the default is what the list says.
  if (batch == 0 && step.kind == EntryKind::kStep) batch = default_batch(spec);
  std::string sizes;
  for (std::size_t v = 0; v < step.variants.size(); ++v) {
    const std::int64_t rows = batch_size_of(spec, step, step.variants[v]);
    if (batch == 0 || rows == batch) return VariantId{entry, static_cast<std::int32_t>(v)};
    sizes += concat(sizes.empty() ? "" : ", ", rows);
  }
  return invalid_argument("entry '", step.name, "' is not compiled for batch ", batch)
      .with_hint(concat("batches are ", sizes.empty() ? "none" : sizes));
}

} // namespace tailor::runtime
