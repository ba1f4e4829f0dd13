#include "backend/cuda/CudaBackend.h"

#include "backend/codegen/Temporaries.h"
#include "backend/cuda/kinds/KernelEmitter.h"
#include "backend/cuda/PtxEmission.h"
#include "backend/cuda/RuntimeKernels.h"
#include "backend/cuda/target/CudaTarget.h"
#include "ir/Tailor.h"
#include "passes/analysis/KernelBuffers.h"
#include "passes/Remarks.h"
#include "runtime/kernels/cuda_abi.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <chrono>
#include <cstring>

using namespace mlir;

namespace tailor::backend {
namespace {

FailureOr<cuda::CudaTarget> parseArchitecture(StringRef architecture, std::string& error) {
  return cuda::parseCudaTarget(("cuda:" + architecture).str(), error);
}

class CudaCodeGenerator final : public CodeGenerator {
public:
  CudaCodeGenerator(MLIRContext* context, cuda::CudaTarget target, const CodeOptions& options)
      : target_(std::move(target)), options_(options), plans_(target_.architecture) {
    context->loadDialect<arith::ArithDialect, LLVM::LLVMDialect, math::MathDialect, NVVM::NVVMDialect,
                         scf::SCFDialect, vector::VectorDialect>();
    code_ = ModuleOp::create(UnknownLoc::get(context));
  }

  LogicalResult describe(ModuleOp kernels) override {
    return failure(kernels
                       .walk([&](ir::KernelOp kernel) {
                         auto supported = [](Operation& op) {
                           std::string reason;
                           return cuda::supportsOnCuda(&op, reason);
                         };
                         if (!llvm::all_of(kernel.getBlock().without_terminator(), supported))
                           return WalkResult::advance();
                         const cuda::KernelInfo* info = infoOf(kernel, kernels);
                         if (!info) return WalkResult::interrupt();
                         setGrid(kernel, *info);
                         return WalkResult(setTemporaries(kernel, kernels, temporariesFor(*info)));
                       })
                       .wasInterrupted());
  }

  FailureOr<KernelCode> generate(ModuleOp planned) override {
    KernelCode result;
    llvm::StringSet<> launched;
    planned.walk([&](ir::LaunchOp launch) { launched.insert(launch.getKernel()); });
    WalkResult added = planned.walk([&](ir::KernelOp kernel) {
      if (!launched.contains(kernel.getSymName())) { // a part of others, which have copies of their own
        dropFunctions(kernel);
        return WalkResult::advance();
      }
      const cuda::KernelInfo* info = infoOf(kernel, planned);
      if (!info || failed(checkTemporaries(kernel, planned, temporariesFor(*info), target_.text)))
        return WalkResult::interrupt();
      addLaunch(kernel, *info, result);
      return WalkResult::advance();
    });
    if (added.wasInterrupted()) return failure();
    dropUnreadVariables();
    for (std::string& name : cuda::emitRuntimeKernels(*code_))
      result.functions.push_back({.symbol = std::move(name), .threads = runtime::kRuntimeKernelThreads});
    if (options_.keepLoweredText) {
      llvm::raw_string_ostream stream(result.loweredText);
      code_->print(stream, OpPrintingFlags().useLocalScope());
    }
    if (failed(verify(*code_))) return code_->emitError("internal error: the code generator made wrong code");
    auto start = std::chrono::steady_clock::now();
    FailureOr<cuda::PtxCode> ptx = cuda::emitPtx(*code_, target_, options_.keepLlvmText);
    if (failed(ptx)) return failure();
    result.llvmText = std::move(ptx->llvmText);
    result.milliseconds = {
        {"generate-ptx",
         std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count()}};
    return placeFunctions(ptx->ptx, std::move(result));
  }

private:
  /// Emits the kernel unless that was done before; nullptr after an error, which is said at the launches: the ops of a kernel
  /// have no lines.
  const cuda::KernelInfo* infoOf(ir::KernelOp kernel, ModuleOp module) {
    auto known = infos_.find(kernel.getSymName());
    if (known != infos_.end()) return &known->second;
    std::vector<std::string> errors;
    FailureOr<cuda::KernelInfo> info = failure();
    {
      ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic& diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Error) return failure();
        errors.push_back(diagnostic.str());
        return success();
      });
      info = cuda::emitKernel(kernel, *code_, kernel.getSymName(), target_, &plans_);
    }
    for (Location line : linesOf(kernel, module))
      for (const std::string& error : errors)
        emitError(line) << error;
    if (failed(info)) return nullptr;
    explainSlow(kernel, *info, module);
    explainLibrary(kernel, *info, module);
    return &(infos_[kernel.getSymName()] = std::move(*info));
  }

  static void setGrid(ir::KernelOp kernel, const cuda::KernelInfo& info) {
    kernel.removeGridAttr();
    if (info.library) return;
    const cuda::GpuFunction& function = info.functions.front(); // the only one
    kernel.setGridAttr(
        ir::GridAttr::get(kernel.getContext(), function.blocks, function.threads, function.resident));
  }

  void dropFunctions(ir::KernelOp kernel) {
    auto known = infos_.find(kernel.getSymName());
    if (known == infos_.end()) return;
    for (const cuda::GpuFunction& function : known->second.functions)
      code_->lookupSymbol(function.symbol)->erase();
    infos_.erase(known);
  }

  void dropUnreadVariables() {
    llvm::StringSet<> read;
    code_->walk([&](LLVM::AddressOfOp address) { read.insert(address.getGlobalName()); });
    for (auto variable : llvm::make_early_inc_range(code_->getOps<LLVM::GlobalOp>()))
      if (!read.contains(variable.getSymName())) variable.erase();
  }

  static void explainSlow(ir::KernelOp kernel, const cuda::KernelInfo& info, ModuleOp module) {
    if (info.slow.empty()) return;
    for (Location line : linesOf(kernel, module))
      passes::missed(line, "emit-kernels", "slow",
                     "kernel '" + kernel.getSymName() + "' is slower than need be, " + Twine(info.bytes) +
                         " bytes a launch: " + info.slow,
                     "");
  }

  static void explainLibrary(ir::KernelOp kernel, const cuda::KernelInfo& info, ModuleOp module) {
    if (!info.library) return;
    const runtime::ChosenPlan& chosen = info.library->chosen;
    std::string rejected;
    for (const runtime::RejectedEngine& engine : chosen.rejected)
      rejected += (rejected.empty() ? "; rejected: " : ", ") + std::to_string(engine.engine) + " (" +
                  engine.reason + ")";
    for (Location line : linesOf(kernel, module))
      passes::noted(line, "emit-kernels", "library",
                    "kernel '" + kernel.getSymName() + "' by " + chosen.plan.library + " " +
                        chosen.plan.version + ", engine " + Twine(chosen.plan.engine) +
                        " with a workspace of " + Twine(chosen.plan.workspace_bytes) +
                        " bytes: " + info.library->reason + rejected);
  }

  static SmallVector<NeededTemporary> temporariesFor(const cuda::KernelInfo& info) {
    SmallVector<NeededTemporary> needed;
    for (const cuda::Temporary& temporary : info.temporaries)
      needed.push_back({temporary.purpose, static_cast<int64_t>(temporary.bytes)});
    return needed;
  }

  static KernelPlace placeOf(const cuda::GpuFunction& function) {
    return {.symbol = function.symbol,
            .blocks = function.blocks,
            .threads = function.threads,
            .resident = function.resident,
            .sharedBytes = function.sharedBytes,
            .tensorCores = function.tensorCores};
  }

  static void addLaunch(ir::KernelOp kernel, const cuda::KernelInfo& info, KernelCode& code) {
    KernelLaunch& launch = code.launches[kernel.getSymName()];
    if (kernel.getKind() == ir::FusionKind::MultiTensor) launch.sizes = passes::regionSizes(kernel);
    if (info.library) return addCall(info, launch, code);
    const cuda::GpuFunction& function = info.functions.front(); // the only one
    launch.run = {code.functions.size(), 1, 1, info.flops, info.bytes};
    code.functions.push_back(placeOf(function));
  }

  /// A library between the functions that stand before it and behind it, one of each at most.
  static void addCall(const cuda::KernelInfo& info, KernelLaunch& launch, KernelCode& code) {
    const cuda::LibraryCall& call = *info.library;
    for (auto [i, function] : llvm::enumerate(info.functions)) {
      const bool before = i < call.functionsBefore;
      (before ? launch.prepare : launch.combine) =
          KernelRun{code.functions.size(), 1, 1, 0, before ? call.bytesBefore : call.bytesBehind};
      code.functions.push_back(placeOf(function));
    }
    auto known = llvm::find(code.plans, call.chosen.plan);
    launch.library = {size_t(known - code.plans.begin()), call.pointers, info.flops, call.bytes};
    if (known == code.plans.end()) code.plans.push_back(call.chosen.plan);
  }

  /// The text is the code, and a function's place that of its `.visible .entry NAME(...) {...}` in it.
  FailureOr<KernelCode> placeFunctions(StringRef ptx, KernelCode code) {
    constexpr StringLiteral kHead = ".visible .entry ", kEnd = "\n}\n";
    llvm::StringMap<std::pair<size_t, size_t>> places;
    for (size_t at = ptx.find(kHead); at != StringRef::npos; at = ptx.find(kHead, at + 1)) {
      StringRef name = ptx.substr(at + kHead.size()).take_until([](char c) { return c == '('; });
      places[name] = {at, ptx.find(kEnd, at) + kEnd.size()};
    }
    for (KernelPlace& function : code.functions) {
      auto place = places.find(function.symbol);
      if (place == places.end())
        return code_->emitError("internal error: no PTX of '") << function.symbol << "'";
      function.offset = place->second.first;
      function.bytes = place->second.second - function.offset;
    }
    code.bytes.resize(ptx.size() + 1); // PTX ends with a zero
    std::memcpy(code.bytes.data(), ptx.data(), ptx.size());
    return code;
  }

  cuda::CudaTarget target_;
  CodeOptions options_;
  cuda::ConvolutionPlans plans_;
  OwningOpRef<ModuleOp> code_;
  llvm::StringMap<cuda::KernelInfo> infos_; ///< by symbol of the kernel
};

} // namespace

bool CudaBackend::supports(Operation* op, std::string& reason) const {
  return cuda::supportsOnCuda(op, reason);
}

std::vector<std::string> CudaBackend::algorithms() const {
  return {cuda::kTilesAlgorithm.str(), cuda::kCudnnAlgorithm.str()};
}

runtime::Result<std::string> CudaBackend::resolveProcessor(StringRef processor) const {
  std::string error;
  FailureOr<cuda::CudaTarget> target = parseArchitecture(processor, error);
  if (failed(target)) return runtime::invalid_argument(error);
  return target->architecture;
}

std::unique_ptr<CodeGenerator> CudaBackend::codeGenerator(MLIRContext* context, StringRef processor,
                                                          const CodeOptions& options) const {
  std::string error;
  FailureOr<cuda::CudaTarget> target =
      parseArchitecture(processor, error); // resolveProcessor() has accepted it
  return std::make_unique<CudaCodeGenerator>(context, *target, options);
}

} // namespace tailor::backend
