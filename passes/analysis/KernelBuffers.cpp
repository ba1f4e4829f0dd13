#include "passes/analysis/KernelBuffers.h"

#include "passes/analysis/Intervals.h"

using namespace mlir;

namespace tailor::passes {
namespace {

/// Position of a value among the roles of a multi-tensor op.
struct RolePosition {
  Operation* op = nullptr;
  unsigned role = 0;
  unsigned tensor = 0;
  StringRef name;

  bool follows(const RolePosition& previous) const {
    return op && op == previous.op && role == previous.role && tensor == previous.tensor + 1;
  }
};

RolePosition findRole(ir::MultiTensorOpInterface op, ArrayRef<ir::TensorRole> roles, unsigned number) {
  for (auto [index, role] : llvm::enumerate(roles))
    if (number >= role.begin && number < role.begin + op.getNumTensors())
      return {op, static_cast<unsigned>(index), number - role.begin, role.name};
  return {};
}

/// The first role an argument plays; none for scalars.
RolePosition roleOfArgument(BlockArgument argument) {
  RolePosition found;
  for (OpOperand& use : argument.getUses()) {
    auto op = dyn_cast<ir::MultiTensorOpInterface>(use.getOwner());
    if (!op) continue;
    RolePosition position = findRole(op, op.getOperandRoles(), use.getOperandNumber());
    if (position.op && (!found.op || position.op->isBeforeInBlock(found.op))) found = position;
  }
  return found;
}

RolePosition roleOfResult(Value value) {
  auto result = dyn_cast<OpResult>(value);
  auto op = result ? dyn_cast<ir::MultiTensorOpInterface>(result.getOwner()) : nullptr;
  return op ? findRole(op, op.getResultRoles(), result.getResultNumber()) : RolePosition();
}

/// Appends the buffers of `positions`, joining runs of one role.
void appendBuffers(ArrayRef<RolePosition> positions, bool isResult, SmallVectorImpl<KernelBuffer>& buffers) {
  for (auto [index, position] : llvm::enumerate(positions)) {
    if (index > 0 && position.follows(positions[index - 1]))
      ++buffers.back().count;
    else
      buffers.push_back({isResult, static_cast<unsigned>(index), 1, position.op != nullptr, position.name});
  }
}

/// True if `value` and everything made from it keeps element i in lane i.
bool flowsLanewise(Value value) {
  for (Operation* user : value.getUsers()) {
    if (isa<ir::YieldOp>(user)) continue;
    const bool isVector = cast<RankedTensorType>(value.getType()).getRank() == 1;
    const bool byLane = user->hasTrait<ir::Elementwise>() ||
                        (ir::fusionClassOf(user) == ir::FusionClass::ChannelMap && !isVector) ||
                        (isa<ir::BatchNormUpdateRunningOp>(user) && isVector);
    if (!byLane) return false;
    for (Value result : user->getResults())
      if (!flowsLanewise(result)) return false;
  }
  return true;
}

} // namespace

int64_t bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() * ((tensor.getElementTypeBitWidth() + 7) / 8);
}

SmallVector<KernelBuffer> kernelBuffers(ir::KernelOp kernel) {
  bool joinsRoles = kernel.getKind() == ir::FusionKind::MultiTensor;
  SmallVector<RolePosition> arguments, results;
  for (BlockArgument argument : kernel.getBlock().getArguments())
    arguments.push_back(joinsRoles ? roleOfArgument(argument) : RolePosition());
  for (Value value : kernel.getYield().getValues())
    results.push_back(joinsRoles ? roleOfResult(value) : RolePosition());
  SmallVector<KernelBuffer> buffers;
  appendBuffers(arguments, /*isResult=*/false, buffers);
  appendBuffers(results, /*isResult=*/true, buffers);
  return buffers;
}

SmallVector<int64_t> regionSizes(ir::KernelOp kernel) {
  SmallVector<int64_t> ofSegment(numSegments(kernel), 0), decayed(numSegments(kernel), 0);
  for (const KernelBuffer& buffer : kernelBuffers(kernel)) {
    if (!buffer.isRole) continue;
    for (unsigned i = 0; i < buffer.count; ++i) {
      Type type = (buffer.isResult ? kernel.getResultTypes() : kernel.getArgumentTypes())[buffer.first + i];
      int64_t padded = alignTo64(bytesOf(type)) / (cast<RankedTensorType>(type).getElementTypeBitWidth() / 8);
      ofSegment[segmentOfTensor(kernel, i)] += padded;
      if (isDecayedTensor(kernel, i)) decayed[segmentOfTensor(kernel, i)] += padded;
    }
    break; // all roles have the same tensors
  }
  SmallVector<int64_t> sizes{0};
  for (auto [all, decaying] : llvm::zip_equal(ofSegment, decayed)) {
    sizes.push_back(sizes.front() + decaying);
    sizes.front() += all;
    sizes.push_back(sizes.front());
  }
  if (ofSegment.size() == 1) sizes.pop_back();
  return sizes;
}

unsigned segmentOfTensor(ir::KernelOp kernel, unsigned index) {
  for (Operation& op : kernel.getBlock())
    if (auto multi = dyn_cast<ir::MultiTensorOpInterface>(op); multi && multi.getNumSegments() > 1)
      return multi.getSegment(index);
  return 0;
}

unsigned numSegments(ir::KernelOp kernel) {
  for (Operation& op : kernel.getBlock())
    if (auto multi = dyn_cast<ir::MultiTensorOpInterface>(op); multi && multi.getNumSegments() > 1)
      return multi.getNumSegments();
  return 1;
}

bool isDecayedTensor(ir::KernelOp kernel, unsigned index) {
  for (Operation& op : kernel.getBlock())
    if (auto multi = dyn_cast<ir::MultiTensorOpInterface>(op); multi && multi.isDecayed(index)) return true;
  return false;
}

bool mayShareBuffer(ir::KernelOp kernel, unsigned argument, unsigned result) {
  if (kernel.getArgumentTypes()[argument] != kernel.getResultTypes()[result]) return false;
  switch (kernel.getKind()) {
  case ir::FusionKind::MultiTensor: {
    RolePosition read = roleOfArgument(kernel.getBlock().getArgument(argument));
    RolePosition written = roleOfResult(kernel.getYield().getValues()[result]);
    return read.op && written.op && read.tensor == written.tensor;
  }
  case ir::FusionKind::Map:
  case ir::FusionKind::Channels: // vectors: channel by channel, when all images are in
    return flowsLanewise(kernel.getBlock().getArgument(argument));
  case ir::FusionKind::Horizontal: {
    BlockArgument read = kernel.getBlock().getArgument(argument);
    auto written = cast<OpResult>(kernel.getYield().getValues()[result]);
    if (!read.hasOneUse() || read.use_begin()->getOwner() != written.getOwner()) return false;
    auto part = cast<ir::PartOp>(written.getOwner());
    return mayShareBuffer(part.lookupKernel(), read.use_begin()->getOperandNumber(),
                          written.getResultNumber());
  }
  default:
    return false;
  }
}

} // namespace tailor::passes
