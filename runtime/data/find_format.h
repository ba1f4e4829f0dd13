#pragma once
#include "runtime/data/profile.h"

namespace tailor::runtime {

/// How the cells of a file seem to be written, each part with the cell that says so.
struct FoundFormat {
  CellFormat cells;
  std::string number_reason;          ///< of decimal and thousands; empty: plain numbers
  std::string signs_reason;           ///< empty: no sign
  std::string markers_reason;         ///< empty: the default markers are enough
  std::vector<std::string> conflicts; ///< columns left as text because their signs do not agree
  std::string ambiguity;              ///< what else the cells could mean; empty: nothing else

  bool is_default() const { return cells == CellFormat(); }
  /// One line a finding, for reports.
  std::vector<std::string> lines() const;
};

/// Chooses among kNumberFormats the one under which most columns of `profile`, which was read with the default
/// format, are numbers in all their cells, usual markers apart; on a tie the one that says less. Signs are those of
/// the columns that become numbers (one in a column, and a percent sign in all cells or none: see infer_schema), markers those that stand in columns of numbers.
///
/// 1,234 can be 1234 or 1.234. Where no other cell decides, groups are taken, or decimals where semicolons separate
/// the cells (who writes decimal commas needs another separator), and `ambiguity` says so.
FoundFormat find_format(const FileProfile& profile);

} // namespace tailor::runtime
