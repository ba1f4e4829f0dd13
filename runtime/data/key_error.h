#pragma once
#include "runtime/base/options.h"
#include "runtime/base/result.h"
#include "runtime/options/key_set.h"

#include <string>
#include <string_view>
#include <utility>

namespace tailor::runtime {

/// An error about the value of `key`: the key comes first, whoever has the recipe shows its place.
template <class... Parts> Status wrong(std::string_view key, const Parts&... parts) {
  return invalid_argument(key, parts...).about(std::string(key));
}

/// The same of an error that does not know its key yet.
inline Status wrong_value(std::string_view key, Status status) {
  const std::string about = status.key().empty() ? std::string(key) : status.key();
  return std::move(status).with_context(about).about(about);
}

/// A failure of `what`, which a key led to, unless it knows a nearer one.
template <class Keys, class Member> Status of_key(Member Keys::*key, const char* what, Status status) {
  if (status.ok()) return status;
  status = std::move(status).with_context(what);
  return status.key().empty() ? std::move(status).about(key_name(key)) : status;
}
template <class Keys, class Member, class T>
Result<T> of_key(Member Keys::*key, const char* what, Result<T> result) {
  if (result.ok()) return result;
  return of_key(key, what, std::move(result).status());
}

/// A seed: an integer, or "run_seed" for the one of the run.
inline void read_seed(const OptionValue& value, std::uint64_t& seed, bool& follows_run) {
  follows_run = value.as_string() != nullptr;
  if (value.as_int()) seed = static_cast<std::uint64_t>(*value.as_int());
}

/// A key whose text `parse` understands.
template <class T, class Parse>
Status read_text(const std::string& text, std::string_view key, Parse parse, T& value) {
  Result<T> parsed = parse(text);
  if (!parsed.ok()) return wrong_value(key, std::move(parsed).status());
  value = *std::move(parsed);
  return {};
}

inline bool is_default(const Options& options, std::string_view key) {
  const Option* option = options.find(key);
  return !option || option->origin == "default";
}

} // namespace tailor::runtime
