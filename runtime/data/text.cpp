#include "runtime/data/text.h"

#include "runtime/base/edit_distance.h"

#include <algorithm>
#include <vector>

namespace tailor::runtime {

std::string nearest(std::string_view text, std::span<const std::string> names) {
  constexpr std::size_t kCompared = 64;
  text = text.substr(0, kCompared);
  std::string best;
  std::size_t best_distance = static_cast<std::size_t>(-1);
  for (const std::string& name : names)
    if (const std::size_t distance = edit_distance(text, std::string_view(name).substr(0, kCompared));
        distance < best_distance) {
      best_distance = distance;
      best = name;
    }
  return best;
}

std::string_view strip_suffix(std::string_view text, std::string_view suffix) {
  if (!suffix.empty() && text.size() > suffix.size() && text.ends_with(suffix))
    text.remove_suffix(suffix.size());
  return text;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() - i < length) return false;
    const auto second = static_cast<unsigned char>(text[i + 1]);
    const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (second < low || second > high) return false;
    for (std::size_t k = 2; k < length; ++k)
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    i += length;
  }
  return true;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 40;
  std::string shown = "'";
  for (const char c : text.substr(0, kShown))
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '.' : c;
  return shown + (text.size() > kShown ? "...'" : "'");
}

} // namespace tailor::runtime
