#pragma once
#include "runtime/data/column_roles.h"

namespace tailor::runtime {

/// Rows of each class in each split; empty where the table could not be read.
struct SplitCounts {
  std::vector<std::int64_t> train, val, test; ///< [K]
};

/// How `tailor init` holds rows out, and what that leaves in each part.
struct SplitChoice {
  SplitBy by = SplitBy::kStratified;
  std::string reason;
  SplitCounts counts;
};

/// By time if there is a time column, else by group if there is one, where that leaves every class in every
/// part; else stratified by class, with the reason why not the other. `shares` are those of the parts.
SplitChoice choose_split(const RowKeys& rows, const SplitSpec& shares,
                         const std::vector<std::string>& classes);

} // namespace tailor::runtime
