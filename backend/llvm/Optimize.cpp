#include "backend/llvm/Optimize.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"

namespace tailor::backend {

static constexpr const char* kPipeline =
    "function(early-cse,instcombine<max-iterations=1;no-verify-fixpoint>,simplifycfg,"
    "loop-mssa(licm),early-cse,adce)";

/// The one lane that exists; none if there are several, or the mask is no constant.
static std::optional<unsigned> onlyLane(llvm::Value* mask) {
  auto* lanes = llvm::dyn_cast<llvm::Constant>(mask);
  auto* type = llvm::dyn_cast<llvm::FixedVectorType>(mask->getType());
  if (!lanes || !type) return std::nullopt;
  std::optional<unsigned> only;
  for (unsigned lane = 0; lane < type->getNumElements(); ++lane) {
    llvm::Constant* exists = lanes->getAggregateElement(lane);
    if (!exists || !llvm::isa<llvm::ConstantInt>(exists)) return std::nullopt;
    if (exists->isZeroValue()) continue;
    if (only) return std::nullopt;
    only = lane;
  }
  return only;
}

/// Of a store of one lane whose value is truncated, LLVM 22 makes, for AVX-512, a scalar store of what was there before the
/// truncation: trunc <16 x i32> to <16 x i16> writes four bytes where two are its own. Such stores become scalar here.
static void storeSingleLanes(llvm::Function& function) {
  for (llvm::Instruction& instruction : llvm::make_early_inc_range(llvm::instructions(function))) {
    auto* store = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
    if (!store || store->getIntrinsicID() != llvm::Intrinsic::masked_store) continue;
    llvm::Value* lanes = store->getArgOperand(0);
    // A truncation may also come about later, among what is narrower than registers.
    if (lanes->getType()->getScalarSizeInBits() >= 32 && !llvm::isa<llvm::TruncInst>(lanes)) continue;
    const std::optional<unsigned> lane = onlyLane(store->getArgOperand(2));
    if (!lane) continue;
    llvm::IRBuilder<> builder(store);
    const llvm::DataLayout& layout = function.getDataLayout();
    const uint64_t offset = *lane * layout.getTypeStoreSize(lanes->getType()->getScalarType());
    const llvm::Align align = llvm::commonAlignment(store->getParamAlign(1).valueOrOne(), offset);
    llvm::Value* place =
        builder.CreateConstInBoundsGEP1_64(builder.getInt8Ty(), store->getArgOperand(1), offset);
    builder.CreateAlignedStore(builder.CreateExtractElement(lanes, *lane), place, align);
    store->eraseFromParent();
  }
}

llvm::Error optimizeKernels(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  llvm::ModulePassManager passes;
  if (llvm::Error error = builder.parsePassPipeline(passes, kPipeline)) return error;
  passes.run(module, modules);
  for (llvm::Function& function : module)
    storeSingleLanes(function);
  return llvm::Error::success();
}

} // namespace tailor::backend
