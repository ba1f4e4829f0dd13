#include "runtime/base/cgroup.h"

#include "runtime/base/file.h"

#include <algorithm>
#include <sstream>
#include <vector>

namespace tailor::runtime {
namespace {

/// A control group hierarchy of some controller, as it is mounted here.
struct Hierarchy {
  bool v2 = false;
  std::string mount_point;
  std::string mount_root; ///< the group that the mount point shows: "/" outside of containers
};

bool holds_word(std::string_view list, std::string_view word) {
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t comma = std::min(list.find(',', begin), list.size());
    if (list.substr(begin, comma - begin) == word) return true;
    begin = comma + 1;
  }
  return false;
}

/// Lines of /proc/self/mountinfo: id parent device root mount-point options [optional]... - type source super.
std::vector<Hierarchy> hierarchies(const std::string& controller, const std::string& root) {
  std::vector<Hierarchy> found;
  std::istringstream lines(kernel_text(root + "/proc/self/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream head(line.substr(0, dash)), tail(line.substr(dash + 3));
    std::string word, type, source, super;
    Hierarchy hierarchy;
    head >> word >> word >> word >> hierarchy.mount_root >> hierarchy.mount_point;
    tail >> type >> source >> super;
    hierarchy.v2 = type == "cgroup2";
    if (hierarchy.v2 || (type == "cgroup" && holds_word(super, controller)))
      found.push_back(std::move(hierarchy));
  }
  return found;
}

/// The group of this process in v2 ("0::/path") or in the v1 hierarchy of the controller.
std::string own_group(const std::string& controller, const std::string& root, bool v2) {
  std::istringstream lines(kernel_text(root + "/proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (v2 ? controllers.empty() : holds_word(controllers, controller)) return line.substr(second + 1);
  }
  return "";
}

} // namespace

std::string kernel_text(const std::string& path) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{4} << 20; // tables of the kernel
  const Result<std::string> text = read_file(path, kMaxBytes);
  return text.ok() ? *text : std::string();
}

double least_cgroup_limit(const std::string& controller, const std::string& root,
                          const CgroupLimit& limit_of) {
  double least = 0;
  for (const Hierarchy& hierarchy : hierarchies(controller, root)) {
    std::string group = own_group(controller, root, hierarchy.v2);
    if (group.empty()) continue;
    if (hierarchy.mount_root != "/") { // the mount point shows a group further down, as in a container
      const bool below =
          group.starts_with(hierarchy.mount_root) &&
          (group.size() == hierarchy.mount_root.size() || group[hierarchy.mount_root.size()] == '/');
      group = below ? group.substr(hierarchy.mount_root.size()) : "";
    }
    for (;;) { // a limit of a group holds for all below it
      const double limit = limit_of(root + hierarchy.mount_point + group, hierarchy.v2);
      if (limit > 0) least = least > 0 ? std::min(least, limit) : limit;
      const std::size_t slash = group.rfind('/');
      if (slash == std::string::npos) break;
      group.resize(slash);
    }
  }
  return least;
}

} // namespace tailor::runtime
