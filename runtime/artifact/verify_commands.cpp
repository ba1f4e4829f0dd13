// Kernels and command lists: what an executor would follow without looking.
#include "runtime/artifact/verify_rules.h"
#include "runtime/base/entry_names.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

constexpr std::uint32_t kMaxChunks = 1u << 16;
constexpr std::size_t kMaxOperands = 4096;
constexpr std::size_t kMaxShapes = 1024;        ///< of one kernel
constexpr std::size_t kMaxPlanBytes = 1u << 16; ///< those of cuDNN 9.19 take below 2 KiB
constexpr int kMaxRepeatDepth = 8;
/// Repeats of repeats end within a lifetime.
constexpr std::uint64_t kMaxCommandsRun = std::uint64_t{1} << 32;

class CommandChecker {
public:
  CommandChecker(const ArtifactSpec& spec, std::uint64_t constant_bytes)
      : spec_(spec), constant_bytes_(constant_bytes) {}

  Status kernels(std::uint64_t code_bytes) const {
    std::vector<Extent> code;
    const bool gpu = spec_.target.backend == "cuda";
    for (const Kernel& kernel : spec_.kernels) {
      // What a driver would refuse, or divide by.
      if (gpu ? kernel.threads == 0 || kernel.threads % 32 != 0 || kernel.threads > 1024 ||
                    kernel.blocks > 0x7FFFFFFFu || (kernel.blocks == 0 && !kernel.shapes.empty())
              : kernel.threads != 0 || kernel.blocks != 0)
        return invalid_argument("kernel '", kernel.name, "' is launched as ", kernel.blocks, " blocks of ",
                                kernel.threads, " threads on target '", spec_.target.backend, "'");
      if (kernel.code_bytes == 0 || !fits(kernel.code_offset, kernel.code_bytes, code_bytes))
        return invalid_argument("kernel '", kernel.name, "' at ", kernel.code_offset, " + ",
                                kernel.code_bytes, " is outside the code section of ", code_bytes, " bytes");
      if (kernel.scratch_bytes > kMaxSpaceBytes >> 8)
        return invalid_argument("kernel '", kernel.name, "' wants ", kernel.scratch_bytes,
                                " bytes of scratch");
      TAILOR_RETURN_IF_ERROR(check_op_ids(spec_, kernel.ops), concat("kernel '", kernel.name, "'"));
      TAILOR_RETURN_IF_ERROR(shapes(kernel), concat("kernel '", kernel.name, "'"));
      code.push_back({kernel.code_offset, kernel.code_bytes, kernel.name});
    }
    TAILOR_RETURN_IF_ERROR_AS_IS(check_unique(spec_.kernels, "kernel"));
    // Kernels of the same code are one record: what is shown of one must not be inside another.
    return check_disjoint(std::move(code), "kernel");
  }

  /// A library is given nothing that it would have to be trusted to refuse.
  Status library_plans() const {
    for (std::size_t i = 0; i < spec_.library_plans.size(); ++i) {
      const LibraryPlan& plan = spec_.library_plans[i];
      const std::string where = concat("library plan ", i);
      TAILOR_RETURN_IF_ERROR(check(plan.convolution), where);
      if (plan.workspace_bytes > kMaxSpaceBytes || plan.plan.size() > kMaxPlanBytes)
        return invalid_argument(where, ": a workspace of ", plan.workspace_bytes, " bytes for a plan of ",
                                plan.plan.size());
      if (plan.library != "cudnn")
        return incompatible(where, ": library '", plan.library, "' is none that this version knows");
      const std::string_view text(reinterpret_cast<const char*>(plan.plan.data()), plan.plan.size());
      TAILOR_ASSIGN_OR_RETURN(const ConvPlan planned, conv_plan_of_cudnn(text), where);
      TAILOR_RETURN_IF_ERROR(check_same(plan.convolution, planned), where);
    }
    return {};
  }

  Status entry(const Entry& entry) {
    if (entry.kind == EntryKind::kInit || entry.kind == EntryKind::kFeatures)
      return unimplemented("entries of kind ", to_string(entry.kind),
                           " are not supported: nothing runs them");
    if (entry.kind == EntryKind::kBatchNormRecompute &&
        std::none_of(spec_.entries.begin(), spec_.entries.end(), [&](const Entry& eval) {
          return eval.kind == EntryKind::kEval && statistics_entry_name(eval.name) == entry.name;
        }))
      return invalid_argument("it recomputes the running statistics of no eval entry");
    for (std::size_t i = 0; i < entry.variants.size(); ++i) {
      const Variant& v = entry.variants[i];
      if (i > 0 && v.batch <= entry.variants[i - 1].batch)
        return invalid_argument("batch ", v.batch, " follows batch ", entry.variants[i - 1].batch);
      TAILOR_RETURN_IF_ERROR(variant(v), concat("batch ", v.batch));
    }
    return {};
  }

private:
  std::uint64_t space_bytes(Space space) const {
    switch (space) {
    case Space::kState:
      return spec_.memory.state;
    case Space::kArena:
      return spec_.memory.arena;
    case Space::kControl:
      return spec_.memory.control;
    case Space::kMetrics:
      return spec_.memory.metrics;
    case Space::kSlot:
      return spec_.memory.slot;
    case Space::kConstant:
      return constant_bytes_;
    }
    return 0;
  }

  static Status shapes(const Kernel& kernel) {
    if (kernel.vector_bits % 32 != 0 || kernel.vector_bits > 4096)
      return invalid_argument("its code has ", kernel.vector_bits, "-bit vectors");
    constexpr std::uint32_t kMostResident = 32, kMostShared = 232448; // of any multiprocessor; of one block
    if (kernel.threads == 0
            ? kernel.resident != 0 || kernel.shared_bytes != 0 || kernel.tensor_cores != TensorCores::kNone
            : kernel.resident > kMostResident || kernel.shared_bytes > kMostShared)
      return invalid_argument("blocks of ", kernel.threads, " threads take ", kernel.shared_bytes,
                              " bytes of shared memory, ", kernel.resident, " of them a multiprocessor");
    if (kernel.shapes.size() > kMaxShapes) return invalid_argument(kernel.shapes.size(), " shapes");
    for (std::size_t i = 0; i < kernel.shapes.size(); ++i) {
      const LaunchShape& shape = kernel.shapes[i];
      if (shape.num_units < 0 || shape.operands.size() > kMaxOperands || shape.sizes.size() > kMaxOperands)
        return invalid_argument("shape ", i, " has ", shape.num_units, " units, ", shape.operands.size(),
                                " operands and ", shape.sizes.size(), " sizes");
      for (const std::int64_t size : shape.sizes)
        if (size < 0) return invalid_argument("shape ", i, " has size ", size);
      for (std::size_t other = 0; other < i; ++other)
        if (kernel.shapes[other].sizes == shape.sizes && kernel.shapes[other].num_units == shape.num_units)
          return invalid_argument("shapes ", other, " and ", i, " are for the same launch");
    }
    return {};
  }

  Status operand(const Operand& o, CommandKind kind, std::uint32_t num_chunks) const {
    if (!fits(o.offset, o.bytes, space_bytes(o.space)))
      return invalid_argument(o.offset, " + ", o.bytes, " is outside the ", space_bytes(o.space),
                              " bytes of space '", to_string(o.space), "'");
    const std::uint64_t size = dtype_bytes(o.dtype);
    if (o.offset % size != 0 || o.chunk_stride % size != 0)
      return invalid_argument("offset ", o.offset, " is unaligned for ", to_string(o.dtype));
    // Kernels of a GPU read and write 16 bytes at once, and have no chunks.
    if (spec_.target.backend == "cuda" && (kind == CommandKind::kLaunch || kind == CommandKind::kLibrary) &&
        (o.offset % 64 != 0 || o.chunk_stride != 0 || num_chunks != 1))
      return invalid_argument("offset ", o.offset, " in ", num_chunks,
                              " chunks is none of a launch on a GPU");
    if (o.chunk_stride != 0 && o.chunk_stride > o.bytes / num_chunks)
      return invalid_argument(num_chunks, " chunks of ", o.chunk_stride, " bytes do not fit ", o.bytes);
    const bool writes = o.access != Access::kRead;
    if (o.space == Space::kConstant && writes) return invalid_argument("writes a constant");
    if (o.space == Space::kControl && writes && o.bytes > 0 && o.offset < spec_.memory.control_host)
      return invalid_argument("writes the host part of the control row");
    if (o.space == Space::kSlot && (kind != CommandKind::kReadSlot || writes))
      return invalid_argument("touches a batch slot outside read_slot");
    if (o.op_id != -1) return check_op_ids(spec_, {o.op_id});
    return {};
  }

  /// Members that belong to other kinds of commands have their defaults.
  Status only_its_own(const Command& c) const {
    const auto refuse = [](const char* what, auto value) {
      return invalid_argument("has ", what, " ", value, ", which it does not take");
    };
    if (c.kind != CommandKind::kLaunch) {
      if (c.kernel != -1) return refuse("kernel", c.kernel);
      if (!c.sizes.empty()) return refuse("sizes:", c.sizes.size());
      if (c.num_units != 0) return refuse("work units:", c.num_units);
      if (c.num_chunks != 1) return refuse("chunks:", c.num_chunks);
    }
    if (c.kind != CommandKind::kLibrary && c.plan != -1) return refuse("library plan", c.plan);
    if (c.kind != CommandKind::kFill && c.fill_word != 0) return refuse("fill word", c.fill_word);
    if (c.kind != CommandKind::kRepeat && c.count != 0) return refuse("count", c.count);
    if (c.kind != CommandKind::kRepeat && c.body_length != 0) return refuse("body length", c.body_length);
    return {};
  }

  /// A launch is one of its kernel's shapes, and gives each operand what that shape touches.
  Status launch(const Command& c, const Kernel& kernel) const {
    const auto shape =
        std::find_if(kernel.shapes.begin(), kernel.shapes.end(), [&](const LaunchShape& candidate) {
          return candidate.sizes == c.sizes && candidate.num_units == c.num_units;
        });
    if (shape == kernel.shapes.end()) {
      std::string sizes;
      for (const std::int64_t size : c.sizes)
        sizes += concat(sizes.empty() ? "" : ", ", size);
      return invalid_argument("kernel '", kernel.name, "' is not made for sizes (", sizes, ") and ",
                              c.num_units, " units");
    }
    if (c.operands.size() != shape->operands.size())
      return invalid_argument("kernel '", kernel.name, "' takes ", shape->operands.size(), " operands, ",
                              c.operands.size(), " are given");
    for (std::size_t i = 0; i < c.operands.size(); ++i) {
      const Operand& given = c.operands[i];
      const KernelOperand& taken = shape->operands[i];
      // operand() has made sure that the chunks fit.
      const std::uint64_t available = given.bytes - (c.num_chunks - 1) * given.chunk_stride;
      if (available < taken.bytes)
        return invalid_argument("operand ", i, ": kernel '", kernel.name, "' needs ", taken.bytes, " bytes, ",
                                available, " are given");
      if (taken.access != Access::kRead && given.access == Access::kRead)
        return invalid_argument("operand ", i, ": kernel '", kernel.name, "' writes what is given to read");
    }
    return {};
  }

  /// Each operand is as large as the plan takes it, and what the call writes is nothing that it reads.
  static Status library(const Command& c, const LibraryPlan& plan) {
    const auto sizes = operand_bytes(plan.convolution);
    const std::size_t written = static_cast<std::size_t>(written_by(plan.convolution.product)),
                      workspace = static_cast<std::size_t>(ConvOperand::kWorkspace);
    for (std::size_t i = 0; i < kNumConvOperands; ++i) {
      const Operand& given = c.operands[i];
      const std::uint64_t taken = i == workspace ? plan.workspace_bytes : sizes[i];
      if (given.bytes < taken)
        return invalid_argument("operand ", i, ": the plan needs ", taken, " bytes, ", given.bytes,
                                " are given");
      const bool writes = i == written || i == workspace;
      if (writes == (given.access == Access::kRead))
        return invalid_argument("operand ", i, ": the plan ", writes ? "writes" : "reads", " it");
      for (std::size_t other = 0; writes && other < kNumConvOperands; ++other) {
        const Operand& against = c.operands[other];
        if (other != i && given.space == against.space && given.offset < against.offset + against.bytes &&
            against.offset < given.offset + given.bytes)
          return invalid_argument("operands ", i, " and ", other, " of a library call share memory");
      }
    }
    return {};
  }

  Status command(const Command& c) const {
    if (c.operands.size() > kMaxOperands) return invalid_argument(c.operands.size(), " operands");
    if (c.num_chunks == 0 || c.num_chunks > kMaxChunks || c.num_units < 0)
      return invalid_argument(c.num_units, " units in ", c.num_chunks, " chunks");
    for (std::size_t i = 0; i < c.operands.size(); ++i)
      TAILOR_RETURN_IF_ERROR(operand(c.operands[i], c.kind, c.num_chunks), concat("operand ", i));
    TAILOR_RETURN_IF_ERROR_AS_IS(check_op_ids(spec_, c.ops));
    TAILOR_RETURN_IF_ERROR_AS_IS(only_its_own(c));
    const auto wants = [&](std::size_t count) -> Status {
      if (c.operands.size() == count) return {};
      return invalid_argument("has ", c.operands.size(), " operands, takes ", count);
    };
    switch (c.kind) {
    case CommandKind::kBeginStep:
    case CommandKind::kFinishStep:
      return wants(0);
    case CommandKind::kReadSlot:
    case CommandKind::kCopy:
      TAILOR_RETURN_IF_ERROR_AS_IS(wants(2));
      if ((c.operands[0].space == Space::kSlot) != (c.kind == CommandKind::kReadSlot))
        return invalid_argument("reads space '", to_string(c.operands[0].space), "'");
      if (c.operands[0].bytes != c.operands[1].bytes || c.operands[0].access != Access::kRead ||
          c.operands[1].access != Access::kWrite)
        return invalid_argument("copies ", c.operands[0].bytes, " bytes to ", c.operands[1].bytes);
      return {};
    case CommandKind::kFill:
      TAILOR_RETURN_IF_ERROR_AS_IS(wants(1));
      if (c.operands[0].bytes % 4 != 0 || c.operands[0].offset % 4 != 0 ||
          c.operands[0].access != Access::kWrite)
        return invalid_argument("fills ", c.operands[0].bytes, " bytes at ", c.operands[0].offset);
      return {};
    case CommandKind::kLaunch:
      if (!valid_index(c.kernel, spec_.kernels))
        return invalid_argument("kernel ", c.kernel, " of ", spec_.kernels.size());
      return launch(c, spec_.kernels[static_cast<std::size_t>(c.kernel)]);
    case CommandKind::kLibrary:
      if (!valid_index(c.plan, spec_.library_plans))
        return invalid_argument("library plan ", c.plan, " of ", spec_.library_plans.size());
      TAILOR_RETURN_IF_ERROR_AS_IS(wants(kNumConvOperands));
      return library(c, spec_.library_plans[static_cast<std::size_t>(c.plan)]);
    case CommandKind::kRepeat:
      if (c.count == 0 || c.body_length == 0) return invalid_argument("repeats nothing");
      return wants(0);
    }
    return {};
  }

  /// Repeat bodies lie within their parent, and neither begin nor finish a step.
  Status check_commands(const std::vector<Command>& commands, std::size_t begin, std::size_t end, int depth,
                        std::uint64_t times) {
    if (depth > kMaxRepeatDepth) return invalid_argument("repeats are nested deeper than ", kMaxRepeatDepth);
    for (std::size_t i = begin; i < end; ++i) {
      const Command& c = commands[i];
      const std::string where = concat("command ", i, " (", to_string(c.kind), ")");
      TAILOR_RETURN_IF_ERROR(command(c), where);
      num_run_ += times;
      if (num_run_ > kMaxCommandsRun)
        return invalid_argument(where, ": a step would run more than ", kMaxCommandsRun, " commands");
      if (depth > 0 && (c.kind == CommandKind::kBeginStep || c.kind == CommandKind::kFinishStep))
        return invalid_argument(where, ": inside a repeat");
      if (c.kind == CommandKind::kRepeat) {
        if (c.body_length > end - i - 1)
          return invalid_argument(where, ": its body of ", c.body_length, " commands passes the end");
        TAILOR_RETURN_IF_ERROR_AS_IS(check_commands(commands, i + 1, i + 1 + c.body_length, depth + 1,
                                                    std::min(times * c.count, kMaxCommandsRun + 1)));
        i += c.body_length;
      }
    }
    return {};
  }

  Status variant(const Variant& v) {
    if (v.batch < 0 || v.batch > INT32_MAX) return invalid_argument("impossible batch");
    TAILOR_RETURN_IF_ERROR_AS_IS(check_unique(v.slot_fields, "slot field"));
    std::vector<Extent> extents;
    for (const SlotField& field : v.slot_fields) {
      TAILOR_RETURN_IF_ERROR(check_bytes(field.shape, field.dtype, field.bytes, field.name), "slot field");
      if (!fits(field.offset, field.bytes, spec_.memory.slot) || field.offset % 64 != 0 ||
          field.shape.empty() || field.shape[0] != v.batch)
        return invalid_argument("slot field '", field.name, "' at ", field.offset, " + ", field.bytes,
                                " does not fit a slot of ", spec_.memory.slot, " bytes or the batch");
      extents.push_back({field.offset, field.bytes, field.name});
    }
    TAILOR_RETURN_IF_ERROR_AS_IS(check_disjoint(std::move(extents), "slot field"));
    TAILOR_RETURN_IF_ERROR_AS_IS(check_unique(v.outputs, "output"));
    for (const Output& output : v.outputs) {
      TAILOR_RETURN_IF_ERROR(check_bytes(output.shape, output.dtype, output.place.bytes, output.name),
                             "output");
      TAILOR_RETURN_IF_ERROR(operand(output.place, CommandKind::kCopy, 1),
                             concat("output '", output.name, "'"));
    }
    for (const std::int32_t metric : v.metrics)
      if (!valid_index(metric, spec_.metrics))
        return invalid_argument("metric ", metric, " of ", spec_.metrics.size());
    if (v.commands.empty()) return {};
    num_run_ = 0;
    TAILOR_RETURN_IF_ERROR_AS_IS(check_commands(v.commands, 0, v.commands.size(), 0, 1));
    const auto count = [&](CommandKind kind) {
      return std::count_if(v.commands.begin(), v.commands.end(),
                           [&](const Command& c) { return c.kind == kind; });
    };
    if (v.commands.front().kind != CommandKind::kBeginStep ||
        v.commands.back().kind != CommandKind::kFinishStep || count(CommandKind::kBeginStep) != 1 ||
        count(CommandKind::kFinishStep) != 1)
      return invalid_argument(
          "a command list begins with its only begin_step and ends with its only finish_step");
    if (count(CommandKind::kReadSlot) > 0 && find_control(spec_, "slot") < 0)
      return invalid_argument("reads a batch slot but the program has no control field 'slot'");
    return {};
  }

  const ArtifactSpec& spec_;
  std::uint64_t constant_bytes_;
  std::uint64_t num_run_ = 0; ///< commands of a step of the variant being checked
};

} // namespace

Status verify_kernels(const ArtifactSpec& spec, std::uint64_t code_bytes) {
  return CommandChecker(spec, 0).kernels(code_bytes);
}

Status verify_library_plans(const ArtifactSpec& spec) {
  return CommandChecker(spec, 0).library_plans();
}

Status verify_entries(const ArtifactSpec& spec, std::uint64_t constant_bytes) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_unique(spec.entries, "entry"));
  CommandChecker checker(spec, constant_bytes);
  for (const Entry& entry : spec.entries)
    TAILOR_RETURN_IF_ERROR(checker.entry(entry), concat("entry '", entry.name, "'"));
  return {};
}

} // namespace tailor::runtime
