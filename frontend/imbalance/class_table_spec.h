#pragma once

#include "frontend/graph/array.h"
#include "runtime/options/component.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tailor {

/// The largest beta of an effective number: the tables are f32, nearer to 1 it would be 1, and log(1) = 0.
inline constexpr double kMaxBeta = 0.9999999;

/// What a class table is made of.
struct ClassTableArgs {
  Operand counts;         ///< f32 [K], n_i; a class without samples must give a finite number
  Operand beta = 0.9999;  ///< of the effective number of samples
  Operand eps = 0.1;      ///< of a label smoothing, and
  Operand eps_tail = 0.0; ///< of its rarest class, where the profile tells classes apart by it
};

/// What a class table is for.
enum class TableUse : std::uint8_t {
  weight,   ///< w_i of the loss: method.weighted.table
  ascent,   ///< a_i of SAM-A's ascent loss, scaled so that balanced data give 1
  smoothing ///< eps_i of the label smoothing, before it is clipped
};

/// A table [K] of the class counts that recipes and class_table() may name. One file in frontend/imbalance/tables, or in
/// a user's program, registers it for every use it makes sense for.
template <TableUse kUse> struct ClassTableSpec {
  static constexpr std::string_view kKind = kUse == TableUse::weight   ? "weight_table"
                                            : kUse == TableUse::ascent ? "ascent_table"
                                                                       : "smoothing_table";
  std::string name;
  std::string text; ///< the formula
  std::string source = "choice";
  bool takes_beta = false, takes_eps_tail = false; ///< reads this of its arguments
  std::function<Array(const ClassTableArgs&)> make = {};

  /// Names of the keys of a method that it makes run keys of: without a reader they would have no effect.
  std::vector<std::string> reads() const {
    std::vector<std::string> names;
    if (takes_beta) names.push_back("beta");
    if (takes_eps_tail) names.push_back("eps_tail");
    return names;
  }
};
using WeightTable = ClassTableSpec<TableUse::weight>;
using AscentTable = ClassTableSpec<TableUse::ascent>;
using SmoothingTable = ClassTableSpec<TableUse::smoothing>;

} // namespace tailor
