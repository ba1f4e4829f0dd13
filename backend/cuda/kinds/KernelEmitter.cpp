#include "backend/cuda/kinds/KernelEmitter.h"

#include "backend/codegen/ElementTypes.h"
#include "passes/analysis/Intervals.h"
#include "passes/analysis/KernelBuffers.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/StringExtras.h"

namespace tailor::backend::cuda {

using mlir::Value;
namespace LLVM = mlir::LLVM;
namespace NVVM = mlir::NVVM;

bool supportsOnCuda(mlir::Operation* op, std::string& reason) {
  return mlir::isa<ir::PartOp>(op) ||
         hasCodeForElements(op, "cuda", reason); // of a part, its kernel is asked
}

mlir::FailureOr<int64_t> blocksFor(KernelContext& context, int64_t count, uint32_t threads) {
  // Thread numbers are i32.
  if (count > std::numeric_limits<int32_t>::max() - int64_t(threads))
    return context.kernel.emitError("needs ")
           << count << " threads, of which a launch on target cuda has at most "
           << std::numeric_limits<int32_t>::max();
  return std::max<int64_t>(1, (count + threads - 1) / threads);
}

/// Bytes behind each pointer of a kernel, as the attribute "tailor.extents": for who watches its accesses (tests/cuda_double), nothing
/// that LLVM acts upon.
static mlir::ArrayAttr extentsOf(KernelContext& context, bool regions, mlir::Builder& b) {
  ir::KernelOp kernel = context.kernel;
  llvm::SmallVector<mlir::Type> types(kernel.getArgumentTypes());
  llvm::append_range(types, kernel.getResultTypes());
  llvm::SmallVector<std::string> extents;
  if (regions) {
    for (const passes::KernelBuffer& buffer : passes::kernelBuffers(kernel)) {
      const unsigned first =
          buffer.first + (buffer.isResult ? unsigned(kernel.getArgumentTypes().size()) : 0);
      int64_t bytes = 0;
      for (unsigned i = first; i < first + buffer.count; ++i)
        // With their padding, but for scalars, which play no role.
        bytes += mlir::cast<mlir::RankedTensorType>(types[i]).getRank() > 0
                     ? passes::alignTo64(passes::bytesOf(types[i]))
                     : passes::bytesOf(types[i]);
      extents.push_back(std::to_string(bytes));
    }
  } else {
    for (mlir::Type type : types)
      extents.push_back(std::to_string(passes::bytesOf(type)));
  }
  for (const Temporary& temporary : context.info.temporaries)
    extents.push_back(std::to_string(temporary.bytes));
  return b.getArrayAttr({b.getStrArrayAttr({"tailor.extents", llvm::join(extents, ",")})});
}

KernelFrame::KernelFrame(KernelContext& context, llvm::StringRef suffix, int64_t blocks, uint32_t threads)
    : opBuilder(context.module.getContext()), context_(context), number_(context.info.functions.size()),
      loc_(context.kernel.getLoc()), threads_(threads) {
  mlir::MLIRContext* mlir = context.module.getContext();
  bool regions = context.kernel.getKind() == ir::FusionKind::MultiTensor ||
                 singleClass(context.kernel) == ir::FusionClass::MultiTensor;
  firstTemporary_ = regions ? int64_t(passes::kernelBuffers(context.kernel).size())
                            : resultSlot(context.kernel, unsigned(yieldedValues(context.kernel).size()));
  size_t pointers = size_t(firstTemporary_) + context.info.temporaries.size();
  llvm::SmallVector<mlir::Type> types(pointers, LLVM::LLVMPointerType::get(mlir));
  opBuilder.setInsertionPointToEnd(context.module.getBody());
  std::string symbol = (context.symbol + suffix).str();
  function = LLVM::LLVMFuncOp::create(opBuilder, loc_, symbol,
                                      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(mlir), types));
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), opBuilder.getUnitAttr());
  function->setAttr(NVVM::NVVMDialect::getReqntidAttrName(),
                    opBuilder.getDenseI32ArrayAttr({int32_t(threads)}));
  function.setPassthroughAttr(extentsOf(context, regions, opBuilder));
  for (unsigned i = 0; i < pointers; ++i)
    function.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(), opBuilder.getI64IntegerAttr(64));
  opBuilder.setInsertionPointToStart(function.addEntryBlock(opBuilder));
  constexpr uint32_t kThreadsOfMultiprocessor = 2048, kMostResident = 32;
  context.info.functions.push_back(
      {symbol, uint32_t(blocks), threads, std::min(kMostResident, kThreadsOfMultiprocessor / threads)});
}

Value KernelFrame::thread() {
  return NVVM::ThreadIdXOp::create(opBuilder, loc_, opBuilder.getI32Type());
}

Value KernelFrame::block() {
  return NVVM::BlockIdXOp::create(opBuilder, loc_, opBuilder.getI32Type());
}

static Value constant(mlir::OpBuilder& b, mlir::Location loc, int64_t value) {
  return mlir::arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(value)));
}

Value KernelFrame::globalThread() {
  Value first = mlir::arith::MulIOp::create(opBuilder, loc_, block(), constant(opBuilder, loc_, threads_));
  return mlir::arith::AddIOp::create(opBuilder, loc_, first, thread());
}

Value KernelFrame::globalWarp() {
  return mlir::arith::ShRUIOp::create(opBuilder, loc_, globalThread(), constant(opBuilder, loc_, 5));
}

Value KernelFrame::warp() {
  return mlir::arith::ShRUIOp::create(opBuilder, loc_, thread(), constant(opBuilder, loc_, 5));
}

Value KernelFrame::lane() {
  return mlir::arith::AndIOp::create(opBuilder, loc_, thread(), constant(opBuilder, loc_, 31));
}

void KernelFrame::shareMultiprocessor(int32_t blocks) {
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), opBuilder.getI32IntegerAttr(blocks));
  context_.info.functions[number_].resident = static_cast<uint32_t>(blocks);
}

void KernelFrame::useTensorCores(runtime::TensorCores cores) {
  context_.info.functions[number_].tensorCores = cores;
}

/// A variable of the module in front of the function, `elements` of `element`.
static Value variable(KernelFrame& frame, llvm::StringRef suffix, mlir::Type element, int64_t elements,
                      mlir::Attribute value, uint64_t alignment, unsigned space) {
  mlir::OpBuilder& ops = frame.opBuilder;
  LLVM::GlobalOp memory;
  {
    mlir::OpBuilder::InsertionGuard guard(ops);
    ops.setInsertionPoint(frame.function);
    memory = LLVM::GlobalOp::create(ops, frame.loc(),
                                    LLVM::LLVMArrayType::get(element, static_cast<unsigned>(elements)),
                                    /*isConstant=*/false, LLVM::Linkage::Internal,
                                    (frame.function.getSymName() + suffix).str(), value, alignment, space);
  }
  Value address = LLVM::AddressOfOp::create(ops, frame.loc(), memory);
  return LLVM::AddrSpaceCastOp::create(ops, frame.loc(), LLVM::LLVMPointerType::get(ops.getContext()),
                                       address);
}

void KernelFrame::barrier() {
  NVVM::BarrierOp::create(opBuilder, loc_);
}

Value KernelFrame::sharedMemory(llvm::StringRef suffix, mlir::Type element, int64_t elements) {
  constexpr unsigned kShared = 3;
  const uint64_t bytes = uint64_t(elements) * element.getIntOrFloatBitWidth() / 8;
  context_.info.functions[number_].sharedBytes += static_cast<uint32_t>((bytes + 15) / 16 * 16);
  return variable(*this, suffix, element, elements, mlir::Attribute(), /*alignment=*/16, kShared);
}

void KernelFrame::inLastBlock(Evaluator& e, Value group, int64_t groups, int64_t blocks,
                              llvm::function_ref<void()> body) {
  LaneBuilder& b = e.builder();
  auto fence = [&] { LLVM::FenceOp::create(opBuilder, loc_, LLVM::AtomicOrdering::acq_rel, "device"); };
  barrier(); // what the threads of this block have stored
  if (blocks == 1) return body();
  constexpr unsigned kGlobal = 1;
  auto zeros = mlir::DenseElementsAttr::get(mlir::RankedTensorType::get({groups}, b.i32()), int32_t(0));
  Value tickets = variable(*this, "_tickets", b.i32(), groups, zeros, /*alignment=*/4, kGlobal);
  Value isLast = sharedMemory("_last", b.i32(), 1), place = b.convert(group, b.i64());
  Value zero = b.constant(b.i32(), 0);
  b.ifThen(b.compare(mlir::arith::CmpIPredicate::eq, thread(), zero), [&] {
    fence(); // with the barrier before it for all threads of the block
    Value own =
        LLVM::GEPOp::create(opBuilder, loc_, tickets.getType(), b.i32(), tickets, mlir::ValueRange(place));
    Value before =
        LLVM::AtomicRMWOp::create(opBuilder, loc_, LLVM::AtomicBinOp::add, own, b.constant(b.i32(), 1),
                                  LLVM::AtomicOrdering::monotonic, "device");
    Value last = b.compare(mlir::arith::CmpIPredicate::eq, before, b.constant(b.i32(), double(blocks - 1)));
    b.ifThen(last, [&] { b.store(zero, tickets, b.i32(), place); });
    b.store(b.convert(last, b.i32()), isLast, b.i32(), b.index(0));
    fence();
  });
  barrier();
  b.ifThen(b.compare(mlir::arith::CmpIPredicate::ne, b.load(isLast, b.i32(), b.index(0)), zero),
           [&] { e.region(body); });
}

void KernelFrame::finish() {
  LLVM::ReturnOp::create(opBuilder, loc_, mlir::ValueRange());
}

void bindOperands(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel) {
  for (mlir::BlockArgument argument : kernel.getBlock().getArguments())
    e.bind(argument, frame.pointer(argument.getArgNumber()));
}

void storeAt(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel, const ResultGroup& group,
             llvm::ArrayRef<Coord> at) {
  llvm::SmallVector<Value> values;
  for (unsigned result : group.results)
    values.push_back(e.at(yieldedValues(kernel)[result], at));
  for (auto [value, result] : llvm::zip_equal(values, group.results))
    e.store(value, frame.pointer(resultSlot(kernel, result)), tensorTypeOf(yieldedValues(kernel)[result]),
            at);
}

std::pair<Value, Value> divideWithRest(LaneBuilder& b, Value a, int64_t by) {
  if (by == 1) return {a, b.zeroLike(a)};
  Value divisor = b.constant(a.getType(), double(by));
  Value quotient = mlir::arith::DivUIOp::create(b.builder(), b.loc(), a, divisor);
  return {quotient, b.sub(a, b.mul(quotient, divisor))};
}

} // namespace tailor::backend::cuda
