// Several kernels in one launch: blocks find out by their numbers which of them is theirs.
#include "backend/cuda/kinds/KernelEmitter.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

#include <algorithm>

namespace tailor::backend::cuda {

using mlir::Value;
namespace LLVM = mlir::LLVM;
namespace NVVM = mlir::NVVM;
namespace scf = mlir::scf;

namespace {

constexpr unsigned kShared = 3; ///< address space

/// A part as a function of its own, which becomes a branch of the kernel.
struct Part {
  ir::PartOp op;
  LLVM::LLVMFuncOp function;
  GpuFunction launch;
  size_t firstTemporary = 0; ///< among those of all parts
  size_t firstResult = 0;
};

uint64_t bytesOf(LLVM::GlobalOp variable) {
  auto array = mlir::cast<LLVM::LLVMArrayType>(variable.getType());
  return uint64_t(array.getNumElements()) * array.getElementType().getIntOrFloatBitWidth() / 8;
}

class HorizontalEmitter {
public:
  explicit HorizontalEmitter(KernelContext& context) : context_(context) {}

  mlir::LogicalResult emit() {
    context_.info.flops = context_.info.bytes = 0;
    for (auto op : context_.kernel.getBlock().getOps<ir::PartOp>())
      if (mlir::failed(addPart(op))) return mlir::failure();
    uint32_t blocks = 0, resident = parts_.front().launch.resident;
    for (Part& part : parts_) {
      blocks += part.launch.blocks;
      resident = std::min(resident, part.launch.resident);
    }
    KernelFrame frame(context_, "", blocks, parts_.front().launch.threads);
    if (llvm::any_of(parts_, [](Part& part) { return isHinted(part); }))
      frame.shareMultiprocessor(static_cast<int32_t>(resident));
    for (const Part& part : parts_) // all of one precision, where they have any
      if (part.launch.tensorCores != runtime::TensorCores::kNone)
        frame.useTensorCores(part.launch.tensorCores);
    shareMemory(frame);
    branch(frame, 0, frame.block());
    frame.finish();
    for (Part& part : parts_)
      part.function.erase();
    if (failed_)
      return context_.kernel.emitError("internal error: a part counts blocks or shares memory by itself");
    return mlir::success();
  }

private:
  mlir::LogicalResult addPart(ir::PartOp op) {
    // Of one kernel may be two parts, and each needs counters of its own.
    const std::string symbol = context_.symbol + "_part" + std::to_string(parts_.size());
    mlir::FailureOr<KernelInfo> info =
        emitKernel(op.lookupKernel(), context_.module, symbol, context_.target, context_.plans);
    if (mlir::failed(info)) return mlir::failure();
    if (info->library || info->functions.size() != 1)
      return op.emitError("kernel '")
             << op.getKernel() << "' is a call of a library, which is no part of another";
    const GpuFunction& launch = info->functions.front();
    if (!parts_.empty() && launch.threads != parts_.front().launch.threads)
      return op.emitError("kernel '") << op.getKernel() << "' has blocks of " << launch.threads
                                      << " threads beside one of " << parts_.front().launch.threads;
    const size_t results = parts_.empty() ? 0 : parts_.back().firstResult + parts_.back().op.getNumResults();
    parts_.push_back({op, context_.module.lookupSymbol<LLVM::LLVMFuncOp>(launch.symbol), launch,
                      context_.info.temporaries.size(), results});
    context_.info.temporaries.append(info->temporaries);
    context_.info.flops += info->flops;
    context_.info.bytes += info->bytes;
    if (context_.info.slow.empty()) context_.info.slow = info->slow;
    return mlir::success();
  }

  static bool isHinted(Part& part) {
    return part.function->hasAttr(NVVM::NVVMDialect::getMinctasmAttrName());
  }

  /// A block is of one part only, so the shared memory of all is one, as large as the largest needs it.
  void shareMemory(KernelFrame& frame) {
    uint64_t most = 0;
    for (Part& part : parts_) {
      uint64_t end = 0;
      for (LLVM::GlobalOp variable : sharedOf(part)) {
        sharedOffsets_[variable.getSymName()] = end;
        end += (bytesOf(variable) + 15) / 16 * 16;
      }
      most = std::max(most, end);
    }
    if (most > 0) shared_ = frame.sharedMemory("_shared", frame.opBuilder.getI8Type(), int64_t(most));
  }

  llvm::SmallVector<LLVM::GlobalOp> sharedOf(Part& part) {
    llvm::SmallVector<LLVM::GlobalOp> found;
    part.function.walk([&](LLVM::AddressOfOp address) {
      auto variable = context_.module.lookupSymbol<LLVM::GlobalOp>(address.getGlobalName());
      if (variable.getAddrSpace() == kShared && !llvm::is_contained(found, variable))
        found.push_back(variable);
    });
    return found;
  }

  /// What block `number`, counted from the first of part `which`, does.
  void branch(KernelFrame& frame, size_t which, Value number) {
    mlir::OpBuilder& b = frame.opBuilder;
    if (which + 1 == parts_.size()) return insert(frame, parts_[which], number);
    Value blocks = mlir::arith::ConstantOp::create(b, frame.loc(),
                                                   b.getI32IntegerAttr(int32_t(parts_[which].launch.blocks)));
    Value isOwn =
        mlir::arith::CmpIOp::create(b, frame.loc(), mlir::arith::CmpIPredicate::slt, number, blocks);
    auto choice = scf::IfOp::create(b, frame.loc(), isOwn, /*withElseRegion=*/true);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    insert(frame, parts_[which], number);
    b.setInsertionPointToStart(choice.elseBlock());
    branch(frame, which + 1, mlir::arith::SubIOp::create(b, frame.loc(), number, blocks));
  }

  /// The body of the part's function, on the pointers of this kernel.
  void insert(KernelFrame& frame, Part& part, Value number) {
    mlir::OpBuilder& b = frame.opBuilder;
    mlir::IRMapping mapping;
    const size_t inputs = part.op.getNumOperands(), results = part.op.getNumResults();
    for (mlir::BlockArgument argument : part.function.getArguments()) {
      const size_t slot = argument.getArgNumber();
      Value pointer;
      if (slot < inputs)
        pointer = frame.pointer(mlir::cast<mlir::BlockArgument>(part.op.getInputs()[slot]).getArgNumber());
      else if (slot < inputs + results)
        pointer = frame.pointer(resultSlot(context_.kernel, unsigned(part.firstResult + slot - inputs)));
      else
        pointer = frame.temporary(int64_t(part.firstTemporary + slot - inputs - results));
      mapping.map(argument, pointer);
    }
    llvm::SmallVector<mlir::Operation*> copies;
    for (mlir::Operation& op : part.function.getBody().front().without_terminator())
      copies.push_back(b.clone(op, mapping));
    for (mlir::Operation* copy : copies)
      copy->walk([&](mlir::Operation* op) { adapt(frame, op, number); });
  }

  void adapt(KernelFrame& frame, mlir::Operation* op, Value number) {
    if (mlir::isa<NVVM::BlockIdXOp>(op)) op->getResult(0).replaceAllUsesWith(number);
    if (mlir::isa<NVVM::GridDimXOp>(op)) failed_ = true; // would count the blocks of all parts
    auto address = mlir::dyn_cast<LLVM::AddressOfOp>(op);
    auto offset = address ? sharedOffsets_.find(address.getGlobalName()) : sharedOffsets_.end();
    if (offset == sharedOffsets_.end()) return;
    // What is taken of a variable is its generic address.
    for (mlir::Operation* user : llvm::to_vector(op->getUsers())) {
      if (!mlir::isa<LLVM::AddrSpaceCastOp>(user)) {
        failed_ = true;
        continue;
      }
      mlir::OpBuilder b(user);
      Value place = LLVM::GEPOp::create(b, frame.loc(), shared_.getType(), b.getI8Type(), shared_,
                                        llvm::ArrayRef<LLVM::GEPArg>{int32_t(offset->second)});
      user->getResult(0).replaceAllUsesWith(place);
    }
  }

  KernelContext& context_;
  llvm::SmallVector<Part> parts_;
  llvm::StringMap<uint64_t> sharedOffsets_; ///< by variable of a part
  bool failed_ = false;                     ///< a part does what it cannot do beside others
  Value shared_;                            ///< of the kernel; null: its parts need none
};

mlir::LogicalResult emit(KernelContext& context) {
  return HorizontalEmitter(context).emit();
}

bool fits(ir::KernelOp kernel) {
  return kernel.getKind() == ir::FusionKind::Horizontal;
}

} // namespace

extern const KernelKind kHorizontal{"horizontal", fits, emit};

} // namespace tailor::backend::cuda
