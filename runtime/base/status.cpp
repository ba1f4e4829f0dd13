#include "runtime/base/status.h"

#include <charconv>
#include <cmath>

namespace tailor::runtime {

std::string Status::message() const {
  std::string text;
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    if (!text.empty()) text += ": ";
    text += *frame;
  }
  return text;
}

const char* to_string(StatusCode code) {
  switch (code) {
  case StatusCode::kOk:
    return "ok";
  case StatusCode::kInvalidArgument:
    return "invalid argument";
  case StatusCode::kNotFound:
    return "not found";
  case StatusCode::kDataLoss:
    return "data loss";
  case StatusCode::kIncompatible:
    return "incompatible";
  case StatusCode::kUnimplemented:
    return "unimplemented";
  case StatusCode::kResourceExhausted:
    return "resource exhausted";
  case StatusCode::kInternal:
    return "internal error";
  }
  return "unknown";
}

int exit_code(const Status& status) {
  if (status.ok()) return 0;
  return status.code() == StatusCode::kInternal ? 70 : 1;
}

namespace detail {

namespace {
template <class Number> void append_number(std::string& text, Number number) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), number);
  text.append(buffer, end.ptr);
}
} // namespace

void append(std::string& text, const char* part) {
  text += part;
}
void append(std::string& text, const std::string& part) {
  text += part;
}
void append(std::string& text, std::string_view part) {
  text += part;
}
void append(std::string& text, char part) {
  text += part;
}
void append(std::string& text, bool part) {
  text += part ? "true" : "false";
}
void append(std::string& text, int part) {
  append_number(text, part);
}
void append(std::string& text, unsigned part) {
  append_number(text, part);
}
void append(std::string& text, long part) {
  append_number(text, part);
}
void append(std::string& text, unsigned long part) {
  append_number(text, part);
}
void append(std::string& text, long long part) {
  append_number(text, part);
}
void append(std::string& text, unsigned long long part) {
  append_number(text, part);
}
void append(std::string& text, double part) {
  constexpr double kExact = 9007199254740992; // beyond it not every whole number is a double
  if (std::abs(part) <= kExact && part == std::floor(part))
    return append_number(text, static_cast<long long>(part));
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), part, std::chars_format::general);
  text.append(buffer, end.ptr);
}

} // namespace detail
} // namespace tailor::runtime
