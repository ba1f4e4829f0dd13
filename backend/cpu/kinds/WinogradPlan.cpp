#include "backend/cpu/kinds/WinogradPlan.h"

namespace tailor::backend {

int64_t winogradCacheBytes(const CpuTarget& target) {
  // Processors with AVX-512 have 1 MB or more a core, the others 256 or 512 KB; a quarter is left to weights and maps.
  return target.registers >= 32 ? 700 << 10 : 350 << 10;
}

/// Channels of one chain of additions: the error of a chain grows with its length, to 2.4e-6 of the result's size at 640
/// channels; and the weights of so many channels and a panel stay in the first-level cache. Equal chains need no second
/// loop, if they are not much shorter for it (2 x 257 channels would be 257 chains of 2).
static int64_t chainChannelsFor(int64_t channels) {
  constexpr int64_t kLongestChain = 256;
  int64_t fewest = ceilDiv(channels, kLongestChain);
  for (int64_t chains = fewest; chains < 2 * fewest; ++chains)
    if (channels % chains == 0) return channels / chains;
  return ceilDiv(channels, fewest);
}

/// Tile rows of a block: enough tiles for the products to stay busy, few enough for the cache.
static int64_t blockRowsFor(const WinogradPlan& plan, int64_t points, const CpuTarget& target) {
  // From about 32 tiles on, reading the weights of a product costs nothing beside its multiplications. Weights that do
  // not fit a core's share of the last-level cache need as many, others half, even if the tiles then leave the second
  // level: tiles are read once per block of outputs, weights once per block of tiles (320 channels: 300 GFLOP/s with 16
  // tiles, 344 with 32).
  constexpr int64_t kEnoughTiles = 32, kMostTiles = 48, kLastLevelShare = 8 << 20;
  int64_t weightBytes = points * plan.weightStride() * int64_t(sizeof(float));
  int64_t fewestTiles = weightBytes > kLastLevelShare ? kEnoughTiles : kEnoughTiles / 2;
  int64_t tileBytes = points * (plan.paddedChannels + plan.blockWidth()) * int64_t(sizeof(float));
  int64_t best = 1;
  double bestScore = 0;
  for (int64_t rows = 1; rows == 1 || rows * plan.tileColumns <= kMostTiles; ++rows) {
    int64_t tiles = rows * plan.tileColumns;
    if (rows > 1 && tiles > fewestTiles && tiles * tileBytes > winogradCacheBytes(target)) break;
    double score = double(std::min(tiles, kEnoughTiles)) / kEnoughTiles;
    score *= double(tiles) / double(ceilDiv(tiles, plan.tile.rows) * plan.tile.rows); // whole register tiles
    bool wholeImages = plan.tileRows % rows == 0 || rows % plan.tileRows == 0;
    if (!wholeImages) score *= 0.95; // a chunk ends with a smaller block
    if (score > bestScore) {
      best = rows;
      bestScore = score;
    }
  }
  return best;
}

WinogradPlan planWinograd(const ConvolutionProblem& problem, const WinogradForm& form,
                          const CpuTarget& target) {
  WinogradPlan plan;
  bool forward = problem.product == ConvolutionProduct::forward;
  plan.input = forward ? problem.image : problem.output;
  plan.output = forward ? problem.output : problem.image;
  plan.channels = forward ? problem.channels : problem.outputs;
  plan.outputs = forward ? problem.outputs : problem.channels;
  // A tile of the data gradient starts where the kernel, turned, first meets an output: with stride 2 and padding 1 at
  // the output of half its place.
  auto start = [&](int axis) {
    if (forward) return problem.paddingLow[axis];
    return problem.strides[axis] == 1 ? 2 - problem.paddingLow[axis] : 0;
  };
  plan.top = start(0);
  plan.left = start(1);
  plan.tileRows = ceilDiv(plan.output[0], form.outputs);
  plan.tileColumns = ceilDiv(plan.output[1], form.outputs);
  plan.lanes = target.lanes;
  plan.tile = winogradTile(target, plan.outputs);
  int64_t vectors = ceilDiv(plan.outputs, plan.lanes);
  plan.panels = ceilDiv(vectors, plan.tile.vectors);
  plan.lastVectors = vectors - (plan.panels - 1) * plan.tile.vectors;
  plan.paddedChannels = ceilDiv(plan.channels, plan.lanes) * plan.lanes;
  // Blocks of at most 64 outputs keep the products small beside V; equal blocks where that is possible.
  int64_t mostPanels = std::max<int64_t>(1, 64 / plan.panelWidth());
  plan.blockPanels = ceilDiv(plan.panels, ceilDiv(plan.panels, mostPanels));
  plan.chainChannels = chainChannelsFor(plan.channels);
  plan.blockRows = blockRowsFor(plan, form.points(), target);
  return plan;
}

} // namespace tailor::backend
