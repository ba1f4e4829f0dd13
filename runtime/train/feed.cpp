#include "runtime/train/feed.h"

namespace tailor::runtime {
namespace {

/// Elements of one row of a slot field.
std::uint64_t row_elements(const SlotField& field, std::int64_t batch) {
  return batch > 0 ? field.bytes / dtype_bytes(field.dtype) / static_cast<std::uint64_t>(batch) : 0;
}

Status check_field(const SlotField& field, std::int64_t batch, DType dtype, std::uint64_t width,
                   const char* what) {
  if (field.dtype != dtype)
    return incompatible("input '", field.name, "' is ", to_string(field.dtype), ", the loader gives ",
                        to_string(dtype));
  if (row_elements(field, batch) != width)
    return incompatible("input '", field.name, "' takes ", row_elements(field, batch), " ", what,
                        " a row, the data have ", width);
  return {};
}

} // namespace

Result<std::vector<BatchSlot>> batch_slots(Executor& executor, VariantId id, const Dataset& data,
                                           std::uint32_t first, std::uint32_t count) {
  const Variant& variant = variant_of(executor.spec(), id);
  std::vector<BatchSlot> slots(count);
  for (const SlotField& field : variant.slot_fields) {
    Status status;
    if (field.name == "numeric")
      status = check_field(field, variant.batch, DType::kF32, static_cast<std::uint64_t>(data.num_numeric),
                           "numeric features");
    else if (field.name == "category")
      status = check_field(field, variant.batch, DType::kI32, static_cast<std::uint64_t>(data.num_category),
                           "categorical features");
    else if (field.name == "label" || field.name == "index")
      status = check_field(field, variant.batch, DType::kI32, 1, "values");
    else
      status = incompatible("the program takes input '", field.name, "', which no data set here provides");
    TAILOR_RETURN_IF_ERROR_AS_IS(status);
    for (std::uint32_t s = 0; s < count; ++s) {
      std::byte* place = executor.slot(first + s) + field.offset;
      if (field.name == "numeric") slots[s].numeric = reinterpret_cast<float*>(place);
      if (field.name == "category") slots[s].category = reinterpret_cast<std::int32_t*>(place);
      if (field.name == "label") slots[s].label = reinterpret_cast<std::int32_t*>(place);
      if (field.name == "index") slots[s].index = reinterpret_cast<std::int32_t*>(place);
    }
  }
  return slots;
}

Result<VariantId> variant_for(const ArtifactSpec& spec, std::int32_t entry, std::int64_t batch) {
  const std::vector<Variant>& variants = spec.entries[static_cast<std::size_t>(entry)].variants;
  std::string sizes;
  for (std::size_t v = 0; v < variants.size(); ++v) {
    if (batch == 0 || variants[v].batch == batch) return VariantId{entry, static_cast<std::int32_t>(v)};
    sizes += concat(sizes.empty() ? "" : ", ", variants[v].batch);
  }
  return invalid_argument("there is no batch size ", batch, " in the artifact, it has ",
                          sizes.empty() ? "none" : sizes);
}

} // namespace tailor::runtime
