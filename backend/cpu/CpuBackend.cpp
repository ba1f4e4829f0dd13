#include "backend/registry.h"

#include "backend/cpu/KernelCompiler.h"
#include "backend/cpu/kinds/KernelEmitter.h"
#include "backend/cpu/target/CpuTarget.h"
#include "backend/cpu/target/NativeCpu.h"
#include "ir/Tailor.h"
#include "passes/analysis/KernelBuffers.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <cstring>
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
                         SmallVector<Attribute> temporaries = temporariesFor(kernel, *info);
                         kernel.removeTemporariesAttr();
                         if (!temporaries.empty())
                           kernel.setTemporariesAttr(ArrayAttr::get(kernel.getContext(), temporaries));
                         return WalkResult::advance();
                       })
                       .wasInterrupted());
  }

  FailureOr<KernelCode> generate(ModuleOp planned) override {
    SmallVector<std::pair<ir::KernelOp, const KernelInfo*>> kernels;
    WalkResult added = planned.walk([&](ir::KernelOp kernel) {
      const KernelInfo* info = infoOf(kernel, planned);
      if (!info || failed(checkTemporaries(kernel, *info, planned))) return WalkResult::interrupt();
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
    return failed(info) ? nullptr : &(infos_[kernel.getSymName().str()] = std::move(*info));
  }

  static SmallVector<Location> linesOf(ir::KernelOp kernel, ModuleOp module) {
    SmallVector<Location> lines;
    module.walk([&](ir::LaunchOp launch) {
      if (launch.getKernel() == kernel.getSymName()) lines.push_back(launch.getLoc());
    });
    if (lines.empty()) lines.push_back(kernel.getLoc());
    return lines;
  }

  /// sizes[0] of the launches of a kernel, and the others.
  static SmallVector<int64_t> sizesOf(ir::KernelOp kernel, const KernelInfo& info) {
    return kernel.getKind() == ir::FusionKind::MultiTensor ? passes::regionSizes(kernel)
                                                           : SmallVector<int64_t>{info.rows};
  }

  static SmallVector<Attribute> temporariesFor(ir::KernelOp kernel, const KernelInfo& info) {
    int64_t rows = sizesOf(kernel, info).front();
    SmallVector<Attribute> attributes;
    for (const Temporary& temporary : info.temporaries)
      attributes.push_back(ir::TemporaryAttr::get(kernel.getContext(), temporary.purpose,
                                                  temporary.bytes * temporary.per.count(rows)));
    return attributes;
  }

  /// A plan that was read may be edited, or made for another target.
  LogicalResult checkTemporaries(ir::KernelOp kernel, const KernelInfo& info, ModuleOp planned) {
    SmallVector<Attribute> needed = temporariesFor(kernel, info);
    ArrayAttr given = kernel.getTemporaries().value_or(ArrayAttr());
    if (llvm::equal(needed, given ? given.getValue() : ArrayRef<Attribute>())) return success();
    auto list = [&](ArrayRef<Attribute> temporaries) {
      std::string text;
      for (auto temporary : llvm::map_range(temporaries, llvm::CastTo<ir::TemporaryAttr>))
        text += (text.empty() ? "" : ", ") + std::to_string(temporary.getBytes()) + " bytes of " +
                temporary.getPurpose().str();
      return text.empty() ? "no temporaries" : text;
    };
    for (Location line : linesOf(kernel, planned))
      emitError(line) << "kernel '" << kernel.getSymName() << "' is planned with "
                      << list(given ? given.getValue() : ArrayRef<Attribute>()) << " but needs "
                      << list(needed) << " for target " << target_.text
                      << "; compile it from phase 'kernels' or before";
    return failure();
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
      auto function = [&](StringRef symbol) {
        size_t index = indices.lookup(symbol);
        code.functions[index].scratchBytes = scratchBytes;
        return index;
      };
      launch.function = function(info->symbol);
      if (!info->prepareSymbol.empty()) launch.prepare = function(info->prepareSymbol);
      if (!info->combineSymbol.empty()) launch.combine = function(info->combineSymbol);
      launch.combinesItself = info->combinesItself;
      SmallVector<int64_t> sizes = sizesOf(kernel, *info);
      launch.sizes.assign(sizes.begin(), sizes.end());
      launch.numUnits = info->units.count(sizes.front());
      launch.prepareUnits = info->prepareUnits.count(sizes.front());
      launch.combineUnits = info->combineUnits.count(sizes.front());
      launch.flops = info->flops;
      launch.bytesMoved = info->bytes;
      launch.prepareBytes = info->prepareBytes;
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

/// x86-64 with AVX2 or AVX-512: command lists of our own kernels.
class CpuBackend final : public Backend {
public:
  StringRef name() const override { return "cpu"; }
  passes::Phase lastPhase() const override { return passes::Phase::planned; }
  bool supports(Operation* op, std::string& reason) const override { return supportsOnCpu(op, reason); }

  runtime::Result<passes::TargetInfo> target(StringRef processor) const override {
    std::string error;
    FailureOr<CpuTarget> cpu = parseProcessor(processor, error);
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

  std::unique_ptr<CodeGenerator> codeGenerator(MLIRContext* context, const passes::TargetInfo& target,
                                               const CodeOptions& options) const override {
    std::string error;
    FailureOr<CpuTarget> cpu = parseProcessor(target.processor, error);
    return std::make_unique<CpuCodeGenerator>(context, *cpu, options); // target() has read it before
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

  std::unique_ptr<CodeGenerator> codeGenerator(MLIRContext*, const passes::TargetInfo&,
                                               const CodeOptions&) const override {
    return nullptr;
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
