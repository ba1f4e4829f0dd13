#include "runtime/data/text.h"

#include "runtime/base/edit_distance.h"
#include "runtime/base/utf8.h"

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
  while (!text.empty()) {
    const std::size_t bytes = utf8_character_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 40;
  std::string shown = "'";
  for (const char c : utf8_prefix(text, kShown))
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '.' : c;
  return shown + (text.size() > kShown ? "...'" : "'");
}

} // namespace tailor::runtime
