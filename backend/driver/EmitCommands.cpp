#include "backend/driver/EmitCommands.h"

#include "ir/OpIds.h"
#include "passes/analysis/Intervals.h"
#include "passes/analysis/KernelBuffers.h"
#include "passes/PlanMemory.h"

#include "llvm/ADT/MapVector.h"

#include <algorithm>

using namespace mlir;

namespace tailor::backend {
namespace {

runtime::Space convert(ir::MemorySpace space) {
  switch (space) {
  case ir::MemorySpace::State:
    return runtime::Space::kState;
  case ir::MemorySpace::Arena:
    return runtime::Space::kArena;
  case ir::MemorySpace::Control:
    return runtime::Space::kControl;
  case ir::MemorySpace::Metrics:
    return runtime::Space::kMetrics;
  case ir::MemorySpace::Slot:
    return runtime::Space::kSlot;
  case ir::MemorySpace::Constant:
    return runtime::Space::kConstant;
  }
  llvm_unreachable("every space has its counterpart");
}

runtime::Operand operandAt(ir::BufferAttr place, Type type, runtime::Access access) {
  runtime::Operand operand;
  operand.space = convert(place.getSpace());
  operand.access = access;
  operand.dtype = dtypeOf(type);
  operand.offset = place.getOffset();
  operand.bytes = place.getBytes();
  return operand;
}

class CommandEmitter {
public:
  CommandEmitter(ir::EntryOp entry, const KernelCode& code, runtime::ArtifactSpec& spec,
                 runtime::Variant& variant)
      : entry_(entry), program_(entry->getParentOfType<ir::ProgramOp>()), symbols_(program_), code_(code),
        spec_(spec), variant_(variant) {}

  LogicalResult run() {
    command(runtime::CommandKind::kBeginStep);
    for (Operation& op : entry_.getBody().front()) {
      if (failed(emit(&op))) return failure();
      for (Value result : op.getResults())
        defined_[result] = variant_.commands.size() - 1;
      for (Value operand : op.getOperands())
        lastUse_[operand] = variant_.commands.size() - 1;
    }
    command(runtime::CommandKind::kFinishStep);
    return success();
  }

  /// Who lives where, for the values of this entry that have memory of their own.
  void addMemoryRows(int32_t entryNumber, int32_t variantNumber) {
    for (auto [value, first] : defined_) {
      ir::BufferAttr place = passes::bufferOf(value);
      if (place.getSpace() != ir::MemorySpace::Arena || value.getDefiningOp<ir::ReshapeOp>()) continue;
      int32_t last = std::max(first, lastUse_.lookup(value));
      for (Operation* user : value.getUsers())
        if (isa<ir::OutputOp>(user)) last = variant_.commands.size() - 1;
      addMemoryRow(nameOf(value), place, first, last);
    }
    for (runtime::PlannedBuffer& row : rows_) {
      row.entry = entryNumber;
      row.variant = variantNumber;
    }
    llvm::append_range(spec_.memory_plan, rows_);
  }

private:
  void addMemoryRow(std::string name, ir::BufferAttr place, int32_t first, int32_t last) {
    runtime::PlannedBuffer& row = rows_.emplace_back();
    row.name = std::move(name);
    row.offset = place.getOffset();
    row.bytes = place.getBytes();
    row.first_command = first;
    row.last_command = last;
  }

  runtime::Command& command(runtime::CommandKind kind) {
    runtime::Command& added = variant_.commands.emplace_back();
    added.kind = kind;
    return added;
  }

  /// "grads[2]" for a tensor of a multi-tensor role, "input numeric", else the kernel that makes it.
  std::string nameOf(Value value) {
    for (OpOperand& use : value.getUses()) {
      auto launch = dyn_cast<ir::LaunchOp>(use.getOwner());
      if (!launch) continue;
      for (const passes::KernelBuffer& buffer : passes::kernelBuffers(kernelOf(launch)))
        if (buffer.isRole && !buffer.isResult && use.getOperandNumber() >= buffer.first &&
            use.getOperandNumber() < buffer.first + buffer.count)
          return (buffer.role + "[" + Twine(use.getOperandNumber() - buffer.first) + "]").str();
    }
    Operation* op = value.getDefiningOp();
    if (auto input = dyn_cast<ir::InputOp>(op)) return ("input " + input.getInput()).str();
    if (auto load = dyn_cast<ir::LoadOp>(op)) return "copy of " + load.getState().getLeafReference().str();
    auto launch = dyn_cast<ir::LaunchOp>(op);
    if (!launch) return "copy";
    unsigned number = cast<OpResult>(value).getResultNumber();
    for (const passes::KernelBuffer& buffer : passes::kernelBuffers(kernelOf(launch)))
      if (buffer.isRole && buffer.isResult && number >= buffer.first && number < buffer.first + buffer.count)
        return (buffer.role + "[" + Twine(number - buffer.first) + "]").str();
    std::string name = launch.getKernel().str();
    return launch.getNumResults() > 1 ? name + "#" + std::to_string(number) : name;
  }

  ir::KernelOp kernelOf(ir::LaunchOp launch) { return symbols_.lookup<ir::KernelOp>(launch.getKernel()); }

  LogicalResult emit(Operation* op) {
    if (auto launch = dyn_cast<ir::LaunchOp>(op)) return emitLaunch(launch);
    if (auto input = dyn_cast<ir::InputOp>(op)) {
      auto source = input->getAttrOfType<ir::BufferAttr>(passes::kSourceAttr);
      move(op, runtime::CommandKind::kReadSlot, source, passes::bufferOf(input.getResult()), input.getType());
    } else if (auto load = dyn_cast<ir::LoadOp>(op)) {
      move(op, runtime::CommandKind::kCopy, passes::placeOf(program_.lookupState(load.getState())),
           passes::bufferOf(load.getResult()), load.getType());
    } else if (auto store = dyn_cast<ir::StoreOp>(op)) {
      move(op, runtime::CommandKind::kCopy, passes::bufferOf(store.getValue()),
           passes::placeOf(program_.lookupState(store.getState())), store.getValue().getType());
    } else if (isa<ir::ReportOp, ir::OutputOp>(op)) {
      move(op, runtime::CommandKind::kCopy, passes::bufferOf(op->getOperand(0)), passes::placeOf(op),
           op->getOperand(0).getType());
    } else if (auto reshape = dyn_cast<ir::ReshapeOp>(op)) {
      move(op, runtime::CommandKind::kCopy, passes::bufferOf(reshape.getOperand()),
           passes::bufferOf(reshape.getResult()), reshape.getType());
    } else if (!isa<ir::ControlReadOp, ir::ConstantOp, ir::YieldOp>(op)) {
      return op->emitError("has no command; was FormKernels run?");
    }
    return success();
  }

  /// A copy, unless source and destination are one place.
  void move(Operation* op, runtime::CommandKind kind, ir::BufferAttr from, ir::BufferAttr to, Type type) {
    if (from == to) return;
    runtime::Command& copy = command(kind);
    copy.operands = {operandAt(from, type, runtime::Access::kRead),
                     operandAt(to, type, runtime::Access::kWrite)};
    copy.bytes_moved = 2 * from.getBytes();
    for (int64_t id : ir::tracedOps(op))
      copy.ops.push_back(id);
  }

  LogicalResult emitLaunch(ir::LaunchOp launch) {
    auto found = code_.launches.find(launch.getKernel());
    if (found == code_.launches.end())
      return launch.emitError("kernel '") << launch.getKernel() << "' has no code";
    const KernelLaunch& plan = found->second;
    ir::KernelOp kernel = kernelOf(launch);

    runtime::Command common;
    common.kind = runtime::CommandKind::kLaunch;
    common.sizes.assign(plan.sizes.begin(), plan.sizes.end());
    for (int64_t id : ir::tracedOps(launch))
      common.ops.push_back(id);
    for (const passes::KernelBuffer& buffer : passes::kernelBuffers(kernel))
      common.operands.push_back(place(launch, buffer));
    uint16_t result = 0;
    for (runtime::Operand& operand : common.operands)
      if (operand.access == runtime::Access::kWrite && common.ops.size() == 1)
        operand.op_id = common.ops.front(), operand.result = result++;
    for (ir::BufferAttr at : passes::temporaryPlaces(launch)) {
      runtime::Operand& temporary = common.operands.emplace_back();
      temporary.space = convert(at.getSpace());
      temporary.access = runtime::Access::kReadWrite;
      temporary.offset = at.getOffset();
      temporary.bytes = at.getBytes();
    }

    std::vector<runtime::KernelOperand> touched = touchedBy(kernel, plan);
    int32_t first = variant_.commands.size();
    auto add = [&](const KernelRun& run, StringRef family) {
      runtime::Command& command = variant_.commands.emplace_back(common);
      command.kernel = run.function;
      command.num_units = run.numUnits;
      command.num_chunks = run.numChunks;
      command.flops = run.flops;
      command.bytes_moved = run.bytesMoved;
      addShape(command, touched);
      runtime::Kernel& record = spec_.kernels[run.function];
      record.family = family.str();
      for (int32_t id : command.ops)
        if (!llvm::is_contained(record.ops, id)) record.ops.push_back(id);
    };
    if (plan.prepare) add(*plan.prepare, "prepare");
    if (plan.library)
      addCall(*plan.library, common);
    else
      add(plan.run, ir::stringifyFusionKind(kernel.getKind()));
    if (plan.combine) add(*plan.combine, "combine");
    for (auto [temporary, at] :
         llvm::zip_equal(passes::temporariesOf(kernel), passes::temporaryPlaces(launch)))
      addMemoryRow(temporary.getPurpose().str() + " of " + kernel.getSymName().str(), at, first,
                   variant_.commands.size() - 1);
    return success();
  }

  /// The call of a library on the buffers of a launch.
  void addCall(const LibraryRun& run, const runtime::Command& launch) {
    const auto written = static_cast<size_t>(runtime::written_by(code_.plans[run.plan].convolution.product));
    runtime::Command& call = command(runtime::CommandKind::kLibrary);
    call.plan = static_cast<int32_t>(run.plan);
    call.ops = launch.ops;
    call.flops = run.flops;
    call.bytes_moved = run.bytesMoved;
    for (auto [role, buffer] : llvm::enumerate(run.buffers)) {
      runtime::Operand operand = buffer < 0 ? runtime::Operand() : launch.operands[buffer];
      const bool isWorkspace = role == static_cast<size_t>(runtime::ConvOperand::kWorkspace);
      operand.access = isWorkspace       ? runtime::Access::kReadWrite
                       : role == written ? runtime::Access::kWrite
                                         : runtime::Access::kRead;
      call.operands.push_back(operand);
    }
  }

  /// What the kernel's code does with each buffer, from its types alone; temporaries last.
  static std::vector<runtime::KernelOperand> touchedBy(ir::KernelOp kernel, const KernelLaunch& plan) {
    std::vector<runtime::KernelOperand> touched;
    for (const passes::KernelBuffer& buffer : passes::kernelBuffers(kernel)) {
      Type type = (buffer.isResult ? kernel.getResultTypes() : kernel.getArgumentTypes())[buffer.first];
      uint64_t bytes = passes::bytesOf(type);
      if (buffer.isRole) // a region of padded tensors: sizes[0] elements
        bytes = plan.sizes.front() * runtime::dtype_bytes(dtypeOf(type));
      touched.push_back({bytes, buffer.isResult ? runtime::Access::kWrite : runtime::Access::kRead});
    }
    for (ir::TemporaryAttr temporary : passes::temporariesOf(kernel))
      touched.push_back({static_cast<uint64_t>(temporary.getBytes()), runtime::Access::kReadWrite});
    return touched;
  }

  /// Launches of one kernel with the same sizes are one shape.
  void addShape(const runtime::Command& run, const std::vector<runtime::KernelOperand>& operands) {
    runtime::LaunchShape shape{run.sizes, run.num_units, operands};
    std::vector<runtime::LaunchShape>& shapes = spec_.kernels[run.kernel].shapes;
    auto known = llvm::find_if(shapes, [&](const runtime::LaunchShape& other) {
      return other.sizes == shape.sizes && other.num_units == shape.num_units;
    });
    if (known == shapes.end()) {
      shapes.push_back(std::move(shape));
      return;
    }
    // The length of a table is no part of code that looks up rows of it: one function serves several.
    for (auto [least, other] : llvm::zip_equal(known->operands, shape.operands))
      least.bytes = std::min(least.bytes, other.bytes);
  }

  /// The memory behind one buffer of a launch: for a role the whole region, from its first tensor to the end
  /// of the padding of its last.
  runtime::Operand place(ir::LaunchOp launch, const passes::KernelBuffer& buffer) {
    auto valueAt = [&](unsigned i) {
      return buffer.isResult ? Value(launch.getResult(i)) : launch.getInputs()[i];
    };
    Value first = valueAt(buffer.first);
    runtime::Operand operand = operandAt(passes::bufferOf(first), first.getType(),
                                         buffer.isResult ? runtime::Access::kWrite : runtime::Access::kRead);
    if (!buffer.isRole) return operand;
    uint64_t end = 0;
    for (unsigned i = buffer.first; i < buffer.first + buffer.count; ++i) {
      ir::BufferAttr at = passes::bufferOf(valueAt(i));
      operand.offset = std::min<uint64_t>(operand.offset, at.getOffset());
      end = std::max<uint64_t>(end, at.getOffset() + passes::alignTo64(at.getBytes()));
    }
    operand.bytes = end - operand.offset;
    return operand;
  }

  ir::EntryOp entry_;
  ir::ProgramOp program_;
  SymbolTable symbols_;
  const KernelCode& code_;
  runtime::ArtifactSpec& spec_;
  runtime::Variant& variant_;
  llvm::MapVector<Value, int32_t> defined_;
  llvm::DenseMap<Value, int32_t> lastUse_;
  std::vector<runtime::PlannedBuffer> rows_; ///< of the memory plan
};

} // namespace

LogicalResult emitCommands(ir::EntryOp entry, const KernelCode& code, int32_t entryNumber,
                           int32_t variantNumber, runtime::ArtifactSpec& spec, runtime::Variant& variant) {
  CommandEmitter emitter(entry, code, spec, variant);
  if (failed(emitter.run())) return failure();
  emitter.addMemoryRows(entryNumber, variantNumber);
  return success();
}

} // namespace tailor::backend
