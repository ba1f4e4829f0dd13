#include "backend/cpu/kinds/KernelEmitter.h"

#include "backend/cpu/evaluate/EvaluateOps.h"

#include "ir/Fusion.h"

namespace tailor::backend {

using mlir::RankedTensorType;
using mlir::Value;
namespace LLVM = mlir::LLVM;

bool supportsOnCpu(mlir::Operation* op, std::string& reason) {
  auto fits = [&](mlir::Type type) {
    mlir::Type element = mlir::getElementTypeOrSelf(type);
    if (element.isF32() || element.isInteger(1) || element.isInteger(32) || element.isInteger(64))
      return true;
    llvm::raw_string_ostream(reason) << "element type " << element << " is not available for target cpu yet";
    return false;
  };
  return llvm::all_of(op->getOperandTypes(), fits) && llvm::all_of(op->getResultTypes(), fits);
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

RankedTensorType tensorTypeOf(Value v) {
  return mlir::cast<RankedTensorType>(v.getType());
}

mlir::ValueRange yieldedValues(ir::KernelOp kernel) {
  return kernel.getBlock().getTerminator()->getOperands();
}

int64_t firstExtraSlot(ir::KernelOp kernel) {
  return kernel.getBlock().getNumArguments() + yieldedValues(kernel).size();
}

void bindOperands(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel) {
  for (mlir::BlockArgument argument : kernel.getBlock().getArguments())
    if (!argument.use_empty()) e.bind(argument, frame.buffer(argument.getArgNumber()));
}

llvm::SmallVector<ResultGroup> groupResults(ir::KernelOp kernel) {
  llvm::SmallVector<ResultGroup> groups;
  for (auto [i, value] : llvm::enumerate(yieldedValues(kernel))) {
    RankedTensorType type = tensorTypeOf(value);
    auto same =
        llvm::find_if(groups, [&](const ResultGroup& g) { return g.shape.getShape() == type.getShape(); });
    if (same == groups.end()) {
      groups.push_back({type, {}});
      same = std::prev(groups.end());
    }
    same->results.push_back(static_cast<unsigned>(i));
  }
  return groups;
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

std::optional<llvm::SmallVector<mlir::OpResult>> sumsOverRows(ir::KernelOp kernel) {
  llvm::SmallVector<mlir::OpResult> totals;
  for (mlir::Operation& op : kernel.getBlock())
    for (mlir::OpResult result : op.getResults()) {
      auto hasRows = [](Value operand) { return tensorTypeOf(operand).getRank() > 0; };
      if (tensorTypeOf(result).getRank() != 0 || result.use_empty() ||
          llvm::none_of(op.getOperands(), hasRows))
        continue;
      if (!mlir::isa<ir::MaskedMeanOp, ir::ReduceSumOp, ir::ReduceMeanOp>(op) &&
          ir::fusionClassOf(&op) != ir::FusionClass::Loss)
        return std::nullopt;
      totals.push_back(result);
    }
  return totals;
}

bool lanesPassThrough(ir::KernelOp kernel) {
  for (mlir::Operation& op : kernel.getBlock()) {
    if (mlir::isa<ir::PadOp, ir::ConcatOp, ir::RollOp>(op)) return false;
    if (auto reshape = mlir::dyn_cast<ir::ReshapeOp>(op)) {
      auto sizes = [](RankedTensorType type) {
        llvm::SmallVector<int64_t> list(type.getShape());
        llvm::erase(list, 1);
        return list;
      };
      if (sizes(tensorTypeOf(reshape.getOperand())) != sizes(tensorTypeOf(reshape.getResult()))) return false;
    }
  }
  return true;
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

namespace {

enum class Loops { Map, Rows, Columns, Channels, Gemm, Convolution, MultiTensor, Generic };

/// A matrix product that the tiled code takes: rank 2, one contracting dimension, both operands in memory,
/// f32.
ir::DotOp tiledDot(ir::KernelOp kernel) {
  ir::DotOp dot;
  for (mlir::Operation& op : kernel.getBlock())
    if (auto found = mlir::dyn_cast<ir::DotOp>(op)) {
      if (dot) return {};
      dot = found;
    }
  if (!dot || !dot.getLhsBatch().empty() || dot.getLhsContract().size() != 1) return {};
  RankedTensorType lhs = tensorTypeOf(dot.getLhs()), rhs = tensorTypeOf(dot.getRhs());
  if (lhs.getRank() != 2 || rhs.getRank() != 2 || !mlir::isa<mlir::BlockArgument>(dot.getLhs()) ||
      !mlir::isa<mlir::BlockArgument>(dot.getRhs()))
    return {};
  for (Value result : yieldedValues(kernel))
    if (tensorTypeOf(result).getShape() != tensorTypeOf(dot.getResult()).getShape()) return {};
  if (llvm::is_contained(tensorTypeOf(dot.getResult()).getShape(), 0) ||
      llvm::is_contained(lhs.getShape(), 0))
    return {};
  return dot;
}

/// True for ops that gather elements within their rows: dimension 0 passes through, so the rows are a loop whose
/// length is known at run time.
bool gathersWithinRows(mlir::Operation& op) {
  if (mlir::isa<ir::MaxPool2dOp, ir::AvgPool2dOp, ir::AvgPool2dGradOp>(op)) return true;
  if (auto slice = mlir::dyn_cast<ir::SliceOp>(op)) {
    RankedTensorType from = tensorTypeOf(slice.getOperand());
    return from.getRank() > 1 && slice.getStarts()[0] == 0 && slice.getStrides()[0] == 1 &&
           slice.getLimits()[0] == from.getDimSize(0);
  }
  if (auto pad = mlir::dyn_cast<ir::PadOp>(op))
    return tensorTypeOf(pad.getOperand()).getRank() > 1 && pad.getLow()[0] == 0 && pad.getHigh()[0] == 0 &&
           pad.getInterior()[0] == 0;
  if (auto concat = mlir::dyn_cast<ir::ConcatOp>(op)) return concat.getDim() != 0;
  if (auto roll = mlir::dyn_cast<ir::RollOp>(op)) return roll.getDim() != 0;
  return false;
}

Loops loopsOf(ir::KernelOp kernel) {
  switch (kernel.getKind()) {
  case ir::FusionKind::Map:
    return Loops::Map;
  case ir::FusionKind::Rows:
    return Loops::Rows;
  case ir::FusionKind::Columns:
    return Loops::Columns;
  case ir::FusionKind::Channels:
    return Loops::Channels;
  case ir::FusionKind::Gemm:
    return Loops::Gemm;
  case ir::FusionKind::MultiTensor:
    return Loops::MultiTensor;
  case ir::FusionKind::Convolution:
    return Loops::Convolution;
  case ir::FusionKind::Scalar:
    return Loops::Generic;
  case ir::FusionKind::Single:
    break;
  }
  switch (ir::fusionClassOf(&kernel.getBlock().front())) {
  case ir::FusionClass::Elementwise:
  case ir::FusionClass::Leaf:
  case ir::FusionClass::Map:
  case ir::FusionClass::ChannelMap:
    return Loops::Map;
  case ir::FusionClass::RowReduction:
  case ir::FusionClass::FullReduction:
  case ir::FusionClass::Loss:
    return Loops::Rows;
  case ir::FusionClass::LayerNorm:
    return mlir::isa<ir::LayerNormOp>(kernel.getBlock().front()) ? Loops::Rows : Loops::Generic;
  case ir::FusionClass::ColumnReduction:
  case ir::FusionClass::BatchNorm:
    return Loops::Columns;
  case ir::FusionClass::ChannelReduction:
    return Loops::Channels;
  case ir::FusionClass::Contraction:
    return Loops::Gemm;
  case ir::FusionClass::MultiTensor:
    return Loops::MultiTensor;
  case ir::FusionClass::Other:
    return gathersWithinRows(kernel.getBlock().front()) ? Loops::Map : Loops::Generic;
  case ir::FusionClass::Convolution:
    return Loops::Convolution;
  }
  return Loops::Generic;
}

/// The convolution among the maps of its kernel.
mlir::Operation* convolutionIn(ir::KernelOp kernel) {
  for (mlir::Operation& op : kernel.getBlock())
    if (ir::fusionClassOf(&op) == ir::FusionClass::Convolution) return &op;
  return nullptr;
}

/// A kernel that only joins columns.
ir::ConcatOp loneConcat(ir::KernelOp kernel) {
  auto concat = mlir::dyn_cast<ir::ConcatOp>(kernel.getBlock().front());
  if (!concat || kernel.getKind() != ir::FusionKind::Single) return {};
  RankedTensorType type = tensorTypeOf(concat.getResult());
  return type.getRank() >= 2 && int64_t(concat.getDim()) == type.getRank() - 1 && type.getNumElements() > 0
             ? concat
             : ir::ConcatOp();
}

void countWork(ir::KernelOp kernel, KernelInfo& info) {
  auto bytesOf = [](mlir::Type type) {
    auto tensor = mlir::cast<RankedTensorType>(type);
    return uint64_t(tensor.getNumElements()) * std::max(8u, tensor.getElementTypeBitWidth()) / 8;
  };
  for (mlir::Type type : kernel.getArgumentTypes())
    info.bytes += bytesOf(type);
  for (mlir::Type type : kernel.getResultTypes())
    info.bytes += bytesOf(type);
  for (mlir::Operation& op : kernel.getBlock()) {
    if (auto dot = mlir::dyn_cast<ir::DotOp>(op)) {
      uint64_t depth = 1;
      for (int64_t dim : dot.getLhsContract())
        depth *= uint64_t(tensorTypeOf(dot.getLhs()).getDimSize(dim));
      info.flops += 2 * depth * uint64_t(tensorTypeOf(dot.getResult()).getNumElements());
    } else if (!op.hasTrait<mlir::OpTrait::IsTerminator>()) {
      uint64_t elements = 0;
      for (Value operand : op.getOperands())
        elements = std::max<uint64_t>(elements, tensorTypeOf(operand).getNumElements());
      info.flops += elements;
    }
  }
}

} // namespace

mlir::FailureOr<KernelInfo> emitKernel(ir::KernelOp kernel, mlir::ModuleOp module, llvm::StringRef symbol,
                                       const CpuTarget& target) {
  auto isStatic = [](mlir::Type type) { return mlir::cast<RankedTensorType>(type).hasStaticShape(); };
  if (!llvm::all_of(kernel.getArgumentTypes(), isStatic) || !llvm::all_of(kernel.getResultTypes(), isStatic))
    return kernel.emitOpError("has a shape that is not static, which target cpu needs");
  for (mlir::Operation& op : kernel.getBlock()) {
    std::string reason;
    if (!supportsOnCpu(&op, reason)) return op.emitError(reason);
  }
  KernelContext context{
      kernel, target, module, symbol.str(), (symbol + "_prepare").str(), (symbol + "_combine").str(), {}};
  context.info.symbol = symbol.str();
  countWork(kernel, context.info);
  mlir::LogicalResult result = mlir::success();
  if (auto scattering = emitScattering(context, &kernel.getBlock().front())) {
    result = *scattering;
  } else if (ir::ConcatOp concat = loneConcat(kernel)) {
    result = emitConcat(context, concat);
  } else if (auto pool = mlir::dyn_cast<ir::MaxPool2dGradOp>(kernel.getBlock().front())) {
    result = emitMaxPoolGradient(context, pool);
  } else {
    switch (loopsOf(kernel)) {
    case Loops::Map:
      result = emitMap(context);
      break;
    case Loops::Rows:
      result = emitRows(context);
      break;
    case Loops::Columns:
      result = emitColumns(context);
      break;
    case Loops::Channels:
      result = emitChannels(context);
      break;
    case Loops::Convolution:
      result = emitConvolution(context, convolutionIn(kernel));
      break;
    case Loops::MultiTensor:
      result = emitMultiTensor(context);
      break;
    case Loops::Generic:
      result = emitGeneric(context);
      break;
    case Loops::Gemm:
      ir::DotOp dot = tiledDot(kernel);
      result = dot ? emitGemmKernel(context, dot) : emitGeneric(context);
      break;
    }
  }
  if (mlir::failed(result)) return mlir::failure();
  context.info.scratchBytes = (context.info.scratchBytes + 63) / 64 * 64;
  return context.info;
}

} // namespace tailor::backend
