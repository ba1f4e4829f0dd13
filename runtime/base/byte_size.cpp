#include "runtime/base/byte_size.h"

#include "runtime/base/log.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace tailor::runtime {

Result<std::int64_t> parse_bytes(std::string_view text) {
  constexpr std::pair<const char*, double> kUnits[] = {
      {"", 1},      {"B", 1},        {"kB", 1e3},     {"KB", 1e3},     {"MB", 1e6},    {"GB", 1e9},
      {"TB", 1e12}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}};
  const auto refuse = [&] {
    return invalid_argument("'", printable(text), "' is no number of bytes")
        .with_hint(
            "a number, as 2147483648 or 1e9, or text with B, kB, MB, GB, TB (powers of 1000), KiB, MiB, "
            "GiB or TiB (of 1024), as \"500MB\" or \"2GiB\"");
  };
  const std::string copy(text);
  if (copy.empty() || !(copy[0] >= '0' && copy[0] <= '9')) return refuse(); // no sign, no infinity
  char* end = nullptr;
  const double number = std::strtod(copy.c_str(), &end);
  while (*end == ' ')
    ++end;
  for (const auto& [unit, factor] : kUnits) {
    if (std::string_view(end) != unit) continue;
    const double bytes = std::floor(number * factor);
    if (!(bytes <= 0x1p62)) return refuse();
    return static_cast<std::int64_t>(bytes);
  }
  return refuse();
}

std::string megabytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  return text;
}

} // namespace tailor::runtime
