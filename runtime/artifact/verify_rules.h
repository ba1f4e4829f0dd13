#pragma once
// What verify.cpp and verify_commands.cpp share.

#include "runtime/artifact/spec.h"
#include "runtime/base/result.h"

#include <set>
#include <string_view>

namespace tailor::runtime {

/// No program of ours comes near; keeps sizes that pass the checks small enough to add up without overflow.
inline constexpr std::uint64_t kMaxSpaceBytes = std::uint64_t{1} << 46;

template <class Records> bool valid_index(std::int64_t index, const Records& records) {
  return index >= 0 && static_cast<std::uint64_t>(index) < records.size();
}

inline bool fits(std::uint64_t offset, std::uint64_t bytes, std::uint64_t size) {
  return offset <= size && bytes <= size - offset;
}

template <class Records> Status check_unique(const Records& records, const char* what) {
  std::set<std::string_view> names;
  for (const auto& record : records) {
    if (record.name.empty()) return invalid_argument("a ", what, " has no name");
    if (!names.insert(record.name).second)
      return invalid_argument("two ", what, "s are named '", record.name, "'");
  }
  return {};
}

/// Bytes [offset, offset + bytes) of a space; `name` says whose.
struct Extent {
  std::uint64_t offset = 0, bytes = 0;
  std::string_view name;
};
/// No byte belongs to two of them. Each fits its space already.
Status check_disjoint(std::vector<Extent> extents, const char* what);

/// Ids that commands, kernels and remarks refer to, against the op table (which is ordered by id).
Status check_op_ids(const ArtifactSpec& spec, const std::vector<std::int32_t>& ids);

/// Shape, dtype and byte count agree.
Status check_bytes(const std::vector<std::int64_t>& shape, DType dtype, std::uint64_t bytes,
                   std::string_view name);

/// The rules of kernels, of library plans and of every variant's slot, outputs and command list. Memory sizes, control fields
/// and the op table have passed theirs.
Status verify_kernels(const ArtifactSpec& spec, std::uint64_t code_bytes);
Status verify_library_plans(const ArtifactSpec& spec);
Status verify_entries(const ArtifactSpec& spec, std::uint64_t constant_bytes);

} // namespace tailor::runtime
