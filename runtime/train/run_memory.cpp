#include "runtime/train/run_memory.h"

#include "runtime/options/run_keys.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace tailor::runtime {
namespace {

std::string megabytes(std::uint64_t bytes) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%.1f MB", static_cast<double>(bytes) / 1e6);
  return buffer;
}

} // namespace

RunMemory RunMemory::of(const ArtifactSpec& spec, const ExecutorOptions& executor, bool keeps_best) {
  RunMemory memory;
  memory.state = spec.memory.state;
  memory.arena = spec.memory.arena;
  memory.scratch = scratch_bytes_per_worker(spec) * static_cast<std::uint64_t>(executor.num_threads);
  memory.slots = spec.memory.slot * executor.num_slots;
  memory.checkpoints = spec.memory.state * (keeps_best ? 2 : 1);
  return memory;
}

void RunMemory::add(const DataBundle& data) {
  rows = runtime::bytes_of(data.train) + runtime::bytes_of(data.val) + runtime::bytes_of(data.test);
  reading = data.peak_bytes;
}

std::uint64_t RunMemory::most() const {
  return state + arena + scratch + slots + std::max(reading, rows + checkpoints);
}

std::string RunMemory::text() const {
  return concat(megabytes(most()), " at most: state ", megabytes(state), ", arena ", megabytes(arena),
                ", scratch of threads ", megabytes(scratch), ", batch slots ", megabytes(slots), ", data ",
                megabytes(rows), " (", megabytes(reading), " while read), checkpoints ",
                megabytes(checkpoints));
}

Status RunMemory::check(std::uint64_t limit) const {
  if (most() <= limit) return {};
  std::array<std::pair<std::uint64_t, const char*>, 6> parts = {{{arena, "activations and gradients"},
                                                                 {state, "state"},
                                                                 {checkpoints, "checkpoints"},
                                                                 {slots, "batch slots"},
                                                                 {std::max(rows, reading), "data"},
                                                                 {scratch, "scratch of threads"}}};
  std::stable_sort(parts.begin(), parts.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string largest;
  for (std::size_t i = 0; i < 3 && parts[i].first > 0; ++i)
    largest += concat(i > 0 ? ", " : "", parts[i].second, " ", megabytes(parts[i].first));
  return resource_exhausted("training needs ", megabytes(most()), " of memory, this process may have ",
                            megabytes(limit), ": ", largest)
      .with_hint(concat("a smaller ", key_name(&RunKeys::batch), " needs less for activations (with ",
                        key_name(&RunKeys::accumulate), " for the same step), and ",
                        key_name(&RunKeys::memory_budget), " computes them again"));
}

} // namespace tailor::runtime
