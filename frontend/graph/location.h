#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

namespace tailor {

/// A place in the user's program or recipe: what every op carries from here to the artifact.
/// `file` is interned and lives until the process ends; "" means unknown. Column 0 is the file as a whole, or what is no file ("command
/// line").
struct Location {
  const char* file = "";
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  bool known() const { return line != 0; }
  bool operator==(const Location& other) const;
};

/// "net.cpp:14:12", "fraud.toml", or "unknown location".
std::string to_string(const Location& location);

/// A location with its own copy of the file name (recipes).
Location make_location(std::string_view file, std::uint32_t line, std::uint32_t column);
Location make_location(const std::source_location& where);

/// While one is alive, ops built on this thread carry its location instead of their own call site.
///
/// Outermost: the first scope wins, so an op inside nn::Linear answers to the line that called the layer, and
/// a layer built by a recipe answers to the recipe's line. Inner: this scope replaces the current one until
/// it ends, for a part that answers to another line than its surroundings (the network inside a method's
/// loss).
class LocationScope {
public:
  enum class Nesting : std::uint8_t { outermost, inner };
  explicit LocationScope(const Location& location, Nesting nesting = Nesting::outermost);
  ~LocationScope();
  LocationScope(const LocationScope&) = delete;
  LocationScope& operator=(const LocationScope&) = delete;

  /// The location an op built at `where` gets now.
  static Location resolve(const Location& where);

private:
  Location previous_; ///< what was active before; restored at the end
};

} // namespace tailor
