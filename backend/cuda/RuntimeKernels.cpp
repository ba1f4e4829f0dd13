#include "backend/cuda/RuntimeKernels.h"

#include "backend/llvm/VectorBuilder.h"
#include "runtime/kernels/cuda_abi.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace tailor::backend::cuda {

using mlir::Value;
using mlir::arith::CmpIPredicate;
namespace LLVM = mlir::LLVM;
namespace NVVM = mlir::NVVM;

namespace {

/// A kernel of six 64-bit arguments, of which `pointers` are addresses and come first.
class Frame {
public:
  Frame(mlir::ModuleOp module, std::string_view name, unsigned pointers) : opBuilder_(module.getContext()) {
    mlir::MLIRContext* context = module.getContext();
    llvm::SmallVector<mlir::Type> types(pointers, LLVM::LLVMPointerType::get(context));
    types.append(runtime::kRuntimeKernelArguments - pointers, opBuilder_.getI64Type());
    opBuilder_.setInsertionPointToEnd(module.getBody());
    auto loc = module.getLoc();
    function_ = LLVM::LLVMFuncOp::create(
        opBuilder_, loc, name, LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), types));
    function_->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), opBuilder_.getUnitAttr());
    function_->setAttr(NVVM::NVVMDialect::getReqntidAttrName(),
                       opBuilder_.getDenseI32ArrayAttr({int32_t(runtime::kRuntimeKernelThreads)}));
    mlir::Block* entry = function_.addEntryBlock(opBuilder_);
    opBuilder_.setInsertionPointToStart(entry);
    builder_ = std::make_unique<VectorBuilder>(opBuilder_, loc, entry, 1);
  }
  ~Frame() { LLVM::ReturnOp::create(opBuilder_, b().loc(), mlir::ValueRange()); }

  VectorBuilder& b() { return *builder_; }
  Value argument(unsigned i) { return function_.getArgument(i); }
  Value wide(Value i32) { return mlir::arith::ExtUIOp::create(opBuilder_, b().loc(), b().i64(), i32); }
  Value thread() { return wide(NVVM::ThreadIdXOp::create(opBuilder_, b().loc(), b().i32())); }
  Value block() { return wide(NVVM::BlockIdXOp::create(opBuilder_, b().loc(), b().i32())); }
  Value blocks() { return wide(NVVM::GridDimXOp::create(opBuilder_, b().loc(), b().i32())); }

  Value loadCounter(int64_t which) { return b().load(argument(2), b().i64(), b().index(which)); }
  Value remainder(Value a, Value by) { return mlir::arith::RemUIOp::create(opBuilder_, b().loc(), a, by); }
  Value bytePointer(Value base, Value bytes) {
    return LLVM::GEPOp::create(opBuilder_, b().loc(), b().pointer(), opBuilder_.getI8Type(), base,
                               mlir::ValueRange{bytes});
  }

  /// Copies `bytes` by all threads of the launch: words, then the bytes that are left.
  void copy(Value destination, Value source, Value bytes) {
    Value threads = b().mul(blocks(), b().index(runtime::kRuntimeKernelThreads));
    Value first = b().add(b().mul(block(), b().index(runtime::kRuntimeKernelThreads)), thread());
    Value words = b().shiftRight(bytes, 2);
    auto stride = [&](Value from, Value to, mlir::Type element) {
      auto loop = mlir::scf::ForOp::create(opBuilder_, b().loc(), b().add(from, first), to, threads);
      opBuilder_.setInsertionPointToStart(loop.getBody());
      Value at = loop.getInductionVar();
      Value place =
          LLVM::GEPOp::create(opBuilder_, b().loc(), b().pointer(), element, source, mlir::ValueRange{at});
      Value value = LLVM::LoadOp::create(opBuilder_, b().loc(), element, place);
      place = LLVM::GEPOp::create(opBuilder_, b().loc(), b().pointer(), element, destination,
                                  mlir::ValueRange{at});
      LLVM::StoreOp::create(opBuilder_, b().loc(), value, place);
      opBuilder_.setInsertionPointAfter(loop);
    };
    stride(b().index(0), words, b().i32());
    stride(b().shiftLeft(words, 2), bytes, opBuilder_.getI8Type());
  }

  void byFirstThread(llvm::function_ref<void()> body) {
    b().ifThen(b().compare(CmpIPredicate::eq, thread(), b().index(0)), body);
  }

private:
  mlir::OpBuilder opBuilder_;
  LLVM::LLVMFuncOp function_;
  std::unique_ptr<VectorBuilder> builder_;
};

} // namespace

llvm::SmallVector<std::string> emitRuntimeKernels(mlir::ModuleOp module) {
  {
    Frame f(module, runtime::kBeginStepKernel, 3);
    Value counter = f.loadCounter(0);
    Value row = f.b().mul(f.remainder(counter, f.argument(3)), f.argument(4));
    f.copy(f.argument(0), f.bytePointer(f.argument(1), row), f.argument(5));
    f.byFirstThread([&] { f.b().store(counter, f.argument(2), f.b().i64(), f.b().index(1)); });
  }
  {
    Frame f(module, runtime::kReadSlotKernel, 3);
    Value number = f.wide(f.b().load(f.argument(2), f.b().i32(), f.b().index(0)));
    Value from = f.b().add(f.b().mul(number, f.argument(3)), f.argument(4));
    f.copy(f.argument(0), f.bytePointer(f.argument(1), from), f.argument(5));
  }
  {
    Frame f(module, runtime::kFinishStepKernel, 3);
    Value counter = f.loadCounter(1);
    Value row = f.b().mul(f.remainder(counter, f.argument(3)), f.argument(4));
    f.copy(f.bytePointer(f.argument(1), row), f.argument(0), f.argument(5));
    f.byFirstThread(
        [&] { f.b().store(f.b().add(counter, f.b().index(1)), f.argument(2), f.b().i64(), f.b().index(0)); });
  }
  return {std::string(runtime::kBeginStepKernel), std::string(runtime::kReadSlotKernel),
          std::string(runtime::kFinishStepKernel)};
}

} // namespace tailor::backend::cuda
