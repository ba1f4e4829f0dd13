#include "runtime/train/nonfinite_trap.h"

#include "runtime/train/finite_check.h"

#include <algorithm>

namespace tailor::runtime {

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
    for (std::size_t i = 0; i < observed.command->operands.size(); ++i) {
      const Operand& operand = observed.command->operands[i];
      if (operand.access == Access::kRead || operand.space == Space::kSlot) continue;
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::span<const std::byte> bytes, executor.read_operand(operand));
      const std::int64_t element = first_nonfinite(operand.dtype, bytes);
      if (element < 0) continue;
      return invalid_argument("command ", observed.index, " of entry '",
                              spec.entries[static_cast<std::size_t>(observed.variant.entry)].name,
                              "' wrote the first value that is not finite: operand ", i, ", element ",
                              element, " (", describe_command(spec, *observed.command), ")");
    }
    return {};
  }});
}

} // namespace tailor::runtime
