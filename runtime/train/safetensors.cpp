#include "runtime/train/safetensors.h"

#include "runtime/base/options.h"

#include <algorithm>
#include <cstring>

namespace tailor::runtime {
namespace {

/// The format's own limit.
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

constexpr std::pair<TensorType, const char*> kTypes[] = {
    {DType::kF32, "F32"}, {DType::kBF16, "BF16"}, {DType::kF64, "F64"}, {DType::kI32, "I32"},
    {DType::kI64, "I64"}, {DType::kI1, "BOOL"},   {std::nullopt, "U8"}};

const char* type_name(TensorType dtype) {
  return std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& t) { return t.first == dtype; })
      ->second;
}

Result<TensorType> type_of(const std::string& name) {
  for (const auto& [dtype, known] : kTypes)
    if (name == known) return dtype;
  return unimplemented("element type '", name, "'");
}

/// A list of non-negative integers.
Result<std::vector<std::int64_t>> sizes_of(const OptionValue* value, const char* what) {
  const OptionValue::List* list = value ? value->as_list() : nullptr;
  if (!list) return data_loss("no list '", what, "'");
  std::vector<std::int64_t> sizes;
  for (const OptionValue& item : *list) {
    const std::int64_t* size = item.as_int();
    if (!size || *size < 0) return data_loss("'", what, "' is ", value->to_json());
    sizes.push_back(*size);
  }
  return sizes;
}

Result<TensorView> tensor_of(const std::string& name, const OptionValue& entry,
                             std::span<const std::byte> data) {
  TensorView tensor;
  tensor.name = name;
  const OptionValue* dtype = entry.find("dtype");
  if (!dtype || !dtype->as_string()) return data_loss("no element type");
  tensor.is_half = *dtype->as_string() == "F16";
  if (tensor.is_half) {
    tensor.dtype = std::nullopt;
  } else {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(tensor.dtype, type_of(*dtype->as_string()));
  }
  TAILOR_ASSIGN_OR_RETURN_AS_IS(tensor.shape, sizes_of(entry.find("shape"), "shape"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<std::int64_t> offsets,
                                sizes_of(entry.find("data_offsets"), "data_offsets"));
  if (offsets.size() != 2 || offsets[0] > offsets[1] || static_cast<std::uint64_t>(offsets[1]) > data.size())
    return data_loss("its offsets do not fit ", data.size(), " bytes of data");
  std::uint64_t bytes = 0;
  if (!num_elements(tensor.shape, bytes) ||
      __builtin_mul_overflow(bytes,
                             tensor.dtype     ? dtype_bytes(*tensor.dtype)
                             : tensor.is_half ? 2
                                              : 1,
                             &bytes) ||
      bytes != static_cast<std::uint64_t>(offsets[1] - offsets[0]))
    return data_loss("its shape does not take the ", offsets[1] - offsets[0], " bytes it has");
  tensor.bytes = data.subspan(static_cast<std::size_t>(offsets[0]), static_cast<std::size_t>(bytes));
  return tensor;
}

} // namespace

Result<std::string> safetensors_header(const std::vector<TensorToWrite>& tensors,
                                       const TextMetadata& metadata) {
  OptionValue::Table table, texts;
  for (const auto& [key, value] : metadata)
    texts.emplace_back(key, OptionValue(value));
  table.emplace_back("__metadata__", OptionValue(std::move(texts)));
  std::int64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    OptionValue::List shape;
    for (const std::int64_t size : tensor.shape)
      shape.emplace_back(size);
    const std::int64_t end = offset + static_cast<std::int64_t>(tensor.bytes.size());
    table.emplace_back(
        tensor.name,
        OptionValue(OptionValue::Table{
            {"dtype", OptionValue(type_name(tensor.dtype))},
            {"shape", OptionValue(std::move(shape))},
            {"data_offsets", OptionValue(OptionValue::List{OptionValue(offset), OptionValue(end)})}}));
    offset = end;
  }
  std::string json = OptionValue(std::move(table)).to_json();
  json.append((8 - json.size() % 8) % 8, ' '); // the data start aligned
  const std::uint64_t length = json.size();
  if (length > kMaxHeaderBytes)
    return resource_exhausted("its header would have ", length, " bytes, the format allows ",
                              kMaxHeaderBytes);
  std::string header(sizeof(length), '\0');
  std::memcpy(header.data(), &length, sizeof(length));
  return header + json;
}

const std::string* SafetensorsView::find_metadata(std::string_view key) const {
  for (const auto& [name, value] : metadata)
    if (name == key) return &value;
  return nullptr;
}

const TensorView* SafetensorsView::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors[found->second];
}

Result<SafetensorsView> SafetensorsView::parse(std::span<const std::byte> file) {
  std::uint64_t length = 0;
  if (file.size() < sizeof(length)) return data_loss("not a safetensors file: ", file.size(), " bytes");
  std::memcpy(&length, file.data(), sizeof(length));
  if (length > kMaxHeaderBytes || length > file.size() - sizeof(length))
    return data_loss("truncated or not a safetensors file: its header would have ", length, " bytes");
  const std::string_view json(reinterpret_cast<const char*>(file.data()) + sizeof(length), length);
  TAILOR_ASSIGN_OR_RETURN(const OptionValue header, OptionValue::from_json(json),
                          "damaged safetensors header");
  const OptionValue::Table* table = header.as_table();
  if (!table) return data_loss("damaged safetensors header: not a table");

  SafetensorsView view;
  view.data = file.subspan(sizeof(length) + length);
  for (const auto& [name, entry] : *table) {
    if (name == "__metadata__") {
      const OptionValue::Table* texts = entry.as_table();
      if (!texts) return data_loss("damaged safetensors header: metadata is not a table");
      for (const auto& [key, value] : *texts) {
        if (!value.as_string())
          return data_loss("damaged safetensors header: metadata '", key, "' is not a text");
        view.metadata.emplace_back(key, *value.as_string());
      }
      continue;
    }
    TAILOR_ASSIGN_OR_RETURN(TensorView tensor, tensor_of(name, entry, view.data),
                            concat("tensor '", name, "'"));
    view.tensors.push_back(std::move(tensor));
  }
  std::sort(view.tensors.begin(), view.tensors.end(), [](const TensorView& a, const TensorView& b) {
    return std::pair(a.bytes.data(), a.bytes.size()) < std::pair(b.bytes.data(), b.bytes.size());
  });
  for (std::size_t i = 0; i < view.tensors.size(); ++i)
    view.index_.emplace(view.tensors[i].name, i);
  const std::byte* end = view.data.data();
  for (const TensorView& tensor : view.tensors) {
    if (tensor.bytes.data() != end)
      return data_loss("tensor '", tensor.name, "' overlaps another or leaves a hole");
    end += tensor.bytes.size();
  }
  if (end != view.data.data() + view.data.size())
    return data_loss("the file has ", view.data.data() + view.data.size() - end,
                     " bytes that belong to no tensor");
  return view;
}

} // namespace tailor::runtime
