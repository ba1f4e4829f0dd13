#include "models/recipe/source.h"

#include <algorithm>

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
  for (std::uint32_t skipped = 1; skipped < place.line; ++skipped) {
    std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return text;
}

namespace {

// Of a long line what stands around the place: two terminal rows.
constexpr std::size_t kShownBefore = 60, kShownAfter = 100;

bool continues_letter(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80; // UTF-8
}

// Byte of the column, which counts letters; the end of the line if it has fewer.
std::size_t byte_of(std::string_view line, std::uint32_t column) {
  std::size_t byte = 0;
  for (std::uint32_t letter = 1; letter < column && byte < line.size(); ++letter)
    do
      ++byte;
    while (byte < line.size() && continues_letter(line[byte]));
  return byte;
}

// The line and a caret under the column. Tabs are kept so that the caret stays below its letter.
void append_excerpt(std::string& out, const Place& place, const SourceTexts& texts) {
  const std::string_view line = texts.line(place);
  if (line.empty()) return;
  const std::size_t at = byte_of(line, place.column);
  std::size_t begin = at > kShownBefore + kShownAfter ? at - kShownBefore : 0;
  std::size_t end = line.size() > at + kShownBefore + kShownAfter ? at + kShownAfter : line.size();
  while (begin > 0 && continues_letter(line[begin]))
    --begin;
  while (end < line.size() && continues_letter(line[end]))
    ++end;
  const std::string before = begin > 0 ? "..." : "", after = end < line.size() ? "..." : "";
  out.append(before).append(line.substr(begin, end - begin)).append(after).push_back('\n');
  out.append(before.size(), ' ');
  for (std::size_t i = begin; i < at; ++i)
    if (!continues_letter(line[i])) out.push_back(line[i] == '\t' ? '\t' : ' ');
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

std::string shortened(std::string_view text) {
  constexpr std::size_t kMostQuoted = 80; // about a line
  if (text.size() <= kMostQuoted) return std::string(text);
  std::size_t end = kMostQuoted;
  while (end > 0 && continues_letter(text[end]))
    --end;
  return std::string(text.substr(0, end)) + "...";
}

} // namespace tailor::recipe
