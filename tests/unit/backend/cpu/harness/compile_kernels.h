#pragma once
/// A kernel given as text, compiled for the machine, beside the same ops on the f64 reference.

#include "backend/reference/Tensor.h"
#include "tests/unit/backend/cpu/harness/mapped_code.h"

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mlir {
class ModuleOp;
}

namespace tailor::ir {
class ProgramOp;
}

namespace tailor::backend::testing {

using reference::Element;
using reference::Shape;
using reference::Tensor;

/// `ops` between arguments and terminator, e.g. "%r = tailor.relu %x : tensor<4xf32>".
struct KernelText {
  std::string kind;      ///< "map", "rows", ...
  std::string arguments; ///< "%x: tensor<4x3xf32>, %b: tensor<3xf32>"
  std::string ops;
  std::string yields;  ///< "%r, %s"
  std::string results; ///< "tensor<4x3xf32>, tensor<f32>"
};

/// Emits one kernel into a module as functions named after the symbol.
using KernelEmission = std::function<mlir::FailureOr<KernelInfo>(ir::KernelOp, mlir::ModuleOp,
                                                                 llvm::StringRef symbol, const CpuTarget&)>;

/// One compilation of several kernels; equal structures share code.
class CompiledKernels {
public:
  /// Throws std::runtime_error with the diagnostics when a kernel does not parse, verify or compile.
  CompiledKernels(const std::vector<KernelText>& kernels, const CpuTarget& target);
  /// The same with an emitter of the caller's choice, whatever the kernels' kinds allow; nothing is shared.
  CompiledKernels(const std::vector<KernelText>& kernels, const CpuTarget& target,
                  const KernelEmission& emit);
  virtual ~CompiledKernels();

  const KernelInfo& info(size_t kernel) const { return infos_[kernel]; }
  const MappedCode& code() const { return *code_; }
  const CompileTimes& times() const { return times_; }

  /// Runs a kernel on its static shapes, in `chunks` chunks, with one buffer per operand and result but for the results that are
  /// `inPlace`: {result, operand} whose buffer it shares.
  std::vector<Tensor> run(size_t kernel, const std::vector<Tensor>& arguments, int64_t chunks = 1,
                          const std::vector<std::pair<size_t, size_t>>& inPlace = {}) const;
  /// The same ops on the reference.
  std::vector<Tensor> expected(size_t kernel, const std::vector<Tensor>& arguments) const;
  /// Calls the functions of a kernel on raw buffers: operands, results; temporaries and scratch are added here.
  virtual void launch(size_t kernel, std::vector<void*> buffers, std::vector<int64_t> sizes,
                      int64_t chunks = 1) const;

protected:
  /// The kernels as they are written; whoever derives compiles them.
  CompiledKernels(const std::vector<KernelText>& kernels, bool verify);
  ir::ProgramOp program() const;
  [[noreturn]] void fail() const; ///< with the diagnostics

private:
  struct Parsed;
  void parse(const std::vector<KernelText>& kernels, bool verify);

  std::unique_ptr<Parsed> parsed_;
  std::vector<KernelInfo> infos_;
  std::unique_ptr<MappedCode> code_;
  CompileTimes times_;
};

/// The kernels for the machine that the test program is about; each has its own.
std::unique_ptr<CompiledKernels> compiled(const std::vector<KernelText>& kernels);

/// Deterministic values: floats in [low, high), integers in [0, high).
Tensor draw(Element element, Shape shape, double low, double high, unsigned seed);

/// Every element within `tolerance` times (1 + |expected|); NaN equals NaN.
void expectClose(const std::vector<Tensor>& got, const std::vector<Tensor>& expected, double tolerance);
/// Every bit.
void expectSame(const std::vector<Tensor>& got, const std::vector<Tensor>& expected);

/// 64-byte aligned memory between canaries; destruction checks that nothing was written outside.
class GuardedMemory {
public:
  explicit GuardedMemory(size_t bytes);
  ~GuardedMemory();
  GuardedMemory(GuardedMemory&&) = default;
  void* data() { return storage_.data() + offset_; }
  template <typename T> T* as() { return static_cast<T*>(data()); }

private:
  std::vector<unsigned char> storage_;
  size_t bytes_, offset_;
};

} // namespace tailor::backend::testing
