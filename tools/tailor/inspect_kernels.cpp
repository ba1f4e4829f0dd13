#include "tools/tailor/inspect_kernels.h"

#include "runtime/base/options.h"
#include "runtime/base/wording.h"
#include "tools/tailor/inspect_floors.h"
#include "tools/tailor/inspect_text.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace tailor::tools {
namespace {

using runtime::OptionValue;
using Table = OptionValue::Table;
using List = OptionValue::List;

std::string cores_named(runtime::TensorCores cores) {
  return cores == runtime::TensorCores::kBf16 ? "bf16" : cores == runtime::TensorCores::kTf32 ? "tf32" : "";
}

/// What all launches of a kernel do together, in one run of every variant.
struct Use {
  std::uint64_t launches = 0;
  double total_us = 0;                         ///< floors of all launches
  std::uint64_t flops = 0, bytes = 0;          ///< of the largest launch
  Floor floor{0, "arithmetic"};                ///< of the largest launch
  std::uint32_t chunks = 1;                    ///< of the largest launch
  const runtime::LaunchShape* shape = nullptr; ///< of the largest launch
  std::vector<std::string> entries;
};

/// The shape a launch has; the reader has made sure that there is one.
const runtime::LaunchShape* shape_of(const runtime::Kernel& kernel, const runtime::Command& launch) {
  auto found = std::find_if(kernel.shapes.begin(), kernel.shapes.end(), [&](const auto& shape) {
    return shape.sizes == launch.sizes && shape.num_units == launch.num_units;
  });
  return found == kernel.shapes.end() ? nullptr : &*found;
}

/// Of every kernel, then of every library plan.
std::vector<Use> uses_of(const runtime::ArtifactSpec& spec) {
  std::vector<Use> uses(spec.kernels.size() + spec.library_plans.size());
  for (const runtime::Entry& entry : spec.entries)
    for (const runtime::Variant& variant : entry.variants)
      for (const runtime::Command& command : variant.commands) {
        if (command.kernel < 0 && command.plan < 0) continue;
        Use& use = uses[command.kernel >= 0 ? static_cast<std::size_t>(command.kernel)
                                            : spec.kernels.size() + static_cast<std::size_t>(command.plan)];
        ++use.launches;
        use.total_us += floor_of(spec, command).microseconds;
        if (command.flops + command.bytes_moved >= use.flops + use.bytes)
          use.flops = command.flops, use.bytes = command.bytes_moved, use.chunks = command.num_chunks,
          use.floor = floor_of(spec, command),
          use.shape = command.kernel < 0 ? nullptr : shape_of(spec.kernels[command.kernel], command);
        if (std::find(use.entries.begin(), use.entries.end(), entry.name) == use.entries.end())
          use.entries.push_back(entry.name);
      }
  return uses;
}

/// Indices of the uses, costliest first; of equal ones the first comes first.
std::vector<std::size_t> by_cost(const std::vector<Use>& uses) {
  std::vector<std::size_t> order(uses.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return uses[a].total_us > uses[b].total_us; });
  return order;
}

/// A line per compiled variant: what one run of it launches, does and moves.
std::string summary_of(const runtime::ArtifactSpec& spec) {
  std::string text;
  char line[192];
  std::snprintf(line, sizeof line, "%-24s %8s %8s %10s %12s %10s\n", "entry", "batch", "launches", "MFLOP",
                "moved", "floor us");
  text += line;
  for (const runtime::Entry& entry : spec.entries)
    for (const runtime::Variant& variant : entry.variants) {
      std::uint64_t launches = 0, flops = 0, bytes = 0;
      double microseconds = 0;
      for (const runtime::Command& command : variant.commands) {
        if (command.kernel < 0 && command.plan < 0) continue;
        ++launches;
        flops += command.flops;
        bytes += command.bytes_moved;
        microseconds += floor_of(spec, command).microseconds;
      }
      std::snprintf(line, sizeof line, "%-24s %8s %8llu %10.3g %12s %10.2f\n", entry.name.c_str(),
                    variant.batch > 0 ? std::to_string(variant.batch).c_str() : "-",
                    static_cast<unsigned long long>(launches), static_cast<double>(flops) / 1e6,
                    human_bytes(bytes).c_str(), microseconds);
      text += line;
    }
  return text + "\n";
}

OptionValue to_json(const runtime::ArtifactSpec& spec, const runtime::Kernel& kernel, const Use& use) {
  List ops, entries;
  for (std::int32_t id : kernel.ops)
    if (const runtime::OpRecord* op = op_record(spec, id))
      ops.push_back(OptionValue(Table{{"id", OptionValue(static_cast<std::int64_t>(id))},
                                      {"name", op->name},
                                      {"location", op->location},
                                      {"vjp_of", OptionValue(static_cast<std::int64_t>(op->vjp_of))}}));
  for (const std::string& entry : use.entries)
    entries.push_back(OptionValue(entry));
  List operands;
  if (use.shape)
    for (const runtime::KernelOperand& operand : use.shape->operands)
      operands.push_back(
          OptionValue(Table{{"bytes", OptionValue(static_cast<std::int64_t>(operand.bytes))},
                            {"access", operand.access == runtime::Access::kRead    ? "read"
                                       : operand.access == runtime::Access::kWrite ? "write"
                                                                                   : "read_write"}}));
  return OptionValue(Table{{"name", kernel.name},
                           {"family", kernel.family},
                           {"launches", OptionValue(static_cast<std::int64_t>(use.launches))},
                           {"chunks", OptionValue(static_cast<std::int64_t>(use.chunks))},
                           {"flops", OptionValue(static_cast<std::int64_t>(use.flops))},
                           {"bytes", OptionValue(static_cast<std::int64_t>(use.bytes))},
                           {"floor_us", OptionValue(use.floor.microseconds)},
                           {"ceiling", use.floor.ceiling},
                           {"total_floor_us", OptionValue(use.total_us)},
                           {"vector_bits", OptionValue(static_cast<std::int64_t>(kernel.vector_bits))},
                           {"blocks", OptionValue(static_cast<std::int64_t>(kernel.blocks))},
                           {"threads", OptionValue(static_cast<std::int64_t>(kernel.threads))},
                           {"resident", OptionValue(static_cast<std::int64_t>(kernel.resident))},
                           {"shared_bytes", OptionValue(static_cast<std::int64_t>(kernel.shared_bytes))},
                           {"tensor_cores", cores_named(kernel.tensor_cores)},
                           {"operands", OptionValue(std::move(operands))},
                           {"code_bytes", OptionValue(static_cast<std::int64_t>(kernel.code_bytes))},
                           {"scratch_bytes", OptionValue(static_cast<std::int64_t>(kernel.scratch_bytes))},
                           {"entries", OptionValue(std::move(entries))},
                           {"ops", OptionValue(std::move(ops))}});
}

/// "96 B, 24 B read; 256 B written"
std::string operands_of(const runtime::LaunchShape& shape) {
  std::string read, written;
  for (const runtime::KernelOperand& operand : shape.operands) {
    std::string& list = operand.access == runtime::Access::kRead ? read : written;
    list += (list.empty() ? "" : ", ") + human_bytes(operand.bytes);
  }
  std::string text = read.empty() ? "" : read + " read";
  if (!written.empty()) text += (text.empty() ? "" : "; ") + written + " written";
  return text;
}

} // namespace

std::string title_of(const runtime::LibraryPlan& plan) {
  const runtime::ConvPlan& c = plan.convolution;
  const auto shape = [](std::int64_t a, const std::array<std::int64_t, 2>& size, std::int64_t d) {
    return runtime::concat(a, "x", size[0], "x", size[1], "x", d);
  };
  return runtime::concat(
      runtime::to_string(c.product), " of ", c.dtype == runtime::DType::kBF16 ? "bf16 x " : "x ",
      shape(c.images, c.image, c.channels), ", w ", c.outputs, "x", c.channels / c.groups, "x", c.kernel[0],
      "x", c.kernel[1], ", y ", shape(c.images, c.output, c.outputs), ", stride ", c.strides[0], " x ",
      c.strides[1], ", padding ", c.padding_low[0], " ", c.padding_high[0], " ", c.padding_low[1], " ",
      c.padding_high[1], ", dilation ", c.dilation[0], " x ", c.dilation[1], ", ", c.groups,
      c.groups == 1 ? " group" : " groups");
}

namespace {

OptionValue to_json(const runtime::LibraryPlan& plan, const Use& use) {
  List entries;
  for (const std::string& entry : use.entries)
    entries.push_back(OptionValue(entry));
  const auto number = [](auto value) { return OptionValue(static_cast<std::int64_t>(value)); };
  return OptionValue(Table{{"name", title_of(plan)},
                           {"family", "library"},
                           {"library", plan.library},
                           {"version", plan.version},
                           {"product", runtime::to_string(plan.convolution.product)},
                           {"dtype", runtime::to_string(plan.convolution.dtype)},
                           {"engine", number(plan.engine)},
                           {"workspace_bytes", number(plan.workspace_bytes)},
                           {"launches", number(use.launches)},
                           {"flops", number(use.flops)},
                           {"bytes", number(use.bytes)},
                           {"floor_us", OptionValue(use.floor.microseconds)},
                           {"ceiling", use.floor.ceiling},
                           {"total_floor_us", OptionValue(use.total_us)},
                           {"entries", OptionValue(std::move(entries))}});
}

/// "2 launches, 3.1 us of floor in all (4.5 %); the largest: 28.3 MFLOP, 590 kB, floor 1.5 us (arithmetic)"
std::string work_of(const Use& use, double all_us) {
  char line[256];
  std::snprintf(
      line, sizeof line,
      "%llu launch%s, %.2f us of floor in all (%.1f %%); the largest: %.3g MFLOP, %s, floor %.2f us (%s)",
      static_cast<unsigned long long>(use.launches), use.launches == 1 ? "" : "es", use.total_us,
      all_us > 0 ? 100 * use.total_us / all_us : 0.0, static_cast<double>(use.flops) / 1e6,
      human_bytes(use.bytes).c_str(), use.floor.microseconds, use.floor.ceiling);
  return line;
}

std::string to_text(const runtime::LibraryPlan& plan, const Use& use, double all_us) {
  return runtime::concat(title_of(plan), " (library)\n  ", work_of(use, all_us), "\n  ", plan.library, " ",
                         plan.version, ", engine ", plan.engine, ", ", human_bytes(plan.workspace_bytes),
                         " of workspace, a plan of ", human_bytes(plan.plan.size()), "\n");
}

/// "64 blocks of 256 threads, up to 3 a multiprocessor with 80 registers a thread, 9.0 KiB shared, tensor cores of bf16"; a kernel
/// that does not ask for registers gets what ptxas chooses.
std::string grid_of(const runtime::Kernel& kernel) {
  constexpr std::uint32_t kRegisters = 65536,
                          kStep = 8;       // of a multiprocessor; in which they are given to threads
  constexpr std::uint32_t kThreads = 2048; // of a multiprocessor
  std::string text = runtime::concat(kernel.blocks, " blocks of ", kernel.threads, " threads");
  if (const std::uint32_t resident = kernel.resident * kernel.threads; resident > 0) {
    text += runtime::concat(", up to ", kernel.resident, " a multiprocessor");
    text += resident < kThreads
                ? runtime::concat(" with ", kRegisters / resident / kStep * kStep, " registers a thread")
                : " by their threads";
  }
  if (kernel.shared_bytes > 0) text += ", " + human_bytes(kernel.shared_bytes) + " shared";
  if (const std::string cores = cores_named(kernel.tensor_cores); !cores.empty())
    text += ", tensor cores of " + cores;
  return text;
}

/// `all_us`: floors of all launches.
std::string to_text(const runtime::ArtifactSpec& spec, const runtime::Kernel& kernel, const Use& use,
                    double all_us) {
  std::string width = kernel.threads > 0       ? grid_of(kernel)
                      : kernel.vector_bits > 0 ? runtime::concat(kernel.vector_bits, "-bit vectors")
                                               : std::string("scalar code");
  if (kernel.threads == 0)
    width = runtime::concat(use.chunks, " chunk", use.chunks == 1 ? "" : "s", "; ", width);
  std::string text = runtime::concat(kernel.name, " (", kernel.family, ")\n  ", work_of(use, all_us), ", ",
                                     width, "; ", human_bytes(kernel.code_bytes), " of code\n");
  if (use.shape) text += "  operands: " + operands_of(*use.shape) + "\n";
  for (std::int32_t id : kernel.ops)
    if (const runtime::OpRecord* op = op_record(spec, id))
      text += "  " + std::to_string(id) + " " + op->name +
              (op->vjp_of >= 0 ? " (backward of " + std::to_string(op->vjp_of) + ")" : "") +
              (op->location.empty() ? "" : "  " + op->location) + "\n";
  return text;
}

} // namespace

const runtime::OpRecord* op_record(const runtime::ArtifactSpec& spec, std::int32_t id) {
  auto found =
      std::lower_bound(spec.ops.begin(), spec.ops.end(), id,
                       [](const runtime::OpRecord& op, std::int32_t wanted) { return op.id < wanted; });
  return found == spec.ops.end() || found->id != id ? nullptr : &*found;
}

runtime::Result<std::size_t> find_kernel(const runtime::ArtifactSpec& spec, const std::string& name) {
  for (std::size_t i = 0; i < spec.kernels.size(); ++i)
    if (spec.kernels[i].name == name) return i;
  std::vector<std::string> names;
  for (const runtime::Kernel& kernel : spec.kernels)
    names.push_back(kernel.name);
  std::string hint = runtime::did_you_mean(name, names);
  if (hint.empty())
    hint = names.empty() ? "the artifact has no kernels"
                         : runtime::concat("inspect --kernels shows the ", names.size(), " there are");
  return runtime::not_found("there is no kernel '", name, "'").with_hint(hint);
}

runtime::Result<std::string> kernel_table(const runtime::Artifact& artifact, const std::string& name,
                                          bool json) {
  const runtime::ArtifactSpec& spec = artifact.spec();
  std::vector<Use> uses = uses_of(spec);
  std::vector<std::size_t> shown;
  if (name.empty()) {
    shown = by_cost(uses);
  } else {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(std::size_t index, find_kernel(spec, name));
    shown.push_back(index);
  }
  if (json) {
    List kernels;
    for (std::size_t i : shown)
      kernels.push_back(i < spec.kernels.size()
                            ? to_json(spec, spec.kernels[i], uses[i])
                            : to_json(spec.library_plans[i - spec.kernels.size()], uses[i]));
    return OptionValue(std::move(kernels)).to_json() + "\n";
  }
  double all_us = 0;
  for (const Use& use : uses)
    all_us += use.total_us;
  std::string text = shown.empty() ? "" : floors_line(spec) + "\n";
  if (name.empty() && !shown.empty()) text += summary_of(spec);
  for (std::size_t i : shown)
    text += i < spec.kernels.size() ? to_text(spec, spec.kernels[i], uses[i], all_us)
                                    : to_text(spec.library_plans[i - spec.kernels.size()], uses[i], all_us);
  return text;
}

} // namespace tailor::tools
