// Convolutions that are calls of cuDNN (backend/cuda/library). What stands before and behind one in its kernel is no part of the call:
//
//   _before   operands that are computed as they are read, into temporaries
//   cuDNN     image, weight, output, workspace
//   _behind   what is computed of the result, where the kernel gives more than the result itself
//
// A thread for four neighbours each, as for maps.
#include "backend/codegen/LaneRules.h"
#include "backend/cuda/kinds/KernelEmitter.h"
#include "ir/Algorithm.h"

namespace tailor::backend::cuda {

using llvm::SmallVector;
using mlir::Value;

namespace {

std::optional<ConvolutionOp> convolutionIn(ir::KernelOp kernel) {
  for (mlir::Operation& op : kernel.getBlock())
    if (std::optional<ConvolutionOp> conv = convolutionOf(&op)) return conv;
  return std::nullopt;
}

class LibraryEmitter {
public:
  LibraryEmitter(KernelContext& context, ConvolutionOp conv)
      : context_(context), kernel_(context.kernel), conv_(conv) {}

  mlir::LogicalResult emit() {
    auto by = conv_.op->getAttrOfType<mlir::StringAttr>(ir::kAlgorithmBy);
    const std::string who = by ? by.getValue().str() : "its attribute";
    auto refuse = [&](const llvm::Twine& why) {
      return conv_.op->emitOpError() << "cannot be computed by cudnn (" << who << "): " << why
                                     << "; it can be by " << kTilesAlgorithm;
    };
    if (!context_.plans) return refuse("there is no library here");
    for (Value value : {conv_.op->getOperand(0), conv_.op->getOperand(1), conv_.result()})
      if (mlir::Type element = tensorTypeOf(value).getElementType(); !element.isF32()) {
        std::string name;
        llvm::raw_string_ostream(name) << element;
        return refuse("its elements are " + name + ", not f32");
      }
    if (isRoundedToTf32(conv_.op->getOperand(0)))
      return refuse("its operands are rounded to tf32, for which there are no plans yet");
    Value images = conv_.image() ? conv_.image() : conv_.outputGrad();
    const runtime::ConvPlan problem = convPlanOf(conv_.problem, tensorTypeOf(images).getDimSize(0),
                                                 isBf16() ? runtime::DType::kBF16 : runtime::DType::kF32);
    runtime::Result<runtime::ChosenPlan> chosen = context_.plans->planFor(problem);
    if (!chosen.ok())
      return refuse(chosen.status().message() +
                    (chosen.status().hint().empty() ? "" : " (" + chosen.status().hint() + ")"));
    call_.chosen = std::move(*chosen);
    call_.reason = "asked for by " + who;
    choosePlaces();
    countBytes();
    context_.info.library = call_;
    context_.info.flops += 2 * uint64_t(problem.images) * uint64_t(conv_.problem.productsPerImage());
    if (mlir::failed(emitBefore())) return mlir::failure();
    context_.info.library->functionsBefore = context_.info.functions.size();
    return emitBehind();
  }

private:
  /// What a value stored in the memory of the call is: of the call's elements, whatever it is where it is computed.
  mlir::RankedTensorType storedType(Value value) {
    mlir::RankedTensorType type = tensorTypeOf(value);
    const bool bf16 = call_.chosen.plan.convolution.dtype == runtime::DType::kBF16;
    return bf16 ? type.clone(mlir::BFloat16Type::get(type.getContext())) : type;
  }
  /// The kernel's operand that `value` is, in the call's elements; null where there is none.
  mlir::BlockArgument inMemory(Value value) {
    mlir::BlockArgument argument = operandInMemory(value);
    return argument && tensorTypeOf(argument) == storedType(value) ? argument : nullptr;
  }

  /// True for products of values that the program stores in bf16: what is computed in front of the call and behind it then goes
  /// through bf16 as it does between two kernels, and so does a gradient of weights before it is f32 again, because cuDNN gives no
  /// other beside images in bf16. What reads an image that is stored in f32 stays f32.
  bool isBf16() {
    auto isStored = [](Value value, bool bf16) {
      mlir::BlockArgument argument = value ? operandInMemory(value) : nullptr;
      return argument && tensorTypeOf(argument).getElementType().isBF16() == bf16;
    };
    if (isStored(conv_.image(), /*bf16=*/false) || isStored(conv_.outputGrad(), false)) return false;
    if (conv_.weight()) return isStored(conv_.weight(), true);
    return llvm::any_of(kernel_.getArgumentTypes(), [](mlir::Type type) {
      auto tensor = mlir::cast<mlir::RankedTensorType>(type);
      return tensor.getRank() == 4 && tensor.getElementType().isBF16();
    });
  }

  /// The kernel gives nothing but what the call writes.
  bool givesTheResultAlone() {
    mlir::ValueRange given = yieldedValues(kernel_);
    if (given.size() != 1 || tensorTypeOf(given[0]) != storedType(conv_.result())) return false;
    auto cast = given[0].getDefiningOp<ir::CastOp>();
    return given[0] == conv_.result() || (cast && cast.getOperand() == conv_.result());
  }

  /// Four neighbours by a thread, unless an op of the kernel looks across them.
  PositionWay way() {
    PositionWay way;
    way.lanes = lanesPassThrough(kernel_);
    return way;
  }

  /// A pointer of its own behind those of the kernel.
  int64_t addTemporary(std::string purpose, uint64_t bytes) {
    context_.info.temporaries.push_back({std::move(purpose), bytes});
    return resultSlot(kernel_, unsigned(yieldedValues(kernel_).size())) +
           int64_t(context_.info.temporaries.size()) - 1;
  }

  /// Where each operand of the call lies.
  void choosePlaces() {
    const auto bytes = runtime::operand_bytes(call_.chosen.plan.convolution);
    auto place = [&](runtime::ConvOperand role, Value value) {
      const auto number = static_cast<size_t>(role);
      if (!value) { // what it writes
        call_.pointers[number] =
            givesTheResultAlone() ? resultSlot(kernel_, 0) : addTemporary("result of cudnn", bytes[number]);
        result_ = call_.pointers[number];
      } else if (mlir::BlockArgument argument = inMemory(value)) {
        call_.pointers[number] = argument.getArgNumber();
      } else {
        call_.pointers[number] = addTemporary("operand for cudnn", bytes[number]);
        before_.push_back({value, call_.pointers[number]});
      }
    };
    place(runtime::ConvOperand::kImage, conv_.image());
    place(runtime::ConvOperand::kWeight, conv_.weight());
    place(runtime::ConvOperand::kOutput, conv_.outputGrad());
    if (uint64_t workspace = call_.chosen.plan.workspace_bytes)
      call_.pointers[static_cast<size_t>(runtime::ConvOperand::kWorkspace)] =
          addTemporary("workspace of cudnn", workspace);
  }

  /// Once read and once written. Before: as much as it gives; behind: the result, and what the kernel gives.
  void countBytes() {
    const auto bytes = runtime::operand_bytes(call_.chosen.plan.convolution);
    call_.bytes = bytes[0] + bytes[1] + bytes[2];
    auto bytesOf = [](mlir::RankedTensorType type) {
      return uint64_t(type.getNumElements()) * std::max(8u, type.getElementTypeBitWidth()) / 8;
    };
    for (const Computed& computed : before_)
      call_.bytesBefore += 2 * bytesOf(storedType(computed.value));
    if (givesTheResultAlone()) return;
    call_.bytesBehind = bytesOf(storedType(conv_.result()));
    for (Value given : yieldedValues(kernel_))
      call_.bytesBehind += bytesOf(tensorTypeOf(given));
  }

  mlir::LogicalResult emitBefore() {
    if (before_.empty()) return mlir::success();
    SmallVector<PositionWork> work;
    for (const Computed& computed : before_)
      work.push_back(
          {tensorTypeOf(computed.value), [&](Evaluator& e, KernelFrame& frame, llvm::ArrayRef<Coord> at) {
             mlir::RankedTensorType stored = storedType(computed.value);
             Value value = e.at(computed.value, at);
             if (stored.getElementType().isBF16()) value = e.builder().roundToBf16(value);
             e.store(value, frame.pointer(computed.pointer), stored, at);
           }});
    return emitPositionFunction(context_, "_before", way(), work);
  }

  mlir::LogicalResult emitBehind() {
    if (givesTheResultAlone()) return mlir::success();
    SmallVector<ResultGroup> groups = groupResults(kernel_);
    SmallVector<PositionWork> work;
    for (const ResultGroup& group : groups)
      work.push_back({group.shape, [&](Evaluator& e, KernelFrame& frame, llvm::ArrayRef<Coord> at) {
                        e.define(conv_.result(), at, resultAt(e.builder(), frame, at));
                        storeAt(e, frame, kernel_, group, at);
                      }});
    return emitPositionFunction(context_, "_behind", way(), work);
  }

  /// What the call has written; groups of convolutions look at it where they give something.
  Value resultAt(LaneBuilder& b, KernelFrame& frame, llvm::ArrayRef<Coord> at) {
    mlir::RankedTensorType stored = storedType(conv_.result());
    Address address = addressOf(b, stored, at);
    Value memory = frame.pointer(result_);
    return address.lanes ? b.loadLanes(memory, stored.getElementType(), address.base, address.mask)
                         : b.load(memory, stored.getElementType(), address.base);
  }

  struct Computed {
    Value value;
    int64_t pointer;
  };

  KernelContext& context_;
  ir::KernelOp kernel_;
  ConvolutionOp conv_;
  LibraryCall call_;
  SmallVector<Computed, 2> before_;
  int64_t result_ = -1; ///< pointer of what the call writes
};

bool fits(ir::KernelOp kernel) {
  std::optional<ConvolutionOp> conv = convolutionIn(kernel);
  auto algorithm = conv ? conv->op->getAttrOfType<mlir::StringAttr>(ir::kAlgorithm) : mlir::StringAttr();
  return algorithm && algorithm.getValue() == kCudnnAlgorithm;
}

mlir::LogicalResult emit(KernelContext& context) {
  return LibraryEmitter(context, *convolutionIn(context.kernel)).emit();
}

} // namespace

extern const KernelKind kLibraryConvolution{"library convolution", fits, emit};

} // namespace tailor::backend::cuda
