#include "tests/cuda_double/instrument.h"

#include "tests/cuda_double/simulator.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Support/raw_ostream.h"

#include <stdexcept>

namespace tailor::backend::testing {
namespace {

class Instrumenter {
public:
  Instrumenter(llvm::Function& kernel, std::deque<Site>& sites) : kernel_(kernel), sites_(sites) {
    llvm::Module& module = *kernel.getParent();
    llvm::LLVMContext& context = module.getContext();
    auto* nothing = llvm::Type::getVoidTy(context);
    auto* word = llvm::Type::getInt64Ty(context);
    auto* pointer = llvm::PointerType::get(context, 0);
    access_ = module.getOrInsertFunction(
        kAccessSymbol, llvm::FunctionType::get(nothing, {pointer, word, word, word}, false));
    fence_ = module.getOrInsertFunction(kFenceSymbol, llvm::FunctionType::get(nothing, {}, false));
  }

  void run() {
    llvm::SmallVector<llvm::Instruction*> all;
    for (llvm::Instruction& instruction : llvm::instructions(kernel_))
      all.push_back(&instruction);
    for (llvm::Instruction* instruction : all) {
      ++number_;
      visit(*instruction);
    }
  }

private:
  void visit(llvm::Instruction& instruction) {
    if (auto* load = llvm::dyn_cast<llvm::LoadInst>(&instruction))
      return add(instruction, load->getPointerOperand(), load->getType(), Access::read);
    if (auto* store = llvm::dyn_cast<llvm::StoreInst>(&instruction))
      return add(instruction, store->getPointerOperand(), store->getValueOperand()->getType(), Access::write);
    if (auto* update = llvm::dyn_cast<llvm::AtomicRMWInst>(&instruction))
      return add(instruction, update->getPointerOperand(), update->getType(), Access::atomic);
    if (llvm::isa<llvm::FenceInst>(instruction)) {
      llvm::IRBuilder<>(&instruction).CreateCall(fence_);
      return;
    }
    if (auto* intrinsic = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction)) {
      auto operand = [&](unsigned i) { return intrinsic->getArgOperand(i); };
      switch (intrinsic->getIntrinsicID()) {
      case llvm::Intrinsic::masked_load:
      case llvm::Intrinsic::masked_gather:
        return addLanes(instruction, operand(0), intrinsic->getType(), operand(1), Access::read);
      case llvm::Intrinsic::masked_store:
      case llvm::Intrinsic::masked_scatter:
        return addLanes(instruction, operand(1), operand(0)->getType(), operand(2), Access::write);
      default:
        break;
      }
      if (!intrinsic->mayReadOrWriteMemory() || intrinsic->isAssumeLikeIntrinsic()) return;
    } else if (!llvm::isa<llvm::CallInst>(instruction) && !instruction.mayReadOrWriteMemory()) {
      return;
    } else if (auto* call = llvm::dyn_cast<llvm::CallInst>(&instruction);
               call && call->getCalledFunction() && call->getCalledFunction()->isDeclaration()) {
      return; // a stand-in, which touches no memory of the device
    }
    throw std::runtime_error("the watch does not know " + textOf(instruction));
  }

  void add(llvm::Instruction& instruction, llvm::Value* pointer, llvm::Type* type, Access access) {
    llvm::IRBuilder<> b(&instruction);
    call(b, instruction, pointer, 0, type, access, b.getTrue());
  }

  /// `pointer` is that of the first lane, or of each.
  void addLanes(llvm::Instruction& instruction, llvm::Value* pointer, llvm::Type* type, llvm::Value* mask,
                Access access) {
    llvm::IRBuilder<> b(&instruction);
    auto* vector = llvm::cast<llvm::FixedVectorType>(type);
    for (unsigned lane = 0; lane < vector->getNumElements(); ++lane)
      call(b, instruction, pointer, lane, vector->getElementType(), access,
           b.CreateExtractElement(mask, lane));
  }

  void call(llvm::IRBuilder<>& b, llvm::Instruction& instruction, llvm::Value* pointer, unsigned lane,
            llvm::Type* type, Access access, llvm::Value* happens) {
    const llvm::Value* object = objectOf(pointer);
    if (llvm::isa<llvm::AllocaInst>(object)) return; // of the thread
    auto* argument = llvm::dyn_cast<llvm::Argument>(object);
    sites_.push_back({"instruction " + std::to_string(number_) + ": " + textOf(instruction),
                      argument ? static_cast<int>(argument->getArgNo()) : -1, access});
    llvm::Value* address = pointer->getType()->isVectorTy() ? b.CreateExtractElement(pointer, lane)
                                                            : b.CreateConstGEP1_64(type, pointer, lane);
    if (address->getType()->getPointerAddressSpace() != 0)
      address = b.CreateAddrSpaceCast(address, b.getPtrTy());
    const uint64_t bytes = kernel_.getParent()->getDataLayout().getTypeStoreSize(type);
    b.CreateCall(access_, {address, b.getInt64(bytes), b.getInt64(reinterpret_cast<uint64_t>(&sites_.back())),
                           b.CreateZExt(happens, b.getInt64Ty())});
  }

  /// What the pointer, or each of a vector of pointers, is derived from.
  static const llvm::Value* objectOf(const llvm::Value* pointer) {
    if (pointer->getType()->isVectorTy())
      if (auto* gep = llvm::dyn_cast<llvm::GetElementPtrInst>(pointer);
          gep && !gep->getPointerOperand()->getType()->isVectorTy())
        pointer = gep->getPointerOperand();
    return pointer->getType()->isVectorTy() ? pointer : llvm::getUnderlyingObject(pointer, /*MaxLookup=*/0);
  }

  static std::string textOf(const llvm::Instruction& instruction) {
    std::string text;
    llvm::raw_string_ostream(text) << instruction;
    return llvm::StringRef(text).trim().str();
  }

  llvm::Function& kernel_;
  std::deque<Site>& sites_;
  llvm::FunctionCallee access_, fence_;
  unsigned number_ = 0; ///< of the instruction in its kernel, from 1
};

} // namespace

std::vector<uint64_t> extentsOf(const llvm::Function& kernel) {
  std::vector<uint64_t> extents(kernel.arg_size(), 0);
  llvm::SmallVector<llvm::StringRef> words;
  kernel.getFnAttribute(kExtentsAttribute).getValueAsString().split(words, ',', -1, /*KeepEmpty=*/false);
  for (size_t i = 0; i < words.size() && i < extents.size(); ++i)
    words[i].getAsInteger(10, extents[i]);
  return extents;
}

void instrumentedAccess(const void* address, uint64_t bytes, const Site* site, uint64_t happens) {
  if (!happens) return;
  if (const std::string wrong = watch().access(reinterpret_cast<uint64_t>(address), bytes, *site);
      !wrong.empty())
    report(wrong);
}

void instrumentedFence() {
  watch().fence();
}

void instrument(llvm::Function& kernel, std::deque<Site>& sites) {
  Instrumenter(kernel, sites).run();
}

} // namespace tailor::backend::testing
