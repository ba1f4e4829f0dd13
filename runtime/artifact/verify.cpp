#include "runtime/artifact/reader.h"
#include "runtime/artifact/verify_rules.h"

#include <algorithm>
#include <cmath>

namespace tailor::runtime {

/// What states, control fields and metrics may be: f32, f64, i32 or i64.
static bool holds_numbers(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF64 || dtype == DType::kI32 || dtype == DType::kI64;
}

Status check_disjoint(std::vector<Extent> extents, const char* what) {
  std::erase_if(extents, [](const Extent& extent) { return extent.bytes == 0; });
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.offset < b.offset; });
  for (std::size_t i = 1; i < extents.size(); ++i)
    if (extents[i - 1].bytes > extents[i].offset - extents[i - 1].offset)
      return invalid_argument(what, "s '", extents[i - 1].name, "' and '", extents[i].name, "' overlap");
  return {};
}

Status check_op_ids(const ArtifactSpec& spec, const std::vector<std::int32_t>& ids) {
  for (const std::int32_t id : ids) {
    const auto found =
        std::lower_bound(spec.ops.begin(), spec.ops.end(), id,
                         [](const OpRecord& op, std::int32_t wanted) { return op.id < wanted; });
    if (found == spec.ops.end() || found->id != id)
      return invalid_argument("op ", id, " is not in the op table");
  }
  return {};
}

Status check_bytes(const std::vector<std::int64_t>& shape, DType dtype, std::uint64_t bytes,
                   std::string_view name) {
  std::uint64_t elements = 0, wanted = 0;
  if (!num_elements(shape, elements) || __builtin_mul_overflow(elements, dtype_bytes(dtype), &wanted))
    return invalid_argument("'", name, "': its shape overflows");
  if (wanted != bytes)
    return invalid_argument("'", name, "': its shape takes ", wanted, " bytes but ", bytes, " are stored");
  return {};
}

namespace {

class Checker {
public:
  explicit Checker(const ArtifactSpec& spec) : spec_(spec) {}

  /// What entries and kernels refer to.
  Status check_layout() {
    TAILOR_RETURN_IF_ERROR_AS_IS(memory());
    TAILOR_RETURN_IF_ERROR_AS_IS(schema());
    TAILOR_RETURN_IF_ERROR_AS_IS(states());
    TAILOR_RETURN_IF_ERROR_AS_IS(control());
    TAILOR_RETURN_IF_ERROR_AS_IS(metrics());
    return op_table();
  }

  /// What refers to entries.
  Status check_use() {
    for (const Entry& entry : spec_.entries)
      TAILOR_RETURN_IF_ERROR(check_learning_rate(entry), concat("entry '", entry.name, "'"));
    for (const Stage& stage : spec_.stages)
      TAILOR_RETURN_IF_ERROR(check_stage(stage), concat("stage '", stage.name, "'"));
    if (!spec_.stages.empty() && spec_.stages.front().continues)
      return invalid_argument("stage '", spec_.stages.front().name,
                              "' is the first: there is nothing it continues");
    TAILOR_RETURN_IF_ERROR_AS_IS(check_unique(spec_.stages, "stage"));
    for (const PlannedBuffer& buffer : spec_.memory_plan)
      TAILOR_RETURN_IF_ERROR(planned(buffer), concat("memory plan: buffer '", buffer.name, "'"));
    for (std::size_t i = 0; i < spec_.remarks.size(); ++i)
      TAILOR_RETURN_IF_ERROR(check_op_ids(spec_, spec_.remarks[i].ops), concat("remark ", i));
    return {};
  }

private:
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
    for (const Column& column : s.columns)
      if ((column.role == ColumnRole::kDate) != (column.date_features != 0) ||
          column.date_features >> kNumDateFeatures != 0)
        return invalid_argument("schema: column '", column.name, "' has date features ",
                                column.date_features);
    return check_image(s);
  }

  Status states() const {
    TAILOR_RETURN_IF_ERROR_AS_IS(check_unique(spec_.groups, "state group"));
    std::set<std::string> names;
    std::vector<Extent> extents;
    for (std::size_t i = 0; i < spec_.states.size(); ++i) {
      const State& state = spec_.states[i];
      if (!valid_index(state.group, spec_.groups))
        return invalid_argument("state '", state.name, "' is in group ", state.group, " of ",
                                spec_.groups.size());
      if (state.name.empty() || !names.insert(checkpoint_name(spec_, state)).second)
        return invalid_argument("two states are named '", state.name, "'");
      TAILOR_RETURN_IF_ERROR(check_bytes(state.shape, state.dtype, state.bytes, state.name), "state");
      if (!holds_numbers(state.dtype))
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
      if (!std::isfinite(state.init.value))
        return invalid_argument("state '", state.name, "' is initialised with ", state.init.value);
      if (state.init.kind != InitKind::kCopyOf && state.init.source_state != -1)
        return invalid_argument("state '", state.name, "' is initialised ", to_string(state.init.kind),
                                " but copies state ", state.init.source_state);
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
      extents.push_back({state.offset, state.bytes, state.name});
    }
    return check_disjoint(std::move(extents), "state");
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
    std::vector<Extent> extents;
    for (const ControlField& field : spec_.control) {
      if (!holds_numbers(field.dtype))
        return invalid_argument("control field '", field.name, "' is ", to_string(field.dtype));
      const bool host = field.writer == FieldWriter::kHost;
      TAILOR_RETURN_IF_ERROR(field_fits(field, host ? 0 : spec_.memory.control_host,
                                        host ? spec_.memory.control_host : spec_.memory.control),
                             "control row");
      if (has_key(field.binding) && !spec_.options.contains(field.key))
        return invalid_argument("control field '", field.name, "' is bound to option '", field.key,
                                "', which the program does not have");
      if (host == (field.binding == FieldBinding::kNone))
        return invalid_argument("control field '", field.name, "' is written by the ",
                                host ? "host but bound to nothing" : "device but bound to a host value");
      if (has_options_prefix(field.binding) == field.options_prefix.empty())
        return invalid_argument(
            "control field '", field.name, "' is bound ", to_string(field.binding), " with ",
            field.options_prefix.empty() ? "no options to shape it" : "options that shape nothing");
      if (is_row(field.binding) && (field.dtype != DType::kI32 || field.count != 1))
        return invalid_argument("control field '", field.name, "' is bound to a table row but not one i32");
      const bool random =
          field.binding == FieldBinding::kRandomUniform || field.binding == FieldBinding::kRandomBeta;
      if (random && ((field.dtype != DType::kF32 && field.dtype != DType::kF64) || field.count != 1))
        return invalid_argument("control field '", field.name,
                                "' is random but not one floating-point number");
      if (!std::isfinite(field.value))
        return invalid_argument("control field '", field.name, "' has the value ", field.value);
      extents.push_back({field.offset, dtype_bytes(field.dtype) * field.count, field.name});
    }
    TAILOR_RETURN_IF_ERROR_AS_IS(check_disjoint(std::move(extents), "control field"));
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
    std::vector<Extent> extents;
    for (const MetricField& field : spec_.metrics) {
      if (!holds_numbers(field.dtype))
        return invalid_argument("metric '", field.name, "' is ", to_string(field.dtype));
      TAILOR_RETURN_IF_ERROR(field_fits(field, 0, spec_.memory.metrics), "metrics row");
      extents.push_back({field.offset, dtype_bytes(field.dtype) * field.count, field.name});
    }
    return check_disjoint(std::move(extents), "metric");
  }

  Status op_table() const {
    std::int32_t last = -1;
    for (const OpRecord& op : spec_.ops) {
      if (op.id <= last) return invalid_argument("op table: op ", op.id, " follows op ", last);
      last = op.id;
    }
    for (const OpRecord& op : spec_.ops)
      if (op.vjp_of != -1)
        TAILOR_RETURN_IF_ERROR(check_op_ids(spec_, {op.vjp_of}), concat("op table: op ", op.id));
    return {};
  }

  Status planned(const PlannedBuffer& buffer) const {
    const MemorySizes& m = spec_.memory;
    if (buffer.space != Space::kState && buffer.space != Space::kArena)
      return invalid_argument("it is planned in space '", to_string(buffer.space), "'");
    const std::uint64_t space = buffer.space == Space::kState ? m.state : m.arena;
    if (!fits(buffer.offset, buffer.bytes, space))
      return invalid_argument(buffer.offset, " + ", buffer.bytes, " is outside the ", space,
                              " bytes of space '", to_string(buffer.space), "'");
    if (buffer.entry == -1 && buffer.variant == -1 && buffer.first_command == -1 && buffer.last_command == -1)
      return {};
    if (!valid_index(buffer.entry, spec_.entries))
      return invalid_argument("entry ", buffer.entry, " of ", spec_.entries.size());
    const std::vector<Variant>& variants = spec_.entries[static_cast<std::size_t>(buffer.entry)].variants;
    if (!valid_index(buffer.variant, variants))
      return invalid_argument("variant ", buffer.variant, " of ", variants.size());
    const std::vector<Command>& commands = variants[static_cast<std::size_t>(buffer.variant)].commands;
    if (!valid_index(buffer.first_command, commands) || !valid_index(buffer.last_command, commands) ||
        buffer.first_command > buffer.last_command)
      return invalid_argument("commands ", buffer.first_command, " to ", buffer.last_command, " of ",
                              commands.size());
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
    if (stage.name.find('.') != std::string::npos)
      return invalid_argument("its name holds a '.', which ends it in option keys");
    for (const std::int32_t group : stage.initialised_groups)
      if (!valid_index(group, spec_.groups))
        return invalid_argument("group ", group, " of ", spec_.groups.size());
    for (const GroupCopy& copy : stage.copies)
      TAILOR_RETURN_IF_ERROR_AS_IS(check_copy(copy));
    return {};
  }

  std::vector<const State*> states_of(std::int32_t group) const {
    std::vector<const State*> states;
    for (const State& state : spec_.states)
      if (state.group == group) states.push_back(&state);
    return states;
  }

  Status check_copy(const GroupCopy& copy) const {
    for (const std::int32_t group : {copy.from, copy.to})
      if (!valid_index(group, spec_.groups))
        return invalid_argument("copies group ", group, " of ", spec_.groups.size());
    const std::vector<const State*> from = states_of(copy.from), to = states_of(copy.to);
    const bool same =
        std::equal(from.begin(), from.end(), to.begin(), to.end(), [](const State* a, const State* b) {
          return a->name == b->name && a->dtype == b->dtype && a->shape == b->shape;
        });
    if (same) return {};
    return invalid_argument("copies group '", spec_.groups[static_cast<std::size_t>(copy.from)].name,
                            "' to '", spec_.groups[static_cast<std::size_t>(copy.to)].name,
                            "', which has other states");
  }

  Status check_learning_rate(const Entry& entry) const {
    if (entry.learning_rate == -1) return {};
    if (entry.kind != EntryKind::kStep || !valid_index(entry.learning_rate, spec_.control))
      return invalid_argument("its learning rate is control field ", entry.learning_rate, " of ",
                              spec_.control.size(),
                              entry.kind == EntryKind::kStep ? "" : ", but it is no step");
    const ControlField& field = spec_.control[static_cast<std::size_t>(entry.learning_rate)];
    if (field.writer != FieldWriter::kHost || field.count != 1 || field.binding == FieldBinding::kBuiltin)
      return invalid_argument("control field '", field.name, "' cannot be its learning rate");
    return {};
  }

  const ArtifactSpec& spec_;
};

} // namespace

Status verify_spec(const ArtifactSpec& spec, std::uint64_t code_bytes, std::uint64_t constant_bytes) {
  Checker checker(spec);
  TAILOR_RETURN_IF_ERROR_AS_IS(checker.check_layout());
  TAILOR_RETURN_IF_ERROR_AS_IS(verify_kernels(spec, code_bytes));
  TAILOR_RETURN_IF_ERROR_AS_IS(verify_library_plans(spec));
  TAILOR_RETURN_IF_ERROR_AS_IS(verify_entries(spec, constant_bytes));
  return checker.check_use();
}

} // namespace tailor::runtime
