// train_bench: one MLP training step of ours, timed, with its starting point and batches recorded for the
// peers.
//
//   train_bench --hidden 256 --batch 32 --method sam-a --record DIR --seconds 4
//
// The network is 100 -> hidden x3 (ReLU) -> 9, label smoothing 0.1, SGD with momentum and weight decay,
// weight average; sam-a adds the class-weighted ascent step (tests/bench/peers/problem.py states the
// numerics). One thread. What is timed is what training does: control rows written on the host, then 8 steps
// per call. Prints one JSON line.
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

namespace tailor::bench {
namespace {

using runtime::Result;
using runtime::Status;
using Clock = std::chrono::steady_clock;

constexpr int kInputs = 100, kClasses = 9, kHiddenLayers = 3, kBatches = 8;

struct Arguments {
  int hidden = 64, batch = 8;
  std::string method = "sam-a", record, target = "cpu:native";
  double seconds = 2;
};

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

std::string recipe_text(const Arguments& arguments) {
  const std::string h = std::to_string(arguments.hidden);
  return "[data]\nformat = \"blobs\"\nclasses = 9\ndimensions = 100\n"
         "[model]\nlayers = [" +
         h + ", " + h + ", " + h +
         "]\n"
         "[method]\nuse = [" +
         (arguments.method == "sam-a" ? std::string("\"sam-a\", ") : std::string()) +
         "\"smoothing\", \"ema\"]\nema = { decay = 0.999, warmup = false }\n"
         "[optimizer]\nlr = 0.01\nmomentum = 0.9\nweight_decay = 2e-4\n"
         "[schedule]\nname = \"constant\"\n[run]\nbatch = " +
         std::to_string(arguments.batch) + "\n";
}

std::shared_ptr<const runtime::Artifact> compile(const Arguments& arguments) {
  const std::string text = recipe_text(arguments);
  recipe::Recipe parsed = recipe::parse("bench.toml", {}, [&](const std::string& path) {
    return path == "bench.toml" ? runtime::Result<std::string>(text) : runtime::not_found(path);
  });
  if (!parsed.ok()) must(Status(runtime::StatusCode::kInternal, parsed.messages()));
  const runtime::DataSchema schema =
      must(runtime::schema_of(must(runtime::data_plan_from(parsed.options, ""))));
  recipe::Program program(parsed, schema);
  backend::CompileOptions options;
  options.target = arguments.target;
  options.keepIr = false;
  return must(runtime::Artifact::from_bytes(
      must(backend::compile(program.training(), options, "bench.toml", text)).artifact));
}

// Rows of 100 normal features, labels drawn from a long tail of r = 0.01.
struct Batches {
  std::vector<float> x;
  std::vector<int32_t> y;
  std::vector<float> counts;
};

Batches make_batches(int batch) {
  Batches out;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<double> share;
  for (int k = 0; k < kClasses; ++k) {
    out.counts.push_back(std::floor(5000 * std::pow(0.01, k / (kClasses - 1.0)) + 1e-9));
    share.push_back(out.counts.back());
  }
  std::discrete_distribution<int> label(share.begin(), share.end());
  for (int i = 0; i < kBatches * batch * kInputs; ++i)
    out.x.push_back(normal(random));
  for (int i = 0; i < kBatches * batch; ++i)
    out.y.push_back(label(random));
  return out;
}

// Drives one compiled program.
class Bench {
public:
  Bench(std::shared_ptr<const runtime::Artifact> artifact, const Batches& batches)
      : executor_(must(runtime::CpuExecutor::create(
            artifact, {.num_threads = 1, .ring_length = kBatches, .num_slots = kBatches}))) {
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
        if (field.name == "numeric")
          std::memcpy(executor_->slot(i) + field.offset, &batches.x[i * batch_ * kInputs],
                      batch_ * kInputs * 4);
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

  std::vector<float> read(const std::string& group, const std::string& name) const {
    const int32_t index = state(group, name);
    std::vector<float> values(executor_->spec().states[index].bytes / sizeof(float));
    must(executor_->read_state(index, std::as_writable_bytes(std::span(values))));
    return values;
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

void record(const Arguments& arguments, const Bench& bench, const Batches& batches) {
  std::vector<float> parameters;
  std::string layers;
  for (int layer = 0; layer <= kHiddenLayers; ++layer) {
    const std::string name = layer < kHiddenLayers ? "fc" + std::to_string(layer) : "head";
    for (const char* part : {".weight", ".bias"}) {
      std::vector<float> values = bench.read("net", name + part);
      parameters.insert(parameters.end(), values.begin(), values.end());
    }
    const int in = layer == 0 ? kInputs : arguments.hidden,
              out = layer < kHiddenLayers ? arguments.hidden : kClasses;
    layers += (layer ? ", [" : "[") + std::to_string(out) + ", " + std::to_string(in) + "]";
  }
  std::vector<float> table;
  for (float count : batches.counts)
    table.push_back(batches.counts[0] / count);
  write_file(arguments.record + "/params.f32", parameters);
  write_file(arguments.record + "/x.f32", batches.x);
  write_file(arguments.record + "/y.i32", batches.y);
  write_file(arguments.record + "/table.f32", table);
  std::ofstream(arguments.record + "/problem.json")
      << "{\"layers\": [" << layers << "], \"batch\": " << arguments.batch
      << ", \"num_batches\": " << kBatches << ", \"classes\": " << kClasses
      << ", \"lr\": 0.01, \"momentum\": 0.9, \"weight_decay\": 2e-4, \"rho\": 0.05, \"ema_decay\": 0.999, "
         "\"eps\": 0.1}\n";
}

double microseconds_per_step(Bench& bench, double seconds) {
  constexpr int kWindows = 7;
  auto window = [&](int calls) {
    const Clock::time_point start = Clock::now();
    for (int call = 0; call < calls; ++call)
      bench.run(kBatches);
    return std::chrono::duration<double>(Clock::now() - start).count() / (calls * kBatches);
  };
  const double one = window(8);
  std::vector<double> times;
  for (int i = 0; i < kWindows; ++i)
    times.push_back(window(std::max(1, static_cast<int>(seconds / kWindows / one / kBatches))));
  std::nth_element(times.begin(), times.begin() + kWindows / 2, times.end());
  return times[kWindows / 2] * 1e6;
}

} // namespace
} // namespace tailor::bench

int main(int argc, char** argv) {
  using namespace tailor::bench;
  Arguments arguments;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--hidden")
      arguments.hidden = std::atoi(value.c_str());
    else if (name == "--batch")
      arguments.batch = std::atoi(value.c_str());
    else if (name == "--method")
      arguments.method = value;
    else if (name == "--record")
      arguments.record = value;
    else if (name == "--target")
      arguments.target = value;
    else if (name == "--seconds")
      arguments.seconds = std::atof(value.c_str());
    else
      return std::cerr << "train_bench: unknown option " << name << "\n", 2;
  }
  const Clock::time_point start = Clock::now();
  std::shared_ptr<const tailor::runtime::Artifact> artifact = compile(arguments);
  const double compile_ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  const Batches batches = make_batches(arguments.batch);
  Bench bench(artifact, batches);
  if (!arguments.record.empty()) record(arguments, bench, batches);
  std::string losses;
  for (int i = 0; i < 5; ++i) {
    bench.run(1);
    char text[32];
    std::snprintf(text, sizeof text, "%s%.9g", i ? ", " : "", bench.last_loss());
    losses += text;
  }
  const double us = microseconds_per_step(bench, arguments.seconds);
  const MlpStep step{kInputs,  arguments.hidden, kHiddenLayers,
                     kClasses, arguments.batch,  arguments.method == "sam-a"};
  std::printf(
      "{\"method\": \"%s\", \"hidden\": %d, \"batch\": %d, \"us_per_step\": %.3f, \"floor_us\": %.3f, "
      "\"gflops\": %.1f, \"compile_ms\": %.1f, \"losses\": [%s]}\n",
      arguments.method.c_str(), arguments.hidden, arguments.batch, us, floor_seconds(step) * 1e6,
      step.flops() / us / 1e3, compile_ms, losses.c_str());
  return 0;
}
