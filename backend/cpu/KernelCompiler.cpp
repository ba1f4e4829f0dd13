#include "backend/cpu/KernelCompiler.h"
#include "backend/cpu/kinds/KernelEmitter.h"
#include "backend/cpu/ObjectEmission.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"

#include "llvm/ADT/StringMap.h"

#include <chrono>

namespace tailor::backend {
namespace {

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The name under which a kernel is emitted until it is known to be new.
constexpr const char* kCandidate = "candidate";

/// Bits of the widest vector of numbers in a function; masks do not count.
unsigned vectorBitsOf(mlir::LLVM::LLVMFuncOp function) {
  int64_t widest = 0;
  function.walk([&](mlir::Operation* op) {
    for (mlir::Type type : op->getResultTypes()) {
      auto vector = mlir::dyn_cast<mlir::VectorType>(type);
      if (!vector || vector.getRank() != 1 || !vector.getElementType().isIntOrFloat() ||
          vector.getElementTypeBitWidth() < 32)
        continue;
      widest = std::max(widest, vector.getNumElements() * 32);
    }
  });
  return static_cast<unsigned>(widest);
}

} // namespace

struct KernelCompiler::State {
  mlir::MLIRContext* context;
  CpuTarget target;
  CpuCompileOptions options;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  llvm::StringMap<KernelInfo> known; ///< text of the emitted functions -> kernel
  CompileTimes times;
};

KernelCompiler::KernelCompiler(mlir::MLIRContext* context, CpuTarget target, CpuCompileOptions options)
    : state_(std::make_unique<State>()) {
  state_->context = context;
  state_->target = std::move(target);
  state_->options = options;
  context->loadDialect<mlir::arith::ArithDialect, mlir::LLVM::LLVMDialect, mlir::math::MathDialect,
                       mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
  state_->module = mlir::ModuleOp::create(mlir::UnknownLoc::get(context));
}

KernelCompiler::~KernelCompiler() = default;

mlir::FailureOr<KernelInfo> KernelCompiler::add(ir::KernelOp kernel) {
  double start = seconds();
  mlir::ModuleOp module = *state_->module;
  mlir::Operation* last = module.getBody()->empty() ? nullptr : &module.getBody()->back();
  mlir::FailureOr<KernelInfo> emitted = emitKernel(kernel, module, kCandidate, state_->target);
  llvm::SmallVector<mlir::LLVM::LLVMFuncOp, 3> functions;
  auto first = last ? std::next(last->getIterator()) : module.getBody()->begin();
  for (auto it = first; it != module.getBody()->end(); ++it)
    functions.push_back(mlir::cast<mlir::LLVM::LLVMFuncOp>(&*it));
  auto discard = [&] {
    for (mlir::LLVM::LLVMFuncOp function : functions)
      function.erase();
  };
  if (mlir::failed(emitted)) {
    discard();
    return mlir::failure();
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (mlir::LLVM::LLVMFuncOp function : functions)
    function.print(stream, mlir::OpPrintingFlags().useLocalScope());
  auto [entry, isNew] = state_->known.try_emplace(text);
  KernelInfo info = *emitted;
  if (isNew) {
    std::string symbol = kernel.getSymName().str();
    auto rename = [&](std::string& name) { // "candidate_combine" -> "gemm_..._combine"
      if (!name.empty()) name = symbol + name.substr(std::string_view(kCandidate).size());
    };
    for (std::string* name : {&info.symbol, &info.prepareSymbol, &info.combineSymbol})
      rename(*name);
    for (mlir::LLVM::LLVMFuncOp function : functions) {
      std::string name = function.getSymName().str();
      rename(name);
      function.setSymName(name);
    }
    entry->second = info;
  } else {
    discard();
    info.symbol = entry->second.symbol;
    info.prepareSymbol = entry->second.prepareSymbol;
    info.combineSymbol = entry->second.combineSymbol;
    info.reused = true;
  }
  state_->times.emitSeconds += seconds() - start;
  return info;
}

mlir::FailureOr<CodeBlob> KernelCompiler::finish() {
  mlir::ModuleOp module = *state_->module;
  CodeBlob blob;
  if (state_->options.keepLoweredText) {
    llvm::raw_string_ostream stream(blob.loweredText);
    module.print(stream, mlir::OpPrintingFlags().useLocalScope());
  }
  llvm::StringMap<unsigned> vectorBits;
  for (auto function : module.getOps<mlir::LLVM::LLVMFuncOp>())
    vectorBits[function.getSymName()] = vectorBitsOf(function);
  double start = seconds();
  if (mlir::failed(mlir::verify(module)))
    return module.emitError("internal error: the code generator made wrong code");
  state_->times.lowerSeconds += seconds() - start;
  if (mlir::failed(emitCode(module, state_->target, state_->options.keepLlvmText, blob, state_->times)))
    return mlir::failure();
  for (CodeFunction& function : blob.functions)
    function.vectorBits = vectorBits.lookup(function.symbol);
  return blob;
}

const CompileTimes& KernelCompiler::times() const {
  return state_->times;
}

} // namespace tailor::backend
