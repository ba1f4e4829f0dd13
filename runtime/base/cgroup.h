#pragma once
#include <functional>
#include <string>

namespace tailor::runtime {

/// What the files of one control group's folder allow; 0: no limit there.
using CgroupLimit = std::function<double(const std::string& folder, bool v2)>;

/// The least that a controller ("cpu", "memory") allows this process, over its group and all above it, in cgroup v2 and
/// v1; 0 without a limit. `root` stands before /proc and the mount points; "" is the real one.
double least_cgroup_limit(const std::string& controller, const std::string& root,
                          const CgroupLimit& limit_of);

/// A file under /proc or /sys; empty if it cannot be read.
std::string kernel_text(const std::string& path);

} // namespace tailor::runtime
