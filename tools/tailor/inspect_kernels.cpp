#include "tools/tailor/inspect_kernels.h"

#include "backend/cpu/CpuBackend.h"
#include "backend/driver/Driver.h"
#include "runtime/base/options.h"
#include "tools/tailor/inspect_text.h"

#include <algorithm>
#include <cstdio>

namespace tailor::tools {
namespace {

using runtime::OptionValue;
using Table = OptionValue::Table;
using List = OptionValue::List;

/// What all launches of a kernel do together, in one run of every variant.
struct Use {
  std::uint64_t launches = 0;
  std::uint64_t flops = 0, bytes = 0; ///< of the largest launch
  std::uint32_t chunks = 1;           ///< of the largest launch
  std::vector<std::string> entries;
};

std::vector<Use> uses_of(const runtime::ArtifactSpec& spec) {
  std::vector<Use> uses(spec.kernels.size());
  for (const runtime::Entry& entry : spec.entries)
    for (const runtime::Variant& variant : entry.variants)
      for (const runtime::Command& command : variant.commands) {
        if (command.kernel < 0) continue;
        Use& use = uses[command.kernel];
        ++use.launches;
        if (command.flops + command.bytes_moved >= use.flops + use.bytes)
          use.flops = command.flops, use.bytes = command.bytes_moved, use.chunks = command.num_chunks;
        if (std::find(use.entries.begin(), use.entries.end(), entry.name) == use.entries.end())
          use.entries.push_back(entry.name);
      }
  return uses;
}

struct Floor {
  double microseconds = 0;
  const char* ceiling = "";
};

Floor floor_of(const Use& use) {
  bool cached = use.bytes <= kCacheBytes;
  double compute = 1e6 * static_cast<double>(use.flops) / kFlopsPerSecond;
  double memory =
      1e6 * static_cast<double>(use.bytes) / (cached ? kCacheBytesPerSecond : kMemoryBytesPerSecond);
  if (compute >= memory) return {compute, "arithmetic"};
  return {memory, cached ? "cache" : "memory"};
}

int vector_bits(const runtime::Target& target) {
  return std::find(target.features.begin(), target.features.end(), "avx512f") != target.features.end() ? 512
                                                                                                       : 256;
}

const runtime::OpRecord* op_record(const runtime::ArtifactSpec& spec, std::int32_t id) {
  auto found =
      std::lower_bound(spec.ops.begin(), spec.ops.end(), id,
                       [](const runtime::OpRecord& op, std::int32_t wanted) { return op.id < wanted; });
  return found == spec.ops.end() || found->id != id ? nullptr : &*found;
}

runtime::Result<std::size_t> find_kernel(const runtime::ArtifactSpec& spec, const std::string& name) {
  for (std::size_t i = 0; i < spec.kernels.size(); ++i)
    if (spec.kernels[i].name == name) return i;
  std::string names;
  for (const runtime::Kernel& kernel : spec.kernels)
    names += (names.empty() ? "" : ", ") + kernel.name;
  return runtime::not_found("there is no kernel '", name, "'")
      .with_hint(names.empty() ? "the artifact has no kernels" : "kernels are " + names);
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
  Floor floor = floor_of(use);
  return OptionValue(Table{{"name", kernel.name},
                           {"family", kernel.family},
                           {"launches", OptionValue(static_cast<std::int64_t>(use.launches))},
                           {"chunks", OptionValue(static_cast<std::int64_t>(use.chunks))},
                           {"flops", OptionValue(static_cast<std::int64_t>(use.flops))},
                           {"bytes", OptionValue(static_cast<std::int64_t>(use.bytes))},
                           {"floor_us", OptionValue(floor.microseconds)},
                           {"ceiling", floor.ceiling},
                           {"vector_bits", OptionValue(vector_bits(spec.target))},
                           {"code_bytes", OptionValue(static_cast<std::int64_t>(kernel.code_bytes))},
                           {"scratch_bytes", OptionValue(static_cast<std::int64_t>(kernel.scratch_bytes))},
                           {"entries", OptionValue(std::move(entries))},
                           {"ops", OptionValue(std::move(ops))}});
}

std::string to_text(const runtime::ArtifactSpec& spec, const runtime::Kernel& kernel, const Use& use) {
  Floor floor = floor_of(use);
  char line[256];
  std::snprintf(
      line, sizeof line,
      "  %llu launches, %.3g MFLOP, %s; floor %.2f us (%s); %u chunk%s; %d-bit vectors; %s of code\n",
      static_cast<unsigned long long>(use.launches), static_cast<double>(use.flops) / 1e6,
      human_bytes(use.bytes).c_str(), floor.microseconds, floor.ceiling, use.chunks,
      use.chunks == 1 ? "" : "s", vector_bits(spec.target), human_bytes(kernel.code_bytes).c_str());
  std::string text = kernel.name + " (" + kernel.family + ")\n" + line;
  for (std::int32_t id : kernel.ops)
    if (const runtime::OpRecord* op = op_record(spec, id))
      text += "  " + std::to_string(id) + " " + op->name +
              (op->vjp_of >= 0 ? " (backward of " + std::to_string(op->vjp_of) + ")" : "") +
              (op->location.empty() ? "" : "  " + op->location) + "\n";
  return text;
}

} // namespace

runtime::Result<std::string> kernel_table(const runtime::Artifact& artifact, const std::string& name,
                                          bool json) {
  const runtime::ArtifactSpec& spec = artifact.spec();
  std::vector<Use> uses = uses_of(spec);
  std::vector<std::size_t> shown;
  if (name.empty()) {
    for (std::size_t i = 0; i < spec.kernels.size(); ++i)
      shown.push_back(i);
  } else {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(std::size_t index, find_kernel(spec, name));
    shown.push_back(index);
  }
  if (json) {
    List kernels;
    for (std::size_t i : shown)
      kernels.push_back(to_json(spec, spec.kernels[i], uses[i]));
    return OptionValue(std::move(kernels)).to_json() + "\n";
  }
  std::string text;
  for (std::size_t i : shown)
    text += to_text(spec, spec.kernels[i], uses[i]);
  return text;
}

runtime::Result<std::string> kernel_asm(const runtime::Artifact& artifact, const std::string& name) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::size_t index, find_kernel(artifact.spec(), name));
  const runtime::Kernel& kernel = artifact.spec().kernels[index];
  std::span<const std::byte> code = artifact.section(runtime::kCodeSection);
  backend::CodeBlob blob;
  blob.target = artifact.spec().target.backend + ":" + artifact.spec().target.name;
  const auto* first = reinterpret_cast<const std::uint8_t*>(code.data());
  blob.bytes.assign(first, first + code.size());
  return backend::disassemble(blob, {kernel.name, kernel.code_offset, kernel.code_bytes});
}

runtime::Result<std::string> kernel_llvm(const runtime::Artifact& artifact, const std::string& name) {
  TAILOR_RETURN_IF_ERROR_AS_IS(find_kernel(artifact.spec(), name).status());
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::string planned, ir_text(artifact, "planned", /*locations=*/true));
  backend::CompileOptions options;
  options.target = artifact.spec().target.backend + ":" + artifact.spec().target.name;
  options.emit = "llvm";
  TAILOR_ASSIGN_OR_RETURN(backend::Compilation compilation,
                          backend::compileText(planned, "planned.mlir", options),
                          "compiling the stored program again");
  const std::string& text = compilation.emitted;
  for (const std::string& mark : {"@" + name + "(", "@\"" + name + "\"("}) {
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
      std::size_t line = text.rfind('\n', at) + 1;
      if (text.compare(line, 6, "define") != 0) continue;
      std::size_t end = text.find("\n}", at);
      if (end != std::string::npos) return text.substr(line, end + 3 - line);
    }
  }
  return runtime::internal_error("the compiled program has no function '", name, "'");
}

} // namespace tailor::tools
