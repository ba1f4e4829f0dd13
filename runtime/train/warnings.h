#pragma once
#include "runtime/base/log.h"

#include <set>
#include <string>

namespace tailor::runtime {

/// The warnings and notes of a run: each text once, however many seeds and stages meet it. `--quiet` leaves out
/// progress, never these.
class Warnings {
public:
  void say(const std::string& text) {
    if (said_.insert(text).second) log_warning(text);
  }
  void note(const std::string& text) {
    if (said_.insert(text).second) log_info("note: " + text);
  }

private:
  std::set<std::string> said_;
};

} // namespace tailor::runtime
