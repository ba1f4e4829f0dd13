#pragma once
// What a step can take at least: by what this core can do, measured in the same process.

#include "tools/tailor/ceilings.h"

#include <cstdint>

namespace tailor::bench {

using tools::peak_flops;
using tools::read_bandwidth;

/// Lower bound of one MLP training step in seconds: the larger of its arithmetic at the measured peak and its
/// parameter-sized traffic (every state tensor read and written as often as ideal fusion must) at the
/// bandwidth of the cache level that holds it.
///
///   arithmetic  passes x 6 x batch x weights, less 2 x batch x first-layer weights a pass (no data gradient)
///   traffic     10 passes over the parameters for a plain step with average, 17 for SAM-A
struct MlpStep {
  int64_t inputs, hidden, hidden_layers, classes, batch;
  bool sam;
  int64_t parameters() const;
  double flops() const;
};
double floor_seconds(const MlpStep& step);

} // namespace tailor::bench
