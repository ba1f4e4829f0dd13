#pragma once

#include "frontend/graph/array.h"

#include <unordered_map>

namespace tailor {

/// Recognises tables: values made only of fitted state (class counts), constants and control fields that keep
/// their value for a run. They are the same for every batch, so a program computes them once, in its fit
/// entry. Repeating a table over the rows of a batch is no work, and would be a table per batch size: such a
/// broadcast stays where it is read, so that a loss can take the table itself.
class FittedTables {
public:
  /// True for a computed table. A broadcast over rows, a plain read of fitted state and a value without fitted
  /// state are not tables.
  bool is_table(const Array& array);

  /// True for a broadcast over the rows of a batch: every reader writes its own.
  static bool is_spread(const Node& node);

private:
  enum class Kind : unsigned char { varying, constant, fitted };
  Kind kind_of(const Node& node);
  std::unordered_map<const Node*, Kind> known_;
};

} // namespace tailor
