#pragma once
// Where a recipe value was written, and how a complaint about it is shown.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tailor::recipe {

/// A place in a recipe file, 1-based; with line 0 the file as a whole or the command line (`--set`). An empty
/// `file` is nowhere: the value is a default.
struct Place {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  static Place command_line();
  bool known() const { return !file.empty(); }
  bool in_file() const { return known() && line != 0; }
  /// "file:line:column", "file", "command line", or "" for nowhere.
  std::string text() const;
  bool operator==(const Place&) const = default;
};

/// One complaint: what is wrong and where, further places that matter, and the way out.
struct Diagnostic {
  struct Note {
    Place place;
    std::string text;
    bool operator==(const Note&) const = default;
  };
  Place place;
  std::string message;
  std::vector<Note> notes;
  std::string hint;
  std::string no_effect = {}; // the key whose value does nothing where it stands: another stage may read it

  bool operator==(const Diagnostic&) const = default;
};

/// The text of every recipe file read, so that a complaint can show the line it is about.
class SourceTexts {
public:
  void add(const std::string& file, std::string text) { texts_[file] = std::move(text); }
  /// The line without its end, or "" when file or line is unknown.
  std::string_view line(const Place& place) const;

private:
  std::map<std::string, std::string> texts_;
};

/// Prints a complaint as a compiler would:
///
///   fraud.toml:4:3: error: ...
///     rho = -1
///     ^
///   fraud.toml:2:1: note: ...
///   hint: ...
///
/// An unknown place is left out: "error: ...", "note: ...". Of a long line what stands around the place is shown.
std::string format(const Diagnostic& diagnostic, const SourceTexts& texts);

/// `text` as a message quotes it: of a long one the beginning and "...".
std::string shortened(std::string_view text);

} // namespace tailor::recipe
