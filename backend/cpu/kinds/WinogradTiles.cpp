#include "backend/cpu/kinds/WinogradTiles.h"

#include "backend/cpu/vector/Prefetch.h"

namespace tailor::backend {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

static SmallVector<Value> none() {
  return {};
}

void forEachChannelVector(Evaluator& e, const ChannelWindow& window,
                          llvm::function_ref<void(const Coord& channel, Value first)> body) {
  LaneBuilder& b = e.builder();
  int64_t lanes = b.lanes(), full = window.channels / lanes * lanes, rest = window.channels - full;
  Value from = window.from ? window.from : b.index(0);
  if (full > 0) {
    Value to = window.to && rest > 0 ? b.min(window.to, b.index(full)) : window.to;
    e.loop(from, to ? to : b.index(full), lanes, {}, [&](Value at, ValueRange) {
      body(e.laneCoord(at), b.sub(at, from));
      return none();
    });
  }
  if (rest == 0) return;
  auto last = [&] { body(e.laneCoord(b.index(full), b.prefixMask(rest)), b.sub(b.index(full), from)); };
  if (!window.to) return last();
  b.ifThen(b.compare(CmpIPredicate::eq, window.to, b.index(window.channels)), [&] { e.region(last); });
}

void whereWithin(Evaluator& e, Value v, int64_t low, int64_t high, int64_t first, int64_t last,
                 llvm::function_ref<void()> body) {
  if (low >= high) return;
  LaneBuilder& b = e.builder();
  if (low <= first && high >= last) {
    body();
    return;
  }
  Value inside;
  if (high - low == 1) {
    inside = b.compare(CmpIPredicate::eq, v, b.index(low));
  } else {
    if (low > first) inside = b.compare(CmpIPredicate::sge, v, b.index(low));
    if (high < last) {
      Value below = b.compare(CmpIPredicate::slt, v, b.index(high));
      inside = inside ? b.bitAnd(inside, below) : below;
    }
  }
  b.ifThen(inside, [&] { e.region(body); });
}

void clearTileBuffer(VectorBuilder& b, const WinogradTiles& tiles, Value buffer) {
  int64_t lanes = b.lanes(), columns = tiles.bufferColumns();
  Value zero = b.constant(b.lanesOf(b.f32()), 0);
  b.loop(b.index(0), b.index(tiles.transform.to * columns * lanes), columns * lanes, {},
         [&](Value row, ValueRange) {
           for (int64_t column = 0; column < columns; ++column)
             if (column < tiles.left || column >= tiles.left + tiles.width)
               b.store(zero, buffer, b.add(row, b.index(column * lanes)));
           return none();
         });
}

namespace {

class TileRow {
public:
  TileRow(VectorBuilder& b, Evaluator& e, const WinogradTiles& tiles, Value n, Value tileRow, Value buffer,
          const WinogradPlanes& planes)
      : e_(e), b_(b), tiles_(tiles), tileRow_(tileRow), buffer_(buffer), planes_(planes), lanes_(b_.lanes()) {
    image_ = e.coord(n);
    Value first = b_.sub(b_.mul(tileRow, b_.index(tiles.step)), b_.index(tiles.top));
    for (int64_t i = 0; i < tiles.transform.from; ++i)
      rows_.push_back(e.coord(b_.add(first, b_.index(i))));
    for (int64_t i = 0; tiles.asksAhead && i < tiles.step; ++i)
      rowsAhead_.push_back(e.coord(b_.add(first, b_.index(tiles.transform.from + i))));
  }

  void emit() {
    forEachChannelVector(e_, tiles_.channels, [&](const Coord& channel, Value first) {
      // Tile rows that lie inside the image share code; each of the others knows its zero rows.
      int64_t inside = 0;
      while (inside < tiles_.tileRows && !isInside(inside))
        ++inside;
      int64_t end = inside;
      while (end < tiles_.tileRows && isInside(end))
        ++end;
      for (int64_t row = 0; row < tiles_.tileRows; ++row)
        if (row < inside || row >= end)
          whereWithin(e_, tileRow_, row, row + 1, 0, tiles_.tileRows, [&] { vertical(channel, row); });
      if (inside < end)
        whereWithin(e_, tileRow_, inside, end, 0, tiles_.tileRows, [&] { vertical(channel, inside); });
      horizontal(first);
    });
  }

private:
  bool exists(int64_t tileRow, int64_t i) const {
    int64_t row = tileRow * tiles_.step - tiles_.top + i;
    return row >= 0 && row < tiles_.height;
  }
  bool isInside(int64_t tileRow) const {
    return exists(tileRow, 0) && exists(tileRow, tiles_.transform.from - 1);
  }

  /// All columns of the image; `tileRow` stands for every tile row with the same rows outside.
  void vertical(const Coord& channel, int64_t tileRow) {
    const LinearTransform& transform = tiles_.transform;
    Value zero = b_.constant(b_.lanesOf(b_.f32()), 0);
    e_.loop(b_.index(0), b_.index(tiles_.usedColumns()), 1, {}, [&](Value x, ValueRange) {
      Coord column = e_.coord(x);
      // The rows that the next tile row adds; below the last of an image lie the first of the next.
      for (const Coord& row : rowsAhead_)
        prefetch(b_, e_, tiles_.tensor, {image_, row, column, channel});
      Vectors in;
      for (int64_t i = 0; i < transform.from; ++i)
        in.push_back(exists(tileRow, i) ? e_.at(tiles_.tensor, {image_, rows_[i], column, channel}) : zero);
      Value place = b_.mul(b_.add(x, b_.index(tiles_.left)), b_.index(lanes_));
      for (auto [i, value] : llvm::enumerate(transform.apply(b_, in)))
        b_.store(value, buffer_, b_.add(place, b_.index(int64_t(i) * tiles_.bufferColumns() * lanes_)));
      return none();
    });
  }

  void horizontal(Value firstChannel) {
    const LinearTransform& transform = tiles_.transform;
    Value target = b_.elementPointer(planes_.base, b_.f32(), firstChannel);
    e_.loop(b_.index(0), b_.index(tiles_.tileColumns), 1, {}, [&](Value tile, ValueRange) {
      Value from = b_.elementPointer(buffer_, b_.f32(), b_.mul(tile, b_.index(tiles_.step * lanes_)));
      Value to = b_.elementPointer(target, b_.f32(), b_.mul(tile, b_.index(planes_.tileStride)));
      for (int64_t i = 0; i < transform.to; ++i) {
        Vectors in;
        for (int64_t j = 0; j < transform.from; ++j)
          in.push_back(b_.loadLanes(from, b_.f32(), b_.index((i * tiles_.bufferColumns() + j) * lanes_)));
        for (auto [j, value] : llvm::enumerate(transform.apply(b_, in)))
          b_.store(value, to, b_.index((i * transform.to + int64_t(j)) * planes_.planeStride));
      }
      return none();
    });
  }

  Evaluator& e_;
  VectorBuilder& b_;
  const WinogradTiles& tiles_;
  Coord image_;
  Coords rows_, rowsAhead_;
  Value tileRow_, buffer_;
  const WinogradPlanes& planes_;
  int64_t lanes_;
};

} // namespace

void prefetchTileRows(VectorBuilder& b, Evaluator& e, const WinogradTiles& tiles, Value n, Value tileRow,
                      int64_t count, Value part, int64_t parts) {
  constexpr int64_t kLineElements = 64 / int64_t(sizeof(float));
  int64_t lines = count * tiles.step * tiles.width * tiles.channels.channels / kLineElements;
  int64_t share = (lines + parts - 1) / parts;
  e.region([&] {
    int64_t shared = tiles.transform.from - tiles.step; // rows of a tile that the one above it has as well
    Value row = b.add(b.mul(tileRow, b.index(tiles.step)), b.index(shared - tiles.top));
    Coord image = e.coord(n), y = e.coord(row), x = e.fixedCoord(0);
    Value first = b.mul(part, b.index(share));
    e.loop(first, b.add(first, b.index(share)), 1, {}, [&](Value line, ValueRange) {
      prefetch(b, e, tiles.tensor, {image, y, x, e.laneCoord(b.mul(line, b.index(kLineElements)))});
      return none();
    });
  });
}

void emitTileRow(VectorBuilder& b, Evaluator& e, const WinogradTiles& tiles, Value n, Value tileRow,
                 Value buffer, const WinogradPlanes& planes) {
  TileRow(b, e, tiles, n, tileRow, buffer, planes).emit();
}

} // namespace tailor::backend
