#include "frontend/graph/location.h"

#include <cstring>
#include <mutex>
#include <set>

namespace tailor {

namespace {

thread_local Location active; // unknown: no scope

const char* intern(std::string_view file) {
  static std::mutex mutex;
  static std::set<std::string, std::less<>> files;
  std::lock_guard lock(mutex);
  auto found = files.find(file);
  if (found == files.end()) found = files.emplace(file).first;
  return found->c_str();
}

} // namespace

bool Location::operator==(const Location& other) const {
  return line == other.line && column == other.column && std::strcmp(file, other.file) == 0;
}

std::string to_string(const Location& location) {
  if (!location.known()) return "unknown location";
  if (location.column == 0) return location.file;
  return std::string(location.file) + ":" + std::to_string(location.line) + ":" +
         std::to_string(location.column);
}

Location make_location(std::string_view file, std::uint32_t line, std::uint32_t column) {
  return {intern(file), line, column};
}

Location make_location(const std::source_location& where) {
  return {where.file_name(), where.line(), where.column()};
}

LocationScope::LocationScope(const Location& location, Nesting nesting) : previous_(active) {
  if (location.known() && (nesting == Nesting::inner || !active.known())) active = location;
}

LocationScope::~LocationScope() {
  active = previous_;
}

Location LocationScope::resolve(const Location& where) {
  return active.known() ? active : where;
}

} // namespace tailor
