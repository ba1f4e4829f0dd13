#pragma once
/// The products of planes of a Winograd convolution: their register tile.

#include "backend/cpu/target/CpuTarget.h"
#include "backend/llvm/VectorBuilder.h"

namespace tailor::backend {

/// A product of planes: rows of one operand are broadcast, vectors of the other are multiplied.
struct WinogradTile {
  unsigned rows = 8, vectors = 2;
};

/// The tile that fills the registers: 16 (12) sums of 32 (16) registers beside two vectors and a broadcast.
WinogradTile winogradTile(const CpuTarget& target, int64_t width);
/// Rows of the next smaller tile, for what the tile leaves over; 0 behind a single row.
unsigned nextTileRows(unsigned rows);

/// Stores the sums of a tile, rows of `vectors` vectors that are `stride` elements apart, or adds them to what is there
/// unless `isFirst`; null is always the first.
void storeTile(VectorBuilder& b, mlir::ValueRange sums, mlir::Value to, unsigned vectors, int64_t stride,
               mlir::Value isFirst);

} // namespace tailor::backend
