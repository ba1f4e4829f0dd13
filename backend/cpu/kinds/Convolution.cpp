#include "backend/cpu/kinds/Convolution.h"

#include "backend/cpu/kinds/Grouped.h"
#include "backend/cpu/kinds/Winograd.h"
#include "backend/cpu/kinds/WinogradForm.h"
#include "backend/cpu/vector/Prefetch.h"
#include "ir/Algorithm.h"

namespace tailor::backend {

using mlir::RankedTensorType;
using mlir::Value;

llvm::StringRef nameOf(ConvolutionAlgorithm algorithm) {
  switch (algorithm) {
  case ConvolutionAlgorithm::implicitGemm:
    return "implicit_gemm";
  case ConvolutionAlgorithm::winograd4x4:
    return "winograd_4x4";
  case ConvolutionAlgorithm::winograd2x2:
    return "winograd_2x2";
  case ConvolutionAlgorithm::winogradStride2:
    return "winograd_4x4_stride_2";
  case ConvolutionAlgorithm::depthwise:
    return "depthwise";
  case ConvolutionAlgorithm::grouped:
    return "grouped";
  }
  return "";
}

// --- shared by the algorithms

bool isInMemory(Value tensor) {
  return mlir::isa<mlir::BlockArgument>(tensor);
}

int64_t imageElements(Value tensor) {
  llvm::ArrayRef<int64_t> shape = tensorTypeOf(tensor).getShape();
  return shape[1] * shape[2] * shape[3];
}

uint64_t panelBytes(const ConvolutionOp& conv) {
  int64_t elements = 0;
  for (Value operand : {conv.image(), conv.outputGrad()})
    if (operand && !isInMemory(operand)) elements += imageElements(operand);
  return static_cast<uint64_t>(elements) * sizeof(float);
}

mlir::LogicalResult endsItsKernel(ir::KernelOp kernel, const ConvolutionOp& conv) {
  if (yieldedValues(kernel) == mlir::ValueRange(conv.result())) return mlir::success();
  return conv.op->emitOpError("internal error: nothing can be computed in the stores of a weight gradient");
}

Value imagePointer(Evaluator& e, KernelFrame& frame, Value tensor, Value n, Value scratch) {
  VectorBuilder& b = frame.b();
  RankedTensorType type = tensorTypeOf(tensor);
  if (isInMemory(tensor)) {
    Value base = e.remember(tensor.getAsOpaquePointer(), 1, {}, [&] {
      return frame.buffer(mlir::cast<mlir::BlockArgument>(tensor).getArgNumber());
    });
    return b.elementPointer(base, b.f32(), b.mul(n, b.index(imageElements(tensor))));
  }
  e.forEachPosition(type, {e.coord(n)}, [&](llvm::ArrayRef<Coord> position) {
    Coords inImage(position);
    inImage[0] = e.fixedCoord(0);
    e.store(e.at(tensor, position), scratch, type, inImage);
  });
  return scratch;
}

static Value resultPointer(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel, const ConvolutionOp& conv,
                           unsigned result) {
  return e.remember(&conv, 1 + result, {}, [&] { return frame.buffer(resultSlot(kernel, result)); });
}

void storeConvolution(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel, const ConvolutionOp& conv,
                      llvm::ArrayRef<Coord> at, Value value) {
  e.define(conv.result(), at, value);
  llvm::SmallVector<Value> values;
  for (Value result : yieldedValues(kernel))
    values.push_back(e.at(result, at));
  for (auto [i, result] : llvm::enumerate(yieldedValues(kernel)))
    e.store(values[i], resultPointer(e, frame, kernel, conv, unsigned(i)), tensorTypeOf(result), at);
}

void prefetchConvolution(Evaluator& e, KernelFrame& frame, ir::KernelOp kernel, const ConvolutionOp& conv,
                         llvm::ArrayRef<Coord> at) {
  for (auto [i, result] : llvm::enumerate(yieldedValues(kernel))) {
    prefetchForWrite(frame.b(), resultPointer(e, frame, kernel, conv, unsigned(i)), tensorTypeOf(result), at);
    prefetch(frame.b(), e, result, at);
  }
}

/// The convolution among the maps of its kernel.
static mlir::Operation* convolutionIn(ir::KernelOp kernel) {
  for (mlir::Operation& op : kernel.getBlock())
    if (ir::fusionClassOf(&op) == ir::FusionClass::Convolution) return &op;
  return nullptr;
}

static bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  return single ? *single == ir::FusionClass::Convolution : kernel.getKind() == ir::FusionKind::Convolution;
}

/// Puts the algorithm that the op asks for (ir/Algorithm.h) in the place of the chosen one, and says who asked.
static mlir::LogicalResult obeyAttribute(mlir::Operation* op, const ConvolutionProblem& problem,
                                         const CpuTarget& target, ConvolutionChoice& choice) {
  auto wanted = op->getAttrOfType<mlir::StringAttr>(ir::kAlgorithm);
  if (!wanted) return mlir::success();
  auto by = op->getAttrOfType<mlir::StringAttr>(ir::kAlgorithmBy);
  std::string who = by ? by.getValue().str() : "its attribute";
  std::string able;
  for (ConvolutionAlgorithm algorithm : kConvolutionAlgorithms)
    if (whyNot(algorithm, problem, target).empty())
      able += (able.empty() ? "" : ", ") + nameOf(algorithm).str();
  const auto* named = llvm::find_if(kConvolutionAlgorithms, [&](ConvolutionAlgorithm algorithm) {
    return nameOf(algorithm) == wanted.getValue();
  });
  if (named == std::end(kConvolutionAlgorithms))
    return op->emitOpError() << "asks for the unknown algorithm '" << wanted.getValue() << "' (" << who
                             << "); it can be computed by " << able;
  if (std::string why = whyNot(*named, problem, target); !why.empty())
    return op->emitOpError() << "cannot be computed by " << wanted.getValue() << " (" << who << "): " << why
                             << "; it can be by " << able;
  choice.reason =
      "asked for by " + who + "; the choice is " + nameOf(choice.algorithm).str() + ": " + choice.reason;
  choice.algorithm = *named;
  return mlir::success();
}

static mlir::LogicalResult emitConvolution(KernelContext& context) {
  mlir::Operation* op = convolutionIn(context.kernel);
  std::optional<ConvolutionOp> conv = convolutionOf(op);
  context.info.flops += 2 * uint64_t(tensorTypeOf(op->getOperand(0)).getDimSize(0)) *
                        static_cast<uint64_t>(conv->problem.productsPerImage());
  ConvolutionChoice choice = chooseConvolution(conv->problem, context.target);
  if (mlir::failed(obeyAttribute(op, conv->problem, context.target, choice))) return mlir::failure();
  context.info.algorithm = (nameOf(choice.algorithm) + ": " + choice.reason).str();
  bool weights = conv->problem.product == ConvolutionProduct::weightGradient;
  switch (choice.algorithm) {
  case ConvolutionAlgorithm::implicitGemm:
    return weights ? emitImplicitGemmWeightGradient(context, *conv) : emitImplicitGemm(context, *conv);
  case ConvolutionAlgorithm::winograd4x4:
  case ConvolutionAlgorithm::winograd2x2:
  case ConvolutionAlgorithm::winogradStride2:
    return emitWinograd(context, *conv, *winogradForm(conv->problem, choice.algorithm));
  case ConvolutionAlgorithm::depthwise:
  case ConvolutionAlgorithm::grouped:
    return weights ? emitGroupedWeightGradient(context, *conv) : emitGrouped(context, *conv);
  }
  return op->emitOpError("internal error: a convolution without an algorithm");
}

extern const KernelKind kConvolution{"convolution", fits, emitConvolution};

} // namespace tailor::backend
