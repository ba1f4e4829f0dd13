#include "frontend/recipe/source.h"

#include <algorithm>

#include "runtime/base/edit_distance.h"

namespace tailor::recipe {

Place Place::command_line() {
  return {"command line", 0, 0};
}

std::string Place::text() const {
  if (!in_file()) return file;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string_view SourceTexts::line(const Place& place) const {
  auto found = texts_.find(place.file);
  if (found == texts_.end() || place.line == 0) return {};
  std::string_view text = found->second;
  for (uint32_t skipped = 1; skipped < place.line; ++skipped) {
    size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return text;
}

namespace {

// The line and a caret under the column. Tabs are kept so that the caret stays below its letter.
void append_excerpt(std::string& out, const Place& place, const SourceTexts& texts) {
  std::string_view line = texts.line(place);
  if (line.empty()) return;
  out.append(line).push_back('\n');
  for (uint32_t column = 1; column < place.column; ++column)
    out.push_back(column <= line.size() && line[column - 1] == '\t' ? '\t' : ' ');
  out.append("^\n");
}

std::string head(const Place& place, const char* kind, const std::string& text) {
  return (place.known() ? place.text() + ": " : std::string()) + kind + ": " + text + "\n";
}

} // namespace

std::string format(const Diagnostic& diagnostic, const SourceTexts& texts) {
  std::string out = head(diagnostic.place, "error", diagnostic.message);
  append_excerpt(out, diagnostic.place, texts);
  for (const Diagnostic::Note& note : diagnostic.notes) {
    out += head(note.place, "note", note.text);
    append_excerpt(out, note.place, texts);
  }
  if (!diagnostic.hint.empty()) out += "hint: " + diagnostic.hint + "\n";
  return out;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    size_t distance = runtime::edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

} // namespace tailor::recipe
