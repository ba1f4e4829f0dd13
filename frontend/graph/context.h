#pragma once

#include "frontend/graph/array.h"

namespace tailor {

/// How a network is being run. The random key follows from the trace: the control field `rng` and the number
/// of the pass, so a body called twice draws twice.
struct Context {
  bool train = false;
  /// f32 []: the share of this batch in the running statistics, in place of the layers' momentum; empty: by that.
  Array statistics_share = {};

  /// i32 [4]: seed low, seed high, epoch, draw position of row 0. Only inside an entry or a body of one.
  Array rng(const Location& location) const;
  /// i32 []: which pass of the step.
  Array pass(const Location& location) const;
  /// i32 []: rows of the batch that count.
  Array valid(const Location& location) const;
  /// Key of one random op (tailor.rng_key): i32 [8].
  Array key(const Location& location, std::int64_t view = 0) const;
};

/// One mini-batch, sample-major; rows >= valid are padding and count for nothing. Fields the data plan does
/// not have raise TraceError when used.
struct Batch {
  Array image;      ///< [N, H, W, C] f32; of bytes (pixel / 255 - mean) / deviation (methods.md 1.4)
  Array numeric;    ///< [N, D] f32, normalised
  Array category;   ///< [N, columns] i32 codes
  Array label;      ///< [N] i32 in [0, K)
  Array index;      ///< [N] i32 row id in the data set
  Array row_weight; ///< [N] f32, at least 0: data.row_weights (methods.md 2.2)
  Array valid;      ///< [] i32 number of valid rows
};

} // namespace tailor
