#include "backend/codegen/Evaluator.h"

#include "ir/Tailor.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"

#include <numeric>

namespace tailor::backend {

using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;

Evaluator::Evaluator(LaneBuilder& b, bool useLanes) : b_(b), useLanes_(useLanes) {
  Scope scope;
  scope.block = b.builder().getInsertionBlock();
  scopes_.push_back(std::move(scope));
}

void Evaluator::fail(mlir::Operation* op, const llvm::Twine& reason) {
  if (!failed_) op->emitOpError() << reason;
  failed_ = true;
}

Value Evaluator::extent(Value tensor, int64_t dim) {
  if (dim == 0 && rows_) return rows_;
  return b_.index(mlir::cast<RankedTensorType>(tensor.getType()).getDimSize(dim));
}

// --- positions

Coord Evaluator::coord(Value index) {
  Coord c;
  c.index = index;
  c.level = level();
  c.id = nextId_++;
  return c;
}

Coord Evaluator::laneCoord(Value index, Value mask, int64_t multiple) {
  Coord c = coord(index);
  c.lanes = true;
  c.mask = mask;
  c.multiple = multiple;
  return c;
}

Coord Evaluator::fixedCoord(int64_t index) {
  Coord& c = fixed_[index];
  if (!c.index) {
    c.index = b_.index(index);
    c.multiple = index;
    c.id = nextId_++;
  }
  return c;
}

Coord Evaluator::gatherCoord(Value indices, unsigned level) {
  Coord c;
  c.lanes = true;
  c.gather = indices;
  c.level = level;
  c.id = nextId_++;
  return c;
}

Coord Evaluator::indexCoord(Value scalar, unsigned level) {
  Coord c;
  c.index = scalar;
  c.level = level;
  c.id = nextId_++;
  return c;
}

Value Evaluator::fixedMask(int64_t active) {
  Value& mask = masks_[active];
  if (!mask) mask = inScope(0, [&] { return b_.prefixMask(active); });
  return mask;
}

ArrayRef<Coord> Evaluator::laneGroups(int64_t extent) {
  Coords& list = laneGroups_[extent];
  if (list.empty()) {
    int64_t lanes = b_.lanes();
    for (int64_t from = 0; from < extent; from += lanes) {
      Coord c;
      c.index = b_.index(from);
      c.multiple = from;
      c.lanes = true;
      c.mask = from + lanes > extent ? fixedMask(extent - from) : Value();
      c.id = nextId_++;
      list.push_back(c);
    }
  }
  return list;
}

unsigned Evaluator::levelOf(ArrayRef<Coord> coords) {
  unsigned level = 0;
  for (const Coord& c : coords)
    level = std::max(level, c.level);
  return level;
}

bool Evaluator::hasLanes(ArrayRef<Coord> coords) {
  return llvm::any_of(coords, [](const Coord& c) { return c.lanes; });
}

Value Evaluator::positionI32(const Coord& c) {
  if (c.gather) return b_.convert(c.gather, b_.i32());
  Value base = b_.convert(c.index, b_.i32());
  if (!c.lanes) return base;
  Value offsets = b_.laneNumbers();
  if (c.stride != 1) offsets = b_.mul(offsets, b_.constant(offsets.getType(), double(c.stride)));
  return b_.add(b_.splat(base), offsets);
}

// --- scopes

void Evaluator::enter() {
  mlir::Block* block = b_.builder().getInsertionBlock();
  Scope& outer = scopes_.back();
  mlir::Operation* op = block->getParentOp();
  while (op->getBlock() != outer.block)
    op = op->getParentOp();
  outer.point = mlir::OpBuilder::InsertPoint(outer.block, op->getIterator());
  Scope scope;
  scope.block = block;
  scopes_.push_back(std::move(scope));
}

Value Evaluator::inScope(unsigned target, llvm::function_ref<Value()> make) {
  if (target == level()) return make();
  SmallVector<Scope, 8> inner(std::make_move_iterator(scopes_.begin() + target + 1),
                              std::make_move_iterator(scopes_.end()));
  scopes_.resize(target + 1);
  mlir::OpBuilder::InsertPoint point = scopes_[target].point;
  Value value;
  {
    mlir::OpBuilder::InsertionGuard guard(b_.builder());
    b_.builder().restoreInsertionPoint(point);
    value = make();
  }
  scopes_[target].point = point;
  scopes_.append(std::make_move_iterator(inner.begin()), std::make_move_iterator(inner.end()));
  return value;
}

Value Evaluator::remember(const void* owner, uintptr_t tag, ArrayRef<Coord> coords,
                          llvm::function_ref<Value()> make) {
  SmallVector<unsigned, 4> ids;
  for (const Coord& c : coords)
    ids.push_back(c.id);
  unsigned target = levelOf(coords);
  auto key = std::make_tuple(owner, tag, std::move(ids));
  auto& memo = scopes_[target].memo;
  if (auto found = memo.find(key); found != memo.end()) return found->second;
  Value value = inScope(target, make);
  scopes_[target].memo[std::move(key)] = value;
  return value;
}

// --- values

Value Evaluator::at(Value tensor, ArrayRef<Coord> coords) {
  return remember(tensor.getAsOpaquePointer(), 0, coords, [&] {
    Value value = evaluate(tensor, coords);
    Type element = valueTypeOf(tensor);
    if (!value) value = b_.constant(element, 0); // an error was reported
    return hasLanes(coords) ? b_.matchShape(value, b_.lanesOf(element)) : value;
  });
}

void Evaluator::define(Value tensor, ArrayRef<Coord> coords, Value value) {
  remember(tensor.getAsOpaquePointer(), 0, coords, [&] { return value; });
}

Value Evaluator::evaluate(Value tensor, ArrayRef<Coord> coords) {
  auto type = mlir::cast<RankedTensorType>(tensor.getType());
  if (Value memory = memoryOf(tensor)) return load(memory, type, coords);
  return evaluateOp(*this, mlir::cast<mlir::OpResult>(tensor), coords);
}

namespace {
/// Elements between neighbours of each dimension. Never asks for the size of dimension 0.
SmallVector<int64_t> stridesOf(RankedTensorType type) {
  SmallVector<int64_t> strides(type.getRank(), 1);
  for (int64_t dim = type.getRank() - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * type.getDimSize(dim + 1);
  return strides;
}

} // namespace

Address addressOf(LaneBuilder& b, RankedTensorType type, ArrayRef<Coord> coords) {
  SmallVector<int64_t> strides = stridesOf(type);
  if (coords.size() == 1 && type.getRank() != 1) strides.assign(1, 1); // the flat view
  Address address;
  address.base = b.index(0);
  address.multiple = 0;
  for (auto [dim, c] : llvm::enumerate(coords)) {
    if (c.mask && c.mask != address.mask)
      address.mask = address.mask ? b.bitAnd(address.mask, c.mask) : c.mask;
    address.lanes |= c.lanes;
    if (c.gather) {
      Value stride = b.constant(b.lanesOf(b.i64()), double(strides[dim]));
      Value part = b.mul(c.gather, stride);
      address.offsets = address.offsets ? b.add(address.offsets, part) : part;
      continue;
    }
    address.base = b.add(address.base, b.mul(c.index, b.index(strides[dim])));
    address.multiple = std::gcd(address.multiple, c.multiple * strides[dim]);
    if (c.lanes && c.stride * strides[dim] != 1) {
      Value lanes = b.convert(b.laneNumbers(), b.i64());
      Value part = b.mul(lanes, b.constant(lanes.getType(), double(c.stride * strides[dim])));
      address.offsets = address.offsets ? b.add(address.offsets, part) : part;
    }
  }
  return address;
}

Value Evaluator::load(Value memory, RankedTensorType type, ArrayRef<Coord> coords) {
  Address address = addressOf(b_, type, coords);
  Type element = type.getElementType();
  if (address.offsets) return b_.gather(memory, element, address.base, address.offsets, address.mask);
  if (address.lanes) return b_.loadLanes(memory, element, address.base, address.mask, address.multiple);
  return b_.load(memory, element, address.base);
}

void Evaluator::store(Value value, Value memory, RankedTensorType type, ArrayRef<Coord> coords) {
  Address address = addressOf(b_, type, coords);
  if (address.offsets) {
    if (!failed_) mlir::emitError(b_.loc()) << "internal error: lanes of a result that are not neighbours";
    failed_ = true;
    return;
  }
  if (address.lanes)
    b_.storeLanes(value, memory, type.getElementType(), address.base, address.mask, address.multiple);
  else
    b_.store(value, memory, type.getElementType(), address.base);
}

// --- loops

mlir::scf::ForOp Evaluator::loop(Value from, Value to, int64_t step, ValueRange carried, Body body) {
  return b_.loop(from, to, step, carried, [&](Value index, ValueRange args) {
    enter();
    SmallVector<Value> next = body(index, args);
    leave();
    return next;
  });
}

void Evaluator::region(llvm::function_ref<void()> body) {
  enter();
  body();
  leave();
}

void Evaluator::forEachPosition(RankedTensorType type, Coords coords,
                                llvm::function_ref<void(ArrayRef<Coord>)> body) {
  int64_t dim = static_cast<int64_t>(coords.size()), rank = type.getRank();
  if (dim == rank) {
    body(coords);
    return;
  }
  int64_t size = type.getDimSize(dim);
  Value zero = b_.index(0);
  if (dim + 1 < rank || !useLanes_) {
    loop(zero, b_.index(size), 1, {}, [&](Value index, ValueRange) {
      Coords inner = coords;
      inner.push_back(coord(index));
      forEachPosition(type, inner, body);
      return SmallVector<Value>();
    });
    return;
  }
  coords.push_back({});
  if (unrolls(size)) {
    for (const Coord& group : laneGroups(size)) {
      coords.back() = group;
      body(coords);
    }
    return;
  }
  int64_t lanes = b_.lanes(), full = size / lanes * lanes;
  loop(zero, b_.index(full), lanes, {}, [&](Value index, ValueRange) {
    Coords inner = coords;
    inner.back() = laneCoord(index, {}, lanes);
    body(inner);
    return SmallVector<Value>();
  });
  if (full < size) {
    Coord tail = fixedCoord(full);
    tail.lanes = true;
    tail.mask = fixedMask(size - full);
    tail.id = nextId_++;
    coords.back() = tail;
    body(coords);
  }
}

Value Evaluator::foldDims(Value shape, ArrayRef<int64_t> dims, Coords& coords, bool lanesLast, Value acc,
                          llvm::function_ref<Value(Value, ArrayRef<Coord>)> step) {
  if (dims.empty()) {
    Value next = step(acc, coords);
    Value mask;
    for (int64_t dim = 0; dim < int64_t(coords.size()); ++dim)
      if (coords[dim].mask && lanesLast && dim + 1 == int64_t(coords.size())) mask = coords[dim].mask;
    return mask ? b_.select(mask, next, acc) : next;
  }
  int64_t dim = dims.front();
  auto type = mlir::cast<RankedTensorType>(shape.getType());
  int64_t size = type.getDimSize(dim), lanes = b_.lanes();
  Value zero = b_.index(0);
  if (!(lanesLast && dim + 1 == type.getRank())) {
    auto result = loop(zero, extent(shape, dim), 1, acc, [&](Value index, ValueRange args) {
      coords[dim] = coord(index);
      return SmallVector<Value>{foldDims(shape, dims.drop_front(), coords, lanesLast, args[0], step)};
    });
    return result.getResult(0);
  }
  if (unrolls(size)) {
    for (const Coord& group : laneGroups(size)) {
      coords[dim] = group;
      acc = foldDims(shape, {}, coords, lanesLast, acc, step);
    }
    return acc;
  }
  int64_t full = size / lanes * lanes;
  acc = loop(zero, b_.index(full), lanes, acc, [&](Value index, ValueRange args) {
          coords[dim] = laneCoord(index, {}, lanes);
          return SmallVector<Value>{foldDims(shape, {}, coords, lanesLast, args[0], step)};
        }).getResult(0);
  if (full < size) {
    Coord tail = fixedCoord(full);
    tail.lanes = true;
    tail.mask = fixedMask(size - full);
    tail.id = nextId_++;
    coords[dim] = tail;
    acc = foldDims(shape, {}, coords, lanesLast, acc, step);
  }
  return acc;
}

Value Evaluator::fold(Value shape, ArrayRef<int64_t> dims, Coords coords, double identity, Type element,
                      llvm::function_ref<Value(Value, ArrayRef<Coord>)> step,
                      llvm::function_ref<Value(Value, Value)> combine) {
  auto type = mlir::cast<RankedTensorType>(shape.getType());
  bool outerLanes = false;
  for (auto [dim, c] : llvm::enumerate(coords))
    if (!llvm::is_contained(dims, int64_t(dim))) outerLanes |= c.lanes;
  bool runTimeLast = rows_ && type.getRank() == 1;
  bool lanesLast = useLanes_ && !outerLanes && !runTimeLast && dims.back() + 1 == type.getRank();
  Type accType = outerLanes || lanesLast ? b_.lanesOf(element) : element;
  Value acc = foldDims(shape, dims, coords, lanesLast, b_.constant(accType, identity), step);
  return lanesLast ? b_.foldLanes(acc, combine) : acc;
}

Value Evaluator::sum(Value shape, ArrayRef<int64_t> dims, Coords coords,
                     llvm::function_ref<Value(ArrayRef<Coord>)> element, Type type) {
  auto add = [&](Value a, Value b) { return b_.add(a, b); };
  return fold(
      shape, dims, std::move(coords), kEmptySum, type ? type : b_.f32(),
      [&](Value acc, ArrayRef<Coord> at) { return b_.add(acc, b_.matchShape(element(at), acc.getType())); },
      add);
}

} // namespace tailor::backend
