#include "tools/tailor/profile.h"

#include "backend/driver/Executors.h"
#include "runtime/artifact/stage_options.h"
#include "runtime/base/log.h"
#include "runtime/base/philox.h"
#include "runtime/train/control_rows.h"
#include "runtime/train/feed.h"
#include "tools/tailor-run/run_command.h"
#include "tools/tailor/ceilings.h"
#include "tools/tailor/convolution_layers.h"
#include "tools/tailor/inspect_text.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <unistd.h>

namespace tailor::tools {
namespace {

using runtime::OptionValue;
using runtime::Result;
using runtime::Status;
using Clock = std::chrono::steady_clock;

/// Steps a run() takes at most.
constexpr std::uint32_t kStepsAtOnce = 8;
/// Steps before any is measured, caches and the clock of the core being cold: of long steps one does.
constexpr std::int64_t kWarmUp = 16;
constexpr double kWarmUpSeconds = 1;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

double seconds_since(Clock::time_point start) {
  return 1e-6 * microseconds_since(start);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// What this machine can do, by the size of what is read.
struct Ceilings {
  double flops = 0;                                         ///< per second
  std::vector<std::pair<std::uint64_t, double>> bandwidths; ///< bytes of a buffer -> bytes/s

  void measure() {
    flops = peak_flops();
    for (const std::uint64_t bytes : {32ull << 10, 256ull << 10, 2ull << 20, 16ull << 20, 128ull << 20})
      bandwidths.emplace_back(bytes, read_bandwidth(static_cast<std::int64_t>(bytes)));
  }

  /// Of the smallest buffer that is as large.
  double bandwidth(std::uint64_t bytes) const {
    for (const auto& [size, rate] : bandwidths)
      if (bytes <= size) return rate;
    return bandwidths.back().second;
  }
};

struct Measured {
  std::size_t index = 0; ///< in the command list
  double us = 0, floor_us = 0;
  const char* limit = "";
  std::string name, family, line;
  ConvolutionLayer convolution;
};

class Profile {
public:
  static Result<Profile> create(const ProfileArguments& arguments) {
    Profile profile(arguments);
    TAILOR_ASSIGN_OR_RETURN_AS_IS(profile.artifact_, runtime::Artifact::open(arguments.path));
    TAILOR_RETURN_IF_ERROR_AS_IS(profile.choose_variant());
    runtime::ExecutorOptions options;
    options.num_threads = arguments.threads;
    options.ring_length = options.num_slots = kStepsAtOnce;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(profile.executor_, backend::makeExecutor(profile.artifact_, options));
    TAILOR_RETURN_IF_ERROR_AS_IS(profile.fill());
    return profile;
  }

  Status measure() {
    ceilings_.measure();
    const Clock::time_point warming = Clock::now();
    for (std::int64_t done = 0; done < kWarmUp && (done == 0 || seconds_since(warming) < kWarmUpSeconds);
         ++done)
      TAILOR_RETURN_IF_ERROR_AS_IS(run(1));
    // A whole step without an observer, since looking at the clock is no part of it, and one command by command in turn:
    // while the machine is slower for a while, it is so for both.
    std::vector<double> steps;
    std::vector<std::vector<double>> times(variant().commands.size());
    Clock::time_point start;
    const runtime::Executor::Observer observer{
        .begin = [&](const runtime::ObservedCommand&) { start = Clock::now(); },
        .end = [&](const runtime::ObservedCommand& observed) -> Status {
          times[observed.index].push_back(microseconds_since(start));
          return {};
        }};
    const std::int64_t asked = arguments_.steps;
    const Clock::time_point first = Clock::now();
    const auto more = [&] {
      if (asked > 0) return steps_ < asked;
      return steps_ < kFewestSteps || (steps_ < kMostSteps && seconds_since(first) < kMostSeconds);
    };
    for (; more(); ++steps_) {
      show_progress(seconds_since(first));
      const Clock::time_point begin = Clock::now();
      TAILOR_RETURN_IF_ERROR_AS_IS(run(1));
      steps.push_back(microseconds_since(begin));
      TAILOR_RETURN_IF_ERROR_AS_IS(executor_->set_observer(observer));
      TAILOR_RETURN_IF_ERROR_AS_IS(run(1));
      TAILOR_RETURN_IF_ERROR_AS_IS(executor_->set_observer({}));
    }
    end_progress();
    step_us_ = median(std::move(steps));

    const std::vector<ConvolutionLayer> layers = convolution_layers(artifact_->spec(), variant());
    for (std::size_t i = 0; i < times.size(); ++i) {
      if (times[i].empty()) continue; // a repeat is its body
      // A command of a repeat runs several times a step.
      const double passes = static_cast<double>(times[i].size()) / static_cast<double>(steps_);
      commands_.push_back(describe(i, passes * median(std::move(times[i])), passes, layers[i]));
    }
    std::stable_sort(commands_.begin(), commands_.end(),
                     [](const Measured& a, const Measured& b) { return a.us > b.us; });
    return {};
  }

  std::string text() const { return head_text() + (arguments_.layers ? layers_text() : commands_text()); }

  std::string head_text() const {
    std::string text = format(
        "entry '%s' of '%s', batch %lld%s, %d thread%s: median of %lld steps on made-up rows\n",
        entry().name.c_str(), artifact_->spec().name.c_str(), static_cast<long long>(batch_size()),
        micro_batches() == 1 ? "" : (" in " + std::to_string(micro_batches()) + " micro-batches").c_str(),
        arguments_.threads, arguments_.threads == 1 ? "" : "s", static_cast<long long>(steps_));
    text += format("this machine, one core: %.1f GFLOP/s;", ceilings_.flops / 1e9);
    for (const auto& [bytes, rate] : ceilings_.bandwidths)
      text += format(" %s at %.1f GB/s%s", human_bytes(bytes).c_str(), rate / 1e9,
                     bytes == ceilings_.bandwidths.back().first ? "\n" : ",");
    text += format("step %.2f us, commands %.2f us (%.1f %% of it), their floors %.2f us\n", step_us_,
                   total_us(), 100 * total_us() / step_us_, floors_us());
    const bool has_winograd = std::any_of(commands_.begin(), commands_.end(), [](const Measured& each) {
      return products_share(each.convolution.algorithm) < 1;
    });
    if (has_winograd)
      text += "MFLOP and GFLOP/s count the direct sum; the floors of Winograd kernels count the products "
              "they make, "
              "1/4 of it (4x4), 4/9 (2x2) or 9/16 (stride 2)\n";
    return text + "\n";
  }

  /// Convolutions in the order of the step, then all that is none.
  std::string layers_text() const {
    std::vector<const Measured*> order;
    double convolutions = 0;
    for (const Measured& each : commands_)
      if (!each.convolution.product.empty()) {
        order.push_back(&each);
        convolutions += each.us;
      }
    std::sort(order.begin(), order.end(),
              [](const Measured* a, const Measured* b) { return a->index < b->index; });
    if (order.empty())
      return "no command of this entry is a convolution; without --layers every command is shown\n";
    std::string text = format("%10s %7s %8s  %-17s %-21s %-22s %s\n", "us", "share", "GFLOP/s", "product",
                              "algorithm", "layer", "fused into it");
    std::map<std::string, int> times, seen; // of a layer's product: SAM makes each twice a step
    for (const Measured* each : order)
      ++times[each->convolution.layer + each->convolution.product];
    const auto or_dash = [](const std::string& word) { return word.empty() ? "-" : word.c_str(); };
    for (const Measured* each : order) {
      const ConvolutionLayer& layer = each->convolution;
      const auto flops = static_cast<double>(variant().commands[each->index].flops);
      const std::string name = layer.layer + layer.product;
      const std::string pass = times[name] > 1 ? " " + std::to_string(++seen[name]) : "";
      text += format("%10.2f %6.1f%% %8.0f  %-17s %-21s %-22s ", each->us, 100 * each->us / step_us_,
                     flops / each->us / 1e3, (layer.product + pass).c_str(), or_dash(layer.algorithm),
                     or_dash(layer.layer)) +
              or_dash(layer.fused) + "\n";
    }
    text += format("\n%10.2f %6.1f%%  %zu convolutions\n", convolutions, 100 * convolutions / step_us_,
                   order.size());
    const double others = total_us() - convolutions;
    return text + format("%10.2f %6.1f%%  all other commands\n", others, 100 * others / step_us_);
  }

  std::string commands_text() const {
    std::string text;
    text += format("%10s %7s %10s %7s %-10s %9s %10s %6s  %s\n", "us", "share", "floor us", "times",
                   "floor of", "MFLOP", "moved", "chunks", "command");
    for (const Measured& each : commands_) {
      const runtime::Command& command = variant().commands[each.index];
      text += format("%10.2f %6.1f%% %10.2f %7s %-10s %9.3g %10s %6u  %zu %s%s%s\n", each.us,
                     100 * each.us / step_us_, each.floor_us,
                     each.floor_us > 0 ? format("%.1f", each.us / each.floor_us).c_str() : "-", each.limit,
                     static_cast<double>(command.flops) / 1e6, human_bytes(command.bytes_moved).c_str(),
                     command.num_chunks, each.index, each.name.c_str(),
                     each.family.empty() ? "" : (" (" + each.family + ")").c_str(),
                     each.line.empty() ? "" : ("  " + each.line).c_str());
    }
    return text;
  }

  std::string json() const {
    using Table = OptionValue::Table;
    OptionValue::List commands, bandwidths;
    const auto integer = [](auto value) { return OptionValue(static_cast<std::int64_t>(value)); };
    for (const Measured& each : commands_) {
      const runtime::Command& command = variant().commands[each.index];
      commands.push_back(OptionValue(Table{{"index", integer(each.index)},
                                           {"kind", runtime::to_string(command.kind)},
                                           {"name", each.name},
                                           {"family", each.family},
                                           {"line", each.line},
                                           {"layer", each.convolution.layer},
                                           {"product", each.convolution.product},
                                           {"algorithm", each.convolution.algorithm},
                                           {"fused", each.convolution.fused},
                                           {"us", OptionValue(each.us)},
                                           {"share", OptionValue(each.us / step_us_)},
                                           {"floor_us", OptionValue(each.floor_us)},
                                           {"floor_of", each.limit},
                                           {"flops", integer(command.flops)},
                                           {"bytes", integer(command.bytes_moved)},
                                           {"chunks", integer(command.num_chunks)}}));
    }
    for (const auto& [bytes, rate] : ceilings_.bandwidths)
      bandwidths.push_back(
          OptionValue(Table{{"bytes", integer(bytes)}, {"bytes_per_second", OptionValue(rate)}}));
    return OptionValue(Table{{"program", artifact_->spec().name},
                             {"entry", entry().name},
                             {"batch", integer(batch_size())},
                             {"micro_batches", integer(micro_batches())},
                             {"threads", integer(arguments_.threads)},
                             {"steps", integer(steps_)},
                             {"step_us", OptionValue(step_us_)},
                             {"commands_us", OptionValue(total_us())},
                             {"covered_share", OptionValue(total_us() / step_us_)},
                             {"floors_us", OptionValue(floors_us())},
                             {"flops_per_second", OptionValue(ceilings_.flops)},
                             {"bandwidths", OptionValue(std::move(bandwidths))},
                             {"commands", OptionValue(std::move(commands))}})
               .to_json() +
           "\n";
  }

private:
  template <class... Values> static std::string format(const char* pattern, Values... values) {
    char line[320];
    std::snprintf(line, sizeof line, pattern, values...);
    return line;
  }

  explicit Profile(ProfileArguments arguments) : arguments_(std::move(arguments)) {}

  const runtime::Entry& entry() const {
    return artifact_->spec().entries[static_cast<std::size_t>(id_.entry)];
  }
  const runtime::Variant& variant() const { return entry().variants[static_cast<std::size_t>(id_.variant)]; }

  std::int64_t batch_size() const { return runtime::batch_size_of(artifact_->spec(), entry(), variant()); }
  std::int64_t micro_batches() const {
    return batch_size() > 0 ? variant().batch / batch_size() : 1; // a fit entry has no rows
  }

  Status choose_variant() {
    const runtime::ArtifactSpec& spec = artifact_->spec();
    if (!arguments_.entry.empty())
      id_.entry = runtime::find_entry(spec, arguments_.entry);
    else if (!spec.stages.empty())
      id_.entry = spec.stages.front().step_entry;
    if (id_.entry < 0) {
      std::string names;
      for (const runtime::Entry& each : spec.entries)
        names += (names.empty() ? "" : ", ") + each.name;
      return arguments_.entry.empty() ? runtime::invalid_argument("'", spec.name, "' has no training step")
                                            .with_hint("name an entry: " + names)
                                      : runtime::not_found("there is no entry '", arguments_.entry, "'")
                                            .with_hint("entries are " + names);
    }
    TAILOR_ASSIGN_OR_RETURN_AS_IS(id_, runtime::variant_for(spec, id_.entry, arguments_.batch));
    if (variant().commands.empty())
      return runtime::invalid_argument("'", spec.name, "' is compiled for target '", spec.target.backend,
                                       "', which runs no commands to measure")
          .with_hint("compile it for a cpu target");
    return {};
  }

  /// Initial weights, statistics of one, rows of pseudo-random numbers.
  Status fill() {
    const runtime::ArtifactSpec& spec = artifact_->spec();
    TAILOR_RETURN_IF_ERROR_AS_IS(executor_->initialise(0));
    for (std::size_t i = 0; i < spec.states.size(); ++i) {
      const runtime::State& state = spec.states[i];
      if (spec.groups[static_cast<std::size_t>(state.group)].kind != runtime::GroupKind::kFitted ||
          state.dtype != runtime::DType::kF32)
        continue;
      const std::vector<float> ones(state.bytes / sizeof(float), 1.0f);
      TAILOR_RETURN_IF_ERROR_AS_IS(
          executor_->write_state(static_cast<std::int32_t>(i), std::as_bytes(std::span(ones))));
    }
    const runtime::Options options = spec.stages.empty()
                                         ? spec.options
                                         : runtime::options_of_stage(spec.options, spec.stages.front().name);
    TAILOR_ASSIGN_OR_RETURN_AS_IS(rows_, runtime::ControlRows::create(*executor_, options));
    for (std::size_t e = 0; e < spec.entries.size(); ++e)
      if (spec.entries[e].kind == runtime::EntryKind::kFit)
        TAILOR_RETURN_IF_ERROR_AS_IS(executor_->run({static_cast<std::int32_t>(e), 0}, 1));
    for (std::uint32_t slot = 0; slot < kStepsAtOnce; ++slot)
      for (const runtime::SlotField& field : variant().slot_fields)
        fill_field(field, executor_->slot(slot) + field.offset, slot);
    return {};
  }

  /// Labels go through the classes; categories, indices and other integers stay 0, which every table has.
  void fill_field(const runtime::SlotField& field, std::byte* place, std::uint32_t slot) const {
    const std::int32_t classes = std::max(1, artifact_->spec().schema.num_classes);
    const std::uint64_t count = field.bytes / runtime::dtype_bytes(field.dtype);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (field.dtype == runtime::DType::kF32) {
        const std::uint32_t word =
            runtime::philox4x32_10({static_cast<std::uint32_t>(i), slot, 0, 0}, {0, 0})[0];
        const float value = static_cast<float>(word >> 8) * 0x1p-23f - 1; // in [-1, 1)
        std::memcpy(place + i * sizeof value, &value, sizeof value);
      } else if (field.dtype == runtime::DType::kU8) {
        place[i] = static_cast<std::byte>(
            runtime::philox4x32_10({static_cast<std::uint32_t>(i), slot, 0, 0}, {0, 0})[0] >> 24);
      } else if (field.name == "label" && field.dtype == runtime::DType::kI32) {
        const std::int32_t label = static_cast<std::int32_t>(i) % classes;
        std::memcpy(place + i * sizeof label, &label, sizeof label);
      }
    }
  }

  Status run(std::int64_t steps) {
    for (std::int64_t left = steps; left > 0;) {
      const auto now = static_cast<std::uint32_t>(std::min<std::int64_t>(left, kStepsAtOnce));
      for (std::uint32_t i = 0; i < now; ++i) {
        runtime::StepValues values;
        values.valid = static_cast<std::int32_t>(variant().batch);
        values.slot = i;
        values.step = steps_done_ + i;
        values.draw_position = values.step * variant().batch;
        rows_->write(*executor_, executor_->counter() + i, values);
      }
      TAILOR_RETURN_IF_ERROR_AS_IS(executor_->run(id_, now));
      steps_done_ += now;
      left -= now;
    }
    return {};
  }

  /// At a terminal, of steps that take long enough to wonder.
  void show_progress(double seconds) {
    if (::isatty(STDERR_FILENO) != 1 || seconds < kWarmUpSeconds) return;
    std::fprintf(stderr, "\r%lld steps in %.0f s ", static_cast<long long>(steps_), seconds);
    std::fflush(stderr);
    shows_progress_ = true;
  }
  void end_progress() const {
    if (shows_progress_) std::fputs("\r\033[K", stderr);
  }

  Measured describe(std::size_t index, double us, double passes, const ConvolutionLayer& convolution) const {
    const runtime::ArtifactSpec& spec = artifact_->spec();
    const runtime::Command& command = variant().commands[index];
    Measured measured;
    measured.index = index;
    measured.us = us;
    measured.convolution = convolution;
    measured.name = runtime::to_string(command.kind);
    if (command.kernel >= 0) {
      const runtime::Kernel& kernel = spec.kernels[static_cast<std::size_t>(command.kernel)];
      measured.name = kernel.name;
      measured.family = kernel.family;
    }
    // Chunks run side by side, each with a core's peak; memory is taken to be everybody's.
    const double cores = std::min<double>(arguments_.threads, command.num_chunks);
    const double flops = products_share(convolution.algorithm) * static_cast<double>(command.flops);
    const double arithmetic = 1e6 * flops / (ceilings_.flops * cores);
    // Loads and stores run side by side, so the longer of the two counts.
    std::uint64_t written = 0;
    for (const runtime::Operand& operand : command.operands)
      if (operand.access == runtime::Access::kWrite) written += operand.bytes;
    written = std::min(written, command.bytes_moved);
    const double one_way = static_cast<double>(std::max(written, command.bytes_moved - written));
    const double memory = 1e6 * one_way / ceilings_.bandwidth(command.bytes_moved);
    measured.floor_us = passes * std::max(arithmetic, memory);
    measured.limit = measured.floor_us == 0 ? "" : arithmetic >= memory ? "arithmetic" : "memory";
    for (const std::int32_t id : command.ops) {
      const auto op =
          std::find_if(spec.ops.begin(), spec.ops.end(), [&](const auto& o) { return o.id == id; });
      if (op == spec.ops.end() || op->location.empty()) continue;
      measured.line = op->location;
      break;
    }
    return measured;
  }

  double total_us() const {
    double sum = 0;
    for (const Measured& each : commands_)
      sum += each.us;
    return sum;
  }

  double floors_us() const {
    double sum = 0;
    for (const Measured& each : commands_)
      sum += each.floor_us;
    return sum;
  }

  ProfileArguments arguments_;
  std::shared_ptr<const runtime::Artifact> artifact_;
  runtime::VariantId id_;
  std::unique_ptr<runtime::Executor> executor_;
  std::optional<runtime::ControlRows> rows_;
  std::int64_t steps_done_ = 0;
  std::int64_t steps_ = 0; ///< measured
  bool shows_progress_ = false;
  double step_us_ = 0;
  std::vector<Measured> commands_;
  Ceilings ceilings_;
};

} // namespace

int run_profile(const ProfileArguments& arguments) {
  auto profile = Profile::create(arguments);
  if (!profile.ok()) return runtime::report(profile.status());
  if (Status status = profile->measure(); !status.ok()) return runtime::report(status);
  runtime::print(arguments.json ? profile->json() : profile->text());
  return 0;
}

} // namespace tailor::tools
