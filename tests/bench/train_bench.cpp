// train_bench: one training step of ours, timed, with its starting point and batches recorded for the peers.
//
//   train_bench --network mlp-256|resnet20|wrn-16-2 --batch 32 --method sam-a --record DIR --threads 1
//
// mlp-H is 100 -> H x3 (ReLU) -> 9, the others are image networks of models/networks on 32 x 32 x 3; label smoothing 0.1,
// SGD with momentum and weight decay, weight average; sam-a adds the class-weighted ascent step
// (tests/bench/peers/problem.py states the numerics). What is timed is what training does: control rows written on the
// host, then 8 steps per call. Prints one JSON line when it is ready; then, for every line of seconds on stdin, trains
// about that long and prints the microseconds of a step, so that programs can take turns.
#include "backend/driver/Driver.h"
#include "models/recipe/build.h"
#include "models/recipe/parse.h"
#include "runtime/artifact/reader.h"
#include "runtime/artifact/stage_options.h"
#include "runtime/data/open.h"
#include "runtime/exec/cpu_executor.h"
#include "runtime/train/control_rows.h"
#include "tests/bench/ceilings.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <malloc.h>

namespace tailor::bench {
namespace {

using runtime::Result;
using runtime::Status;
using Clock = std::chrono::steady_clock;

constexpr int kBatches = 8;

struct Arguments {
  std::string network = "mlp-64", method = "sam-a", record, target = "cpu:native";
  int batch = 8, threads = 1;
};

/// The parts of "wrn-16-2".
std::vector<std::string> parts_of(const std::string& name) {
  std::vector<std::string> parts{""};
  for (char c : name)
    c == '-' ? (void)parts.emplace_back() : parts.back().push_back(c);
  return parts;
}

/// What a row is and how the recipe calls the network.
struct Problem {
  std::vector<int64_t> row; ///< of one example
  int classes = 0;
  std::string data, model; ///< sections of the recipe
  double lr = 0;
};

Problem problem_of(const std::string& network) {
  const std::vector<std::string> parts = parts_of(network);
  if (parts[0] == "mlp" && parts.size() == 2)
    return {{100},
            9,
            "format = \"blobs\"\nclasses = 9\ndimensions = 100\n",
            "layers = [" + parts[1] + ", " + parts[1] + ", " + parts[1] + "]\n",
            0.01};
  const std::string images = "format = \"cifar10\"\n";
  if (parts[0] == "wrn" && parts.size() == 3)
    return {{32, 32, 3},
            10,
            images,
            "name = \"wrn\"\ndepth = " + parts[1] + "\nwiden_factor = " + parts[2] + "\n",
            0.01};
  if (parts[0].starts_with("resnet") && parts.size() == 1)
    return {{32, 32, 3}, 10, images, "name = \"cifar_resnet\"\ndepth = " + network.substr(6) + "\n", 0.01};
  std::cerr << "train_bench: unknown network '" << network << "', expected mlp-H, resnetD or wrn-D-K\n";
  std::exit(2);
}

template <class T> T must(Result<T> result) {
  if (!result.ok()) {
    std::cerr << "train_bench: " << result.status().message() << "\n";
    std::exit(runtime::exit_code(result.status()));
  }
  return std::move(*result);
}

void must(const Status& status) {
  if (status.ok()) return;
  std::cerr << "train_bench: " << status.message() << "\n";
  std::exit(runtime::exit_code(status));
}

std::string recipe_text(const Arguments& arguments, const Problem& problem) {
  return "[data]\n" + problem.data + "[model]\n" + problem.model + "[method]\nuse = [" +
         (arguments.method == "sam-a" ? std::string("\"sam-a\", ") : std::string()) +
         "\"smoothing\", \"ema\"]\nema = { decay = 0.999, warmup = false }\n"
         "[optimizer]\nlr = " +
         std::to_string(problem.lr) +
         "\nmomentum = 0.9\nweight_decay = 2e-4\n"
         "[schedule]\nname = \"constant\"\n[run]\nbatch = " +
         std::to_string(arguments.batch) + "\n";
}

/// Images come as f32, as they are; a generated table says its columns itself.
runtime::DataSchema schema_of(const Problem& problem, const runtime::Options& options) {
  if (problem.row.size() == 1) return must(runtime::schema_of(must(runtime::data_plan_from(options, ""))));
  runtime::DataSchema schema;
  schema.num_classes = problem.classes;
  for (int k = 0; k < problem.classes; ++k)
    schema.class_names.push_back(std::to_string(k));
  schema.image_height = static_cast<int32_t>(problem.row[0]);
  schema.image_width = static_cast<int32_t>(problem.row[1]);
  schema.image_channels = static_cast<int32_t>(problem.row[2]);
  return schema;
}

std::shared_ptr<const runtime::Artifact> compile(const Arguments& arguments, const Problem& problem) {
  const std::string text = recipe_text(arguments, problem);
  recipe::Recipe parsed = recipe::parse("bench.toml", {}, [&](const std::string& path) {
    return path == "bench.toml" ? runtime::Result<std::string>(text) : runtime::not_found(path);
  });
  if (!parsed.ok()) must(Status(runtime::StatusCode::kInternal, parsed.messages()));
  recipe::Program program(parsed, schema_of(problem, parsed.options));
  backend::CompileOptions options;
  options.target = arguments.target;
  options.keepIr = false;
  return must(runtime::Artifact::from_bytes(
      must(backend::compile(program.training(), options, "bench.toml", text)).artifact));
}

// Rows of normal features, labels drawn from a long tail of r = 0.01.
struct Batches {
  std::vector<float> x;
  std::vector<int32_t> y;
  std::vector<float> counts;
};

int64_t elements_of(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

Batches make_batches(int batch, const Problem& problem) {
  Batches out;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<double> share;
  for (int k = 0; k < problem.classes; ++k) {
    out.counts.push_back(std::floor(5000 * std::pow(0.01, k / (problem.classes - 1.0)) + 1e-9));
    share.push_back(out.counts.back());
  }
  std::discrete_distribution<int> label(share.begin(), share.end());
  for (int64_t i = 0; i < kBatches * batch * elements_of(problem.row); ++i)
    out.x.push_back(normal(random));
  for (int i = 0; i < kBatches * batch; ++i)
    out.y.push_back(label(random));
  return out;
}

// Drives one compiled program.
class Bench {
public:
  Bench(std::shared_ptr<const runtime::Artifact> artifact, const Batches& batches, int threads)
      : executor_(must(runtime::CpuExecutor::create(
            artifact, {.num_threads = threads, .ring_length = kBatches, .num_slots = kBatches}))) {
    const runtime::ArtifactSpec& spec = executor_->spec();
    for (size_t entry = 0; entry < spec.entries.size(); ++entry)
      if (spec.entries[entry].kind == runtime::EntryKind::kStep) step_ = {static_cast<int32_t>(entry), 0};
    must(executor_->initialise(0));
    must(executor_->write_state(state("fitted", "class_counts"), std::as_bytes(std::span(batches.counts))));
    for (size_t entry = 0; entry < spec.entries.size(); ++entry)
      if (spec.entries[entry].kind == runtime::EntryKind::kFit)
        must(executor_->run({static_cast<int32_t>(entry), 0}, 1));
    const runtime::Variant& variant = spec.entries[step_.entry].variants[0];
    batch_ = variant.batch;
    for (int i = 0; i < kBatches; ++i)
      for (const runtime::SlotField& field : variant.slot_fields) {
        if (field.name == "numeric" || field.name == "image") {
          const size_t rows = batches.x.size() / kBatches;
          if (field.dtype != runtime::DType::kF32 || field.bytes != rows * sizeof(float))
            must(Status(runtime::StatusCode::kInternal,
                        "input '" + field.name + "' is no f32 rows of the problem"));
          std::memcpy(executor_->slot(i) + field.offset, &batches.x[i * rows], field.bytes);
        }
        if (field.name == "label")
          std::memcpy(executor_->slot(i) + field.offset, &batches.y[i * batch_], batch_ * 4);
      }
    for (const runtime::MetricField& metric : spec.metrics)
      if (metric.name == "loss") loss_offset_ = metric.offset;
    rows_ = std::make_unique<runtime::ControlRows>(must(runtime::ControlRows::create(
        *executor_, runtime::options_of_stage(spec.options, spec.stages.at(0).name))));
  }

  // `count` <= kBatches steps in one call.
  void run(int count) {
    for (int i = 0; i < count; ++i) {
      runtime::StepValues values;
      values.valid = static_cast<int32_t>(batch_);
      values.slot = static_cast<uint32_t>((steps_ + i) % kBatches);
      values.step = steps_ + i;
      rows_->write(*executor_, executor_->counter() + i, values);
    }
    must(executor_->run(step_, count));
    steps_ += count;
  }

  float last_loss() const {
    float loss;
    std::memcpy(&loss, executor_->metrics_row(executor_->counter() - 1) + loss_offset_, sizeof loss);
    return loss;
  }

  /// Calls `use(name, shape, values)` for every parameter of the network.
  template <class Use> void for_each_parameter(Use use) const {
    const runtime::ArtifactSpec& spec = executor_->spec();
    for (size_t i = 0; i < spec.states.size(); ++i) {
      const runtime::State& state = spec.states[i];
      if (spec.groups[state.group].name != "net") continue;
      std::vector<float> values(state.bytes / sizeof(float));
      must(executor_->read_state(static_cast<int32_t>(i), std::as_writable_bytes(std::span(values))));
      use(state.name, state.shape, values);
    }
  }

  /// Arithmetic of a step as its ops are written, whatever an algorithm saves.
  double flops() const {
    double sum = 0;
    for (const runtime::Command& command : executor_->spec().entries[step_.entry].variants[0].commands)
      sum += static_cast<double>(command.flops);
    return sum;
  }

private:
  int32_t state(const std::string& group, const std::string& name) const {
    const runtime::ArtifactSpec& spec = executor_->spec();
    for (size_t i = 0; i < spec.states.size(); ++i)
      if (spec.states[i].name == name && spec.groups[spec.states[i].group].name == group)
        return static_cast<int32_t>(i);
    must(Status(runtime::StatusCode::kNotFound, "no state " + group + "/" + name));
    return -1;
  }

  std::unique_ptr<runtime::CpuExecutor> executor_;
  std::unique_ptr<runtime::ControlRows> rows_;
  runtime::VariantId step_;
  int64_t batch_ = 0, steps_ = 0;
  uint64_t loss_offset_ = 0;
};

template <class T> void write_file(const std::string& path, const std::vector<T>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <class Numbers> std::string json_list(const Numbers& numbers) {
  std::string text;
  for (const auto& number : numbers)
    text += (text.empty() ? "" : ", ") + std::to_string(number);
  return "[" + text + "]";
}

void record(const Arguments& arguments, const Problem& problem, const Bench& bench, const Batches& batches) {
  std::vector<float> parameters;
  std::string list;
  bench.for_each_parameter([&](const std::string& name, const auto& shape, const std::vector<float>& values) {
    parameters.insert(parameters.end(), values.begin(), values.end());
    list += (list.empty() ? "[\"" : ", [\"") + name + "\", " + json_list(shape) + "]";
  });
  std::vector<float> table;
  for (float count : batches.counts)
    table.push_back(batches.counts[0] / count);
  write_file(arguments.record + "/params.f32", parameters);
  write_file(arguments.record + "/x.f32", batches.x);
  write_file(arguments.record + "/y.i32", batches.y);
  write_file(arguments.record + "/table.f32", table);
  std::ofstream(arguments.record + "/problem.json")
      << "{\"network\": \"" << arguments.network << "\", \"row\": " << json_list(problem.row)
      << ", \"parameters\": [" << list << "], \"batch\": " << arguments.batch
      << ", \"threads\": " << arguments.threads << ", \"num_batches\": " << kBatches
      << ", \"classes\": " << problem.classes << ", \"lr\": " << problem.lr
      << ", \"momentum\": 0.9, \"weight_decay\": 2e-4, \"rho\": 0.05, \"ema_decay\": 0.999, \"eps\": 0.1}\n";
}

/// Over about `seconds`, behind some steps that bring the caches back: kBatches, or one where a step is long.
double microseconds_per_step(Bench& bench, double seconds) {
  const auto train = [&](int64_t steps) {
    const Clock::time_point start = Clock::now();
    for (int64_t done = 0; done < steps; done += kBatches)
      bench.run(static_cast<int>(std::min<int64_t>(kBatches, steps - done)));
    return std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(steps);
  };
  double step = train(1);
  if (step * kBatches < seconds) step = train(kBatches);
  return 1e6 * train(std::max<int64_t>(1, static_cast<int64_t>(seconds / step)));
}

/// A field of /proc/self/status in bytes: "VmRSS", "VmHWM".
int64_t resident(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field + ":")) return 1024 * std::atoll(line.c_str() + field.size() + 1);
  return 0;
}

/// Makes VmHWM start anew; false where the system does not.
bool reset_high_water() {
  std::ofstream clear("/proc/self/clear_refs");
  clear << "5" << std::flush;
  return clear.good();
}

double floor_us(const Arguments& arguments, const Bench& bench) {
  const std::vector<std::string> parts = parts_of(arguments.network);
  if (parts[0] != "mlp") return 1e6 * bench.flops() / peak_flops() / arguments.threads;
  return 1e6 * floor_seconds(
                   {100, std::atoi(parts[1].c_str()), 3, 9, arguments.batch, arguments.method == "sam-a"});
}

} // namespace
} // namespace tailor::bench

int main(int argc, char** argv) {
  using namespace tailor::bench;
  Arguments arguments;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--network")
      arguments.network = value;
    else if (name == "--batch")
      arguments.batch = std::atoi(value.c_str());
    else if (name == "--method")
      arguments.method = value;
    else if (name == "--record")
      arguments.record = value;
    else if (name == "--target")
      arguments.target = value;
    else if (name == "--threads")
      arguments.threads = std::atoi(value.c_str());
    else
      return std::cerr << "train_bench: unknown option " << name << "\n", 2;
  }
  const Problem problem = problem_of(arguments.network);
  const auto milliseconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  };
  Clock::time_point start = Clock::now();
  std::shared_ptr<const tailor::runtime::Artifact> artifact = compile(arguments, problem);
  const double compile_ms = milliseconds_since(start);
  const Batches batches = make_batches(arguments.batch, problem);
  malloc_trim(0); // what compiling left behind is no memory of a step
  const int64_t before = resident("VmRSS");
  const bool measures_memory = reset_high_water();
  Bench bench(artifact, batches, arguments.threads);
  if (!arguments.record.empty()) record(arguments, problem, bench, batches);
  std::string losses;
  double first_step_ms = 0;
  for (int i = 0; i < 5; ++i) {
    start = Clock::now();
    bench.run(1);
    if (i == 0) first_step_ms = milliseconds_since(start);
    char text[32];
    std::snprintf(text, sizeof text, "%s%.9g", i ? ", " : "", bench.last_loss());
    losses += text;
  }
  const std::string memory = measures_memory ? std::to_string(resident("VmHWM") - before) : "null";
  std::printf("{\"network\": \"%s\", \"method\": \"%s\", \"batch\": %d, \"threads\": %d, \"floor_us\": %.3f, "
              "\"compile_ms\": %.1f, \"first_step_ms\": %.2f, \"memory\": %s, \"losses\": [%s]}\n",
              arguments.network.c_str(), arguments.method.c_str(), arguments.batch, arguments.threads,
              floor_us(arguments, bench), compile_ms, first_step_ms, memory.c_str(), losses.c_str());
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    std::printf("%.3f\n", microseconds_per_step(bench, std::atof(line.c_str())));
    std::fflush(stdout);
  }
  return 0;
}
