#include "runtime/base/data_path.h"

#include "runtime/base/file.h"

#include <filesystem>
#include <string_view>

namespace tailor::runtime {
namespace {

constexpr std::string_view kMark = "/./";

std::string plain(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().string();
}

} // namespace

std::string data_path_of(const std::string& folder, const std::string& path) {
  const std::string from = plain(folder);
  if (path.empty() || path.front() == '/' || from.empty() || from == ".") return path;
  return from + std::string(kMark) + plain(path);
}

std::string locate_data(const std::string& folder, const std::string& path) {
  if (path.empty()) return path;
  const std::size_t mark = path.find(kMark);
  if (mark == std::string::npos) return join_path(folder, path);
  return folder.empty() ? plain(path) : join_path(folder, path.substr(mark + kMark.size()));
}

bool starts_in_folder(const std::string& path) {
  return !path.empty() && (path.front() != '/' || path.find(kMark) != std::string::npos);
}

} // namespace tailor::runtime
