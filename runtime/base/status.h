#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tailor::runtime {

/// Few codes, chosen for what the caller can do about it.
enum class StatusCode {
  kOk,
  kInvalidArgument,   ///< the input (recipe, option, data) says something that cannot be
  kNotFound,          ///< a file, column, key or name is not there
  kDataLoss,          ///< bytes are damaged or cut short
  kIncompatible,      ///< artifact, checkpoint or device of another version, target or schema
  kUnimplemented,     ///< understood, but this build or target cannot do it
  kResourceExhausted, ///< out of memory, disk, file handles
  kInternal,          ///< our own mistake
};

/// The outcome of something that can fail: ok, or a code and a message. Cannot be dropped silently.
/// Each layer adds one short clause on the way up; the message reads outside-in:
///   opening dataset 'adult': reading 'adult.csv': line 7 has 13 of 15 columns
/// Wording: lower case, no final stop, both numbers, names as the user wrote them.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code) { frames_.push_back(std::move(message)); }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }

  /// The way out, printed on a line of its own: `hint: ...`. Empty if there is none.
  const std::string& hint() const { return hint_; }
  Status with_hint(std::string hint) && {
    hint_ = std::move(hint);
    return std::move(*this);
  }
  /// The option this is about ("data.label.column", "data.columns.drop[1]"); empty if none. A tool that knows
  /// where the option was written shows that place.
  const std::string& key() const { return key_; }
  Status about(std::string key) && {
    key_ = std::move(key);
    return std::move(*this);
  }
  Status with_context(std::string frame) && {
    frames_.push_back(std::move(frame));
    return std::move(*this);
  }
  /// Outermost clause first, joined by ": ".
  std::string message() const;

private:
  StatusCode code_ = StatusCode::kOk;
  std::vector<std::string> frames_;
  std::string hint_;
  std::string key_;
};

/// Lower-case words, e.g. "invalid argument".
const char* to_string(StatusCode code);

/// 0 for ok, 70 for kInternal, else 1: the exit codes of every tool (2 is kept for a wrong command line).
int exit_code(const Status& status);

namespace detail {
void append(std::string& text, const char* part);
void append(std::string& text, const std::string& part);
void append(std::string& text, std::string_view part);
void append(std::string& text, char part);
void append(std::string& text, bool part);
void append(std::string& text, int part);
void append(std::string& text, unsigned part);
void append(std::string& text, long part);
void append(std::string& text, unsigned long part);
void append(std::string& text, long long part);
void append(std::string& text, unsigned long long part);
void append(std::string& text, double part); ///< shortest text that reads back as the same double
} // namespace detail

/// Joins texts and numbers: concat("shard has ", 41, " of ", 50, " records").
template <class... Parts> std::string concat(const Parts&... parts) {
  std::string text;
  (detail::append(text, parts), ...);
  return text;
}

template <class... Parts> Status invalid_argument(const Parts&... parts) {
  return Status(StatusCode::kInvalidArgument, concat(parts...));
}
template <class... Parts> Status not_found(const Parts&... parts) {
  return Status(StatusCode::kNotFound, concat(parts...));
}
template <class... Parts> Status data_loss(const Parts&... parts) {
  return Status(StatusCode::kDataLoss, concat(parts...));
}
template <class... Parts> Status incompatible(const Parts&... parts) {
  return Status(StatusCode::kIncompatible, concat(parts...));
}
template <class... Parts> Status unimplemented(const Parts&... parts) {
  return Status(StatusCode::kUnimplemented, concat(parts...));
}
template <class... Parts> Status resource_exhausted(const Parts&... parts) {
  return Status(StatusCode::kResourceExhausted, concat(parts...));
}
template <class... Parts> Status internal_error(const Parts&... parts) {
  return Status(StatusCode::kInternal, concat(parts...));
}

} // namespace tailor::runtime

/// Leaves the function with `context: <message>` if `expr` failed.
#define TAILOR_RETURN_IF_ERROR(expr, context)                                                                \
  do {                                                                                                       \
    if (::tailor::runtime::Status tailor_status_ = (expr); !tailor_status_.ok())                             \
      return std::move(tailor_status_).with_context(context);                                                \
  } while (0)

/// The same without a clause, where the callee already says it all.
#define TAILOR_RETURN_IF_ERROR_AS_IS(expr)                                                                   \
  do {                                                                                                       \
    if (::tailor::runtime::Status tailor_status_ = (expr); !tailor_status_.ok()) return tailor_status_;      \
  } while (0)
