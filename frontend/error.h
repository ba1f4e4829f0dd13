#pragma once

#include "frontend/location.h"

#include <stdexcept>
#include <string>

namespace tailor {

/// The program builds a wrong graph. what() is "file:line:column: error: op: message", one line, with the
/// shapes as the user sees them; a hint follows on its own line when there is a way out.
class TraceError : public std::runtime_error {
public:
  TraceError(std::string op, std::string message, const Location& location, std::string hint = "");

  const std::string& op() const { return op_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  const Location& location() const { return location_; }

private:
  std::string op_;
  std::string message_;
  std::string hint_;
  Location location_;
};

} // namespace tailor
