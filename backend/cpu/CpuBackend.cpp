#include "backend/cpu/CpuBackend.h"

#include "backend/codegen/Temporaries.h"
#include "backend/cpu/CostModel.h"
#include "backend/cpu/KernelCompiler.h"
#include "backend/cpu/kinds/Convolution.h"
#include "backend/cpu/kinds/KernelEmitter.h"
#include "backend/cpu/target/CpuTarget.h"
#include "backend/cpu/target/NativeCpu.h"
#include "ir/Tailor.h"
#include "passes/analysis/KernelBuffers.h"
#include "passes/Remarks.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>

using namespace mlir;

namespace tailor::backend {
namespace {

FailureOr<CpuTarget> parseProcessor(StringRef processor, std::string& error) {
  return parseCpuTarget("cpu:" + (processor.empty() ? StringRef("native") : processor).str(), error);
}

class CpuCodeGenerator final : public CodeGenerator {
public:
  CpuCodeGenerator(MLIRContext* context, CpuTarget target, const CodeOptions& options)
      : target_(target),
        compiler_(context, std::move(target), {options.keepLoweredText, options.keepLlvmText}) {}

  LogicalResult describe(ModuleOp kernels) override {
    return failure(kernels
                       .walk([&](ir::KernelOp kernel) {
                         auto supported = [](Operation& op) {
                           std::string reason;
                           return supportsOnCpu(&op, reason);
                         };
                         if (!llvm::all_of(kernel.getBlock().without_terminator(), supported))
                           return WalkResult::advance();
                         const KernelInfo* info = infoOf(kernel, kernels);
                         if (!info) return WalkResult::interrupt();
                         return WalkResult(setTemporaries(kernel, kernels, temporariesFor(kernel, *info)));
                       })
                       .wasInterrupted());
  }

  FailureOr<KernelCode> generate(ModuleOp planned) override {
    SmallVector<std::pair<ir::KernelOp, const KernelInfo*>> kernels;
    WalkResult added = planned.walk([&](ir::KernelOp kernel) {
      const KernelInfo* info = infoOf(kernel, planned);
      if (!info || failed(checkTemporaries(kernel, planned, temporariesFor(kernel, *info), target_.text)))
        return WalkResult::interrupt();
      kernels.push_back({kernel, info});
      return WalkResult::advance();
    });
    if (added.wasInterrupted()) return failure();
    FailureOr<CodeBlob> blob = compiler_.finish();
    if (failed(blob)) return failure();
    return collect(*blob, kernels, compiler_.times());
  }

private:
  /// Emits the kernel unless that was done before; nullptr after an error. The ops of a kernel have no lines; its
  /// launches do, and say what is wrong with it.
  const KernelInfo* infoOf(ir::KernelOp kernel, ModuleOp module) {
    auto known = infos_.find(kernel.getSymName().str());
    if (known != infos_.end()) return &known->second;
    std::vector<std::string> errors;
    FailureOr<KernelInfo> info = failure();
    {
      ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic& diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Error) return failure();
        errors.push_back(diagnostic.str());
        return success();
      });
      info = compiler_.add(kernel);
    }
    for (Location line : linesOf(kernel, module))
      for (const std::string& error : errors)
        emitError(line) << error;
    if (failed(info)) return nullptr;
    explainOneUnit(kernel, *info, module);
    explainAlgorithm(kernel, *info, module);
    return &(infos_[kernel.getSymName().str()] = std::move(*info));
  }

  /// A kernel that no second thread can help with, unless it is too small for one.
  static void explainOneUnit(ir::KernelOp kernel, const KernelInfo& info, ModuleOp module) {
    if (info.oneUnit.empty() || info.bytes <= kSmallKernelBytes) return;
    module.walk([&](ir::LaunchOp launch) {
      if (launch.getKernel() == kernel.getSymName())
        passes::missed(launch.getLoc(), "emit-kernels", "one-unit",
                       "kernel '" + kernel.getSymName() + "' runs on one thread, " + Twine(info.bytes) +
                           " bytes a launch: " + info.oneUnit,
                       "", passes::tracedOps({launch.getOperation()}));
    });
  }

  /// How a convolution is computed, and what the other ways would cost.
  static void explainAlgorithm(ir::KernelOp kernel, const KernelInfo& info, ModuleOp module) {
    if (info.algorithm.empty()) return;
    for (Location line : linesOf(kernel, module))
      passes::noted(line, "emit-kernels", "algorithm",
                    "kernel '" + kernel.getSymName() + "' by " + info.algorithm);
  }

  /// sizes[0] of the launches of a kernel, and the others.
  static SmallVector<int64_t> sizesOf(ir::KernelOp kernel, const KernelInfo& info) {
    return kernel.getKind() == ir::FusionKind::MultiTensor ? passes::regionSizes(kernel)
                                                           : SmallVector<int64_t>{info.rows};
  }

  static SmallVector<NeededTemporary> temporariesFor(ir::KernelOp kernel, const KernelInfo& info) {
    int64_t rows = sizesOf(kernel, info).front();
    SmallVector<NeededTemporary> needed;
    for (const Temporary& temporary : info.temporaries) {
      int64_t bytes = 0;
      if (llvm::MulOverflow(static_cast<int64_t>(temporary.bytes), temporary.per.count(rows), bytes))
        bytes = std::numeric_limits<int64_t>::max();
      needed.push_back({temporary.purpose, bytes});
    }
    return needed;
  }

  static uint64_t bytesOfTemporaries(ir::KernelOp kernel, const KernelInfo& info) {
    uint64_t bytes = 0;
    for (const Temporary& temporary : info.temporaries)
      bytes += temporary.bytes * temporary.per.count(sizesOf(kernel, info).front());
    return bytes;
  }

  static KernelCode collect(const CodeBlob& blob,
                            ArrayRef<std::pair<ir::KernelOp, const KernelInfo*>> kernels,
                            const CompileTimes& times) {
    KernelCode code;
    code.loweredText = blob.loweredText;
    code.llvmText = blob.llvmText;
    code.bytes.resize(blob.bytes.size());
    std::memcpy(code.bytes.data(), blob.bytes.data(), blob.bytes.size());
    llvm::StringMap<size_t> indices;
    for (const CodeFunction& function : blob.functions) {
      indices[function.symbol] = code.functions.size();
      code.functions.push_back({function.symbol, function.offset, function.size, 0, function.vectorBits});
    }
    for (auto [kernel, info] : kernels) {
      KernelLaunch& launch = code.launches[kernel.getSymName()];
      uint64_t scratchBytes = info->scratchBytes;
      SmallVector<int64_t> sizes = sizesOf(kernel, *info);
      launch.sizes.assign(sizes.begin(), sizes.end());
      auto run = [&](StringRef symbol, const UnitRule& units, uint64_t flops, uint64_t bytes) {
        size_t index = indices.lookup(symbol);
        // Kernels of several batches may share a function: its workers need what the largest asks for.
        code.functions[index].scratchBytes = std::max(code.functions[index].scratchBytes, scratchBytes);
        int64_t count = units.count(launch.sizes.front());
        return KernelRun{index, count, chunkCount(flops, bytes, count), flops, bytes};
      };
      launch.run = run(info->symbol, info->units, info->flops, info->bytes);
      if (!info->prepareSymbol.empty())
        launch.prepare = run(info->prepareSymbol, info->prepareUnits, 0, info->prepareBytes);
      if (!info->combineSymbol.empty() && !(info->combinesItself && launch.run.numChunks == 1))
        launch.combine = run(info->combineSymbol, info->combineUnits, 0, bytesOfTemporaries(kernel, *info));
    }
    code.milliseconds = {{"lower-to-llvm", times.lowerSeconds * 1e3},
                         {"optimize", times.optimizeSeconds * 1e3},
                         {"generate-code", times.codegenSeconds * 1e3},
                         {"link", times.linkSeconds * 1e3}};
    return code;
  }

  CpuTarget target_;
  KernelCompiler compiler_;
  std::map<std::string, KernelInfo> infos_; ///< by symbol of the kernel
};

} // namespace

bool CpuBackend::supports(Operation* op, std::string& reason) const {
  return supportsOnCpu(op, reason);
}

std::vector<std::string> CpuBackend::algorithms() const {
  std::vector<std::string> names;
  for (ConvolutionAlgorithm algorithm : kConvolutionAlgorithms)
    names.push_back(nameOf(algorithm).str());
  return names;
}

std::vector<std::string> CpuBackend::features(StringRef processor) const {
  return codeFeatures(processor);
}

runtime::Result<std::string> CpuBackend::resolveProcessor(StringRef processor) const {
  std::string error;
  FailureOr<CpuTarget> target = parseProcessor(processor, error);
  if (failed(target))
    return runtime::invalid_argument(error).with_hint("cpu:native means the processor of this machine");
  return target->cpu;
}

std::unique_ptr<CodeGenerator> CpuBackend::codeGenerator(MLIRContext* context, StringRef processor,
                                                         const CodeOptions& options) const {
  std::string error;
  FailureOr<CpuTarget> target = parseProcessor(processor, error); // resolveProcessor() has accepted it
  return std::make_unique<CpuCodeGenerator>(context, *target, options);
}

} // namespace tailor::backend
