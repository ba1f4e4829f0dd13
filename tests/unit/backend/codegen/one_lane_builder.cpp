#include "tests/unit/backend/codegen/one_lane_builder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace tailor::backend::testing {

using mlir::Type;
using mlir::Value;
namespace LLVM = mlir::LLVM;

Value OneLaneBuilder::prefixMask(Value active) {
  return compare(mlir::arith::CmpIPredicate::sgt, active, zeroLike(active));
}

Value OneLaneBuilder::place(Value memory, Type stored, Value index) {
  auto pointer = LLVM::LLVMPointerType::get(builder().getContext());
  return LLVM::GEPOp::create(builder(), loc(), pointer, stored, memory, mlir::ValueRange{index});
}

Value OneLaneBuilder::loadAddress(Value table, int64_t slot) {
  auto pointer = LLVM::LLVMPointerType::get(builder().getContext());
  return LLVM::LoadOp::create(builder(), loc(), pointer, place(table, pointer, index(slot)));
}

Value OneLaneBuilder::load(Value memory, Type element, Value index) {
  Type stored = storedType(element);
  return fromStored(LLVM::LoadOp::create(builder(), loc(), stored, place(memory, stored, index)), element);
}

Value OneLaneBuilder::loadLanes(Value memory, Type element, Value index, Value mask, int64_t) {
  if (!mask) return load(memory, element, index);
  Value zero = constant(valueType(element), 0);
  auto branch = mlir::scf::IfOp::create(builder(), loc(), mlir::TypeRange{zero.getType()}, mask,
                                        /*addThenBlock=*/true, /*addElseBlock=*/true);
  builder().setInsertionPointToStart(branch.thenBlock());
  mlir::scf::YieldOp::create(builder(), loc(), load(memory, element, index));
  builder().setInsertionPointToStart(branch.elseBlock());
  mlir::scf::YieldOp::create(builder(), loc(), zero);
  builder().setInsertionPointAfter(branch);
  return branch.getResult(0);
}

Value OneLaneBuilder::gather(Value memory, Type element, Value index, Value offsets, Value mask) {
  return loadLanes(memory, element, add(index, offsets), mask);
}

void OneLaneBuilder::store(Value scalar, Value memory, Type element, Value index) {
  LLVM::StoreOp::create(builder(), loc(), toStored(scalar, element),
                        place(memory, storedType(element), index));
}

void OneLaneBuilder::storeLanes(Value value, Value memory, Type element, Value index, Value mask, int64_t) {
  if (!mask) return store(value, memory, element, index);
  ifThen(mask, [&] { store(value, memory, element, index); });
}

} // namespace tailor::backend::testing
