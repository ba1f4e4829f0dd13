#pragma once
#include "runtime/artifact/spec.h"
#include "runtime/base/result.h"

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tailor::runtime {

/// The safetensors format (github.com/huggingface/safetensors): 8 bytes header length, a JSON header
/// {"__metadata__": {text: text}, name: {"dtype", "shape", "data_offsets"}}, then the data without holes.

/// Element type; empty for "U8" and "F16", which no state has.
using TensorType = std::optional<DType>;

struct TensorToWrite {
  std::string name;
  TensorType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};
using TextMetadata = std::vector<std::pair<std::string, std::string>>;

/// Header of a file whose data are the tensors' bytes one after the other.
/// Errors   kResourceExhausted: a header above the format's 100 MB, which no reader would take.
Result<std::string> safetensors_header(const std::vector<TensorToWrite>& tensors,
                                       const TextMetadata& metadata);

struct TensorView {
  std::string name;
  TensorType dtype = DType::kF32;
  bool is_half = false; ///< "F16": two bytes an element
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// A parsed file; views point into the bytes given to parse().
struct SafetensorsView {
  TextMetadata metadata;
  std::vector<TensorView> tensors; ///< in file order
  std::span<const std::byte> data; ///< of all tensors

  const std::string* find_metadata(std::string_view key) const;
  const TensorView* find(std::string_view name) const;

  /// Every size is checked against the file in 64 bits; tensors cover the data exactly once.
  /// Errors   kDataLoss saying what is wrong; kUnimplemented for an element type we have no use for.
  static Result<SafetensorsView> parse(std::span<const std::byte> file);

private:
  std::map<std::string, std::size_t, std::less<>> index_; ///< name -> place in `tensors`
};

} // namespace tailor::runtime
