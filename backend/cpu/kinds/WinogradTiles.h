#pragma once
/// Tiles of an image, which may overlap, transformed in both dimensions and laid out as planes: the input transform of a
/// Winograd convolution and the output-gradient transform of its weight gradient.
///
/// A tile row goes through a buffer that stays in the first-level cache, one vector of channels at a time: a vertical
/// pass over whole columns, which neighbouring tiles share, then a horizontal pass tile by tile. Elements are asked of
/// the Evaluator, so whatever map ops make the tensor are computed in these loads. Padding is zero behind them: rows
/// outside the image are zeros in code of their own, columns outside are columns of the buffer that stay zero.

#include "backend/codegen/Evaluator.h"
#include "backend/cpu/kinds/WinogradForm.h"
#include "backend/llvm/VectorBuilder.h"

namespace tailor::backend {

/// Channels [from, to) of `channels`: all of them, or a window that starts and ends at a whole vector or at the end.
struct ChannelWindow {
  int64_t channels = 0;
  mlir::Value from = {}, to = {};
};

struct WinogradTiles {
  mlir::Value tensor; ///< [N, height, width, channels]
  int64_t height = 0, width = 0;
  ChannelWindow channels;
  int64_t top = 0, left = 0;             ///< zeros before the first row and column
  int64_t tileRows = 0, tileColumns = 0; ///< of an image
  int64_t step = 0;                      ///< from tile to tile; a tile covers transform.from rows and columns
  LinearTransform transform;
  bool asksAhead = true; ///< for the rows that the next tile row adds

  int64_t bufferColumns() const { return (tileColumns - 1) * step + transform.from; }
  /// Columns of the image that tiles cover; a stride may leave the last.
  int64_t usedColumns() const { return std::min(width, bufferColumns() - left); }
  int64_t bufferElements(int64_t lanes) const { return transform.to * bufferColumns() * lanes; }
};

/// Where the planes of the tiles are: element (point, tile, channel) is at point * planeStride + tile * tileStride +
/// channel, counted from the first of the window. tileStride is at least the channels rounded up to whole vectors; the
/// lanes behind them hold anything.
struct WinogradPlanes {
  mlir::Value base;
  int64_t planeStride = 0, tileStride = 0;
};

/// Zeroes the columns of the buffer that lie in the padding. Once per buffer.
void clearTileBuffer(VectorBuilder& b, const WinogradTiles& tiles, mlir::Value buffer);

/// Transforms tile row `tileRow` of image `n`; its first tile is tile 0 of `planes`.
void emitTileRow(VectorBuilder& b, Evaluator& e, const WinogradTiles& tiles, mlir::Value n,
                 mlir::Value tileRow, mlir::Value buffer, const WinogradPlanes& planes);

/// Asks for one of `parts` equal parts of what `count` tile rows from `tileRow` of image `n` on read and those before
/// them did not: rows of all channels, which lie behind one another. Between computations that need no memory.
void prefetchTileRows(VectorBuilder& b, Evaluator& e, const WinogradTiles& tiles, mlir::Value n,
                      mlir::Value tileRow, int64_t count, mlir::Value part, int64_t parts);

/// Runs `body(channel, first)` for every vector of channels; the last one is masked if it is not full. `first` counts
/// from the first channel of the window.
void forEachChannelVector(Evaluator& e, const ChannelWindow& window,
                          llvm::function_ref<void(const Coord& channel, mlir::Value first)> body);

/// Runs `body` where low <= v < high; nothing is compared where [first, last) says that it always is.
void whereWithin(Evaluator& e, mlir::Value v, int64_t low, int64_t high, int64_t first, int64_t last,
                 llvm::function_ref<void()> body);

} // namespace tailor::backend
