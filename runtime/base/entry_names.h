#pragma once
#include <string>

namespace tailor::runtime {

/// The entry of kind batchnorm_recompute that makes the running statistics of evaluation `eval`.
inline std::string statistics_entry_name(const std::string& eval) {
  return eval + "_batchnorm";
}

} // namespace tailor::runtime
