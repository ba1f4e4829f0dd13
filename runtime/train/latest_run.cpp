#include "runtime/train/latest_run.h"

#include <filesystem>
#include <unistd.h>

namespace tailor::runtime {

std::string latest_run_link(const std::string& name) {
  return concat("runs/", name, "-latest");
}

Status link_latest_run(const std::string& folder, const std::string& link) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(fs::symlink_status(link, error)) && !fs::is_symlink(fs::symlink_status(link, error)))
    return invalid_argument("'", link, "' is no link and was left as it is");
  const std::string temporary = concat(link, ".tmp", getpid());
  fs::remove(temporary, error);
  fs::create_directory_symlink(fs::path(folder).filename(), temporary, error);
  if (!error) fs::rename(temporary, link, error);
  if (!error) return {};
  const std::string reason = error.message();
  fs::remove(temporary, error);
  return invalid_argument("cannot make the link '", link, "': ", reason);
}

} // namespace tailor::runtime
