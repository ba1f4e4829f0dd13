#include "runtime/train/run_memory.h"

#include "runtime/base/byte_size.h"
#include "runtime/options/run_keys.h"
#include "runtime/train/feed.h"

#include <algorithm>
#include <vector>

namespace tailor::runtime {
namespace {

/// What a run touches only later: code of the runtime, which has less than 3 MB, and some tens of KB of stack and of the
/// allocator's for each thread.
constexpr std::uint64_t kUntouched = 4'000'000;

/// Bytes of the arena that the variants of an entry use.
std::uint64_t arena_of(const ArtifactSpec& spec, std::size_t entry) {
  std::uint64_t end = 0;
  for (const PlannedBuffer& buffer : spec.memory_plan)
    if (buffer.space == Space::kArena && buffer.entry == static_cast<std::int32_t>(entry))
      end = std::max(end, buffer.offset + buffer.bytes);
  return end;
}

/// The key that the size of the arena comes from: an evaluation may need more of it than any step.
const std::string& key_of_arena(const ArtifactSpec& spec) {
  std::uint64_t of_steps = 0, of_evaluations = 0;
  for (std::size_t e = 0; e < spec.entries.size(); ++e) {
    const EntryKind kind = spec.entries[e].kind;
    const bool evaluates =
        kind == EntryKind::kEval || kind == EntryKind::kPredict || kind == EntryKind::kFeatures;
    std::uint64_t& most = evaluates ? of_evaluations : of_steps;
    most = std::max(most, arena_of(spec, e));
  }
  return of_evaluations > of_steps ? key_name(&RunKeys::eval_batch) : key_name(&RunKeys::batch);
}

std::string ways_out(const std::string& batch_key) {
  if (batch_key == key_name(&RunKeys::eval_batch))
    return concat("a smaller ", batch_key,
                  " needs less for the activations of evaluations, with the same results");
  return concat("a smaller ", batch_key, " needs less for activations (with ", key_name(&RunKeys::accumulate),
                " for the same step), and ", key_name(&RunKeys::memory_budget), " computes them again");
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
                                std::int64_t batch, const ProcessMemory& process) {
  RunMemory memory;
  memory.process = process;
  memory.batch_key = key_of_arena(spec);
  memory.state = spec.memory.state;
  memory.on_device = spec.target.backend == "cuda";
  TAILOR_ASSIGN_OR_RETURN_AS_IS(memory.arena, touched_arena(spec, batch));
  if (memory.on_device) memory.arena = spec.memory.arena; // a device has no pages that nobody touches
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
  return (on_device ? 0 : state + arena) + scratch + slots;
}

std::uint64_t RunMemory::most() const {
  return std::max(process.peak,
                  process.resident + kUntouched + held() + std::max(reading, rows + checkpoints));
}

std::string RunMemory::text() const {
  const std::uint64_t now = process.resident + kUntouched;
  const std::string program = concat("state ", megabytes(state), ", arena ", megabytes(arena));
  const std::string here =
      concat(" at most: process ", megabytes(now),
             process.peak > now ? concat(" (", megabytes(process.peak), " before)") : std::string(), ", ",
             on_device ? std::string() : program + ", ", "scratch of threads ", megabytes(scratch),
             ", batch slots ", megabytes(slots), ", data ", megabytes(rows), " (", megabytes(reading),
             " while read), checkpoints ", megabytes(checkpoints));
  if (!on_device) return megabytes(most()) + here;
  return concat("on the device ", megabytes(state + arena), ": ", program, "; beside what its driver takes, ",
                megabytes(most()), here);
}

std::string RunMemory::largest(bool with_estimates) const {
  std::vector<std::pair<std::uint64_t, const char*>> parts = {{slots, "batch slots"},
                                                              {scratch, "scratch of threads"}};
  if (!on_device) parts.insert(parts.begin(), {{arena, "activations and gradients"}, {state, "state"}});
  if (with_estimates)
    parts.insert(parts.end(), {{checkpoints, "checkpoints"},
                               {std::max(rows, reading), "data"},
                               {process.resident, "the process before the run"}});
  std::stable_sort(parts.begin(), parts.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, parts.size()) && parts[i].first > 0; ++i)
    text += concat(i > 0 ? ", " : "", parts[i].second, " ", megabytes(parts[i].first));
  return text;
}

Status RunMemory::check(std::uint64_t limit) const {
  if (held() <= limit) return {};
  return resource_exhausted("training needs ", megabytes(held()), " of memory, this process may have ",
                            megabytes(limit), ": ", largest(false))
      .with_hint(ways_out(batch_key));
}

std::string RunMemory::warning(std::uint64_t limit) const {
  if (most() <= limit) return "";
  return concat("training may need up to ", megabytes(most()), " of memory, this process may have ",
                megabytes(limit), ": ", largest(true), "; ", ways_out(batch_key));
}

} // namespace tailor::runtime
