#include "backend/codegen/EvaluateOps.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"

namespace tailor::backend {

using llvm::ArrayRef;
using mlir::OpResult;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::arith::CmpIPredicate;

namespace {

/// What lanesPassThrough (LaneRules.h) is there to keep from happening.
constexpr const char* kLanesEndHere =
    "internal error: lanes cannot pass through what moves elements between them";

/// `c` at another position: `index`, or that of each lane where `c` is a list of positions.
Coord moved(Evaluator& e, const Coord& c, Value index) {
  Coord to = c.gather ? e.gatherCoord(index, e.level()) : e.indexCoord(index, e.level());
  to.lanes = c.lanes;
  to.stride = c.stride;
  to.mask = c.mask;
  return to;
}

/// Position or positions.
Value placeOf(const Coord& c) {
  return c.gather ? c.gather : c.index;
}

/// Coordinates of the same element under another shape. Dimensions that match after dropping those of size 1
/// keep theirs, so lanes pass through; otherwise the position is split into quotients and remainders.
Coords reshapeCoords(Evaluator& e, ir::ReshapeOp op, ArrayRef<Coord> coords) {
  RankedTensorType from = tensorTypeOf(op.getResult()), to = tensorTypeOf(op.getOperand());
  LaneBuilder& b = e.builder();
  if (coords.size() == 1 && from.getRank() != 1) return {coords[0]}; // flat view
  llvm::SmallVector<int64_t> fromSizes, toSizes;
  for (int64_t size : from.getShape())
    if (size != 1) fromSizes.push_back(size);
  for (int64_t size : to.getShape())
    if (size != 1) toSizes.push_back(size);
  Coords mapped;
  if (fromSizes == toSizes) {
    size_t next = 0;
    for (int64_t size : to.getShape()) {
      while (size != 1 && from.getDimSize(next) == 1)
        ++next;
      mapped.push_back(size == 1 ? e.fixedCoord(0) : coords[next++]);
    }
    return mapped;
  }
  if (Evaluator::hasLanes(coords)) {
    e.fail(op, kLanesEndHere);
    return {};
  }
  Value flat = b.index(0);
  for (auto [size, c] : llvm::zip_equal(from.getShape(), coords))
    flat = b.add(b.mul(flat, b.index(size)), c.index);
  mapped.resize(to.getRank());
  for (int64_t dim = to.getRank() - 1; dim >= 0; --dim) {
    int64_t size = to.getDimSize(dim);
    mapped[dim] = e.indexCoord(dim == 0 ? flat : b.remUnsigned(flat, size), e.level());
    if (dim > 0) flat = b.divUnsigned(flat, size);
  }
  return mapped;
}

/// The part of a coordinate that falls into [from, from + size), counted from there.
struct Part {
  Coord coord;
  Value inside;         ///< i1 or lanes of it; null if all of it does
  bool outside = false; ///< none of it does; `coord` is unset
};

/// Lanes outside are masked; a scalar outside stands at the nearest position that exists. `size` > 0.
Part partOf(Evaluator& e, const Coord& c, int64_t from, int64_t size) {
  LaneBuilder& b = e.builder();
  Part part;
  if (std::optional<int64_t> known = mlir::getConstantIntValue(c.index); known && !c.gather) {
    int64_t last = *known + (c.lanes ? (int64_t(b.lanes()) - 1) * c.stride : 0);
    part.outside = last < from || *known >= from + size;
    if (part.outside) return part;
    if (*known >= from && last < from + size) {
      part.coord = from == 0 ? c : moved(e, c, b.index(*known - from));
      return part;
    }
  }
  if (!c.lanes) {
    Value position = b.sub(c.index, b.index(from));
    part.inside = b.bitAnd(b.compare(CmpIPredicate::sge, position, b.index(0)),
                           b.compare(CmpIPredicate::slt, position, b.index(size)));
    part.coord = e.indexCoord(b.min(b.max(position, b.index(0)), b.index(size - 1)), e.level());
    return part;
  }
  Value positions = e.positionI32(c);
  auto bound = [&](int64_t at) { return b.constant(positions.getType(), double(at)); };
  part.inside = b.bitAnd(b.compare(CmpIPredicate::sge, positions, bound(from)),
                         b.compare(CmpIPredicate::slt, positions, bound(from + size)));
  part.coord = moved(e, c, b.sub(placeOf(c), b.integer(placeOf(c).getType(), from)));
  part.coord.mask = c.mask ? b.bitAnd(c.mask, part.inside) : part.inside;
  return part;
}

Value both(LaneBuilder& b, Value x, Value y) {
  if (!x || !y) return x ? x : y;
  auto [first, second] = b.matchShapes(x, y);
  return b.bitAnd(first, second);
}

Value evaluatePad(Evaluator& e, ir::PadOp op, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  RankedTensorType type = tensorTypeOf(op.getOperand());
  Value fill = b.constant(e.valueTypeOf(op.getResult()), op.getValue().convertToDouble());
  if (type.getNumElements() == 0) return fill;
  Value inside;
  Coords source;
  for (auto [dim, c] : llvm::enumerate(coords)) {
    int64_t step = op.getInterior()[dim] + 1, low = op.getLow()[dim], size = type.getDimSize(dim);
    if (low == 0 && op.getHigh()[dim] == 0 && step == 1) {
      source.push_back(c);
      continue;
    }
    if (c.lanes && step != 1) {
      e.fail(op, kLanesEndHere);
      return {};
    }
    Part part = partOf(e, c, low, (size - 1) * step + 1);
    if (part.outside) return fill;
    inside = both(b, inside, part.inside);
    if (step != 1) {
      Value position = b.divUnsigned(part.coord.index, step);
      Value exact = b.compare(CmpIPredicate::eq, b.mul(position, b.index(step)), part.coord.index);
      inside = both(b, inside, exact);
      part.coord = e.indexCoord(position, e.level());
    }
    source.push_back(part.coord);
  }
  Value value = e.at(op.getOperand(), source);
  if (!inside) return value;
  value = b.matchShape(value, inside.getType());
  return b.select(inside, value, b.matchShape(fill, value.getType()));
}

Value evaluateConcat(Evaluator& e, ir::ConcatOp op, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  auto dim = static_cast<size_t>(op.getDim());
  Value value;
  int64_t start = 0;
  for (Value input : op.getInputs()) {
    int64_t size = tensorTypeOf(input).getDimSize(dim);
    if (size == 0) continue;
    Part part = partOf(e, coords[dim], start, size);
    start += size;
    if (part.outside) continue;
    Coords source(coords.begin(), coords.end());
    source[dim] = part.coord;
    Value here = e.at(input, source);
    value = value ? b.select(part.inside, here, value) : here;
    if (!part.inside) break;
  }
  return value;
}

Value constantAt(Evaluator& e, ir::ConstantOp op, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  auto elements = mlir::dyn_cast<mlir::DenseElementsAttr>(op.getValue());
  mlir::Type element = e.valueTypeOf(op.getResult());
  auto number = [&](mlir::Attribute attribute) {
    if (auto f = mlir::dyn_cast<mlir::FloatAttr>(attribute)) return b.constant(element, f.getValueAsDouble());
    const llvm::APInt& integer = mlir::cast<mlir::IntegerAttr>(attribute).getValue();
    return b.constant(element,
                      element.isInteger(1) ? double(integer.getZExtValue()) : double(integer.getSExtValue()));
  };
  if (elements && elements.isSplat()) return number(elements.getSplatValue<mlir::Attribute>());
  if (!elements || elements.getNumElements() > 64) {
    e.fail(op, "is a table of more than 64 numbers, which " + b.target() + " takes as a buffer only");
    return {};
  }
  // A short table: the position selects among its numbers.
  RankedTensorType type = tensorTypeOf(op.getResult());
  Value position;
  for (auto [dim, c] : llvm::enumerate(coords)) {
    Value p = e.positionI32(c);
    if (!position) {
      position = p;
      continue;
    }
    Value scaled = b.mul(position, b.constant(position.getType(), double(type.getDimSize(dim))));
    auto [before, here] = b.matchShapes(scaled, p);
    position = b.add(before, here);
  }
  Value value;
  for (auto [i, attribute] : llvm::enumerate(elements.getValues<mlir::Attribute>())) {
    Value here = b.matchShape(number(attribute), position.getType());
    Value reached = b.compare(CmpIPredicate::sge, position, b.constant(position.getType(), double(i)));
    value = value ? b.select(reached, here, value) : here;
  }
  return value;
}

} // namespace

Value evaluateShape(Evaluator& e, OpResult result, ArrayRef<Coord> coords) {
  LaneBuilder& b = e.builder();
  return llvm::TypeSwitch<mlir::Operation*, Value>(result.getOwner())
      .Case([&](ir::ConstantOp op) { return constantAt(e, op, coords); })
      .Case([&](ir::BroadcastOp op) {
        RankedTensorType from = tensorTypeOf(op.getOperand()), to = tensorTypeOf(result);
        Coords source;
        for (auto [dim, target] : llvm::enumerate(op.getDims())) {
          bool repeats = from.getDimSize(dim) == 1 && to.getDimSize(target) != 1;
          source.push_back(repeats ? e.fixedCoord(0) : coords[target]);
        }
        return e.at(op.getOperand(), source);
      })
      .Case([&](ir::ReshapeOp op) {
        Coords source = reshapeCoords(e, op, coords);
        return e.failed() ? Value() : e.at(op.getOperand(), source);
      })
      .Case([&](ir::TransposeOp op) {
        Coords source(coords.size());
        for (auto [dim, from] : llvm::enumerate(op.getPermutation()))
          source[from] = coords[dim];
        return e.at(op.getOperand(), source);
      })
      .Case([&](ir::SliceOp op) {
        Coords source;
        for (auto [dim, c] : llvm::enumerate(coords)) {
          int64_t start = op.getStarts()[dim], stride = op.getStrides()[dim];
          Value place = placeOf(c);
          auto constant = [&](int64_t value) { return b.integer(place.getType(), value); };
          Coord at = moved(e, c, b.add(b.mul(place, constant(stride)), constant(start)));
          at.stride = c.stride * stride;
          source.push_back(start == 0 && stride == 1 ? c : at);
        }
        return e.at(op.getOperand(), source);
      })
      .Case([&](ir::PadOp op) { return evaluatePad(e, op, coords); })
      .Case([&](ir::ConcatOp op) { return evaluateConcat(e, op, coords); })
      .Case([&](ir::RollOp op) {
        auto dim = static_cast<size_t>(op.getDim());
        int64_t size = tensorTypeOf(result).getDimSize(dim);
        Coords source(coords.begin(), coords.end());
        if (size == 0) return e.at(op.getOperand(), source);
        if (coords[dim].lanes) {
          e.fail(op, kLanesEndHere);
          return Value();
        }
        int64_t shift = op.getShift(); // the accessor is unsigned
        int64_t back = (size - shift % size) % size;
        Value position = b.add(coords[dim].index, b.index(back));
        source[dim] = e.indexCoord(b.remUnsigned(position, size), e.level());
        return e.at(op.getOperand(), source);
      })
      .Case(
          [&](ir::IotaOp op) { return b.convert(e.positionI32(coords[op.getDim()]), e.valueTypeOf(result)); })
      .Case([&](ir::RowMaskOp op) {
        Value position = e.positionI32(coords[0]);
        Value valid = b.matchShape(e.at(op.getValid(), {}), position.getType());
        return b.compare(CmpIPredicate::slt, position, valid);
      })
      .Default([](mlir::Operation*) { return Value(); });
}

} // namespace tailor::backend
