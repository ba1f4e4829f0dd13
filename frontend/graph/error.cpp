#include "frontend/graph/error.h"

namespace tailor {

namespace {

std::string compose(const std::string& op, const std::string& message, const Location& location,
                    const std::string& hint) {
  std::string text = location.known() ? to_string(location) + ": error: " : "error: ";
  text += op + ": " + message;
  if (!hint.empty()) text += "\nhint: " + hint;
  return text;
}

} // namespace

TraceError::TraceError(std::string op, std::string message, const Location& location, std::string hint)
    : std::runtime_error(compose(op, message, location, hint)), op_(std::move(op)),
      message_(std::move(message)), hint_(std::move(hint)), location_(location) {}

} // namespace tailor
