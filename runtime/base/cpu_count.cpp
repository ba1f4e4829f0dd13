#include "runtime/base/cpu_count.h"

#include "runtime/base/file.h"

#include <algorithm>
#include <cmath>
#include <sched.h>
#include <sstream>
#include <thread>

namespace tailor::runtime {
namespace {

/// A control group hierarchy that limits processor time, as it is mounted here.
struct Hierarchy {
  bool v2 = false;
  std::string mount_point;
  std::string mount_root; ///< the group that the mount point shows: "/" outside of containers
};

std::string text_of(const std::string& path) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{4} << 20; // tables of the kernel
  const Result<std::string> text = read_file(path, kMaxBytes);
  return text.ok() ? *text : std::string();
}

bool holds_word(std::string_view list, std::string_view word) {
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t comma = std::min(list.find(',', begin), list.size());
    if (list.substr(begin, comma - begin) == word) return true;
    begin = comma + 1;
  }
  return false;
}

/// Lines of /proc/self/mountinfo: id parent device root mount-point options [optional]... - type source super.
std::vector<Hierarchy> hierarchies(const std::string& root) {
  std::vector<Hierarchy> found;
  std::istringstream lines(text_of(root + "/proc/self/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream head(line.substr(0, dash)), tail(line.substr(dash + 3));
    std::string word, type, source, super;
    Hierarchy hierarchy;
    head >> word >> word >> word >> hierarchy.mount_root >> hierarchy.mount_point;
    tail >> type >> source >> super;
    hierarchy.v2 = type == "cgroup2";
    if (hierarchy.v2 || (type == "cgroup" && holds_word(super, "cpu"))) found.push_back(std::move(hierarchy));
  }
  return found;
}

/// The group of this process in v2 ("0::/path") or in the v1 hierarchy of the controller "cpu".
std::string own_group(const std::string& root, bool v2) {
  std::istringstream lines(text_of(root + "/proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (v2 ? controllers.empty() : holds_word(controllers, "cpu")) return line.substr(second + 1);
  }
  return "";
}

/// Processors that the files of one group grant; 0: no limit here.
double quota_of(const std::string& folder, bool v2) {
  double quota = 0, period = 0;
  if (v2) {
    std::istringstream text(text_of(folder + "/cpu.max")); // "max 100000" or "150000 100000"
    if (!(text >> quota >> period)) return 0;
  } else {
    std::istringstream quota_text(text_of(folder + "/cpu.cfs_quota_us")); // -1: none
    std::istringstream period_text(text_of(folder + "/cpu.cfs_period_us"));
    if (!(quota_text >> quota) || !(period_text >> period)) return 0;
  }
  return quota > 0 && period > 0 ? quota / period : 0;
}

} // namespace

double cgroup_cpu_quota(const std::string& root) {
  double least = 0;
  for (const Hierarchy& hierarchy : hierarchies(root)) {
    std::string group = own_group(root, hierarchy.v2);
    if (group.empty()) continue;
    if (hierarchy.mount_root != "/") { // the mount point shows a group further down, as in a container
      const bool below =
          group.starts_with(hierarchy.mount_root) &&
          (group.size() == hierarchy.mount_root.size() || group[hierarchy.mount_root.size()] == '/');
      group = below ? group.substr(hierarchy.mount_root.size()) : "";
    }
    for (;;) { // a limit of a group holds for all below it
      const double quota = quota_of(root + hierarchy.mount_point + group, hierarchy.v2);
      if (quota > 0) least = least > 0 ? std::min(least, quota) : quota;
      const std::size_t slash = group.rfind('/');
      if (slash == std::string::npos) break;
      group.resize(slash);
    }
  }
  return least;
}

int available_cpus() {
  int cpus = static_cast<int>(std::thread::hardware_concurrency());
  // Room for 8192 processors; the kernel refuses a mask that is too small for the machine.
  constexpr int kMostCpus = 8192;
  if (cpu_set_t* mask = CPU_ALLOC(kMostCpus)) {
    const std::size_t bytes = CPU_ALLOC_SIZE(kMostCpus);
    if (::sched_getaffinity(0, bytes, mask) == 0) cpus = CPU_COUNT_S(bytes, mask);
    CPU_FREE(mask);
  }
  if (const double quota = cgroup_cpu_quota(); quota > 0)
    cpus = static_cast<int>(std::min<double>(cpus, std::ceil(quota)));
  return std::max(cpus, 1);
}

} // namespace tailor::runtime
