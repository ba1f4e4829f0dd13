#include "backend/registry.h"

#include "backend/cpu/CpuBackend.h"
#include "backend/cpu/CpuTarget.h"
#include "backend/cpu/NativeCpu.h"
#include "ir/Tailor.h"
#include "passes/analysis/KernelBuffers.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <cstring>

using namespace mlir;

namespace tailor::backend {
namespace {

/// x86-64 with AVX2 or AVX-512: command lists of our own kernels.
class CpuBackend final : public Backend {
public:
  StringRef name() const override { return "cpu"; }
  passes::Phase lastPhase() const override { return passes::Phase::planned; }
  bool supports(Operation* op, std::string& reason) const override { return supportsOnCpu(op, reason); }

  runtime::Result<passes::TargetInfo> target(StringRef processor) const override {
    std::string error;
    FailureOr<CpuTarget> cpu = parse(processor, error);
    if (failed(cpu))
      return runtime::invalid_argument(error).with_hint("cpu:native means the processor of this machine");
    passes::TargetInfo info;
    info.name = cpu->text;
    info.backend = "cpu";
    info.processor = cpu->cpu;
    info.vectorBytes = int64_t{cpu->lanes} * 4;
    info.vectorRegisters = cpu->registers;
    info.nativeBf16 = llvm::is_contained(features(info), "avx512bf16");
    return info;
  }

  std::vector<std::string> features(const passes::TargetInfo& target) const override {
    return codeFeatures(target.processor);
  }

  FailureOr<KernelCode> compileKernels(ModuleOp planned, const passes::TargetInfo& target,
                                       const CodeOptions& options) const override {
    std::string error;
    FailureOr<CpuTarget> cpu = parse(target.processor, error);
    if (failed(cpu)) return planned.emitError(error);
    KernelCompiler compiler(planned.getContext(), *cpu, {options.keepLoweredText, options.keepLlvmText});

    std::vector<std::pair<ir::KernelOp, KernelInfo>> infos;
    WalkResult added = planned.walk([&](ir::KernelOp kernel) {
      FailureOr<KernelInfo> info = addAtItsLines(compiler, planned, kernel);
      if (failed(info)) return WalkResult::interrupt();
      infos.emplace_back(kernel, std::move(*info));
      return WalkResult::advance();
    });
    if (added.wasInterrupted()) return failure();
    FailureOr<CodeBlob> blob = compiler.finish();
    if (failed(blob)) return failure();
    return collect(*blob, infos, compiler.times());
  }

private:
  static FailureOr<CpuTarget> parse(StringRef processor, std::string& error) {
    return parseCpuTarget("cpu:" + (processor.empty() ? StringRef("native") : processor).str(), error);
  }

  /// The ops of a kernel have no lines; its launches do, and say what is wrong with it.
  static FailureOr<KernelInfo> addAtItsLines(KernelCompiler& compiler, ModuleOp planned,
                                             ir::KernelOp kernel) {
    std::vector<std::string> errors;
    FailureOr<KernelInfo> info = failure();
    {
      ScopedDiagnosticHandler handler(planned.getContext(), [&](Diagnostic& diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Error) return failure();
        errors.push_back(diagnostic.str());
        return success();
      });
      info = compiler.add(kernel);
    }
    planned.walk([&](ir::LaunchOp launch) {
      if (launch.getKernel() != kernel.getSymName()) return;
      for (const std::string& error : errors)
        emitError(launch.getLoc()) << error;
    });
    return info;
  }

  static KernelCode collect(const CodeBlob& blob, ArrayRef<std::pair<ir::KernelOp, KernelInfo>> infos,
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
    for (auto [kernel, info] : infos) {
      KernelLaunch& launch = code.launches[kernel.getSymName()];
      launch.function = indices.lookup(info.symbol);
      code.functions[launch.function].scratchBytes = info.scratchBytes;
      auto also = [&](StringRef symbol, std::optional<size_t>& function) {
        if (symbol.empty()) return;
        function = indices.lookup(symbol);
        code.functions[*function].scratchBytes = info.scratchBytes;
      };
      also(info.prepareSymbol, launch.prepare);
      also(info.combineSymbol, launch.combine);
      launch.combinesItself = info.combinesItself;
      launch.sizes = {info.rows};
      if (kernel.getKind() == ir::FusionKind::MultiTensor) {
        llvm::SmallVector<int64_t> sizes = passes::regionSizes(kernel);
        launch.sizes.assign(sizes.begin(), sizes.end());
      }
      int64_t rows = launch.sizes.front();
      launch.numUnits = info.units.count(rows);
      launch.prepareUnits = info.prepareUnits.count(rows);
      launch.combineUnits = info.combineUnits.count(rows);
      for (const Temporary& temporary : info.temporaries)
        launch.temporaryBytes.push_back(temporary.bytes * temporary.per.count(rows));
      launch.prepareBytes = info.prepareBytes;
      launch.flops = info.flops;
      launch.bytesMoved = info.bytes;
    }
    code.milliseconds = {{"emit-kernels", times.emitSeconds * 1e3},
                         {"lower-to-llvm", times.lowerSeconds * 1e3},
                         {"optimize", times.optimizeSeconds * 1e3},
                         {"generate-code", times.codegenSeconds * 1e3},
                         {"link", times.linkSeconds * 1e3}};
    return code;
  }
};

/// The f64 interpreter: no code, the runtime walks the program's IR.
class ReferenceBackend final : public Backend {
public:
  StringRef name() const override { return "reference"; }
  passes::Phase lastPhase() const override { return passes::Phase::placed; }
  bool supports(Operation*, std::string&) const override { return true; }
  std::vector<std::string> features(const passes::TargetInfo&) const override { return {}; }

  runtime::Result<passes::TargetInfo> target(StringRef processor) const override {
    if (!processor.empty())
      return runtime::invalid_argument("target 'reference' has no processor, but '", processor.str(),
                                       "' is given");
    return passes::TargetInfo();
  }

  FailureOr<KernelCode> compileKernels(ModuleOp, const passes::TargetInfo&,
                                       const CodeOptions&) const override {
    return KernelCode();
  }
};

} // namespace

ArrayRef<const Backend*> backends() {
  static const CpuBackend cpu;
  static const ReferenceBackend reference;
  static const Backend* const all[] = {&cpu, &reference};
  return all;
}

const Backend* findBackend(StringRef name) {
  auto found = llvm::find_if(backends(), [&](const Backend* backend) { return backend->name() == name; });
  return found == backends().end() ? nullptr : *found;
}

runtime::Result<Target> parseTarget(StringRef text) {
  auto [name, processor] = text.split(':');
  Target target{findBackend(name), {}};
  if (!target.backend)
    return runtime::invalid_argument("unknown target '", text.str(), "'")
        .with_hint("targets are cpu:PROCESSOR (cpu:native, cpu:x86-64-v3, cpu:znver4) and reference");
  TAILOR_ASSIGN_OR_RETURN_AS_IS(target.info, target.backend->target(processor));
  return target;
}

} // namespace tailor::backend
