#pragma once
#include <cstdint>
#include <string>

namespace tailor::runtime {

/// Bytes of memory this process may have: those of the machine, and no more than its control groups allow.
std::uint64_t memory_limit();

/// The least that the control groups allow, in bytes, 0 without a limit: of cgroup v2 (memory.max) and v1
/// (memory.limit_in_bytes). `root` as for cgroup_cpu_quota().
std::uint64_t cgroup_memory_limit(const std::string& root = "");

} // namespace tailor::runtime
