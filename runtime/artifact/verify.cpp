#include "runtime/artifact/reader.h"

#include <algorithm>
#include <set>

namespace tailor::runtime {
namespace {

/// No program of ours comes near; keeps sizes that pass the checks small enough to add up without overflow.
constexpr std::uint64_t kMaxSpaceBytes = std::uint64_t{1} << 46;
constexpr std::uint32_t kMaxChunks = 1u << 16;
constexpr std::size_t kMaxOperands = 4096;
constexpr int kMaxRepeatDepth = 8;

template <class Records> bool valid_index(std::int64_t index, const Records& records) {
  return index >= 0 && static_cast<std::uint64_t>(index) < records.size();
}

bool fits(std::uint64_t offset, std::uint64_t bytes, std::uint64_t size) {
  return offset <= size && bytes <= size - offset;
}

template <class Records> Status check_unique(const Records& records, const char* what) {
  std::set<std::string_view> names;
  for (const auto& record : records) {
    if (record.name.empty()) return invalid_argument("a ", what, " has no name");
    if (!names.insert(record.name).second)
      return invalid_argument("two ", what, "s are named '", record.name, "'");
  }
  return {};
}

class Checker {
public:
  Checker(const ArtifactSpec& spec, std::uint64_t code_bytes, std::uint64_t constant_bytes)
      : spec_(spec), code_bytes_(code_bytes), constant_bytes_(constant_bytes) {}

  Status check() {
    TAILOR_RETURN_IF_ERROR_AS_IS(memory());
    TAILOR_RETURN_IF_ERROR_AS_IS(schema());
    TAILOR_RETURN_IF_ERROR_AS_IS(states());
    TAILOR_RETURN_IF_ERROR_AS_IS(control());
    TAILOR_RETURN_IF_ERROR_AS_IS(metrics());
    TAILOR_RETURN_IF_ERROR_AS_IS(kernels());
    TAILOR_RETURN_IF_ERROR_AS_IS(check_unique(spec_.entries, "entry"));
    for (const Entry& entry : spec_.entries)
      for (std::size_t v = 0; v < entry.variants.size(); ++v)
        TAILOR_RETURN_IF_ERROR(variant(entry, entry.variants[v]),
                               concat("entry '", entry.name, "', batch ", entry.variants[v].batch));
    for (const Stage& stage : spec_.stages)
      TAILOR_RETURN_IF_ERROR(check_stage(stage), concat("stage '", stage.name, "'"));
    return check_unique(spec_.stages, "stage");
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

  Status memory() const {
    const MemorySizes& m = spec_.memory;
    for (const std::uint64_t bytes : {m.state, m.arena, m.control, m.metrics, m.slot})
      if (bytes > kMaxSpaceBytes)
        return invalid_argument("a memory space of ", bytes, " bytes is impossible");
    if (m.control_host > m.control)
      return invalid_argument("the host part of the control row has ", m.control_host, " of ", m.control,
                              " bytes");
    return {};
  }

  Status schema() const {
    const DataSchema& s = spec_.schema;
    if (s.num_classes < 0 || s.num_classes > (1 << 24))
      return invalid_argument("schema: ", s.num_classes, " classes");
    if (!s.class_names.empty() && s.class_names.size() != static_cast<std::size_t>(s.num_classes))
      return invalid_argument("schema: ", s.class_names.size(), " class names for ", s.num_classes,
                              " classes");
    if (s.positive_class < -1 || s.positive_class >= std::max(s.num_classes, 1))
      return invalid_argument("schema: positive class ", s.positive_class, " of ", s.num_classes);
    for (const Column& column : s.columns)
      if (column.position < 0 || column.capacity < 0)
        return invalid_argument("schema: column '", column.name, "' has position ", column.position,
                                " and capacity ", column.capacity);
    if (s.image_height < 0 || s.image_width < 0 || s.image_channels < 0)
      return invalid_argument("schema: image of ", s.image_height, " x ", s.image_width, " x ",
                              s.image_channels);
    return {};
  }

  Status shape_bytes(const std::vector<std::int64_t>& shape, DType dtype, std::uint64_t bytes,
                     const std::string& name) const {
    std::uint64_t elements = 0, wanted = 0;
    if (!num_elements(shape, elements) || __builtin_mul_overflow(elements, dtype_bytes(dtype), &wanted))
      return invalid_argument("'", name, "': its shape overflows");
    if (wanted != bytes)
      return invalid_argument("'", name, "': its shape takes ", wanted, " bytes but ", bytes, " are stored");
    return {};
  }

  Status states() const {
    TAILOR_RETURN_IF_ERROR_AS_IS(check_unique(spec_.groups, "state group"));
    std::set<std::string> names;
    std::vector<std::pair<std::uint64_t, const State*>> order;
    for (std::size_t i = 0; i < spec_.states.size(); ++i) {
      const State& state = spec_.states[i];
      if (!valid_index(state.group, spec_.groups))
        return invalid_argument("state '", state.name, "' is in group ", state.group, " of ",
                                spec_.groups.size());
      if (state.name.empty() || !names.insert(checkpoint_name(spec_, state)).second)
        return invalid_argument("two states are named '", state.name, "'");
      TAILOR_RETURN_IF_ERROR(shape_bytes(state.shape, state.dtype, state.bytes, state.name), "state");
      if (state.dtype == DType::kBF16 || state.dtype == DType::kI1)
        return invalid_argument("state '", state.name, "' is ", to_string(state.dtype),
                                ": state is f32, f64, i32 or i64");
      if (!fits(state.offset, state.bytes, spec_.memory.state) || state.offset % 64 != 0)
        return invalid_argument("state '", state.name, "' at ", state.offset, " + ", state.bytes,
                                " does not fit ", spec_.memory.state, " bytes of state in steps of 64");
      const bool random = state.init.kind == InitKind::kUniform || state.init.kind == InitKind::kNormal ||
                          state.init.kind == InitKind::kTruncatedNormal;
      if (random && state.dtype != DType::kF32 && state.dtype != DType::kF64)
        return invalid_argument("state '", state.name, "' is ", to_string(state.dtype), " but initialised ",
                                to_string(state.init.kind));
      if (state.init.kind == InitKind::kCopyOf) {
        // Sources come first, so a chain of copies ends and one pass in order initialises everything.
        const std::int32_t source = state.init.source_state;
        if (source < 0 || static_cast<std::size_t>(source) >= i)
          return invalid_argument("state '", state.name, "' copies state ", source,
                                  ", which does not precede it");
        if (spec_.states[static_cast<std::size_t>(source)].dtype != state.dtype ||
            spec_.states[static_cast<std::size_t>(source)].shape != state.shape)
          return invalid_argument("state '", state.name, "' copies a state of another type or shape");
      }
      if (state.bytes > 0) order.emplace_back(state.offset, &state);
    }
    std::sort(order.begin(), order.end());
    for (std::size_t i = 1; i < order.size(); ++i)
      if (order[i - 1].first + order[i - 1].second->bytes > order[i].first)
        return invalid_argument("states '", order[i - 1].second->name, "' and '", order[i].second->name,
                                "' overlap");
    return {};
  }

  template <class Field> Status field_fits(const Field& field, std::uint64_t begin, std::uint64_t end) const {
    const std::uint64_t size = dtype_bytes(field.dtype);
    const std::uint64_t bytes = size * field.count; // 8 * 2^32 at most
    if (field.count == 0 || field.offset < begin || !fits(field.offset, bytes, end) ||
        field.offset % size != 0)
      return invalid_argument("field '", field.name, "' at ", field.offset, " + ", bytes, " is outside [",
                              begin, ", ", end, ") or unaligned");
    return {};
  }

  Status control() const {
    TAILOR_RETURN_IF_ERROR_AS_IS(check_unique(spec_.control, "control field"));
    for (const ControlField& field : spec_.control) {
      if (field.dtype == DType::kBF16 || field.dtype == DType::kI1)
        return invalid_argument("control field '", field.name, "' is ", to_string(field.dtype));
      const bool host = field.writer == FieldWriter::kHost;
      TAILOR_RETURN_IF_ERROR(field_fits(field, host ? 0 : spec_.memory.control_host,
                                        host ? spec_.memory.control_host : spec_.memory.control),
                             "control row");
      const bool needs_key = field.binding == FieldBinding::kOption ||
                             field.binding == FieldBinding::kSchedule ||
                             field.binding == FieldBinding::kEmaDecay;
      if (needs_key && !spec_.options.contains(field.key))
        return invalid_argument("control field '", field.name, "' is bound to option '", field.key,
                                "', which the program does not have");
      if (host == (field.binding == FieldBinding::kNone))
        return invalid_argument("control field '", field.name, "' is written by the ",
                                host ? "host but bound to nothing" : "device but bound to a host value");
    }
    TAILOR_RETURN_IF_ERROR_AS_IS(builtin("valid", DType::kI32, 1));
    TAILOR_RETURN_IF_ERROR_AS_IS(builtin("slot", DType::kI32, 1));
    TAILOR_RETURN_IF_ERROR_AS_IS(builtin("step", DType::kI32, 1));
    return builtin("rng", DType::kI32, 4);
  }

  /// A well-known field, where present, has the type the runtime writes.
  Status builtin(std::string_view name, DType dtype, std::uint32_t count) const {
    for (const ControlField& field : spec_.control)
      if (field.name == name &&
          (field.dtype != dtype || field.count != count || field.binding != FieldBinding::kBuiltin ||
           field.writer != FieldWriter::kHost))
        return invalid_argument("control field '", name, "' must be ", count, " x ", to_string(dtype),
                                " written by the host");
    return {};
  }

  Status metrics() const {
    TAILOR_RETURN_IF_ERROR_AS_IS(check_unique(spec_.metrics, "metric"));
    for (const MetricField& field : spec_.metrics) {
      if (field.dtype == DType::kBF16 || field.dtype == DType::kI1)
        return invalid_argument("metric '", field.name, "' is ", to_string(field.dtype));
      TAILOR_RETURN_IF_ERROR(field_fits(field, 0, spec_.memory.metrics), "metrics row");
    }
    return {};
  }

  Status kernels() const {
    for (const Kernel& kernel : spec_.kernels) {
      if (kernel.code_bytes == 0 || !fits(kernel.code_offset, kernel.code_bytes, code_bytes_))
        return invalid_argument("kernel '", kernel.name, "' at ", kernel.code_offset, " + ",
                                kernel.code_bytes, " is outside the code section of ", code_bytes_, " bytes");
      if (kernel.scratch_bytes > kMaxSpaceBytes >> 8)
        return invalid_argument("kernel '", kernel.name, "' wants ", kernel.scratch_bytes,
                                " bytes of scratch");
    }
    return check_unique(spec_.kernels, "kernel");
  }

  Status operand(const Operand& o, CommandKind kind, std::uint32_t num_chunks) const {
    if (!fits(o.offset, o.bytes, space_bytes(o.space)))
      return invalid_argument(o.offset, " + ", o.bytes, " is outside the ", space_bytes(o.space),
                              " bytes of space '", to_string(o.space), "'");
    const std::uint64_t size = dtype_bytes(o.dtype);
    if (o.offset % size != 0 || o.chunk_stride % size != 0)
      return invalid_argument("offset ", o.offset, " is unaligned for ", to_string(o.dtype));
    if (o.chunk_stride != 0 && o.chunk_stride > o.bytes / num_chunks)
      return invalid_argument(num_chunks, " chunks of ", o.chunk_stride, " bytes do not fit ", o.bytes);
    const bool writes = o.access != Access::kRead;
    if (o.space == Space::kConstant && writes) return invalid_argument("writes a constant");
    if (o.space == Space::kControl && writes && o.bytes > 0 && o.offset < spec_.memory.control_host)
      return invalid_argument("writes the host part of the control row");
    if (o.space == Space::kSlot && (kind != CommandKind::kReadSlot || writes))
      return invalid_argument("touches a batch slot outside read_slot");
    return {};
  }

  Status command(const Command& c) const {
    if (c.operands.size() > kMaxOperands) return invalid_argument(c.operands.size(), " operands");
    if (c.num_chunks == 0 || c.num_chunks > kMaxChunks || c.num_units < 0)
      return invalid_argument(c.num_units, " units in ", c.num_chunks, " chunks");
    for (std::size_t i = 0; i < c.operands.size(); ++i)
      TAILOR_RETURN_IF_ERROR(operand(c.operands[i], c.kind, c.num_chunks), concat("operand ", i));
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
      return {};
    case CommandKind::kLibrary:
      if (!valid_index(c.plan, spec_.library_plans))
        return invalid_argument("library plan ", c.plan, " of ", spec_.library_plans.size());
      return {};
    case CommandKind::kRepeat:
      if (c.count == 0 || c.body_length == 0) return invalid_argument("repeats nothing");
      return wants(0);
    }
    return {};
  }

  /// Repeat bodies lie within their parent, and neither begin nor finish a step.
  Status check_commands(const std::vector<Command>& commands, std::size_t begin, std::size_t end,
                        int depth) const {
    if (depth > kMaxRepeatDepth) return invalid_argument("repeats are nested deeper than ", kMaxRepeatDepth);
    for (std::size_t i = begin; i < end; ++i) {
      const Command& c = commands[i];
      const std::string where = concat("command ", i, " (", to_string(c.kind), ")");
      TAILOR_RETURN_IF_ERROR(command(c), where);
      if (depth > 0 && (c.kind == CommandKind::kBeginStep || c.kind == CommandKind::kFinishStep))
        return invalid_argument(where, ": inside a repeat");
      if (c.kind == CommandKind::kRepeat) {
        if (c.body_length > end - i - 1)
          return invalid_argument(where, ": its body of ", c.body_length, " commands passes the end");
        TAILOR_RETURN_IF_ERROR_AS_IS(check_commands(commands, i + 1, i + 1 + c.body_length, depth + 1));
        i += c.body_length;
      }
    }
    return {};
  }

  Status variant(const Entry& entry, const Variant& v) const {
    if (v.batch < 0 || v.batch > INT32_MAX) return invalid_argument("impossible batch");
    TAILOR_RETURN_IF_ERROR_AS_IS(check_unique(v.slot_fields, "slot field"));
    for (const SlotField& field : v.slot_fields) {
      TAILOR_RETURN_IF_ERROR(shape_bytes(field.shape, field.dtype, field.bytes, field.name), "slot field");
      if (!fits(field.offset, field.bytes, spec_.memory.slot) || field.offset % 64 != 0 ||
          field.shape.empty() || field.shape[0] != v.batch)
        return invalid_argument("slot field '", field.name, "' at ", field.offset, " + ", field.bytes,
                                " does not fit a slot of ", spec_.memory.slot, " bytes or the batch");
    }
    TAILOR_RETURN_IF_ERROR_AS_IS(check_unique(v.outputs, "output"));
    for (const Output& output : v.outputs) {
      TAILOR_RETURN_IF_ERROR(shape_bytes(output.shape, output.dtype, output.place.bytes, output.name),
                             "output");
      TAILOR_RETURN_IF_ERROR(operand(output.place, CommandKind::kCopy, 1),
                             concat("output '", output.name, "'"));
    }
    for (const std::int32_t metric : v.metrics)
      if (!valid_index(metric, spec_.metrics))
        return invalid_argument("metric ", metric, " of ", spec_.metrics.size());
    if (v.commands.empty()) return {};
    TAILOR_RETURN_IF_ERROR_AS_IS(check_commands(v.commands, 0, v.commands.size(), 0));
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

  Status check_stage(const Stage& stage) const {
    const auto entry_of = [&](std::int32_t index, std::initializer_list<EntryKind> kinds,
                              const char* what) -> Status {
      if (index == -1) return {};
      if (!valid_index(index, spec_.entries))
        return invalid_argument(what, " entry ", index, " of ", spec_.entries.size());
      const Entry& entry = spec_.entries[static_cast<std::size_t>(index)];
      if (std::find(kinds.begin(), kinds.end(), entry.kind) == kinds.end() || entry.variants.empty())
        return invalid_argument("entry '", entry.name, "' of kind ", to_string(entry.kind), " with ",
                                entry.variants.size(), " variants cannot be the ", what, " entry");
      return {};
    };
    if (stage.step_entry == -1) return invalid_argument("has no step entry");
    TAILOR_RETURN_IF_ERROR_AS_IS(entry_of(stage.step_entry, {EntryKind::kStep}, "step"));
    TAILOR_RETURN_IF_ERROR_AS_IS(entry_of(stage.fit_entry, {EntryKind::kFit}, "fit"));
    TAILOR_RETURN_IF_ERROR_AS_IS(entry_of(stage.eval_entry, {EntryKind::kEval}, "eval"));
    TAILOR_RETURN_IF_ERROR_AS_IS(
        entry_of(stage.predict_entry, {EntryKind::kEval, EntryKind::kPredict}, "predict"));
    for (const auto* groups : {&stage.slot_groups, &stage.initialised_groups})
      for (const std::int32_t group : *groups)
        if (!valid_index(group, spec_.groups))
          return invalid_argument("group ", group, " of ", spec_.groups.size());
    return {};
  }

  const ArtifactSpec& spec_;
  std::uint64_t code_bytes_, constant_bytes_;
};

} // namespace

Status verify_spec(const ArtifactSpec& spec, std::uint64_t code_bytes, std::uint64_t constant_bytes) {
  return Checker(spec, code_bytes, constant_bytes).check();
}

} // namespace tailor::runtime
