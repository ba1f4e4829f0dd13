#pragma once
/// Sizes of the blocks of a Winograd convolution.

#include "backend/cpu/kinds/Convolution.h"
#include "backend/cpu/kinds/ConvolutionTaps.h"
#include "backend/cpu/kinds/WinogradForm.h"
#include "backend/cpu/kinds/WinogradProduct.h"

namespace tailor::backend {

/// The forward product and the data gradient, which is the forward product of the output gradient.
struct WinogradPlan {
  std::array<int64_t, 2> input{}, output{}; ///< of the maps it reads and makes
  int64_t channels = 0, outputs = 0;        ///< that it reads and makes
  int64_t top = 0, left = 0;
  int64_t tileRows = 0, tileColumns = 0; ///< of an image

  WinogradTile tile;
  int64_t panels = 0;         ///< of outputs, tile.vectors vectors each but the last
  int64_t lastVectors = 0;    ///< vectors of the last panel
  int64_t blockPanels = 0;    ///< panels of a block of outputs
  int64_t blockRows = 0;      ///< tile rows of a block
  int64_t chainChannels = 0;  ///< channels that are added in one chain; the last chain may be shorter
  int64_t paddedChannels = 0; ///< whole vectors
  int64_t lanes = 0;

  int64_t blockTiles() const { return blockRows * tileColumns; }
  int64_t panelWidth() const { return tile.vectors * lanes; }
  int64_t blockWidth() const { return blockPanels * panelWidth(); }
  int64_t paddedOutputs() const { return ((panels - 1) * tile.vectors + lastVectors) * lanes; }
  /// Elements between planes, one cache line more than they need: planes a multiple of 4 KiB apart would meet in one
  /// set of the first-level cache (6 to 30 % of the time).
  int64_t inputStride() const { return blockTiles() * paddedChannels + 16; }
  int64_t weightStride() const { return channels * paddedOutputs() + 16; }
  int64_t productStride() const { return blockTiles() * blockWidth() + 16; }
};

WinogradPlan planWinograd(const ConvolutionProblem& problem, const WinogradForm& form,
                          const CpuTarget& target);

/// Bytes of blocks that are to stay in the second-level cache.
int64_t winogradCacheBytes(const CpuTarget& target);

} // namespace tailor::backend
