#include "tools/tailor/inspect_graph.h"

#include "runtime/base/options.h"
#include "tools/tailor/inspect_floors.h"
#include "tools/tailor/inspect_kernels.h"
#include "tools/tailor/inspect_text.h"

#include <algorithm>
#include <cstdio>

namespace tailor::tools {
namespace {

using runtime::ArtifactSpec;
using runtime::Command;
using runtime::CommandKind;
using runtime::OptionValue;
using Table = OptionValue::Table;
using List = OptionValue::List;

const runtime::Kernel* kernel_of(const ArtifactSpec& spec, const Command& command) {
  return command.kernel < 0 ? nullptr : &spec.kernels[static_cast<std::size_t>(command.kernel)];
}

/// What a table of kinds counts it under: the family of its kernel, else what kind of command it is.
std::string kind_of(const ArtifactSpec& spec, const Command& command) {
  const runtime::Kernel* kernel = kernel_of(spec, command);
  return kernel && !kernel->family.empty() ? kernel->family : runtime::to_string(command.kind);
}

std::string name_of(const ArtifactSpec& spec, const Command& command) {
  if (const runtime::Kernel* kernel = kernel_of(spec, command)) return kernel->name;
  if (command.plan >= 0) {
    const runtime::LibraryPlan& plan = spec.library_plans[static_cast<std::size_t>(command.plan)];
    return plan.library + ": " + title_of(plan);
  }
  std::string name = runtime::to_string(command.kind);
  if (command.kind == CommandKind::kRepeat)
    name += runtime::concat(" of the next ", command.body_length, ", ", command.count, " times");
  return name;
}

/// How many at once: "8 x 256" blocks and threads on a GPU, "4 chunks" on a CPU.
std::string shape_of(const ArtifactSpec& spec, const Command& command) {
  const runtime::Kernel* kernel = kernel_of(spec, command);
  if (!kernel) return "-";
  if (kernel->threads > 0) return runtime::concat(kernel->blocks, " x ", kernel->threads);
  return runtime::concat(command.num_chunks, command.num_chunks == 1 ? " chunk" : " chunks");
}

/// The lines its ops come from, each once.
std::vector<std::string> lines_of(const ArtifactSpec& spec, const Command& command) {
  const runtime::Kernel* kernel = kernel_of(spec, command);
  std::vector<std::string> lines;
  for (const std::int32_t id : command.ops.empty() && kernel ? kernel->ops : command.ops)
    if (const runtime::OpRecord* op = op_record(spec, id); op && !op->location.empty())
      if (std::find(lines.begin(), lines.end(), op->location) == lines.end()) lines.push_back(op->location);
  return lines;
}

/// Kinds with how often there are commands of them, the most frequent first.
std::vector<std::pair<std::string, std::int64_t>> kinds_of(const ArtifactSpec& spec,
                                                           const runtime::Variant& variant) {
  std::vector<std::pair<std::string, std::int64_t>> kinds;
  for (const Command& command : variant.commands) {
    const std::string kind = kind_of(spec, command);
    auto known =
        std::find_if(kinds.begin(), kinds.end(), [&](const auto& each) { return each.first == kind; });
    if (known == kinds.end())
      kinds.emplace_back(kind, 1);
    else
      ++known->second;
  }
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return kinds;
}

/// Of one run of a variant, as numbers that no count overflows.
struct Sum {
  double commands = 0, flops = 0, bytes = 0, microseconds = 0;
};
/// Adds what commands [begin, end) do `times` times; a repeat is its body.
void add(const ArtifactSpec& spec, const runtime::Variant& variant, std::size_t begin, std::size_t end,
         double times, Sum& sum) {
  for (std::size_t i = begin; i < end; ++i) {
    const Command& command = variant.commands[i];
    if (command.kind == CommandKind::kRepeat) { // verified: its body is inside, and depth is bounded
      add(spec, variant, i + 1, i + 1 + command.body_length, times * command.count, sum);
      i += command.body_length;
      continue;
    }
    sum.commands += times;
    sum.flops += times * static_cast<double>(command.flops);
    sum.bytes += times * static_cast<double>(command.bytes_moved);
    sum.microseconds += times * floor_of(spec, command).microseconds;
  }
}

std::string text_of(const ArtifactSpec& spec, const runtime::Entry& entry, const runtime::Variant& variant) {
  Sum sum;
  add(spec, variant, 0, variant.commands.size(), 1, sum);
  char line[256];
  std::snprintf(line, sizeof line, ": %.0f commands, %.3g MFLOP, %s moved, floors %.2f us\n", sum.commands,
                sum.flops / 1e6, human_bytes(static_cast<std::uint64_t>(std::min(sum.bytes, 1e18))).c_str(),
                sum.microseconds);
  std::string text =
      entry.name + (variant.batch > 0 ? ", batch " + std::to_string(variant.batch) : "") + line + "  ";
  for (const auto& [kind, count] : kinds_of(spec, variant))
    text += (text.ends_with("  ") ? "" : ", ") + std::to_string(count) + " " + kind;
  std::snprintf(line, sizeof line, "\n%5s %16s %10s %10s %10s  %s\n", "",
                spec.target.backend == "cuda" ? "blocks x threads" : "chunks", "MFLOP", "moved", "floor us",
                "command");
  text += line;
  for (std::size_t i = 0; i < variant.commands.size(); ++i) {
    const Command& command = variant.commands[i];
    std::snprintf(line, sizeof line, "%5zu %16s %10.3g %10s %10.2f  ", i, shape_of(spec, command).c_str(),
                  static_cast<double>(command.flops) / 1e6, human_bytes(command.bytes_moved).c_str(),
                  floor_of(spec, command).microseconds);
    text += line + name_of(spec, command);
    for (const std::string& place : lines_of(spec, command))
      text += "  " + place;
    text += "\n";
  }
  return text;
}

OptionValue integer(auto value) {
  return OptionValue(static_cast<std::int64_t>(value));
}

OptionValue json_of(const ArtifactSpec& spec, const runtime::Entry& entry, const runtime::Variant& variant) {
  List commands;
  for (const Command& command : variant.commands) {
    const runtime::Kernel* kernel = kernel_of(spec, command);
    const Floor floor = floor_of(spec, command);
    List lines;
    for (std::string& place : lines_of(spec, command))
      lines.push_back(OptionValue(std::move(place)));
    commands.push_back(OptionValue(Table{{"kind", runtime::to_string(command.kind)},
                                         {"kernel", kernel ? kernel->name : ""},
                                         {"family", kernel ? kernel->family : ""},
                                         {"blocks", integer(kernel ? kernel->blocks : 0)},
                                         {"threads", integer(kernel ? kernel->threads : 0)},
                                         {"chunks", integer(command.num_chunks)},
                                         {"flops", integer(command.flops)},
                                         {"bytes", integer(command.bytes_moved)},
                                         {"floor_us", OptionValue(floor.microseconds)},
                                         {"ceiling", floor.ceiling},
                                         {"count", integer(command.count)},
                                         {"body_length", integer(command.body_length)},
                                         {"lines", OptionValue(std::move(lines))}}));
  }
  return OptionValue(Table{{"entry", entry.name},
                           {"batch", integer(variant.batch)},
                           {"commands", OptionValue(std::move(commands))}});
}

} // namespace

std::string graph_table(const ArtifactSpec& spec, bool json) {
  List variants;
  std::string text = floors_line(spec);
  for (const runtime::Entry& entry : spec.entries)
    for (const runtime::Variant& variant : entry.variants) {
      if (json)
        variants.push_back(json_of(spec, entry, variant));
      else
        text += "\n" + text_of(spec, entry, variant);
    }
  return json ? OptionValue(std::move(variants)).to_json() + "\n" : text;
}

} // namespace tailor::tools
