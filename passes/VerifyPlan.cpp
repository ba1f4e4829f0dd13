// Reads a memory plan and checks it: also plans that came from an edited dump.
#include "passes/PlanMemory.h"

#include "passes/analysis/Intervals.h"
#include "passes/analysis/States.h"
#include "passes/analysis/TensorLanes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

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

/// Inside its space, aligned.
LogicalResult checkInside(Operation* op, ir::BufferAttr place, const MemorySizes& sizes) {
  int64_t size = sizeOfSpace(sizes, place.getSpace());
  if (place.getOffset() < 0 || place.getOffset() > size - place.getBytes())
    return op->emitError("place ") << place << " is outside its space of " << size << " bytes";
  if (place.getOffset() % 64 != 0) return op->emitError("place ") << place << " is not aligned to 64 bytes";
  return success();
}

/// The same, of the size of `type`.
LogicalResult checkPlace(Operation* op, ir::BufferAttr place, Type type, const MemorySizes& sizes) {
  if (!place) return op->emitError("has no place in memory");
  if (place.getBytes() != bytesOf(type))
    return op->emitError("place of ") << place.getBytes() << " bytes for " << type;
  return checkInside(op, place, sizes);
}

/// The temporaries of a launch are those of its kernel and lie in the arena.
LogicalResult checkTemporaries(ir::LaunchOp launch, ir::KernelOp kernel, const MemorySizes& sizes) {
  SmallVector<ir::TemporaryAttr> needed = temporariesOf(kernel);
  SmallVector<ir::BufferAttr> places = temporaryPlaces(launch);
  if (needed.size() != places.size())
    return launch.emitError("has places for ")
           << places.size() << " temporaries but its kernel needs " << needed.size();
  for (auto [temporary, place] : llvm::zip_equal(needed, places)) {
    if (place.getBytes() != temporary.getBytes())
      return launch.emitError("place of ") << place.getBytes() << " bytes for " << temporary.getBytes()
                                           << " bytes of " << temporary.getPurpose();
    if (place.getSpace() != ir::MemorySpace::Arena)
      return launch.emitError("has its ")
             << temporary.getPurpose() << " at " << place << ", but temporaries lie in the arena";
    if (failed(checkInside(launch, place, sizes))) return failure();
  }
  return success();
}

bool overlap(ir::BufferAttr a, ir::BufferAttr b) {
  return a.getSpace() == b.getSpace() && a.getOffset() < b.getOffset() + b.getBytes() &&
         b.getOffset() < a.getOffset() + a.getBytes();
}

/// One owner of a place, and how messages call it: "state 'w'".
struct Owner {
  ir::BufferAttr place;
  Operation* op;
  std::string name;
};

/// The places of one space belong to one owner each; owners of one name are the same.
LogicalResult checkApart(SmallVector<Owner> owners) {
  llvm::stable_sort(owners, [](const Owner& a, const Owner& b) {
    return std::pair(a.place.getSpace(), a.place.getOffset()) <
           std::pair(b.place.getSpace(), b.place.getOffset());
  });
  const Owner* furthest = nullptr; // of those before: where one ends last, an overlap shows
  for (const Owner& owner : owners) {
    if (owner.place.getBytes() == 0) continue;
    if (furthest && overlap(furthest->place, owner.place) && furthest->name != owner.name)
      return (owner.op->emitError() << owner.name << " at " << owner.place << " shares memory with "
                                    << furthest->name << " at " << furthest->place)
                 .attachNote(furthest->op->getLoc())
             << "the other one";
    auto end = [](const Owner& o) { return o.place.getOffset() + o.place.getBytes(); };
    if (!furthest || furthest->place.getSpace() != owner.place.getSpace() || end(*furthest) < end(owner))
      furthest = &owner;
  }
  return success();
}

std::string quoted(StringRef what, StringRef name) {
  return (what + " '" + name + "'").str();
}

/// States, control fields, metrics and, per entry, batch inputs have memory of their own.
LogicalResult checkOwners(ir::ProgramOp program) {
  SmallVector<Owner> owners;
  for (auto group : program.getOps<ir::StateGroupOp>())
    for (auto state : group.getOps<ir::StateOp>())
      owners.push_back(
          {placeOf(state), state, quoted("state", (group.getSymName() + "/" + state.getSymName()).str())});
  if (ir::ControlOp control = program.getControl())
    for (auto field : control.getOps<ir::ControlFieldOp>())
      owners.push_back({placeOf(field), field, quoted("control field", field.getSymName())});
  llvm::StringMap<ir::BufferAttr> metrics;
  for (auto entry : program.getOps<ir::EntryOp>()) {
    SmallVector<Owner> inputs;
    for (auto input : entry.getOps<ir::InputOp>())
      inputs.push_back(
          {input->getAttrOfType<ir::BufferAttr>(kSourceAttr), input, quoted("input", input.getInput())});
    if (failed(checkApart(std::move(inputs)))) return failure();
    for (auto report : entry.getOps<ir::ReportOp>()) {
      ir::BufferAttr place = placeOf(report),
                     known = metrics.try_emplace(report.getMetric(), place).first->second;
      if (known != place)
        return report.emitError("metric '")
               << report.getMetric() << "' is at " << place << " here and at " << known << " elsewhere";
      owners.push_back({place, report, quoted("metric", report.getMetric())});
    }
  }
  return checkApart(std::move(owners));
}

/// Constants end where their space does: the artifact holds the space as bytes.
LogicalResult checkConstants(ir::ProgramOp program, const MemorySizes& sizes) {
  int64_t end = 0;
  program.walk([&](ir::ConstantOp constant) {
    ir::BufferAttr place = bufferOf(constant.getResult());
    if (place && place.getSpace() == ir::MemorySpace::Constant)
      end = std::max(end, alignTo64(place.getOffset() + place.getBytes()));
  });
  if (sizes.constant <= end) return success();
  return program.emitError("reserves ") << sizes.constant << " bytes for constants, but they end at " << end;
}

/// The tensors of a role have one distance from their lanes.
LogicalResult checkRole(const LaunchRole& role, const TensorLanes& lanes) {
  std::optional<int64_t> base;
  for (Value value : role.values) {
    const TensorLanes::Lane* lane = lanes.laneOf(value);
    ir::LaunchOp launch = role.launch;
    if (!lane) return launch.emitError("a tensor of a multi-tensor op has no lane");
    ir::BufferAttr place = bufferOf(value);
    int64_t start = place.getOffset() - lane->offset;
    if (base && *base != start) return launch.emitError("the tensors of a role are not one region");
    base = start;
  }
  return success();
}

/// Numbered places, asked which of them touch another one.
class PlacesByOffset {
public:
  void add(ir::BufferAttr place, unsigned number) { places_.push_back({place, number, 0}); }

  void sort() {
    llvm::stable_sort(places_, [](const Entry& a, const Entry& b) { return a.start() < b.start(); });
    Start furthest{ir::MemorySpace::State, 0};
    for (Entry& entry : places_) {
      Start end{entry.place.getSpace(), entry.place.getOffset() + entry.place.getBytes()};
      furthest = std::max(furthest, end);
      entry.furthestEnd = furthest.second;
    }
  }

  /// Stops at the first failure of `visit`.
  LogicalResult forEachOverlap(ir::BufferAttr place,
                               function_ref<LogicalResult(ir::BufferAttr, unsigned)> visit) const {
    Start end{place.getSpace(), place.getOffset() + place.getBytes()};
    auto it = llvm::partition_point(places_, [&](const Entry& entry) { return entry.start() < end; });
    // Backwards until nothing before reaches as far as the place.
    while (it != places_.begin()) {
      --it;
      if (it->place.getSpace() != place.getSpace() || it->furthestEnd <= place.getOffset()) break;
      if (overlap(it->place, place) && failed(visit(it->place, it->number))) return failure();
    }
    return success();
  }

private:
  using Start = std::pair<ir::MemorySpace, int64_t>;
  struct Entry {
    ir::BufferAttr place;
    unsigned number;
    int64_t furthestEnd; ///< of the places of this space up to here

    Start start() const { return {place.getSpace(), place.getOffset()}; }
  };
  SmallVector<Entry> places_;
};

/// Follows the memory of one entry from op to op: what a place holds must still be there when it is read, by
/// a later op or, for outputs and reports, by the host after the last one.
class EntryCheck {
public:
  EntryCheck(ir::EntryOp entry, const SymbolTable& symbols, const States& states, const MemorySizes& sizes)
      : entry_(entry), symbols_(symbols), states_(states), sizes_(sizes) {}

  LogicalResult run() {
    for (Operation& op : entry_.getBody().front()) {
      for (Value operand : op.getOperands())
        if (overwritten_.contains(operand))
          return op.emitError("reads a value whose memory was reused before").attachNote(operand.getLoc())
                 << "the value is made here";
      LogicalResult checked = success();
      if (auto store = dyn_cast<ir::StoreOp>(op))
        checked = copy(&op, placeOf(states_[store.getState()]));
      else if (auto output = dyn_cast<ir::OutputOp>(op))
        checked = keep({placeOf(output), output, quoted("output", output.getOutput())});
      else if (auto report = dyn_cast<ir::ReportOp>(op))
        checked = keep({placeOf(report), report, quoted("metric", report.getMetric())});
      if (failed(checked) || failed(define(&op))) return failure();
    }
    return success();
  }

private:
  struct Live {
    ir::BufferAttr place;
    Value value;
  };

  /// The only operand of `op` goes to `place`.
  LogicalResult copy(Operation* op, ir::BufferAttr place) {
    return bufferOf(op->getOperand(0)) == place ? success() : write(op, place);
  }

  /// A place the host reads after the entry has run.
  LogicalResult keep(Owner owner) {
    if (failed(copy(owner.op, owner.place))) return failure();
    kept_.push_back(std::move(owner));
    return success();
  }

  /// Every live value that `place` touches is gone; what the host will read must not be.
  LogicalResult write(Operation* op, ir::BufferAttr place) {
    for (const Owner& owner : kept_)
      if (overlap(owner.place, place))
        return (op->emitError("writes ") << place << " over " << owner.name << " at " << owner.place
                                         << ", which is read after the entry has run")
                   .attachNote(owner.op->getLoc())
               << "it is put there here";
    llvm::erase_if(live_, [&](const Live& live) {
      if (!overlap(live.place, place)) return false;
      overwritten_.insert(live.value);
      return true;
    });
    return success();
  }

  LogicalResult define(Operation* op) {
    auto launch = dyn_cast<ir::LaunchOp>(op);
    if (launch && failed(checkOverwrites(launch))) return failure();
    for (OpResult result : op->getResults()) {
      ir::BufferAttr place = bufferOf(result);
      bool isView = isa<ir::LoadOp, ir::ControlReadOp, ir::ConstantOp>(op) ||
                    (isa<ir::ReshapeOp>(op) && bufferOf(op->getOperand(0)) == place);
      if (auto load = dyn_cast<ir::LoadOp>(op)) isView = place == placeOf(states_[load.getState()]);
      if (launch && failed(checkWritable(launch, place))) return failure();
      if (!isView && failed(write(op, place))) return failure();
    }
    if (launch)
      for (ir::BufferAttr place : temporaryPlaces(launch))
        if (failed(write(op, place))) return failure();
    for (Value result : op->getResults())
      live_.push_back({bufferOf(result), result});
    return success();
  }

  LogicalResult checkWritable(ir::LaunchOp launch, ir::BufferAttr place) {
    bool isHostField = place.getSpace() == ir::MemorySpace::Control && place.getOffset() < sizes_.controlHost;
    if (isHostField || place.getSpace() == ir::MemorySpace::Constant ||
        place.getSpace() == ir::MemorySpace::Slot)
      return launch.emitError("writes ") << place << ", which only the host writes";
    return success();
  }

  /// A launch writes over an operand only where the kernel says so, and each result and temporary elsewhere.
  LogicalResult checkOverwrites(ir::LaunchOp launch) {
    auto kernel = symbols_.lookup<ir::KernelOp>(launch.getKernel());
    SmallVector<Owner> written;
    for (OpResult result : launch->getResults())
      written.push_back({bufferOf(result), launch, "result " + std::to_string(result.getResultNumber())});
    for (auto [index, place] : llvm::enumerate(temporaryPlaces(launch)))
      written.push_back({place, launch,
                         "temporary " + std::to_string(index) + " (" +
                             temporariesOf(kernel)[index].getPurpose().str() + ")"});
    PlacesByOffset operands;
    for (OpOperand& operand : launch->getOpOperands())
      operands.add(bufferOf(operand.get()), operand.getOperandNumber());
    operands.sort();
    for (auto [index, owner] : llvm::enumerate(written)) {
      unsigned number = index;
      const Owner& at = owner;
      auto visit = [&](ir::BufferAttr read, unsigned operand) -> LogicalResult {
        if (number < launch->getNumResults() && read == at.place && mayShareBuffer(kernel, operand, number))
          return success();
        return launch.emitError("writes ")
               << at.name << " over operand " << operand << ", which it still reads";
      };
      if (failed(operands.forEachOverlap(at.place, visit))) return failure();
    }
    return checkApart(std::move(written));
  }

  ir::EntryOp entry_;
  const SymbolTable& symbols_;
  const States& states_;
  const MemorySizes& sizes_;
  SmallVector<Live> live_;
  SmallVector<Owner> kept_;
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

SmallVector<ir::TemporaryAttr> temporariesOf(ir::KernelOp kernel) {
  ArrayAttr list = kernel.getTemporaries().value_or(ArrayAttr());
  return list ? llvm::to_vector(list.getAsRange<ir::TemporaryAttr>()) : SmallVector<ir::TemporaryAttr>();
}

SmallVector<ir::BufferAttr> temporaryPlaces(ir::LaunchOp launch) {
  ArrayAttr list = launch.getTemporaries().value_or(ArrayAttr());
  return list ? llvm::to_vector(list.getAsRange<ir::BufferAttr>()) : SmallVector<ir::BufferAttr>();
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

  if (failed(checkOwners(program)) || failed(checkConstants(program, sizes))) return failure();

  SymbolTable symbols(program);
  States states(program);
  FailureOr<TensorLanes> lanes = TensorLanes::compute(program);
  if (failed(lanes)) return failure();
  for (auto entry : program.getOps<ir::EntryOp>()) {
    for (auto launch : entry.getOps<ir::LaunchOp>()) {
      auto kernel = symbols.lookup<ir::KernelOp>(launch.getKernel());
      if (failed(checkTemporaries(launch, kernel, sizes))) return failure();
      for (const LaunchRole& role : launchRoles(launch, kernel))
        if (failed(checkRole(role, *lanes))) return failure();
    }
    if (failed(EntryCheck(entry, symbols, states, sizes).run())) return failure();
  }
  return success();
}

} // namespace tailor::passes
