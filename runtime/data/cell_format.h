#pragma once
#include "runtime/base/data_schema.h"
#include "runtime/data/csv.h"

#include <array>
#include <span>

namespace tailor::runtime {

/// True for the empty cell and the given texts.
bool is_missing_cell(std::string_view text, std::span<const std::string> markers);

/// What the cells of a table mean, the same for every table a program reads.
struct CellFormat {
  NumberFormat number;
  /// Texts beside a number that are not part of it: currency and percent signs, units.
  std::vector<std::string> signs;
  /// Texts that mean "no value"; the empty cell always does.
  std::vector<std::string> missing = default_missing_markers();

  bool is_missing(std::string_view text) const { return is_missing_cell(text, missing); }

  bool operator==(const CellFormat&) const = default;
};

/// Words of the recipe: data.decimal "." | ","; data.thousands "" | "," | "." | " " | "'". kInvalidArgument names
/// them.
Result<char> parse_decimal(std::string_view text);
Result<char> parse_thousands(std::string_view text);
/// A sign is 1 to 8 bytes of UTF-8 without digits, blanks at the ends, '.', ',', '+' or '-'.
Status check_sign(std::string_view sign);
/// Takes `sign` off one end of `text`, with blanks between; a minus may stand before a leading sign. False, and
/// nothing is changed, if it is not there.
///
///   "$ 5" and "5 $" -> "5"     "-$5" -> "-5" (rebuilt in `buffer`)
bool take_sign(std::string_view& text, std::string_view sign, std::string& buffer);

/// Reads a number without its sign: parse_number for the plain format; else groups of three digits after one of
/// 1 to 3, all of them or none, and the decimal sign. A point or comma that the format does not know makes it no
/// number.
NumberParse parse_formatted(std::string_view text, const NumberFormat& format, double& value);

/// The ways of writing numbers that are looked for, the plain one first, then those that say less before those
/// that say more.
inline constexpr std::array<NumberFormat, 8> kNumberFormats = {
    {{'.', 0}, {',', 0}, {'.', ','}, {',', '.'}, {',', ' '}, {'.', ' '}, {',', '\''}, {'.', '\''}}};
using FormatMask = std::uint8_t; ///< bit i: kNumberFormats[i]

/// What a cell could be if numbers were written in another way.
struct NumberShape {
  FormatMask formats = 0; ///< under which it reads as a number; 0: text
  std::string_view sign;  ///< of the known signs; empty: none
};
/// Known signs: the usual currencies and percent.
NumberShape number_shape(std::string_view text);

/// The recipe's keys under which `text` would be a number: `data.decimal = ","`; empty if it is none in any format
/// or already one in `format`.
std::string keys_to_read(std::string_view text, const NumberFormat& format);
/// `data.decimal = ",", data.thousands = "."`: what of `format` is not the default.
std::string keys_of(const NumberFormat& format, std::string_view sign);

inline constexpr std::string_view kPercent = "%";

/// Texts that often stand for "no value" in a column of numbers: null, none, n/a, -, ... (any case).
bool is_usual_marker(std::string_view text);

} // namespace tailor::runtime
