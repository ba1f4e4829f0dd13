#include "backend/driver/Evaluate.h"

#include "backend/driver/Driver.h"
#include "backend/driver/ModuleText.h"
#include "frontend/emit/emit.h"
#include "frontend/graph/error.h"
#include "ir/Tailor.h"
#include "runtime/exec/cpu_executor.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"

#include <cstring>
#include <map>
#include <mutex>

using namespace mlir;

namespace tailor::backend {
namespace {

using Bytes = std::vector<std::byte>;

constexpr StringLiteral kLeaves = "leaves";

Bytes bytesOf(ElementsAttr elements) {
  size_t width = elements.getElementType().getIntOrFloatBitWidth() / 8;
  Bytes bytes;
  auto append = [&](const llvm::APInt& bits) {
    uint64_t word = bits.getZExtValue();
    for (size_t i = 0; i < width; ++i)
      bytes.push_back(static_cast<std::byte>(word >> (8 * i)));
  };
  if (isa<FloatType>(elements.getElementType()))
    for (const llvm::APFloat& value : elements.getValues<llvm::APFloat>())
      append(value.bitcastToAPInt());
  else
    for (const llvm::APInt& value : elements.getValues<llvm::APInt>())
      append(value);
  return bytes;
}

/// Types a state may have.
bool canBeState(Type type) {
  Type element = cast<RankedTensorType>(type).getElementType();
  return element.isF32() || element.isF64() || element.isInteger(32) || element.isInteger(64);
}

/// Turns every constant of the entry into a state and returns their values in order. What remains is the
/// structure.
std::vector<Bytes> takeLeaves(ModuleOp module) {
  std::vector<Bytes> values;
  auto program = *module.getOps<ir::ProgramOp>().begin();
  auto entry = *program.getOps<ir::EntryOp>().begin();
  SmallVector<ir::ConstantOp> constants;
  for (auto constant : entry.getOps<ir::ConstantOp>())
    if (canBeState(constant.getType())) constants.push_back(constant);
  if (constants.empty()) return values;

  OpBuilder builder(entry);
  // Not `fitted`: what depends on fitted state alone moves to an entry that runs when training starts.
  auto group = ir::StateGroupOp::create(builder, module.getLoc(), kLeaves, ir::GroupKind::Net);
  auto zeros = ir::InitAttr::get(module.getContext(), ir::InitRule::Zeros);
  for (auto [number, constant] : llvm::enumerate(constants)) {
    std::string name = std::to_string(number);
    builder.setInsertionPointToEnd(&group.getBody().front());
    ir::StateOp::create(builder, module.getLoc(), name, cast<RankedTensorType>(constant.getType()), zeros);
    builder.setInsertionPoint(constant);
    auto symbol = SymbolRefAttr::get(builder.getContext(), kLeaves,
                                     {FlatSymbolRefAttr::get(builder.getContext(), name)});
    auto load = ir::LoadOp::create(builder, constant.getLoc(), constant.getType(), symbol);
    values.push_back(bytesOf(cast<ElementsAttr>(constant.getValueAttr())));
    constant.replaceAllUsesWith(load.getResult());
    constant.erase();
  }
  return values;
}

/// An element of `dtype` at `place` as double.
double readAs(runtime::DType dtype, const std::byte* place) {
  auto read = [&]<typename T>(T value) {
    std::memcpy(&value, place, sizeof(T));
    return static_cast<double>(value);
  };
  switch (dtype) {
  case runtime::DType::kF32:
    return read(float{});
  case runtime::DType::kF64:
    return read(double{});
  case runtime::DType::kI32:
    return read(int32_t{});
  case runtime::DType::kI64:
    return read(int64_t{});
  case runtime::DType::kI1:
  case runtime::DType::kU8:
    return read(uint8_t{});
  case runtime::DType::kBF16: { // the upper half of an f32
    uint16_t half = 0;
    std::memcpy(&half, place, sizeof half);
    uint32_t word = uint32_t{half} << 16;
    float value = 0;
    std::memcpy(&value, &word, sizeof value);
    return value;
  }
  }
  return 0;
}

class ExpressionCache {
public:
  runtime::Result<std::vector<std::vector<double>>> evaluate(const std::vector<Array>& arrays) {
    MLIRContext context(MLIRContext::Threading::DISABLED);
    context.loadDialect<ir::TailorDialect>();
    OwningOpRef<ModuleOp> module = emit_expression(arrays, context);
    if (!module) return runtime::internal_error("the expression could not be written in the dialect");
    std::vector<Bytes> leaves = takeLeaves(*module);

    std::lock_guard lock(mutex_);
    std::unique_ptr<runtime::CpuExecutor>& executor = compiled_[moduleText(*module)];
    if (!executor) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(executor, compile(dumpText(*module, {})));
    }
    for (size_t i = 0; i < leaves.size(); ++i)
      TAILOR_RETURN_IF_ERROR(executor->write_state(i, leaves[i]), "setting a leaf");
    TAILOR_RETURN_IF_ERROR(executor->run({0, 0}, 1), "evaluating");
    std::vector<std::vector<double>> results;
    const std::vector<runtime::Output>& outputs = executor->spec().entries[0].variants[0].outputs;
    for (size_t i = 0; i < outputs.size(); ++i) {
      TAILOR_ASSIGN_OR_RETURN(auto bytes, executor->read_output({0, 0}, i), "reading a result");
      size_t width = runtime::dtype_bytes(outputs[i].dtype);
      std::vector<double>& values = results.emplace_back();
      for (size_t at = 0; at + width <= bytes.size(); at += width)
        values.push_back(readAs(outputs[i].dtype, bytes.data() + at));
    }
    return results;
  }

private:
  static runtime::Result<std::unique_ptr<runtime::CpuExecutor>> compile(const std::string& text) {
    CompileOptions options;
    options.keepIr = false;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(Compilation compilation, compileText(text, "expression", options));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(auto artifact,
                                  runtime::Artifact::from_bytes(std::move(compilation.artifact)));
    runtime::ExecutorOptions execution;
    execution.ring_length = execution.num_slots = 1;
    return runtime::CpuExecutor::create(std::move(artifact), execution);
  }

  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<runtime::CpuExecutor>>
      compiled_; ///< by text without places and leaves
};

} // namespace

std::vector<std::vector<double>> evaluateArrays(const std::vector<Array>& arrays) {
  static ExpressionCache cache;
  auto values = cache.evaluate(arrays);
  if (!values.ok())
    throw TraceError("eval", values.status().message(),
                     arrays.empty() ? Location() : arrays.front().node()->location, values.status().hint());
  return std::move(*values);
}

} // namespace tailor::backend
