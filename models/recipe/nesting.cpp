#include "models/recipe/nesting.h"

#include <algorithm>
#include <vector>

namespace tailor::recipe {
namespace {

// The last character of the string that starts at `begin`, or of the text if it does not end.
std::size_t end_of_string(std::string_view text, std::size_t begin) {
  const char quote = text[begin];
  const bool escapes = quote == '"';
  const std::string_view three = quote == '"' ? "\"\"\"" : "'''";
  const bool many_lines = text.substr(begin, 3) == three;
  for (std::size_t i = begin + (many_lines ? 3 : 1); i < text.size(); ++i) {
    if (escapes && text[i] == '\\') {
      ++i;
    } else if (many_lines && text.substr(i, 3) == three) {
      std::size_t end = i + 2; // up to two quotes before the closing ones belong to the string
      while (end < i + 4 && end + 1 < text.size() && text[end + 1] == quote)
        ++end;
      return end;
    } else if (!many_lines && (text[i] == quote || text[i] == '\n')) {
      return i;
    }
  }
  return text.size() - 1;
}

TextPlace place_of(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const std::size_t newline = before.rfind('\n');
  return {static_cast<std::uint32_t>(1 + std::count(before.begin(), before.end(), '\n')),
          static_cast<std::uint32_t>(at - (newline == std::string_view::npos ? 0 : newline + 1) + 1)};
}

} // namespace

std::optional<TextPlace> nested_too_deep(std::string_view text) {
  std::vector<std::size_t> open; // levels that each open bracket adds: its own and those of the key before it
  std::size_t opened = 0;        // their sum
  std::size_t section = 0;       // levels of the last [section]
  std::size_t dots = 0;          // of the name being read
  std::size_t key = 0;           // levels of the name before `=`
  bool in_section = false, line_has_value = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
    case '#':
      i = std::min(text.find('\n', i), text.size()) - 1;
      break;
    case '"':
    case '\'':
      i = end_of_string(text, i);
      break;
    case '.':
      ++dots;
      break;
    case '=':
      key = dots + 1;
      dots = 0;
      line_has_value = true;
      break;
    case ',':
      key = dots = 0;
      break;
    case '\n':
      key = dots = 0;
      if (open.empty()) line_has_value = in_section = false;
      break;
    case '[':
    case '{':
      if (open.empty() && !line_has_value) {
        in_section = true;
        section = dots = 0;
        break;
      }
      open.push_back(key + 1);
      opened += open.back();
      key = dots = 0;
      break;
    case ']':
    case '}':
      if (in_section && section == 0) section = dots + 1; // not again at the second `]` of [[stage]]
      if (!open.empty()) {
        opened -= open.back();
        open.pop_back();
      }
      key = dots = 0;
      break;
    default:
      break;
    }
    if (section + opened + key + dots > kMaxNesting) return place_of(text, std::min(i, text.size() - 1));
  }
  return std::nullopt;
}

} // namespace tailor::recipe
