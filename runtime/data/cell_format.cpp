// How numbers are written: decimal comma, grouped digits, currency and percent signs, texts for "no value".
#include "runtime/data/cell_format.h"

#include "runtime/data/text.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

constexpr std::string_view kNarrowBlanks[] = {"\xC2\xA0", "\xE2\x80\xAF"}; // U+00A0, U+202F

/// Longer spellings first, so that "R$" is not taken for "$" with an R before it.
constexpr std::string_view kKnownSigns[] = {"US$", "R$", "A$", "C$", "USD", "EUR", "GBP", "CHF", "JPY",
                                            "INR", "%",  "$",  "€",  "£",   "¥",   "₹",   "₽", "₩"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Bytes of a group separator at `text`; 0 if there is none.
std::size_t separator_at(std::string_view text, char thousands) {
  if (thousands == 0 || text.empty()) return 0;
  if (text[0] == thousands) return 1;
  if (thousands == ' ')
    for (const std::string_view blank : kNarrowBlanks)
      if (text.starts_with(blank)) return blank.size();
  return 0;
}

std::string_view trimmed(std::string_view text) {
  const auto blank_at = [](std::string_view t, bool front) -> std::size_t {
    if (t.empty()) return 0;
    if ((front ? t.front() : t.back()) == ' ') return 1;
    for (const std::string_view blank : kNarrowBlanks)
      if (front ? t.starts_with(blank) : t.ends_with(blank)) return blank.size();
    return 0;
  };
  while (const std::size_t n = blank_at(text, true))
    text.remove_prefix(n);
  while (const std::size_t n = blank_at(text, false))
    text.remove_suffix(n);
  return text;
}

/// `text` as parse_number takes it, in `plain`; false if its digits are not grouped as the format says.
bool to_plain(std::string_view text, const NumberFormat& format, std::string& plain) {
  plain.clear();
  std::size_t i = 0;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) plain += text[i++];
  std::size_t in_group = 0, groups = 0; // digits since the last separator, separators so far
  bool whole = true;                    // before the decimal sign
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (is_digit(c)) {
      plain += c;
      in_group += whole;
      continue;
    }
    if (whole) {
      const std::size_t bytes = separator_at(text.substr(i), format.thousands);
      if (bytes > 0) {
        if (groups == 0 ? in_group < 1 || in_group > 3 : in_group != 3) return false;
        ++groups, in_group = 0;
        i += bytes - 1;
        continue;
      }
      if (groups > 0 && in_group != 3) return false;
      if (c == format.decimal) {
        plain += '.';
        whole = false;
        continue;
      }
    }
    if (c != 'e' && c != 'E') return false;
    plain += text.substr(i); // the exponent; a second point in it is no number
    if (text.substr(i).find_first_of(".,") != std::string_view::npos) return false;
    return true;
  }
  return !whole || groups == 0 || in_group == 3;
}

} // namespace

bool is_missing_cell(std::string_view text, std::span<const std::string> markers) {
  return text.empty() || std::find(markers.begin(), markers.end(), text) != markers.end();
}

Result<char> parse_decimal(std::string_view text) {
  if (text == "." || text == ",") return text[0];
  return invalid_argument("'", text, "', expected \".\" or \",\"");
}

Result<char> parse_thousands(std::string_view text) {
  if (text.empty()) return '\0';
  if (text == "," || text == "." || text == " " || text == "'") return text[0];
  return invalid_argument("'", text, "', expected \"\", \",\", \".\", \" \" or \"'\"");
}

Status check_sign(std::string_view sign) {
  constexpr std::size_t kMaxBytes = 8;
  if (!sign.empty() && sign.size() <= kMaxBytes && is_utf8(sign) && trimmed(sign) == sign &&
      sign.find_first_of("0123456789.,+-") == std::string_view::npos)
    return {};
  return invalid_argument("sign ", in_quotes(sign), ", expected 1 to ", kMaxBytes,
                          " bytes without digit, point, comma, plus or minus, such as \"$\" or \"%\"");
}

bool take_sign(std::string_view& text, std::string_view sign, std::string& buffer) {
  if (text.ends_with(sign) && text.size() > sign.size()) {
    text = trimmed(text.substr(0, text.size() - sign.size()));
    return true;
  }
  const bool minus = text.starts_with('-');
  const std::string_view rest = minus ? text.substr(1) : text;
  if (!rest.starts_with(sign) || rest.size() == sign.size()) return false;
  text = trimmed(rest.substr(sign.size()));
  if (minus) {
    if (text.starts_with('-') || text.starts_with('+')) return false;
    buffer = "-";
    buffer += text;
    text = buffer;
  }
  return true;
}

NumberParse parse_formatted(std::string_view text, const NumberFormat& format, double& value) {
  if (format == NumberFormat()) return parse_number(text, value);
  // `inf` has neither digits nor groups: as everywhere.
  thread_local std::string plain;
  if (!to_plain(text, format, plain)) {
    double ignored = 0;
    return parse_number(text, ignored) == NumberParse::kNotFinite ? NumberParse::kNotFinite
                                                                  : NumberParse::kNotNumber;
  }
  return parse_number(plain, value);
}

NumberShape number_shape(std::string_view text) {
  NumberShape shape;
  // Nothing without a digit is a number; this keeps words cheap.
  if (text.size() > 64 || std::none_of(text.begin(), text.end(), is_digit)) return shape;
  std::string buffer;
  for (const std::string_view sign : kKnownSigns)
    if (take_sign(text, sign, buffer)) {
      shape.sign = sign;
      break;
    }
  double value = 0;
  for (std::size_t i = 0; i < kNumberFormats.size(); ++i)
    if (parse_formatted(text, kNumberFormats[i], value) == NumberParse::kOk)
      shape.formats = static_cast<FormatMask>(shape.formats | 1u << i);
  return shape;
}

std::string keys_of(const NumberFormat& format, std::string_view sign) {
  std::string keys;
  const auto add = [&](const std::string& key) { keys += (keys.empty() ? "" : ", ") + key; };
  if (format.decimal != '.') add(concat(key_name(&TableKeys::decimal), " = \"", format.decimal, "\""));
  if (format.thousands != 0) add(concat(key_name(&TableKeys::thousands), " = \"", format.thousands, "\""));
  if (!sign.empty()) add(concat(key_name(&TableKeys::number_signs), " = [\"", sign, "\"]"));
  return keys;
}

std::string keys_to_read(std::string_view text, const NumberFormat& format) {
  const NumberShape shape = number_shape(text);
  double value = 0;
  std::string buffer;
  std::string_view rest = text;
  if (!shape.sign.empty() && take_sign(rest, shape.sign, buffer) &&
      parse_formatted(rest, format, value) == NumberParse::kOk)
    return keys_of({}, shape.sign); // the sign is all that is in the way
  for (std::size_t i = 0; i < kNumberFormats.size(); ++i)
    if (shape.formats & 1u << i) return keys_of(kNumberFormats[i], shape.sign);
  return "";
}

bool is_usual_marker(std::string_view text) {
  constexpr std::string_view kMarkers[] = {
      "?",       "na",      "nan",       "n/a", "#n/a", "<na>", "null", "none", "nil",    "nat",
      "missing", "unknown", "undefined", "-",   "--",   ".",    "..",   "*",    "#null!", "#value!",
      "#div/0!", "n.a.",    "n.a",       "nd",  "n.d.", "k.a.", "k.a",  "n.v.", "s.d.",   "not available"};
  std::string lower;
  for (const char c : text.substr(0, 16))
    lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return text.size() <= 16 &&
         std::find(std::begin(kMarkers), std::end(kMarkers), lower) != std::end(kMarkers);
}

} // namespace tailor::runtime
