#include "runtime/data/dataset.h"

#include "runtime/base/status.h"

#include <span>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tailor::runtime {

std::uint64_t bytes_of(const Dataset& data) {
  std::uint64_t bytes = 4 * (data.numeric.capacity() + data.category.capacity() + data.label.capacity() +
                             data.source_row.capacity()) +
                        data.id.capacity() * sizeof(std::string) + data.lines.bytes();
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
  const std::int64_t sizes[] = {data.num_rows, data.num_numeric, data.num_category, data.num_classes};
  XXH3_64bits_update(&state, sizes, sizeof(sizes));
  const auto add = [&](auto values) { XXH3_64bits_update(&state, values.data(), values.size_bytes()); };
  add(std::span(data.numeric));
  add(std::span(data.category));
  add(std::span(data.label));
  return XXH3_64bits_digest(&state);
}

std::uint64_t row_hash(const Dataset& data, std::int64_t row) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  const auto add = [&](auto values, std::int32_t width) {
    const auto part = values.subspan(static_cast<std::size_t>(row * width), static_cast<std::size_t>(width));
    XXH3_64bits_update(&state, part.data(), part.size_bytes());
  };
  add(std::span(data.numeric), data.num_numeric);
  add(std::span(data.category), data.num_category);
  add(std::span(data.label), 1);
  return XXH3_64bits_digest(&state);
}

} // namespace tailor::runtime
