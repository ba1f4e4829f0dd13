#include "backend/codegen/EvaluateOps.h"

#include "llvm/ADT/TypeSwitch.h"

#include <functional>

namespace tailor::backend {

using llvm::ArrayRef;
using mlir::OpResult;
using mlir::RankedTensorType;
using mlir::Type;
using mlir::Value;
using mlir::arith::CmpIPredicate;

Value evaluateIndex(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  // The position that an index tensor names, limited to the table so that no data can make a kernel read
  // elsewhere.
  auto look = [&](Value index, ArrayRef<Coord> at, int64_t size) {
    Value position = e.remember(index.getAsOpaquePointer(), static_cast<unsigned>(size) + 1, at, [&] {
      Value named = b.convert(e.at(index, at), b.i64());
      Value zero = b.zeroLike(named), last = b.constant(named.getType(), double(size - 1));
      return b.max(zero, b.min(named, last));
    });
    unsigned level = Evaluator::levelOf(at);
    return Evaluator::hasLanes(at) ? e.gatherCoord(position, level) : e.indexCoord(position, level);
  };
  return llvm::TypeSwitch<mlir::Operation*, Value>(result.getOwner())
      .Case([&](ir::TakeOp op) {
        int64_t indexRank = tensorTypeOf(op.getIndex()).getRank();
        Coord row =
            look(op.getIndex(), coords.take_front(indexRank), tensorTypeOf(op.getTable()).getDimSize(0));
        for (const Coord& c : coords.take_front(indexRank))
          if (c.mask) row.mask = c.mask;
        Coords at{row};
        llvm::append_range(at, coords.drop_front(indexRank));
        return e.at(op.getTable(), at);
      })
      .Case([&](ir::TakeAlongOp op) {
        RankedTensorType type = tensorTypeOf(op.getOperand());
        Coord column = look(op.getIndex(), coords, type.getDimSize(type.getRank() - 1));
        Coords at(coords.begin(), coords.end());
        if (column.gather) {
          // Lanes along the rows: the row coordinate becomes a list of positions as well.
          for (Coord& c : at)
            if (c.lanes && !c.gather) {
              Value mask = c.mask;
              c = e.gatherCoord(b.convert(e.positionI32(c), b.i64()), e.level());
              c.mask = column.mask = mask;
            }
        }
        at.push_back(column);
        return e.at(op.getOperand(), at);
      })
      .Case([&](ir::ScatterAddOp op) {
        // Gathered: the table's element and, in their order, the updates that name its row.
        ArrayRef<int64_t> sizes = tensorTypeOf(op.getIndex()).getShape();
        Value row = e.positionI32(coords[0]);
        std::function<Value(Coords, Value)> addUpdates = [&](Coords at, Value sum) -> Value {
          if (at.size() < sizes.size())
            return e
                .loop(b.index(0), b.index(sizes[at.size()]), 1, sum,
                      [&](Value index, mlir::ValueRange sums) {
                        Coords inner = at;
                        inner.push_back(e.coord(index));
                        return llvm::SmallVector<Value>{addUpdates(inner, sums[0])};
                      })
                .getResult(0);
          Value named =
              b.convert(look(op.getIndex(), at, tensorTypeOf(op.getTable()).getDimSize(0)).index, b.i32());
          Value hit = b.compare(CmpIPredicate::eq, b.matchShape(named, row.getType()), row);
          llvm::append_range(at, coords.drop_front());
          Value update = b.matchShape(e.at(op.getUpdates(), at), sum.getType());
          return b.select(b.matchShape(hit, sum.getType()), b.add(sum, update), sum);
        };
        return addUpdates({}, e.at(op.getTable(), coords));
      })
      .Case([&](ir::OneHotOp op) {
        Value index = b.convert(e.at(op.getIndex(), coords.drop_back()), b.i32());
        Value position = e.positionI32(coords.back());
        Type shape = Evaluator::hasLanes(coords) ? b.lanesOf(b.i32()) : b.i32();
        Value hit = b.compare(CmpIPredicate::eq, b.matchShape(index, shape), b.matchShape(position, shape));
        return b.convert(hit, e.valueTypeOf(result));
      })
      .Default([](mlir::Operation*) { return Value(); });
}

} // namespace tailor::backend
