#pragma once

#include "frontend/graph/location.h"

#include <new>
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

/// Runs code of the user's program. What it throws becomes a TraceError at `location` that says so, with what();
/// a TraceError and std::bad_alloc pass as they are.
template <class Work>
auto run_user_code(const std::string& op, const Location& location, const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const TraceError&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw TraceError(op, std::string("the program's code threw: ") + error.what(), location);
  } catch (...) {
    throw TraceError(op, "the program's code threw something that is no std::exception", location);
  }
}

} // namespace tailor
