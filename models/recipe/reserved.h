#pragma once
// What belongs to the grammar but not to this version, so that whoever writes it is told that rather than "unknown key".

#include <span>
#include <string_view>

namespace tailor::recipe {

/// `prefix` covers the key itself and all below; "method.m2m" stands for a value of method.use, "model.NAME" for one of
/// model.name.
struct ReservedKey {
  std::string_view prefix;
  std::string_view what; // "image folders"
};
std::span<const ReservedKey> reserved_keys();
const ReservedKey* find_reserved(std::string_view key);

} // namespace tailor::recipe
