#include "runtime/data/dataset.h"

#include "runtime/base/status.h"

#include <algorithm>
#include <span>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tailor::runtime {

const DataColumn* Dataset::find(std::string_view name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const DataColumn& column) { return column.input().name == name; });
  return found == columns.end() ? nullptr : &*found;
}

std::span<const std::int32_t> Dataset::labels() const {
  return labelled ? values<std::int32_t>(input_names::kLabel) : std::span<const std::int32_t>();
}

std::uint64_t bytes_of(const Dataset& data) {
  std::uint64_t bytes = data.source_row.capacity() * sizeof(std::int32_t) +
                        data.id.capacity() * sizeof(std::string) + data.lines.bytes();
  for (const DataColumn& column : data.columns)
    bytes += column.memory();
  for (const std::string& id : data.id)
    bytes += id.capacity() > std::string().capacity() ? id.capacity() : 0;
  return bytes;
}

std::string Dataset::place(std::int64_t row) const {
  const std::int32_t source = source_row[static_cast<std::size_t>(row)];
  const std::int64_t line = lines.line_of(source);
  return line > 0 ? concat(path, ":", line) : concat("row ", source, " of '", path, "'");
}

std::uint64_t content_hash(const Dataset& data) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  const std::int64_t sizes[] = {data.num_rows, data.num_classes};
  XXH3_64bits_update(&state, sizes, sizeof(sizes));
  for (const DataColumn& column : data.columns) {
    const std::string what = column.input().describe();
    XXH3_64bits_update(&state, what.data(), what.size());
    XXH3_64bits_update(&state, column.bytes().data(), column.bytes().size());
  }
  return XXH3_64bits_digest(&state);
}

std::uint64_t row_hash(const Dataset& data, std::int64_t row) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  for (const DataColumn& column : data.columns)
    if (column.input().use != InputUse::kRow)
      XXH3_64bits_update(&state, column.bytes().data() + static_cast<std::size_t>(row) * column.row_bytes(),
                         column.row_bytes());
  return XXH3_64bits_digest(&state);
}

} // namespace tailor::runtime
