// Text to number: a fast road for short plain decimals, std::from_chars for the rest.
#include "runtime/data/csv.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace tailor::runtime {
namespace {

/// Every integer below kExactMantissa and every power in the table is exact, so mantissa / power rounds once and
/// is the nearest f64 (Clinger 1990).
constexpr std::uint64_t kExactMantissa = std::uint64_t{1} << 53;
constexpr double kPowers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// from_chars reports both ends of the range alike. Out of range and yet no positive exponent and no digit
/// other than 0 before the point (or a negative exponent): too small, which rounds to 0.
bool too_small(std::string_view text) {
  if (const std::size_t e = text.find_first_of("eE"); e != std::string_view::npos) return text[e + 1] == '-';
  const std::string_view whole = text.substr(0, text.find('.'));
  return whole.find_first_not_of('0') == std::string_view::npos;
}

} // namespace

NumberParse parse_number(std::string_view text, double& value) {
  const char* p = text.data();
  const char* const end = p + text.size();
  const bool negative = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+')) ++p;
  if (p == end) return NumberParse::kNotNumber;
  const char* const digits = p;

  std::uint64_t mantissa = 0;
  int num_digits = 0, decimals = 0;
  for (; p < end && is_digit(*p) && num_digits < 18; ++p, ++num_digits)
    mantissa = mantissa * 10 + static_cast<std::uint64_t>(*p - '0');
  if (p < end && *p == '.') {
    for (++p; p < end && is_digit(*p) && num_digits < 18; ++p, ++num_digits, ++decimals)
      mantissa = mantissa * 10 + static_cast<std::uint64_t>(*p - '0');
  }
  if (p == end && num_digits > 0 && mantissa < kExactMantissa &&
      decimals < static_cast<int>(std::size(kPowers))) {
    const double magnitude = static_cast<double>(mantissa) / kPowers[decimals];
    value = negative ? -magnitude : magnitude;
    return NumberParse::kOk;
  }

  if (!is_digit(*digits) && *digits != '.') {
    std::string word;
    for (const char* c = digits; c < end && word.size() < 9; ++c)
      word += static_cast<char>(*c | 0x20);
    return word == "inf" || word == "infinity" ? NumberParse::kNotFinite : NumberParse::kNotNumber;
  }
  double magnitude = 0;
  const auto [stop, error] = std::from_chars(digits, end, magnitude, std::chars_format::general);
  if (error == std::errc::invalid_argument || stop != end) return NumberParse::kNotNumber;
  if (error == std::errc::result_out_of_range) {
    if (!too_small({digits, end})) return NumberParse::kOutOfRange;
    magnitude = 0;
  }
  if (magnitude > std::numeric_limits<float>::max()) return NumberParse::kOutOfRange;
  value = negative ? -magnitude : magnitude;
  return NumberParse::kOk;
}

} // namespace tailor::runtime
