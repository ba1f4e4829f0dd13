#include "backend/cpu/kinds/KernelEmitter.h"

#include "backend/codegen/ElementTypes.h"

namespace tailor::backend {

using mlir::RankedTensorType;
using mlir::Value;
namespace LLVM = mlir::LLVM;

bool supportsOnCpu(mlir::Operation* op, std::string& reason) {
  if (mlir::isa<ir::PartOp>(op)) {
    reason =
        "launches side by side are for targets with grids: target cpu has no code for a horizontal kernel";
    return false;
  }
  if (mlir::isa<ir::RoundTf32Op>(op)) {
    reason = "tf32 is what tensor cores multiply: target cpu has no code that rounds to it";
    return false;
  }
  return hasCodeForElements(op, "cpu", reason);
}

KernelFrame::KernelFrame(mlir::ModuleOp module, llvm::StringRef symbol, ir::KernelOp kernel,
                         const CpuTarget& target)
    : opBuilder(module.getContext()) {
  mlir::Location loc = kernel.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  mlir::Type i64 = opBuilder.getI64Type();
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(module.getContext()), {pointer, pointer, i64, i64});
  opBuilder.setInsertionPointToEnd(module.getBody());
  function = LLVM::LLVMFuncOp::create(opBuilder, loc, symbol, type);
  mlir::Block* entry = function.addEntryBlock(opBuilder);
  opBuilder.setInsertionPointToStart(entry);
  buffers = entry->getArgument(0);
  sizes = entry->getArgument(1);
  begin = entry->getArgument(2);
  end = entry->getArgument(3);
  builder = std::make_unique<VectorBuilder>(opBuilder, loc, entry, target.lanes);
}

Value KernelFrame::size(int64_t slot) {
  return b().load(sizes, b().i64(), b().index(slot));
}

void KernelFrame::finish() {
  LLVM::ReturnOp::create(opBuilder, b().loc(), mlir::ValueRange());
}

int64_t firstExtraSlot(ir::KernelOp kernel) {
  return kernel.getBlock().getNumArguments() + yieldedValues(kernel).size();
}

void bindOperands(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel) {
  for (mlir::BlockArgument argument : kernel.getBlock().getArguments())
    if (!argument.use_empty()) e.bind(argument, frame.buffer(argument.getArgNumber()));
}

void storeGroup(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel, const ResultGroup& group,
                Coords coords) {
  llvm::SmallVector<Value> pointers;
  for (unsigned result : group.results)
    pointers.push_back(
        e.remember(&group, 1 + result, {}, [&] { return frame.buffer(resultSlot(kernel, result)); }));
  e.forEachPosition(group.shape, std::move(coords), [&](llvm::ArrayRef<Coord> at) {
    llvm::SmallVector<Value> values;
    for (unsigned result : group.results)
      values.push_back(e.at(yieldedValues(kernel)[result], at));
    for (auto [i, result] : llvm::enumerate(group.results))
      e.store(values[i], pointers[i], tensorTypeOf(yieldedValues(kernel)[result]), at);
  });
}

mlir::LogicalResult outcome(Evaluator& e, KernelFrame& frame) {
  frame.finish();
  return mlir::failure(e.failed());
}

void storeAt(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel, llvm::ArrayRef<Value> pointers,
             llvm::ArrayRef<Coord> at) {
  llvm::SmallVector<Value> values;
  for (Value result : yieldedValues(kernel))
    values.push_back(e.at(result, at));
  for (auto [value, pointer, result] : llvm::zip_equal(values, pointers, yieldedValues(kernel)))
    e.store(value, pointer, tensorTypeOf(result), at);
}

std::pair<Value, Value> rowRange(VectorBuilder& b, Value begin, Value end, int64_t block, Value rows) {
  Value from = b.mul(begin, b.index(block));
  return {from, b.min(b.mul(end, b.index(block)), rows)};
}

unsigned costOf(ir::KernelOp kernel) {
  unsigned cost = 0;
  for (mlir::Operation& op : kernel.getBlock()) {
    bool polynomial = mlir::isa<ir::ExpOp, ir::Expm1Op, ir::LogOp, ir::Log1pOp, ir::TanhOp, ir::SigmoidOp,
                                ir::ErfOp, ir::SinOp, ir::CosOp, ir::SiluOp, ir::GeluOp, ir::PowOp>(op);
    bool random = op.hasTrait<ir::RandomOp>() && !mlir::isa<ir::RngKeyOp>(op);
    cost += random ? 120 : polynomial ? 30 : op.hasTrait<ir::Elementwise>() ? 1 : 0;
  }
  return cost;
}

} // namespace tailor::backend
