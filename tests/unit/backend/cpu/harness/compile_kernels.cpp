#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include "backend/cpu/ObjectEmission.h"
#include "backend/reference/Interpreter.h"
#include "ir/Tailor.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

namespace tailor::backend::testing {

struct CompiledKernels::Parsed {
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::string messages;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string text;

  [[noreturn]] void fail() { throw std::runtime_error(messages + "in\n" + text); }
  ir::ProgramOp program() { return *module->getOps<ir::ProgramOp>().begin(); }
};

void CompiledKernels::parse(const std::vector<KernelText>& kernels, bool verify) {
  std::string& text = parsed_->text;
  text = "tailor.program @p {\n";
  for (size_t i = 0; i < kernels.size(); ++i) {
    const KernelText& k = kernels[i];
    std::string number = std::to_string(i), body = k.ops + "\n";
    text += "tailor.body @body" + number + "(" + k.arguments + ") -> (" + k.results + ") {\n" + body +
            "tailor.return " + k.yields + " : " + k.results + "\n}\n";
    text += "tailor.kernel @kernel" + number + " kind(" + k.kind + ") (" + k.arguments + ") -> (" +
            k.results + ") {\n" + body + "tailor.yield " + k.yields + " : " + k.results + "\n}\n";
  }
  text += "}\n";
  parsed_->context.loadDialect<ir::TailorDialect>();
  parsed_->context.getDiagEngine().registerHandler([this](mlir::Diagnostic& diagnostic) {
    parsed_->messages += diagnostic.str() + "\n";
    return mlir::success();
  });
  parsed_->module =
      mlir::parseSourceString<mlir::ModuleOp>(text, mlir::ParserConfig(&parsed_->context, verify));
  if (!parsed_->module) parsed_->fail();
}

CompiledKernels::CompiledKernels(const std::vector<KernelText>& kernels, const CpuTarget& target)
    : parsed_(std::make_unique<Parsed>()) {
  parse(kernels, /*verify=*/true);
  KernelCompiler compiler(&parsed_->context, target, {.keepLoweredText = true, .keepLlvmText = true});
  for (auto kernel : parsed_->program().getOps<ir::KernelOp>()) {
    mlir::FailureOr<KernelInfo> info = compiler.add(kernel);
    if (mlir::failed(info)) parsed_->fail();
    infos_.push_back(*info);
  }
  mlir::FailureOr<CodeBlob> blob = compiler.finish();
  if (mlir::failed(blob)) parsed_->fail();
  times_ = compiler.times();
  code_ = std::make_unique<MappedCode>(std::move(*blob));
}

CompiledKernels::CompiledKernels(const std::vector<KernelText>& kernels, const CpuTarget& target,
                                 const KernelEmission& emit)
    : parsed_(std::make_unique<Parsed>()) {
  parse(kernels, /*verify=*/false);
  parsed_->context.loadDialect<mlir::arith::ArithDialect, mlir::LLVM::LLVMDialect, mlir::math::MathDialect,
                               mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
  mlir::OwningOpRef<mlir::ModuleOp> code = mlir::ModuleOp::create(mlir::UnknownLoc::get(&parsed_->context));
  for (auto kernel : parsed_->program().getOps<ir::KernelOp>()) {
    mlir::FailureOr<KernelInfo> info = emit(kernel, *code, kernel.getSymName(), target);
    if (mlir::failed(info)) parsed_->fail();
    infos_.push_back(*info);
  }
  CodeBlob blob;
  if (mlir::failed(mlir::verify(*code)) ||
      mlir::failed(emitCode(*code, target, /*keepLlvmText=*/true, blob, times_)))
    parsed_->fail();
  code_ = std::make_unique<MappedCode>(std::move(blob));
}

CompiledKernels::CompiledKernels(const std::vector<KernelText>& kernels, bool verify)
    : parsed_(std::make_unique<Parsed>()) {
  parse(kernels, verify);
}

CompiledKernels::~CompiledKernels() = default;

ir::ProgramOp CompiledKernels::program() const {
  return parsed_->program();
}

void CompiledKernels::fail() const {
  parsed_->fail();
}

void CompiledKernels::launch(size_t kernel, std::vector<void*> buffers, std::vector<int64_t> sizes,
                             int64_t chunks) const {
  const KernelInfo& info = infos_[kernel];
  std::vector<GuardedMemory> temporaries;
  for (const Temporary& temporary : info.temporaries) {
    temporaries.emplace_back(temporary.bytes * static_cast<size_t>(temporary.per.count(sizes[0])));
    buffers.push_back(temporaries.back().data());
  }
  GuardedMemory scratch(info.scratchBytes);
  if (info.scratchBytes > 0) buffers.push_back(scratch.data());
  auto run = [&](const std::string& symbol, const UnitRule& rule) {
    runtime::KernelFunction function = code_->function(symbol);
    int64_t units = rule.count(sizes[0]);
    for (int64_t chunk = chunks - 1; chunk >= 0; --chunk) // any order must do
      function(buffers.data(), sizes.data(),
               runtime::chunk_begin(units, static_cast<uint32_t>(chunks), chunk),
               runtime::chunk_begin(units, static_cast<uint32_t>(chunks), chunk + 1));
  };
  if (!info.prepareSymbol.empty()) run(info.prepareSymbol, info.prepareUnits);
  run(info.symbol, info.units);
  if (!info.combineSymbol.empty() && !(info.combinesItself && chunks == 1))
    run(info.combineSymbol, info.combineUnits);
}

namespace {

size_t bytesOf(Element element) {
  switch (element) {
  case Element::i64:
  case Element::f64:
    return 8;
  case Element::i1:
  case Element::u8:
    return 1;
  case Element::bf16:
    return 2;
  default:
    return 4;
  }
}

Element elementOf(mlir::Type type) {
  if (type.isF32()) return Element::f32;
  if (type.isBF16()) return Element::bf16;
  if (type.isInteger(1)) return Element::i1;
  if (type.isUnsignedInteger(8)) return Element::u8;
  return type.isInteger(64) ? Element::i64 : Element::i32;
}

void write(const Tensor& tensor, GuardedMemory& memory) {
  for (int64_t i = 0; i < tensor.size(); ++i)
    switch (tensor.element()) {
    case Element::i64:
      memory.as<int64_t>()[i] = tensor.integerAt(i);
      break;
    case Element::i32:
      memory.as<int32_t>()[i] = static_cast<int32_t>(tensor.integerAt(i));
      break;
    case Element::i1:
    case Element::u8:
      memory.as<uint8_t>()[i] = static_cast<uint8_t>(tensor.integerAt(i));
      break;
    case Element::bf16: // the upper half of an f32
      memory.as<uint16_t>()[i] =
          static_cast<uint16_t>(std::bit_cast<uint32_t>(static_cast<float>(tensor.at(i))) >> 16);
      break;
    default:
      memory.as<float>()[i] = static_cast<float>(tensor.at(i));
    }
}

Tensor read(Element element, const Shape& shape, GuardedMemory& memory) {
  Tensor tensor(element, shape);
  for (int64_t i = 0; i < tensor.size(); ++i)
    switch (element) {
    case Element::i64:
      tensor.integers()[i] = memory.as<int64_t>()[i];
      break;
    case Element::i32:
      tensor.integers()[i] = memory.as<int32_t>()[i];
      break;
    case Element::i1:
    case Element::u8:
      tensor.integers()[i] = memory.as<uint8_t>()[i];
      break;
    case Element::bf16:
      tensor.reals()[i] = std::bit_cast<float>(uint32_t{memory.as<uint16_t>()[i]} << 16);
      break;
    default:
      tensor.reals()[i] = memory.as<float>()[i];
    }
  return tensor;
}

} // namespace

std::vector<Tensor> CompiledKernels::run(size_t kernel, const std::vector<Tensor>& arguments, int64_t chunks,
                                         const std::vector<std::pair<size_t, size_t>>& inPlace) const {
  auto op = *std::next(parsed_->program().getOps<ir::KernelOp>().begin(), static_cast<long>(kernel));
  std::vector<GuardedMemory> memory;
  std::vector<void*> buffers;
  for (const Tensor& argument : arguments) {
    memory.emplace_back(static_cast<size_t>(argument.size()) * bytesOf(argument.element()));
    write(argument, memory.back());
  }
  for (mlir::Type type : op.getResultTypes()) {
    auto tensor = mlir::cast<mlir::RankedTensorType>(type);
    memory.emplace_back(static_cast<size_t>(tensor.getNumElements()) *
                        bytesOf(elementOf(tensor.getElementType())));
  }
  for (GuardedMemory& m : memory)
    buffers.push_back(m.data());
  for (auto [result, operand] : inPlace)
    buffers[arguments.size() + result] = buffers[operand];
  launch(kernel, buffers, {kernel < infos_.size() ? infos_[kernel].rows : 1}, chunks);
  std::vector<Tensor> results;
  for (auto [i, type] : llvm::enumerate(op.getResultTypes())) {
    auto tensor = mlir::cast<mlir::RankedTensorType>(type);
    size_t place = arguments.size() + i;
    for (auto [result, operand] : inPlace)
      if (result == i) place = operand;
    results.push_back(read(elementOf(tensor.getElementType()),
                           Shape(tensor.getShape().begin(), tensor.getShape().end()), memory[place]));
  }
  return results;
}

std::vector<Tensor> CompiledKernels::expected(size_t kernel, const std::vector<Tensor>& arguments) const {
  auto body = parsed_->program().lookupSymbol<ir::BodyOp>("body" + std::to_string(kernel));
  auto results = reference::Interpreter(parsed_->program()).call(body, arguments);
  if (mlir::failed(results)) throw std::runtime_error(parsed_->messages);
  return {results->begin(), results->end()};
}

Tensor draw(Element element, Shape shape, double low, double high, unsigned seed) {
  Tensor tensor(element, std::move(shape));
  std::mt19937 random(seed);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    double uniform = double(random()) / 4294967296.0;
    if (tensor.isReal())
      tensor.reals()[i] = static_cast<float>(low + (high - low) * uniform);
    else
      tensor.integers()[i] = static_cast<int64_t>(uniform * high);
  }
  return tensor;
}

void expectClose(const std::vector<Tensor>& got, const std::vector<Tensor>& expected, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t r = 0; r < got.size(); ++r) {
    ASSERT_EQ(got[r].shape(), expected[r].shape());
    for (int64_t i = 0; i < got[r].size(); ++i) {
      double a = got[r].at(i), b = expected[r].at(i);
      if (std::isnan(b) && std::isnan(a)) continue;
      if (std::isinf(b)) { // no tolerance of what is infinite
        ASSERT_EQ(a, b) << "result " << r << " element " << i;
        continue;
      }
      ASSERT_LE(std::fabs(a - b), tolerance * (1 + std::fabs(b)))
          << "result " << r << " element " << i << ": " << a << " instead of " << b;
    }
  }
}

void expectSame(const std::vector<Tensor>& got, const std::vector<Tensor>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t r = 0; r < got.size(); ++r)
    for (int64_t i = 0; i < got[r].size(); ++i) {
      if (got[r].isReal() && std::isnan(got[r].at(i)) && std::isnan(expected[r].at(i))) continue;
      ASSERT_EQ(got[r].at(i), expected[r].at(i)) << "result " << r << " element " << i;
      ASSERT_EQ(std::signbit(got[r].at(i)), std::signbit(expected[r].at(i)))
          << "result " << r << " element " << i << ": zeros of other signs";
    }
}

/// No number as f32, -1 as an integer: what is read though nobody wrote it shows.
static constexpr unsigned char kUnwritten = 0xFF;

GuardedMemory::GuardedMemory(size_t bytes) : storage_(bytes + 256, kUnwritten), bytes_(bytes) {
  auto address = reinterpret_cast<uintptr_t>(storage_.data()) + 64;
  offset_ = (address + 63) / 64 * 64 - reinterpret_cast<uintptr_t>(storage_.data());
}

GuardedMemory::~GuardedMemory() {
  for (size_t i = 0; i < storage_.size(); ++i)
    if ((i < offset_ || i >= offset_ + bytes_) && storage_[i] != kUnwritten) {
      ADD_FAILURE() << "a kernel wrote outside its buffer of " << bytes_ << " bytes, at "
                    << ptrdiff_t(i - offset_);
      return;
    }
}

} // namespace tailor::backend::testing
