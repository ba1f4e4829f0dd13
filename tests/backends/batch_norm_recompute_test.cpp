/// Running statistics of averaged weights, recomputed: every back end against the same sums written out here.
#include "backend/driver/Driver.h"
#include "backend/reference/ReferenceExecutor.h"
#include "frontend/traced_program.h"
#include "runtime/base/entry_names.h"
#include "runtime/exec/cpu_executor.h"
#include "tailor/tailor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <span>

namespace tailor::backends {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int64_t kBatch = 8, kInputs = 3, kWidth = 4;

class Net : public nn::Module {
public:
  Net() : first_(kInputs, kWidth), norm_(kWidth), last_(kWidth, 2) {
    add("first", first_), add("norm", norm_), add("last", last_);
  }
  Array operator()(const Array& x, const Context& context) {
    return last_(relu(norm_(first_(x, context), context)), context);
  }

private:
  nn::Linear first_;
  nn::BatchNorm norm_;
  nn::Linear last_;
};

/// A program that evaluates the average of a Net.
struct Averaged {
  explicit Averaged(optim::EmaBatchNorm bn, const std::vector<std::string>& frozen = {}) : ema({.bn = bn}) {
    data::Schema schema;
    schema.num_classes = 2;
    for (std::int32_t column = 0; column < kInputs; ++column)
      schema.columns.push_back({.name = "x" + std::to_string(column), .position = column});
    program.data(data::Plan({}, schema), {.batch = kBatch, .eval_batch = 2 * kBatch});
    program.state("net", net);
    program.state("sgd", sgd);
    program.state("ema", ema);
    program.train_step([this, frozen](Step& s) {
      if (!frozen.empty()) s.freeze(net, frozen);
      auto g = value_and_grad([&] {
        return losses::softmax_cross_entropy(net(s.batch().numeric, s.context()), s.batch().label);
      });
      s.report("loss", g.loss);
      s.update(net, sgd, g.gradients, s.control("lr", 0.1, "optimizer.lr"));
      s.update(ema, net);
    });
    program.eval_step([this](Eval& e) { e.logits(net(e.batch().numeric, e.context())); }, {.weights = ema});
  }

  Net net;
  optim::Sgd sgd{{.momentum = 0.9}};
  optim::Ema ema;
  TrainingProgram program{"averaged"};
};

std::vector<float> state(runtime::Executor& executor, const std::string& group, const std::string& name) {
  const runtime::ArtifactSpec& spec = executor.spec();
  for (std::size_t s = 0; s < spec.states.size(); ++s) {
    const runtime::State& known = spec.states[s];
    if (known.name != name || spec.groups[static_cast<std::size_t>(known.group)].name != group) continue;
    std::vector<float> values(known.bytes / sizeof(float));
    EXPECT_TRUE(
        executor.read_state(static_cast<std::int32_t>(s), std::as_writable_bytes(std::span(values))).ok());
    return values;
  }
  ADD_FAILURE() << "no " << group << "/" << name;
  return {};
}

template <typename T>
void set_control(runtime::Executor& executor, const std::string& name, std::vector<T> values) {
  const std::int32_t index = runtime::find_control(executor.spec(), name);
  ASSERT_GE(index, 0) << name;
  const runtime::ControlField& field = executor.spec().control[static_cast<std::size_t>(index)];
  std::memcpy(executor.control_row(executor.counter()) + field.offset, values.data(),
              values.size() * sizeof(T));
}

/// Row `row`, column `column` of the data.
float input(std::int64_t row, std::int64_t column) {
  return static_cast<float>(std::sin(1.7 * double(row) + 0.9 * double(column)) + 0.1 * double(column));
}

/// Runs the entry over batches of 8, 8 and 5 rows, then compares with plain sums over them.
void expect_recomputed(runtime::Executor& executor) {
  ASSERT_TRUE(executor.initialise(3, {}).ok());
  const runtime::ArtifactSpec& spec = executor.spec();
  runtime::VariantId id{-1, 0};
  for (std::size_t e = 0; e < spec.entries.size(); ++e)
    if (spec.entries[e].name == runtime::statistics_entry_name("eval_step"))
      id.entry = static_cast<std::int32_t>(e);
  ASSERT_GE(id.entry, 0);
  ASSERT_EQ(spec.entries[static_cast<std::size_t>(id.entry)].kind, runtime::EntryKind::kBatchNormRecompute);

  const std::vector<float> weight = state(executor, "ema", "first.weight"),
                           bias = state(executor, "ema", "first.bias");
  const std::vector<std::int32_t> sizes = {8, 8, 5};
  std::vector<double> mean(kWidth, 0), variance(kWidth, 0);
  std::int32_t before = 0;
  for (const std::int32_t rows : sizes) {
    for (const runtime::SlotField& field :
         spec.entries[static_cast<std::size_t>(id.entry)].variants[0].slot_fields) {
      if (field.name != "numeric") continue;
      std::span<float> slot(reinterpret_cast<float*>(executor.slot(0) + field.offset), kBatch * kInputs);
      for (std::int64_t n = 0; n < kBatch; ++n) // rows behind the last one are no zeros: they must not count
        for (std::int64_t d = 0; d < kInputs; ++d)
          slot[static_cast<std::size_t>(n * kInputs + d)] = n < rows ? input(before + n, d) : 100;
    }
    set_control<std::int32_t>(executor, "valid", {rows});
    set_control<std::int32_t>(executor, "slot", {0});
    set_control<std::int32_t>(executor, "rng", {3, 0, 0, before});
    const runtime::Status status = executor.run(id, 1);
    ASSERT_TRUE(status.ok()) << status.message();

    for (std::int64_t c = 0; c < kWidth; ++c) {
      double sum = 0, squares = 0;
      std::vector<double> values;
      for (std::int32_t n = 0; n < rows; ++n) {
        double value = bias[static_cast<std::size_t>(c)];
        for (std::int64_t d = 0; d < kInputs; ++d)
          value += double(weight[static_cast<std::size_t>(c * kInputs + d)]) * double(input(before + n, d));
        values.push_back(value);
        sum += value;
      }
      for (const double value : values)
        squares += (value - sum / rows) * (value - sum / rows);
      const auto channel = static_cast<std::size_t>(c);
      mean[channel] += sum;
      variance[channel] += squares / (rows - 1) * rows;
    }
    before += rows;
  }
  const std::vector<float> means = state(executor, "ema_batchnorm", "norm.running_mean"),
                           variances = state(executor, "ema_batchnorm", "norm.running_var");
  for (std::size_t c = 0; c < kWidth; ++c) {
    EXPECT_NEAR(means[c], mean[c] / before, 1e-6);
    EXPECT_NEAR(variances[c], variance[c] / before, 1e-6);
  }
  EXPECT_EQ(state(executor, "net_batchnorm", "norm.running_mean"), std::vector<float>(kWidth, 0))
      << "the network's own stay";
}

TEST(BatchNormRecompute, IsTheMeanOverAllRows) {
  const Averaged averaged(optim::EmaBatchNorm::recompute);
  const auto compiled = backend::compile(averaged.program, backend::CompileOptions());
  ASSERT_TRUE(compiled.ok()) << compiled.status().message();
  auto artifact = runtime::Artifact::from_bytes(compiled->artifact);
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  auto cpu = runtime::CpuExecutor::create(*artifact, {});
  auto reference = backend::reference::ReferenceExecutor::create(*artifact, {});
  ASSERT_TRUE(cpu.ok() && reference.ok());
  {
    SCOPED_TRACE("cpu");
    expect_recomputed(**cpu);
  }
  SCOPED_TRACE("reference");
  expect_recomputed(**reference);
}

TEST(BatchNormRecompute, WhatNeedsNoPassHasNone) {
  for (const optim::EmaBatchNorm bn : {optim::EmaBatchNorm::avg, optim::EmaBatchNorm::copy}) {
    const Averaged averaged(bn);
    const auto compiled = backend::compile(averaged.program, backend::CompileOptions());
    ASSERT_TRUE(compiled.ok()) << compiled.status().message();
    auto artifact = runtime::Artifact::from_bytes(compiled->artifact);
    ASSERT_TRUE(artifact.ok());
    for (const runtime::Entry& entry : (*artifact)->spec().entries)
      EXPECT_NE(entry.kind, runtime::EntryKind::kBatchNormRecompute);
  }
}

TEST(BatchNormRecompute, FrozenStatisticsLeaveNothingToRecompute) {
  const Averaged averaged(optim::EmaBatchNorm::recompute, {"norm.running_*"});
  EXPECT_THAT([&] { averaged.program.trace(); },
              ThrowsMessage<TraceError>(HasSubstr("this evaluation runs no batch norm that has any")));
}

} // namespace
} // namespace tailor::backends
