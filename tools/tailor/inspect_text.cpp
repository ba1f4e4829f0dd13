#include "tools/tailor/inspect_text.h"

#include "runtime/artifact/stage_options.h"
#include "runtime/base/options.h"
#include "runtime/options/run_keys.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace tailor::tools {
namespace {

using runtime::OptionValue;
using Table = OptionValue::Table;
using List = OptionValue::List;

OptionValue number(std::uint64_t value) {
  return OptionValue(static_cast<std::int64_t>(value));
}

std::string entry_name(const runtime::ArtifactSpec& spec, std::int32_t entry, std::int32_t variant) {
  if (entry < 0) return "all";
  const runtime::Entry& record = spec.entries[entry];
  return variant < 0 || record.variants.size() < 2
             ? record.name
             : record.name + " b" + std::to_string(record.variants[variant].batch);
}

/// Rows of columns, each as wide as its widest cell.
std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text += std::string(widths[i] - row[i].size() + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

/// Calls `use` with the parts of `text` between separators until it returns true.
bool any_part(std::string_view text, std::string_view separator, auto use) {
  while (true) {
    const std::size_t end = text.find(separator);
    if (use(text.substr(0, end))) return true;
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + separator.size());
  }
}

/// True if `place` ("models/a.toml:4:3") is the file, line or column called `name`, with or without its folders.
bool is_place(std::string_view place, std::string_view name) {
  for (std::size_t at = place.find(name); at != std::string_view::npos; at = place.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || place[at - 1] == '/') && (end == place.size() || place[end] == ':')) return true;
  }
  return false;
}

/// True if the remark is about the layer `name`: "fc0: dot and add in one kernel", "fc1, fc0: 2 values ...".
bool is_about_layer(const runtime::Remark& remark, std::string_view name) {
  const std::size_t colon = remark.message.find(": ");
  if (colon == std::string::npos) return false;
  return any_part(std::string_view(remark.message).substr(0, colon), ", ",
                  [&](std::string_view layer) { return layer == name; });
}

/// What the forward op of a layer is called, by the shape of its weight, the likeliest first.
std::vector<std::string_view> forward_ops(const runtime::State& weight) {
  if (weight.shape.size() == 4) return {"tailor.conv2d"};
  if (weight.shape.size() == 2) return {"tailor.dot"};
  return {"tailor.batch_norm_apply", "tailor.batch_norm_train", "tailor.layer_norm"};
}

/// The forward op of the layer `name` in the first launch that reads its weight: a step comes before its evaluation, and
/// a first pass of SAM, whose weights are the state itself, before the second.
const runtime::OpRecord* forward_op(const runtime::ArtifactSpec& spec, const std::string& name) {
  const auto weight = std::find_if(spec.states.begin(), spec.states.end(), [&](const runtime::State& state) {
    return state.name == name + ".weight" &&
           spec.groups[static_cast<std::size_t>(state.group)].kind == runtime::GroupKind::kNet;
  });
  if (weight == spec.states.end()) return nullptr;
  const auto reads = [&](const runtime::Command& command) {
    return std::any_of(command.operands.begin(), command.operands.end(),
                       [&](const runtime::Operand& operand) {
                         return operand.space == runtime::Space::kState &&
                                operand.access == runtime::Access::kRead && operand.offset == weight->offset;
                       });
  };
  std::vector<const runtime::Entry*> entries;
  for (const runtime::Entry& entry : spec.entries)
    entries.push_back(&entry);
  std::stable_partition(entries.begin(), entries.end(),
                        [](const runtime::Entry* entry) { return entry->kind == runtime::EntryKind::kStep; });
  for (const runtime::Entry* entry : entries)
    for (const runtime::Variant& variant : entry->variants)
      for (const runtime::Command& command : variant.commands) {
        if (!reads(command)) continue;
        for (const std::string_view wanted : forward_ops(*weight))
          for (const std::int32_t id : command.ops)
            for (const runtime::OpRecord& op : spec.ops)
              if (op.id == id && op.name == wanted && op.vjp_of < 0) return &op;
      }
  return nullptr;
}

/// The op of an id, else the first of a name, a line or a kernel, else the forward op of a layer.
const runtime::OpRecord* find_op(const runtime::ArtifactSpec& spec, const std::string& name) {
  std::int32_t id = -1;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  const bool is_id = error == std::errc() && end == name.data() + name.size();
  for (const runtime::OpRecord& op : spec.ops) {
    const bool is_line =
        any_part(op.location, "; ", [&](std::string_view place) { return is_place(place, name); });
    if (is_id ? op.id == id : op.name == name || op.name == "tailor." + name || is_line) return &op;
  }
  const auto first_of = [&](const std::vector<std::int32_t>& ids) -> const runtime::OpRecord* {
    for (const runtime::OpRecord& op : spec.ops)
      if (!ids.empty() && op.id == ids.front()) return &op;
    return nullptr;
  };
  for (const runtime::Kernel& kernel : spec.kernels)
    if (kernel.name == name) return first_of(kernel.ops);
  if (const runtime::OpRecord* op = forward_op(spec, name)) return op;
  for (const runtime::Remark& remark : spec.remarks)
    if (!remark.ops.empty() && is_about_layer(remark, name)) return first_of(remark.ops);
  return nullptr;
}

/// The launches that carry out an op: entry, command.
struct Launch {
  std::string entry;
  std::size_t command;
  std::int32_t kernel;
  bool operator==(const Launch&) const = default;
};
std::vector<Launch> launches_of(const runtime::ArtifactSpec& spec, std::int32_t op) {
  std::vector<Launch> launches;
  for (std::size_t e = 0; e < spec.entries.size(); ++e)
    for (std::size_t v = 0; v < spec.entries[e].variants.size(); ++v) {
      const auto& commands = spec.entries[e].variants[v].commands;
      for (std::size_t c = 0; c < commands.size(); ++c)
        if (commands[c].kernel >= 0 &&
            std::find(commands[c].ops.begin(), commands[c].ops.end(), op) != commands[c].ops.end())
          launches.push_back({entry_name(spec, e, v), c, commands[c].kernel});
    }
  return launches;
}

/// "op 4 is in a gemm kernel": what there is to say about an op that no decision links with the other.
std::string where_of(const runtime::ArtifactSpec& spec, const runtime::OpRecord& op,
                     const std::vector<Launch>& launches) {
  std::string name = "op " + std::to_string(op.id);
  if (launches.empty()) return name + (op.removed.empty() ? " is in no kernel" : " is gone");
  std::vector<std::string> families;
  for (const Launch& launch : launches) {
    const std::string& family = spec.kernels[launch.kernel].family;
    if (std::find(families.begin(), families.end(), family) == families.end()) families.push_back(family);
  }
  std::string text;
  for (const std::string& family : families)
    text += (text.empty() ? "" : " and ") + std::string("a ") + family;
  return name + " is in " + text + " kernel";
}

/// "columns: 8 numeric, 2 categorical; classes: no, yes (positive)"
std::string schema_line(const runtime::DataSchema& schema) {
  constexpr std::size_t kMostNames = 10;
  std::string text = "columns: " + std::to_string(schema.num_numeric()) + " numeric, " +
                     std::to_string(schema.num_category()) + " categorical; classes:";
  if (schema.class_names.empty()) return text + " " + std::to_string(schema.num_classes) + "\n";
  for (std::size_t i = 0; i < std::min(schema.class_names.size(), kMostNames); ++i)
    text += (i > 0 ? ", " : " ") + schema.class_names[i] +
            (static_cast<std::int32_t>(i) == schema.positive_class ? " (positive)" : "");
  return text + (schema.class_names.size() > kMostNames ? ", ...\n" : "\n");
}

/// "stage head: head_step after fit, evaluated by eval_step, copies net -> generator, initialises head,
/// data.sampler = "class_aware", run.epochs = 10"
std::string stage_line(const runtime::ArtifactSpec& spec, const runtime::Stage& stage) {
  std::string text = "stage " + stage.name + ": " + entry_name(spec, stage.step_entry, -1);
  if (stage.fit_entry >= 0) text += " after " + entry_name(spec, stage.fit_entry, -1);
  if (stage.eval_entry >= 0) text += ", evaluated by " + entry_name(spec, stage.eval_entry, -1);
  if (stage.continues) text += ", goes on with the clock and the best epoch of the stage before";
  const auto group = [&](std::int32_t index) { return spec.groups[static_cast<std::size_t>(index)].name; };
  for (const runtime::GroupCopy& copy : stage.copies)
    text += ", copies " + group(copy.from) + " -> " + group(copy.to);
  const bool is_first = stage.name == spec.stages.front().name; // it initialises everything
  for (std::size_t i = 0; !is_first && i < stage.initialised_groups.size(); ++i)
    text += (i == 0 ? ", initialises " : " ") + group(stage.initialised_groups[i]);
  const std::string own = runtime::stage_key(stage.name, "");
  for (const auto& [key, option] : spec.options)
    if (key.starts_with(own)) text += ", " + key.substr(own.size()) + " = " + option.value.to_json();
  return text + "\n";
}

std::string describe(const runtime::OpRecord& op) {
  return "op " + std::to_string(op.id) + " " + op.name + (op.location.empty() ? "" : " at " + op.location);
}

} // namespace

std::string human_bytes(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (value >= 1024 && unit < 4)
    value /= 1024, ++unit;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string summary(const runtime::Artifact& artifact, bool json) {
  const runtime::ArtifactSpec& spec = artifact.spec();
  std::uint64_t parameters = 0;
  for (const runtime::State& state : spec.states)
    if (spec.groups[state.group].trainable) parameters += state.bytes / runtime::dtype_bytes(state.dtype);
  std::size_t fused = 0, missed = 0;
  for (const runtime::Remark& remark : spec.remarks) {
    fused += remark.kind == runtime::RemarkKind::kPassed;
    missed += remark.kind == runtime::RemarkKind::kMissed;
  }
  const runtime::Result<std::string> stored =
      spec.options.get_string(runtime::key_name(&runtime::RunKeys::precision), "f32");
  const std::string precision = stored.ok() ? *stored : "f32";
  if (json) {
    List entries, stages, sections;
    for (const runtime::Entry& entry : spec.entries)
      for (const runtime::Variant& variant : entry.variants)
        entries.push_back(OptionValue(Table{{"name", entry.name},
                                            {"kind", runtime::to_string(entry.kind)},
                                            {"batch", OptionValue(variant.batch)},
                                            {"commands", number(variant.commands.size())}}));
    for (const runtime::Stage& stage : spec.stages)
      stages.push_back(OptionValue(stage.name));
    for (const runtime::SectionView& section : artifact.sections())
      sections.push_back(OptionValue(Table{{"name", section.name}, {"bytes", number(section.bytes.size())}}));
    Table whole{{"name", spec.name},
                {"producer", spec.producer},
                {"source", spec.source_name},
                {"target", spec.target.backend + ":" + spec.target.name},
                {"precision", precision},
                {"parameters", number(parameters)},
                {"classes", OptionValue(static_cast<std::int64_t>(spec.schema.num_classes))},
                {"random_version", OptionValue(std::int64_t{spec.random_version})},
                {"state_bytes", number(spec.memory.state)},
                {"arena_bytes", number(spec.memory.arena)},
                {"kernels", number(spec.kernels.size())},
                {"fused", number(fused)},
                {"not_fused", number(missed)},
                {"entries", OptionValue(std::move(entries))},
                {"stages", OptionValue(std::move(stages))},
                {"sections", OptionValue(std::move(sections))}};
    return OptionValue(std::move(whole)).to_json() + "\n";
  }
  std::string text = spec.name + ": compiled by " + spec.producer + " for " + spec.target.backend + ":" +
                     spec.target.name + (spec.source_name.empty() ? "" : " from " + spec.source_name) + "\n";
  text += std::to_string(parameters) + " parameters, " + std::to_string(spec.schema.num_classes) +
          " classes; state " + human_bytes(spec.memory.state) + ", arena " + human_bytes(spec.memory.arena) +
          (precision == "f32"    ? ""
           : precision == "tf32" ? " with products of tf32"
                                 : " with values stored in " + precision) +
          "; " + std::to_string(fused) + " fusions made, " + std::to_string(missed) + " not made" +
          (spec.random_version ? "; random numbers of version " + std::to_string(spec.random_version) : "") +
          "\n";
  text += schema_line(spec.schema);
  for (const runtime::Stage& stage : spec.stages)
    text += stage_line(spec, stage);
  text += "\n";
  std::vector<std::vector<std::string>> rows = {{"entry", "kind", "batch", "commands", "launches"}};
  for (const runtime::Entry& entry : spec.entries)
    for (const runtime::Variant& variant : entry.variants) {
      std::size_t launches = std::count_if(
          variant.commands.begin(), variant.commands.end(),
          [](const runtime::Command& command) { return command.kernel >= 0 || command.plan >= 0; });
      rows.push_back({entry.name, runtime::to_string(entry.kind), std::to_string(variant.batch),
                      std::to_string(variant.commands.size()), std::to_string(launches)});
    }
  text += table(rows) + "\n";
  rows = {{"state group", "kind", "states", "bytes"}};
  for (std::size_t group = 0; group < spec.groups.size(); ++group) {
    std::uint64_t bytes = 0, count = 0;
    for (const runtime::State& state : spec.states)
      if (state.group == static_cast<std::int32_t>(group)) bytes += state.bytes, ++count;
    rows.push_back({spec.groups[group].name, runtime::to_string(spec.groups[group].kind),
                    std::to_string(count), human_bytes(bytes)});
  }
  text += table(rows) + "\n";
  rows = {{"section", "bytes"}};
  for (const runtime::SectionView& section : artifact.sections())
    rows.push_back({section.name, human_bytes(section.bytes.size())});
  return text + table(rows);
}

std::string memory_table(const runtime::ArtifactSpec& spec, bool json) {
  const runtime::MemorySizes& sizes = spec.memory;
  const std::pair<const char*, std::uint64_t> spaces[] = {
      {"state", sizes.state},     {"arena", sizes.arena},
      {"control", sizes.control}, {"metrics", sizes.metrics},
      {"slot", sizes.slot},       {"scratch", runtime::scratch_bytes_per_worker(spec)}};
  if (json) {
    Table bytes;
    for (auto [name, size] : spaces)
      bytes.emplace_back(name, number(size));
    List buffers;
    for (const runtime::PlannedBuffer& buffer : spec.memory_plan)
      buffers.push_back(
          OptionValue(Table{{"name", buffer.name},
                            {"space", runtime::to_string(buffer.space)},
                            {"offset", number(buffer.offset)},
                            {"bytes", number(buffer.bytes)},
                            {"entry", entry_name(spec, buffer.entry, buffer.variant)},
                            {"first", OptionValue(static_cast<std::int64_t>(buffer.first_command))},
                            {"last", OptionValue(static_cast<std::int64_t>(buffer.last_command))}}));
    return OptionValue(
               Table{{"bytes", OptionValue(std::move(bytes))}, {"buffers", OptionValue(std::move(buffers))}})
               .to_json() +
           "\n";
  }
  std::vector<std::vector<std::string>> rows = {{"space", "bytes", ""}};
  for (auto [name, size] : spaces)
    rows.push_back({name, std::to_string(size),
                    human_bytes(size) + (name == std::string_view("scratch") ? " a thread" : "")});
  std::string text = table(rows) + "\n";
  for (const runtime::Remark& remark : spec.remarks) // what fitting into run.memory_budget costs
    if (remark.pass == "plan-memory" && remark.reason == "recomputed") text += remark.message + "\n\n";
  rows = {{"state", "offset", "bytes"}};
  for (const runtime::State& state : spec.states)
    rows.push_back(
        {runtime::checkpoint_name(spec, state), std::to_string(state.offset), std::to_string(state.bytes)});
  text += table(rows) + "\n";
  rows = {{"arena buffer", "entry", "offset", "bytes", "commands"}};
  for (const runtime::PlannedBuffer& buffer : spec.memory_plan)
    rows.push_back({buffer.name, entry_name(spec, buffer.entry, buffer.variant),
                    std::to_string(buffer.offset), std::to_string(buffer.bytes),
                    std::to_string(buffer.first_command) + "-" + std::to_string(buffer.last_command)});
  return text + table(rows);
}

runtime::Result<std::string_view> stored_ir(const runtime::Artifact& artifact, const std::string& phase) {
  std::span<const std::byte> bytes = artifact.section(std::string(runtime::kIrSectionPrefix) + phase);
  if (bytes.empty()) {
    std::string phases;
    for (const runtime::SectionView& section : artifact.sections())
      if (section.name.starts_with(runtime::kIrSectionPrefix))
        phases += (phases.empty() ? "" : ", ") + section.name.substr(runtime::kIrSectionPrefix.size());
    return runtime::not_found("the artifact holds no program in phase '", phase, "'")
        .with_hint(phases.empty() ? "it was compiled without them" : "it has " + phases);
  }
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

runtime::Result<std::string> why(const runtime::ArtifactSpec& spec, const std::string& first,
                                 const std::string& second) {
  const runtime::OpRecord* ops[2] = {find_op(spec, first), find_op(spec, second)};
  for (int i = 0; i < 2; ++i)
    if (!ops[i])
      return runtime::not_found("no op is called '", i == 0 ? first : second, "'")
          .with_hint("name an op by its id, its name (dot), its line (recipe.toml:4), its layer (fc0) or its "
                     "kernel, as --explain and --kernels print them");
  std::string text = describe(*ops[0]) + "\n" + describe(*ops[1]) + "\n";
  std::vector<Launch> of[2] = {launches_of(spec, ops[0]->id), launches_of(spec, ops[1]->id)};
  for (int i = 0; i < 2; ++i)
    if (!ops[i]->removed.empty())
      text += "op " + std::to_string(ops[i]->id) + " is gone: " + ops[i]->removed + "\n";
  bool together = false;
  for (const Launch& launch : of[0])
    if (std::find(of[1].begin(), of[1].end(), launch) != of[1].end()) {
      text += "together in " + launch.entry + ", command " + std::to_string(launch.command) + ": kernel '" +
              spec.kernels[launch.kernel].name + "'\n";
      together = true;
    }
  constexpr std::size_t kMostShown = 4; // an op of a step of many parts is in as many launches
  if (!together)
    for (int i = 0; i < 2; ++i) {
      for (std::size_t j = 0; j < std::min(of[i].size(), kMostShown); ++j)
        text += "op " + std::to_string(ops[i]->id) + " alone in " + of[i][j].entry + ", command " +
                std::to_string(of[i][j].command) + ": kernel '" + spec.kernels[of[i][j].kernel].name + "'\n";
      if (of[i].size() > kMostShown)
        text += "and in " + std::to_string(of[i].size() - kMostShown) + " more\n";
    }
  std::string reasons;
  for (const runtime::Remark& remark : spec.remarks) {
    auto is_about = [&](const runtime::OpRecord* op) {
      return std::find(remark.ops.begin(), remark.ops.end(), op->id) != remark.ops.end();
    };
    if (!is_about(ops[0]) || !is_about(ops[1])) continue;
    const char* verdict = remark.kind == runtime::RemarkKind::kMissed   ? "missed"
                          : remark.kind == runtime::RemarkKind::kPassed ? "fused"
                                                                        : "note";
    reasons += std::string(verdict) + " [" + remark.pass + "] " + remark.message +
               (remark.location.empty() ? "" : " (" + remark.location + ")") + "\n";
  }
  if (reasons.empty() && !together)
    reasons = "no pass decided about these two: " + where_of(spec, *ops[0], of[0]) + ", " +
              where_of(spec, *ops[1], of[1]) + "\n";
  return text + reasons;
}

} // namespace tailor::tools
