// Reads a memory plan and checks it: also plans that came from an edited dump.
#include "passes/PlanMemory.h"

#include "passes/analysis/TensorLanes.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace tailor::passes {
namespace {

int64_t sizeOfSpace(const MemorySizes& sizes, ir::MemorySpace space) {
  switch (space) {
  case ir::MemorySpace::State:
    return sizes.state;
  case ir::MemorySpace::Arena:
    return sizes.arena;
  case ir::MemorySpace::Control:
    return sizes.control;
  case ir::MemorySpace::Metrics:
    return sizes.metrics;
  case ir::MemorySpace::Slot:
    return sizes.slot;
  case ir::MemorySpace::Constant:
    return sizes.constant;
  }
  llvm_unreachable("every space has a size");
}

/// Inside its space, of the size of `type`, aligned.
LogicalResult checkPlace(Operation* op, ir::BufferAttr place, Type type, const MemorySizes& sizes) {
  if (!place) return op->emitError("has no place in memory");
  if (place.getBytes() != bytesOf(type))
    return op->emitError("place of ") << place.getBytes() << " bytes for " << type;
  int64_t size = sizeOfSpace(sizes, place.getSpace());
  if (place.getOffset() < 0 || place.getOffset() > size - place.getBytes())
    return op->emitError("place ") << place << " is outside its space of " << size << " bytes";
  if (place.getOffset() % 64 != 0) return op->emitError("place ") << place << " is not aligned to 64 bytes";
  return success();
}

bool overlap(ir::BufferAttr a, ir::BufferAttr b) {
  return a.getSpace() == b.getSpace() && a.getOffset() < b.getOffset() + b.getBytes() &&
         b.getOffset() < a.getOffset() + a.getBytes();
}

/// The tensors of a role have one distance from their lanes.
LogicalResult checkRole(const LaunchRole& role, const TensorLanes& lanes) {
  std::optional<int64_t> base;
  for (Value value : role.values) {
    const TensorLanes::Lane* lane = nullptr;
    if (auto load = value.getDefiningOp<ir::LoadOp>())
      lane = lanes.laneOf(load->getParentOfType<ir::ProgramOp>().lookupState(load.getState()));
    else
      lane = lanes.laneOf(value);
    ir::LaunchOp launch = role.launch;
    if (!lane) return launch.emitError("a tensor of a multi-tensor op has no lane");
    ir::BufferAttr place = bufferOf(value);
    int64_t start = place.getOffset() - lane->offset;
    if (base && *base != start) return launch.emitError("the tensors of a role are not one region");
    base = start;
  }
  return success();
}

/// Follows the memory of one entry from op to op: what a place holds must still be there when it is read.
class EntryCheck {
public:
  EntryCheck(ir::EntryOp entry, const SymbolTable& symbols) : entry_(entry), symbols_(symbols) {}

  LogicalResult run() {
    for (Operation& op : entry_.getBody().front()) {
      for (Value operand : op.getOperands())
        if (overwritten_.contains(operand))
          return op.emitError("reads a value whose memory was reused before").attachNote(operand.getLoc())
                 << "the value is made here";
      if (auto store = dyn_cast<ir::StoreOp>(op)) {
        ir::BufferAttr place =
            placeOf(entry_->getParentOfType<ir::ProgramOp>().lookupState(store.getState()));
        if (bufferOf(store.getValue()) != place) write(place, {});
      }
      if (auto output = dyn_cast<ir::OutputOp>(op); output && placeOf(output) != bufferOf(output.getValue()))
        write(placeOf(output), {});
      if (failed(define(&op))) return failure();
    }
    return success();
  }

private:
  /// Every live value that `place` touches is gone, except the one shown under other names.
  void write(ir::BufferAttr place, ArrayRef<Value> keep) {
    llvm::erase_if(live_, [&](Value value) {
      if (!overlap(bufferOf(value), place) || llvm::is_contained(keep, value)) return false;
      overwritten_.insert(value);
      return true;
    });
  }

  LogicalResult define(Operation* op) {
    auto launch = dyn_cast<ir::LaunchOp>(op);
    for (OpResult result : op->getResults()) {
      ir::BufferAttr place = bufferOf(result);
      bool isView = isa<ir::LoadOp, ir::ControlReadOp, ir::ConstantOp>(op) ||
                    (isa<ir::ReshapeOp>(op) && bufferOf(op->getOperand(0)) == place);
      if (auto load = dyn_cast<ir::LoadOp>(op))
        isView = place == placeOf(load->getParentOfType<ir::ProgramOp>().lookupState(load.getState()));
      if (launch) {
        if (place.getSpace() == ir::MemorySpace::Constant || place.getSpace() == ir::MemorySpace::Slot)
          return op->emitError("writes ") << place << ", which only the host writes";
        auto kernel = symbols_.lookup<ir::KernelOp>(launch.getKernel());
        for (OpOperand& operand : op->getOpOperands())
          if (overlap(bufferOf(operand.get()), place) &&
              (bufferOf(operand.get()) != place ||
               !mayShareBuffer(kernel, operand.getOperandNumber(), result.getResultNumber())))
            return op->emitError("writes result ") << result.getResultNumber() << " over operand "
                                                   << operand.getOperandNumber() << ", which it still reads";
        for (OpResult other : op->getResults().take_front(result.getResultNumber()))
          if (overlap(bufferOf(other), place)) return op->emitError("two results share memory");
      }
      if (!isView) write(place, {});
    }
    llvm::append_range(live_, op->getResults());
    return success();
  }

  ir::EntryOp entry_;
  const SymbolTable& symbols_;
  SmallVector<Value> live_;
  DenseSet<Value> overwritten_;
};

} // namespace

MemorySizes memorySizes(ir::ProgramOp program) {
  MemorySizes sizes;
  auto attribute = program->getAttrOfType<DictionaryAttr>(kMemoryAttr);
  if (!attribute) return sizes;
  auto read = [&](StringRef name) {
    auto value = attribute.getAs<IntegerAttr>(name);
    return value ? value.getInt() : 0;
  };
  return {read("state"),   read("arena"), read("control"), read("control_host"),
          read("metrics"), read("slot"),  read("constant")};
}

ir::BufferAttr bufferOf(Value value) {
  auto result = dyn_cast<OpResult>(value);
  auto buffers = result ? result.getOwner()->getAttrOfType<ArrayAttr>(kBuffersAttr) : nullptr;
  if (!buffers || buffers.size() <= result.getResultNumber()) return {};
  return dyn_cast<ir::BufferAttr>(buffers[result.getResultNumber()]);
}

ir::BufferAttr placeOf(Operation* op) {
  return op->getAttrOfType<ir::BufferAttr>(kPlaceAttr);
}

LogicalResult verifyPlan(ir::ProgramOp program) {
  MemorySizes sizes = memorySizes(program);
  WalkResult walk = program.walk([&](Operation* op) {
    LogicalResult checked = success();
    if (auto state = dyn_cast<ir::StateOp>(op))
      checked = checkPlace(op, placeOf(op), state.getType(), sizes);
    else if (auto field = dyn_cast<ir::ControlFieldOp>(op))
      checked = checkPlace(op, placeOf(op), field.getType(), sizes);
    else if (isa<ir::ReportOp, ir::OutputOp>(op))
      checked = checkPlace(op, placeOf(op), op->getOperand(0).getType(), sizes);
    else if (auto input = dyn_cast<ir::InputOp>(op))
      checked = checkPlace(op, op->getAttrOfType<ir::BufferAttr>(kSourceAttr), input.getType(), sizes);
    if (failed(checked)) return WalkResult::interrupt();
    if (!isa_and_nonnull<ir::EntryOp>(op->getParentOp())) return WalkResult::advance();
    for (Value result : op->getResults())
      if (failed(checkPlace(op, bufferOf(result), result.getType(), sizes))) return WalkResult::interrupt();
    return WalkResult::advance();
  });
  if (walk.wasInterrupted()) return failure();

  SymbolTable symbols(program);
  FailureOr<TensorLanes> lanes = TensorLanes::compute(program);
  if (failed(lanes)) return failure();
  for (auto entry : program.getOps<ir::EntryOp>()) {
    for (auto launch : entry.getOps<ir::LaunchOp>())
      for (const LaunchRole& role : launchRoles(launch, symbols.lookup<ir::KernelOp>(launch.getKernel())))
        if (failed(checkRole(role, *lanes))) return failure();
    if (failed(EntryCheck(entry, symbols).run())) return failure();
  }
  return success();
}

} // namespace tailor::passes
