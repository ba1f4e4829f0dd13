#include "runtime/train/run_memory.h"

#include "runtime/options/run_keys.h"
#include "runtime/train/feed.h"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace tailor::runtime {
namespace {

std::string megabytes(std::uint64_t bytes) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%.1f MB", static_cast<double>(bytes) / 1e6);
  return buffer;
}

std::string ways_out() {
  return concat("a smaller ", key_name(&RunKeys::batch), " needs less for activations (with ",
                key_name(&RunKeys::accumulate), " for the same step), and ",
                key_name(&RunKeys::memory_budget), " computes them again");
}

/// Bytes of the arena that a run with such batches touches. It is as large as the largest batch size needs, and what the others
/// have beyond theirs stays pages that nobody asks for.
Result<std::uint64_t> touched_arena(const ArtifactSpec& spec, std::int64_t batch) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const VariantId chosen,
                                variant_for(spec, spec.stages.front().step_entry, batch));
  const std::int64_t rows = batch_size_of(spec, variant_of(spec, chosen).batch);
  std::uint64_t end = 0;
  const auto touch = [&](const Operand& operand) {
    if (operand.space == Space::kArena) end = std::max(end, operand.offset + operand.bytes);
  };
  bool is_interpreted = true;
  for (const Entry& entry : spec.entries)
    for (const Variant& variant : entry.variants) {
      const bool follows_batch =
          entry.kind == EntryKind::kStep || entry.kind == EntryKind::kBatchNormRecompute;
      if (follows_batch && batch_size_of(spec, entry, variant) != rows) continue;
      for (const Command& command : variant.commands) {
        is_interpreted = false;
        for (const Operand& operand : command.operands)
          touch(operand);
      }
      for (const Output& output : variant.outputs)
        touch(output.place);
    }
  return is_interpreted ? spec.memory.arena : end;
}

} // namespace

Result<RunMemory> RunMemory::of(const ArtifactSpec& spec, const ExecutorOptions& executor, bool keeps_best,
                                std::int64_t batch) {
  RunMemory memory;
  memory.state = spec.memory.state;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(memory.arena, touched_arena(spec, batch));
  memory.scratch = scratch_bytes_per_worker(spec) * static_cast<std::uint64_t>(executor.num_threads);
  memory.slots = spec.memory.slot * executor.num_slots;
  memory.checkpoints = spec.memory.state * (keeps_best ? 2 : 1);
  return memory;
}

void RunMemory::add(const DataBundle& data) {
  rows = runtime::bytes_of(data.train) + runtime::bytes_of(data.val) + runtime::bytes_of(data.test);
  reading = data.peak_bytes;
}

std::uint64_t RunMemory::held() const {
  return state + arena + scratch + slots;
}

std::uint64_t RunMemory::most() const {
  return held() + std::max(reading, rows + checkpoints);
}

std::string RunMemory::text() const {
  return concat(megabytes(most()), " at most: state ", megabytes(state), ", arena ", megabytes(arena),
                ", scratch of threads ", megabytes(scratch), ", batch slots ", megabytes(slots), ", data ",
                megabytes(rows), " (", megabytes(reading), " while read), checkpoints ",
                megabytes(checkpoints));
}

std::string RunMemory::largest(bool with_estimates) const {
  std::vector<std::pair<std::uint64_t, const char*>> parts = {{arena, "activations and gradients"},
                                                              {state, "state"},
                                                              {slots, "batch slots"},
                                                              {scratch, "scratch of threads"}};
  if (with_estimates)
    parts.insert(parts.end(), {{checkpoints, "checkpoints"}, {std::max(rows, reading), "data"}});
  std::stable_sort(parts.begin(), parts.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text;
  for (std::size_t i = 0; i < 3 && parts[i].first > 0; ++i)
    text += concat(i > 0 ? ", " : "", parts[i].second, " ", megabytes(parts[i].first));
  return text;
}

Status RunMemory::check(std::uint64_t limit) const {
  if (held() <= limit) return {};
  return resource_exhausted("training needs ", megabytes(held()), " of memory, this process may have ",
                            megabytes(limit), ": ", largest(false))
      .with_hint(ways_out());
}

std::string RunMemory::warning(std::uint64_t limit) const {
  if (most() <= limit) return "";
  return concat("training may need up to ", megabytes(most()), " of memory, this process may have ",
                megabytes(limit), ": ", largest(true), "; ", ways_out());
}

} // namespace tailor::runtime
