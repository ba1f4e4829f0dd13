#pragma once
#include "runtime/base/status.h"

#include <cassert>
#include <optional>

namespace tailor::runtime {

/// A value, or the Status that says why there is none.
template <class T> class [[nodiscard]] Result {
public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : status_(std::move(status)) { assert(!status_.ok() && "a Result needs a reason"); }

  bool ok() const { return value_.has_value(); }
  const Status& status() const& { return status_; }
  Status status() && { return std::move(status_); }

  /// Only when ok().
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

private:
  Status status_;
  std::optional<T> value_;
};

} // namespace tailor::runtime

#define TAILOR_CONCAT_IMPL_(a, b) a##b
#define TAILOR_CONCAT_(a, b) TAILOR_CONCAT_IMPL_(a, b)
#define TAILOR_ASSIGN_IMPL_(temporary, lhs, expr, context)                                                   \
  auto temporary = (expr);                                                                                   \
  if (!temporary.ok()) return std::move(temporary).status().with_context(context);                           \
  lhs = std::move(*temporary)
#define TAILOR_ASSIGN_AS_IS_IMPL_(temporary, lhs, expr)                                                      \
  auto temporary = (expr);                                                                                   \
  if (!temporary.ok()) return std::move(temporary).status();                                                 \
  lhs = std::move(*temporary)

/// TAILOR_ASSIGN_OR_RETURN(auto records, read_shard(path), "reading '" + path + "'");
#define TAILOR_ASSIGN_OR_RETURN(lhs, expr, context)                                                          \
  TAILOR_ASSIGN_IMPL_(TAILOR_CONCAT_(tailor_result_, __LINE__), lhs, expr, context)
/// The same without a clause, where the callee already says it all.
#define TAILOR_ASSIGN_OR_RETURN_AS_IS(lhs, expr)                                                             \
  TAILOR_ASSIGN_AS_IS_IMPL_(TAILOR_CONCAT_(tailor_result_, __LINE__), lhs, expr)
