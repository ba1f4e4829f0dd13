#pragma once
#include "runtime/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace tailor::runtime {

/// "2147483648", "2GiB", "1.5 GB": a number and B, kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (of 1024).
/// Errors   kInvalidArgument: no such text, a negative number, more than 2^62 bytes.
Result<std::int64_t> parse_bytes(std::string_view text);

/// "213.4 MB": millions of bytes.
std::string megabytes(std::uint64_t bytes);

} // namespace tailor::runtime
