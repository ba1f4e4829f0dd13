#include "runtime/train/nonfinite_trap.h"

#include "runtime/base/wording.h"
#include "runtime/train/finite_check.h"
#include "runtime/train/pretrained.h"

#include <algorithm>

namespace tailor::runtime {

namespace {

const std::vector<std::int32_t>& ops_of(const ArtifactSpec& spec, const Command& command) {
  const bool has_own = !command.ops.empty() || command.kind != CommandKind::kLaunch;
  return has_own ? command.ops : spec.kernels[static_cast<std::size_t>(command.kernel)].ops;
}

/// Adds the layers of the network's tensors that a command reads, each whole and by itself: the roles of an optimizer are
/// many tensors in one operand.
void add_layers_read(const ArtifactSpec& spec, const Command& command, std::vector<std::string>& layers) {
  for (const Operand& operand : command.operands) {
    if (operand.space != Space::kState || operand.access == Access::kWrite) continue;
    for (const State& state : spec.states) {
      if (state.offset != operand.offset || state.bytes != operand.bytes || !is_of_network(spec, state))
        continue;
      const std::string layer = state.name.substr(0, std::min(state.name.rfind('.'), state.name.size()));
      if (std::find(layers.begin(), layers.end(), layer) == layers.end()) layers.push_back(layer);
    }
  }
}

} // namespace

std::vector<std::string> layers_of(const ArtifactSpec& spec, const Variant& variant, const Command& command) {
  std::vector<std::string> layers;
  add_layers_read(spec, command, layers);
  if (!layers.empty()) return layers;
  // An op may be computed in the kernels of several layers' other ops as well: the command with the fewest ops is its own.
  const auto add_layers_of = [&](std::int32_t id) {
    const Command* own = nullptr;
    for (const Command& other : variant.commands) {
      const std::vector<std::int32_t>& ops = ops_of(spec, other);
      const bool computes = other.kind == CommandKind::kLaunch || other.kind == CommandKind::kLibrary;
      if (!computes || std::find(ops.begin(), ops.end(), id) == ops.end()) continue;
      std::vector<std::string> read;
      add_layers_read(spec, other, read);
      if (!read.empty() && (!own || ops.size() < ops_of(spec, *own).size())) own = &other;
    }
    if (own) add_layers_read(spec, *own, layers);
  };
  const std::vector<std::int32_t>& ids = ops_of(spec, command);
  for (const std::int32_t id : ids)
    add_layers_of(id);
  if (!layers.empty()) return layers;
  for (const OpRecord& op : spec.ops)
    if (op.vjp_of >= 0 && std::find(ids.begin(), ids.end(), op.id) != ids.end()) add_layers_of(op.vjp_of);
  return layers;
}

std::string describe_command(const ArtifactSpec& spec, const Command& command) {
  std::string text = to_string(command.kind);
  const std::vector<std::int32_t>* ops = &command.ops;
  if (command.kind == CommandKind::kLaunch) {
    const Kernel& kernel = spec.kernels[static_cast<std::size_t>(command.kernel)];
    text += " " + kernel.name;
    if (ops->empty()) ops = &kernel.ops;
  }
  const char* separator = ": ";
  for (const std::int32_t id : *ops) {
    const auto op =
        std::find_if(spec.ops.begin(), spec.ops.end(), [&](const OpRecord& o) { return o.id == id; });
    if (op == spec.ops.end()) continue;
    text += separator + op->name + (op->location.empty() ? "" : " at " + op->location);
    separator = ", ";
  }
  return text;
}

Status trap_nonfinite(Executor& executor) {
  return executor.set_observer({.end = [&executor](const ObservedCommand& observed) -> Status {
    const ArtifactSpec& spec = executor.spec();
    if (!has_results(spec, observed)) return {};
    for (std::size_t i = 0; i < observed.command->operands.size(); ++i) {
      const Operand& operand = observed.command->operands[i];
      // What is read and written is a temporary: of one that another command of the kernel fills, or of a library's workspace, nobody
      // knows what is in it. What is made of it is a result.
      if (operand.access != Access::kWrite || operand.space == Space::kSlot) continue;
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::span<const std::byte> bytes, executor.read_operand(operand));
      const std::int64_t element = first_nonfinite(operand.dtype, bytes);
      if (element < 0) continue;
      const Entry& entry = spec.entries[static_cast<std::size_t>(observed.variant.entry)];
      const Variant& variant = entry.variants[static_cast<std::size_t>(observed.variant.variant)];
      const std::vector<std::string> layers = layers_of(spec, variant, *observed.command);
      const std::string where = layers.empty() ? std::string()
                                               : concat(layers.size() == 1 ? ", in layer '" : ", in layers '",
                                                        listed(layers, "', '"), "'");
      return invalid_argument("command ", observed.index, " of entry '", entry.name,
                              "' wrote the first value that is not finite", where, ": operand ", i,
                              ", element ", element, " (", describe_command(spec, *observed.command), ")");
    }
    return {};
  }});
}

} // namespace tailor::runtime
