#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tailor::runtime {

/// A feature that a program holds: numbers, of which NaN is no value, or texts of categories, of which "" is none.
struct MemoryColumn {
  std::string name;
  std::variant<std::vector<double>, std::vector<std::string>> values;
};

/// Images that a program holds, in bytes: rows of [height, width, channels].
struct MemoryImages {
  std::int32_t height = 0, width = 0, channels = 0; ///< 0: none
  std::vector<std::uint8_t> pixels;
  std::vector<double> mean, deviation; ///< [channels], as DataSchema has them

  bool operator==(const MemoryImages&) const = default;
};

enum class SplitPart : std::uint8_t { kTrain, kVal, kTest };

/// What the column of the row weights is called; no other has that name.
inline constexpr std::string_view kRowWeightsColumn = "row weights";

/// The rows that a program holds, which data.format = "memory" reads (runtime/data/sources/memory.cpp).
struct MemoryTable {
  std::vector<MemoryColumn> columns; ///< none beside images
  MemoryImages images;
  std::string label_name;
  std::vector<std::string> class_names;
  std::int32_t positive_class = -1;
  std::vector<std::int32_t> labels; ///< [rows], in [0, class_names.size())
  std::vector<float> row_weights;   ///< [rows]; empty: none
  std::vector<SplitPart> parts;     ///< [rows]; empty: cut as data.split.* says
};

/// Keeps `table` under `name` until the process ends. False if another table has that name.
bool keep_memory_table(const std::string& name, MemoryTable table);
/// nullptr if this process keeps none of that name.
std::shared_ptr<const MemoryTable> find_memory_table(std::string_view name);

} // namespace tailor::runtime
