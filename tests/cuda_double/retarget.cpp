#include "tests/cuda_double/retarget.h"

#include "tests/cuda_double/instrument.h"
#include "tests/cuda_double/simulator.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"

#include <cstring>
#include <map>
#include <stdexcept>
#include <vector>

namespace tailor::backend::testing {
namespace {

uint32_t shuffleBits(uint32_t, uint32_t value, uint32_t distance, uint32_t) {
  return exchange(value, distance);
}

float shuffleFloat(uint32_t, float value, uint32_t distance, uint32_t) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits = exchange(bits, distance);
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

template <uint32_t valuesOfWord>
void multiply(float* d, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1,
              float c0, float c1, float c2, float c3) {
  multiplyMatrices({a0, a1, a2, a3}, {b0, b1}, {c0, c1, c2, c3}, valuesOfWord, d);
}

void blockBarrier(uint32_t) {
  waitForBlock();
}

/// What stands for an intrinsic of NVPTX. A struct is returned through a pointer before the arguments.
const std::map<std::string, void*>& standIns() {
  static const std::map<std::string, void*> table{
      {"llvm.nvvm.read.ptx.sreg.tid.x", reinterpret_cast<void*>(&threadNumber)},
      {"llvm.nvvm.read.ptx.sreg.ctaid.x", reinterpret_cast<void*>(&blockNumber)},
      {"llvm.nvvm.read.ptx.sreg.nctaid.x", reinterpret_cast<void*>(&numBlocks)},
      {"llvm.nvvm.barrier.cta.sync.aligned.all", reinterpret_cast<void*>(&blockBarrier)},
      {"llvm.nvvm.shfl.sync.bfly.i32", reinterpret_cast<void*>(&shuffleBits)},
      {"llvm.nvvm.shfl.sync.bfly.f32", reinterpret_cast<void*>(&shuffleFloat)},
      {"llvm.nvvm.mma.m16n8k16.row.col.bf16", reinterpret_cast<void*>(&multiply<2>)},
      {"llvm.nvvm.mma.m16n8k8.row.col.tf32", reinterpret_cast<void*>(&multiply<1>)},
  };
  return table;
}

std::string nameOfStandIn(llvm::StringRef intrinsic) {
  return "simulator." + intrinsic.str();
}

template <typename T> T expected(llvm::Expected<T> value) {
  if (!value) throw std::runtime_error(llvm::toString(value.takeError()));
  return std::move(*value);
}

void expect(llvm::Error error) {
  if (error) throw std::runtime_error(llvm::toString(std::move(error)));
}

/// `symbol.call(table)`: loads what the kernel takes and calls it.
void addCall(llvm::Module& module, llvm::Function& kernel) {
  llvm::LLVMContext& context = module.getContext();
  auto pointer = llvm::PointerType::get(context, 0);
  auto* word = llvm::Type::getInt64Ty(context);
  auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer}, false);
  auto* call =
      llvm::Function::Create(type, llvm::Function::ExternalLinkage, kernel.getName() + ".call", module);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "", call));
  llvm::SmallVector<llvm::Value*> arguments;
  for (llvm::Argument& argument : kernel.args()) {
    if (!argument.getType()->isPointerTy() && argument.getType() != word)
      throw std::runtime_error("an argument of '" + kernel.getName().str() + "' has not 64 bits");
    llvm::Value* slot = b.CreateConstGEP1_64(word, call->getArg(0), argument.getArgNo());
    arguments.push_back(b.CreateLoad(argument.getType(), slot));
  }
  b.CreateCall(&kernel, arguments);
  b.CreateRetVoid();
}

/// Calls `standIn` in the place of `call`, which returns a struct.
void callThroughMemory(llvm::CallInst* call, llvm::Function* standIn) {
  llvm::Function& kernel = *call->getFunction();
  llvm::IRBuilder<> entry(&kernel.getEntryBlock(), kernel.getEntryBlock().getFirstInsertionPt());
  llvm::Value* memory = entry.CreateAlloca(call->getType());
  llvm::IRBuilder<> b(call);
  llvm::SmallVector<llvm::Value*> arguments{memory};
  arguments.append(call->arg_begin(), call->arg_end());
  b.CreateCall(standIn, arguments);
  call->replaceAllUsesWith(b.CreateLoad(call->getType(), memory));
  call->eraseFromParent();
}

/// The kernels, not yet looked up; `sites` is not null where they are watched.
std::map<std::string, HostKernels::Kernel> retarget(llvm::Module& module, std::deque<Site>* sites) {
  std::map<std::string, HostKernels::Kernel> found;
  llvm::SmallVector<llvm::Function*> kernels, intrinsics;
  for (llvm::Function& function : module)
    if (function.getName().starts_with("llvm.nvvm."))
      intrinsics.push_back(&function);
    else if (!function.isDeclaration())
      kernels.push_back(&function);
  for (llvm::Function* intrinsic : intrinsics) {
    std::string name = intrinsic->getName().str();
    if (!standIns().contains(name)) throw std::runtime_error("the simulator does not know " + name);
    // Without the attributes of the intrinsic, which would let a call move over another.
    llvm::FunctionType* type = intrinsic->getFunctionType();
    const bool throughMemory = type->getReturnType()->isStructTy();
    if (throughMemory) {
      llvm::SmallVector<llvm::Type*> parameters{llvm::PointerType::get(module.getContext(), 0)};
      parameters.append(type->param_begin(), type->param_end());
      type = llvm::FunctionType::get(llvm::Type::getVoidTy(module.getContext()), parameters, false);
    }
    auto* standIn =
        llvm::Function::Create(type, llvm::Function::ExternalLinkage, nameOfStandIn(name), module);
    for (llvm::User* user : llvm::make_early_inc_range(intrinsic->users())) {
      auto* call = llvm::cast<llvm::CallInst>(user);
      found[call->getFunction()->getName().str()].meets |= llvm::StringRef(name).contains("shfl") ||
                                                           llvm::StringRef(name).contains("barrier") ||
                                                           throughMemory;
      if (throughMemory) {
        callThroughMemory(call, standIn);
        continue;
      }
      call->setCalledFunction(standIn);
      call->setAttributes({});
      call->dropUnknownNonDebugMetadata();
    }
    intrinsic->eraseFromParent();
  }
  for (llvm::Function* kernel : kernels) {
    // As a string, "x[,y[,z]]".
    kernel->getFnAttribute("nvvm.reqntid")
        .getValueAsString()
        .split(',')
        .first.getAsInteger(10, found[kernel->getName().str()].threads);
    kernel->setCallingConv(llvm::CallingConv::C);
    kernel->removeFnAttr("target-cpu");
    kernel->removeFnAttr("target-features");
    if (sites) instrument(*kernel, *sites);
    addCall(module, *kernel);
    found[kernel->getName().str()].numArguments = static_cast<unsigned>(kernel->arg_size());
    found[kernel->getName().str()].extents = extentsOf(*kernel);
  }
  return found;
}

} // namespace

struct HostKernels::State {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::map<std::string, Kernel> kernels;
  std::deque<Site> sites;
  bool watched = false;
  std::vector<Watch::Range> shared, variables;
};

HostKernels::HostKernels(const std::string& llvmText, bool watched) : state_(std::make_unique<State>()) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  auto context = std::make_unique<llvm::LLVMContext>();
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(llvmText, diagnostic, *context);
  if (!module) throw std::runtime_error(diagnostic.getMessage().str());
  auto builder = expected(llvm::orc::JITTargetMachineBuilder::detectHost());
  builder.getOptions().AllowFPOpFusion = llvm::FPOpFusion::Strict;
  state_->jit = expected(llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(builder)).create());
  module->setDataLayout(state_->jit->getDataLayout());
  module->setTargetTriple(state_->jit->getTargetTriple());
  state_->watched = watched;
  state_->kernels = retarget(*module, watched ? &state_->sites : nullptr);
  // One block runs at a time, so its shared memory is an ordinary variable.
  std::vector<std::pair<std::string, size_t>> shared, variables;
  for (llvm::GlobalVariable& variable : module->globals()) {
    const bool isShared = variable.getAddressSpace() == 3;
    variable.setLinkage(llvm::GlobalValue::ExternalLinkage);
    if (isShared) variable.setInitializer(llvm::Constant::getNullValue(variable.getValueType()));
    (isShared ? shared : variables)
        .emplace_back(variable.getName().str(),
                      module->getDataLayout().getTypeAllocSize(variable.getValueType()));
  }
  llvm::orc::SymbolMap symbols;
  for (auto& [intrinsic, standIn] : standIns())
    symbols[state_->jit->mangleAndIntern(nameOfStandIn(intrinsic))] = {
        llvm::orc::ExecutorAddr::fromPtr(standIn), llvm::JITSymbolFlags::Exported};
  auto define = [&](const char* name, auto* function) {
    symbols[state_->jit->mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(function),
                                                   llvm::JITSymbolFlags::Exported};
  };
  define(kAccessSymbol, &instrumentedAccess);
  define(kFenceSymbol, &instrumentedFence);
  expect(state_->jit->getMainJITDylib().define(llvm::orc::absoluteSymbols(std::move(symbols))));
  expect(state_->jit->addIRModule({std::move(module), std::move(context)}));
  for (auto& [name, bytes] : shared)
    state_->shared.push_back({expected(state_->jit->lookup(name)).getValue(), bytes});
  for (auto& [name, bytes] : variables)
    state_->variables.push_back({expected(state_->jit->lookup(name)).getValue(), bytes});
}

HostKernels::~HostKernels() = default;

void HostKernels::poisonShared() const {
  for (const Watch::Range& range : state_->shared)
    std::memset(reinterpret_cast<void*>(range.begin), 0xFF, range.bytes);
}

const HostKernels::Kernel& HostKernels::kernel(const std::string& symbol) const {
  Kernel& kernel = state_->kernels.at(symbol);
  if (!kernel.run)
    kernel.run = expected(state_->jit->lookup(symbol + ".call")).toPtr<void (*)(const std::uint64_t*)>();
  return kernel;
}

void HostKernels::launch(const std::string& symbol, uint32_t blocks, uint32_t threads, Order order,
                         const std::vector<std::uint64_t>& arguments) const {
  const Kernel& found = kernel(symbol);
  if (state_->watched) {
    Watch::Launch watched{symbol, {}, state_->variables, state_->shared, blocks};
    for (size_t i = 0; i < arguments.size(); ++i)
      watched.arguments.push_back({arguments[i], found.extents.at(i)});
    watch().begin(std::move(watched));
  }
  runBlocks(
      blocks, threads, order, found.meets,
      [&] {
        poisonShared();
        if (state_->watched) watch().beginBlock();
      },
      [&] { found.run(arguments.data()); });
}

} // namespace tailor::backend::testing
