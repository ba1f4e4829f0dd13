// Launches that run again where their results are needed late, so that the results need not stay until then.
#pragma once

#include "ir/Tailor.h"

namespace tailor::passes {

class EntryPlan;
struct ProgramPlan;

/// What running launches again costs.
struct RecomputeCost {
  int64_t launches = 0;
  int64_t bytes = 0;        ///< read and written once more
  int64_t multiplyAdds = 0; ///< of matrix products and convolutions, once more
};

/// Cuts down what the values of `entry` that have places of their own hold at one moment to `target` bytes if it can, and
/// as far as it can otherwise; the entry's plan is out of date afterwards.
///
/// A value that is not touched for a while is given up by running the launch that makes it again, in front of its next
/// reader: the same kernel on the same operands, so the same bits. Chosen one by one: of the values that lie idle at the
/// moment when most is held, the one that brings most for its price, what its operands hold longer counted against it.
/// Never the launches of optimizers, nor one that reads a state which has been written since.
RecomputeCost recomputeLaunches(ir::EntryOp entry, const ProgramPlan& program, const EntryPlan& plan,
                                int64_t target);

/// Multiply-adds of the launches of an entry.
int64_t multiplyAddsOf(ir::EntryOp entry, const ProgramPlan& program);

} // namespace tailor::passes
