/// What combines rows, in a step whose batch is ragged: 5 rows of 8, large numbers in the padding. Value and gradient
/// must be those of the same program with a batch of exactly these 5 rows.
#include "backend/driver/Driver.h"
#include "backend/driver/FrontendServices.h"
#include "backend/reference/Bytes.h"
#include "backend/reference/ReferenceExecutor.h"
#include "runtime/exec/cpu_executor.h"
#include "tailor/tailor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>

namespace tailor::backends {
namespace {

using backend::reference::ReferenceExecutor;
using backend::reference::Tensor;
using runtime::Executor;

constexpr std::int64_t kRows = 5, kBatch = 8, kColumns = 2, kClasses = 3;
constexpr double kLabels[kRows] = {2, 0, 1, 1, 0};

double column(std::int64_t row, std::int64_t i) {
  return std::sin(1.7 * static_cast<double>(row) + 0.9 * static_cast<double>(i)) +
         0.1 * static_cast<double>(row);
}

struct Net : nn::Module {
  nn::Linear fc{kColumns, kClasses};
  nn::BatchNorm norm{kClasses};
  Net() { add("fc", fc), add("norm", norm); }
  Array operator()(const Array& x, const Context& c) { return fc(x, c); }
};

struct Case {
  const char* name;
  Array (*loss)(Step&, Net&, const Array& z); ///< z [N, K]
};

Array nll(Step& s, const Array& z) {
  return logsumexp(z, -1) - take_along(z, s.batch().label, -1);
}

const Case kCases[] = {
    {"mean", [](Step& s, Net&, const Array& z) { return mean(nll(s, z)); }},
    {"mean_all", [](Step&, Net&, const Array& z) { return mean(square(z)); }},
    {"mean_columns", [](Step&, Net&, const Array& z) { return sum(square(mean(z, {0}))); }},
    {"mean_transposed",
     [](Step&, Net&, const Array& z) {
       return sum(square(mean(transpose(exp(z), {1, 0}), {1})));
     }},
    {"mean_pairs",
     [](Step&, Net&, const Array& z) {
       return mean(tanh(matmul(z, transpose(z, {1, 0}))));
     }},
    {"sum", [](Step& s, Net&, const Array& z) { return sum(nll(s, z)); }},
    {"sum_keep", [](Step&, Net&, const Array& z) { return mean(square(z / sum(exp(z), {0}, true))); }},
    {"max", [](Step& s, Net&, const Array& z) { return max(nll(s, z)); }},
    {"min", [](Step& s, Net&, const Array& z) { return min(nll(s, z)); }},
    {"max_label",
     [](Step& s, Net&, const Array& z) { return mean(nll(s, z)) * cast(max(s.batch().label), DType::f32); }},
    {"logsumexp", [](Step& s, Net&, const Array& z) { return logsumexp(nll(s, z), 0); }},
    {"softmax", [](Step& s, Net&, const Array& z) { return sum(softmax(nll(s, z), 0) * nll(s, z)); }},
    {"log_softmax", [](Step&, Net&, const Array& z) { return mean(sum(log_softmax(z, 0), {1})); }},
    {"l2_normalize", [](Step&, Net&, const Array& z) { return sum(l2_normalize(z, 0) * exp(z)); }},
    {"argmax",
     [](Step& s, Net&, const Array& z) { return mean(nll(s, z)) * cast(argmax(nll(s, z), 0), DType::f32); }},
    {"sort_perm",
     [](Step& s, Net&, const Array& z) { // the two rows with the smallest loss
       return sum(all_rows(take(nll(s, z), slice(sort_perm(nll(s, z)), {0}, {2}))));
     }},
    {"roll", [](Step&, Net&, const Array& z) { return mean(square(z - roll(exp(z), 1, 0))); }},
    {"roll_back", [](Step&, Net&, const Array& z) { return mean(square(z - roll(exp(z), -13, 0))); }},
    {"roll_transposed",
     [](Step&, Net&, const Array& z) {
       return mean(square(transpose(z, {1, 0}) - roll(transpose(exp(z), {1, 0}), 7, 1)));
     }},
    {"roll_labels",
     [](Step& s, Net&, const Array& z) {
       Array lambda = full({z.shape()[0]}, 0.3);
       return losses::softmax_cross_entropy(z, s.batch().label,
                                            {.labels_b = roll(s.batch().label, 2, 0), .lambda = lambda});
     }},
    {"permutation",
     [](Step& s, Net&, const Array& z) {
       Array partner = random_permutation(s.context(), s.batch().valid, z.shape()[0]);
       return mean(square(z - take(exp(z), partner)));
     }},
    {"scatter_add",
     [](Step& s, Net&, const Array& z) {
       Array none = zeros_like(s.classes().counts());
       return sum(square(scatter_add(none, s.batch().label, nll(s, z)) +
                         scatter_add(none, s.batch().label, full({z.shape()[0]}, 1))));
     }},
    {"dot",
     [](Step&, Net&, const Array& z) {
       return sum(tanh(matmul(transpose(z, {1, 0}), exp(z))));
     }},
    {"cross_entropy",
     [](Step& s, Net&, const Array& z) { return losses::softmax_cross_entropy(z, s.batch().label); }},
    {"batch_norm", [](Step& s, Net& net, const Array& z) { return mean(nll(s, net.norm(z, s.context()))); }},
    {"vicreg", [](Step&, Net&, const Array& z) { return losses::vicreg(z, tanh(roll(z, 1, 1))); }},
    {"penalty",
     [](Step& s, Net& net, const Array& z) {
       Array g = grad(
           [&](const Array& x) {
             return losses::softmax_cross_entropy(net(x, s.context()), s.batch().label, {.focal_gamma = 2});
           },
           s.batch().numeric);
       return mean(nll(s, z)) + sum(square(g));
     }},
    {"penalty_through_batch_norm",
     [](Step& s, Net& net, const Array&) {
       Array g = grad(
           [&](const Array& x) {
             return losses::softmax_cross_entropy(net.norm(net(x, s.context()), s.context()),
                                                  s.batch().label);
           },
           s.batch().numeric);
       return sum(square(g));
     }},
    {"noise_in_rounds",
     [](Step& s, Net& net, const Array&) {
       Array x = s.batch().numeric;
       auto noisy = [&](const Array& at) { return at + random_normal(s.context(), at.shape()); };
       return mean(nll(s, net(repeat(3, noisy, x), s.context())));
     }},
    {"gradient_of_all_rows",
     [](Step& s, Net& net, const Array&) {
       Array g = grad([&](const Array& x) { return sum(all_rows(square(net(x, s.context())))); },
                      s.batch().numeric);
       return sum(square(g)) + mean(sum(g, {1}));
     }},
    {"penalty_on_weights",
     [](Step& s, Net& net, const Array&) {
       auto inner = value_and_grad([&] {
         return losses::softmax_cross_entropy(net(s.batch().numeric, s.context()), s.batch().label);
       });
       return inner.loss + 0.1 * inner.gradients.norm() + sum(square(inner.gradients.at("fc.bias")));
     }},
    {"inner_loop",
     [](Step& s, Net& net, const Array& z) {
       Array x = repeat(
           3,
           [&](const Array& at) {
             Array g = grad([&](const Array& v) { return sum(nll(s, net(v, s.context()))); }, at);
             return clamp(at - 0.1 * l2_normalize(g, 1), -1, 1);
           },
           s.batch().numeric);
       return mean(nll(s, z)) + mean(nll(s, net(stop_gradient(x), s.context())));
     }},
};

struct Program {
  TrainingProgram program{"rows"};
  Net net;
  optim::Sgd sgd;
  explicit Program(std::int64_t batch) {
    program.data(data::blobs({.classes = kClasses, .dimensions = kColumns}),
                 {.batch = batch, .eval_batch = 8});
    program.state("net", net), program.state("sgd", sgd);
    program.train_step([this](Step& s) {
      Gradients last;
      for (const Case& one : kCases) {
        auto g = value_and_grad([&] { return one.loss(s, net, net(s.batch().numeric, s.context())); });
        s.report(one.name, g.loss);
        s.report(std::string(one.name) + "_grad", g.gradients.norm());
        last = last + g.gradients;
      }
      s.update(net, sgd, last, 0.1);
    });
    program.eval_step([this](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
  }
};

void fill(Executor& executor, const runtime::VariantId& id, std::int64_t batch, double position) {
  auto bytes = [](const Tensor& tensor, runtime::DType dtype, std::byte* place, std::size_t size) {
    backend::reference::toBytes(tensor, dtype, {place, size});
  };
  for (const runtime::SlotField& field :
       executor.spec().entries[static_cast<size_t>(id.entry)].variants[0].slot_fields) {
    std::byte* place = executor.slot(0) + field.offset;
    std::vector<double> values;
    for (std::int64_t row = 0; row < batch; ++row)
      if (field.name == "label")
        values.push_back(row < kRows ? kLabels[row] : 1);
      else if (field.name == "numeric")
        for (std::int64_t i = 0; i < kColumns; ++i)
          values.push_back(row < kRows ? column(row, i) : 30 - 17 * static_cast<double>(row + i));
      else
        values.push_back(0);
    Tensor tensor = Tensor::real({static_cast<int64_t>(values.size())}, values);
    bytes(tensor, field.dtype, place, field.bytes);
  }
  for (const auto& [name, values] : std::vector<std::pair<std::string, std::vector<double>>>{
           {"valid", {kRows}}, {"slot", {0}}, {"rng", {1, 2, 3, position}}, {"weight_decay", {0}}}) {
    const std::int32_t index = runtime::find_control(executor.spec(), name);
    if (index < 0) continue;
    const runtime::ControlField& field = executor.spec().control[static_cast<size_t>(index)];
    bytes(Tensor::real({static_cast<int64_t>(values.size())}, values), field.dtype,
          executor.control_row(executor.counter()) + field.offset,
          field.count * runtime::dtype_bytes(field.dtype));
  }
}

/// What one step reports; `position`: of its first row in the epoch.
std::map<std::string, double> reports(Executor& executor, std::int64_t batch, double position = 0) {
  EXPECT_TRUE(executor.initialise(7, {}).ok());
  runtime::VariantId step{}, fit{-1, 0};
  const runtime::ArtifactSpec& spec = executor.spec();
  for (size_t e = 0; e < spec.entries.size(); ++e) {
    if (spec.entries[e].kind == runtime::EntryKind::kStep) step = {static_cast<std::int32_t>(e), 0};
    if (spec.entries[e].kind == runtime::EntryKind::kFit) fit = {static_cast<std::int32_t>(e), 0};
  }
  fill(executor, step, batch, position);
  const runtime::Status status = executor.run(step, 1);
  EXPECT_TRUE(status.ok()) << status.message();
  std::map<std::string, double> values;
  for (const runtime::MetricField& field : spec.metrics) {
    float value = 0;
    std::memcpy(&value, executor.metrics_row(executor.counter() - 1) + field.offset, sizeof value);
    values[field.name] = value;
  }
  return values;
}

struct Ran {
  std::map<std::string, double> cpu, reference;
};

Ran run(std::int64_t batch) {
  Program program(batch);
  const auto compiled = backend::compile(program.program, backend::CompileOptions());
  EXPECT_TRUE(compiled.ok()) << compiled.status().message();
  if (!compiled.ok()) return {};
  auto artifact = runtime::Artifact::from_bytes(compiled->artifact);
  EXPECT_TRUE(artifact.ok()) << artifact.status().message();
  auto cpu = runtime::CpuExecutor::create(*artifact, {});
  auto reference = ReferenceExecutor::create(*artifact, {});
  EXPECT_TRUE(cpu.ok() && reference.ok()) << cpu.status().message() << reference.status().message();
  return {reports(**cpu, batch), reports(**reference, batch)};
}

TEST(RaggedBatch, IsTheBatchOfItsRows) {
  const Ran ragged = run(kBatch), exact = run(kRows);
  for (const Case& one : kCases)
    for (const std::string& name : {std::string(one.name), std::string(one.name) + "_grad"}) {
      const double expected = exact.reference.at(name), scale = std::max(1.0, std::abs(expected));
      EXPECT_TRUE(std::isfinite(expected)) << name;
      // Reports are f32. Sums over 8 rows, 3 of them zero, round like sums over 5.
      EXPECT_NEAR(ragged.reference.at(name), expected, 1e-7 * scale) << name;
      EXPECT_NEAR(ragged.cpu.at(name), expected, 2e-5 * scale) << name;
      EXPECT_NEAR(exact.cpu.at(name), expected, 2e-5 * scale) << name;
    }
}

/// Rounds of a repeat draw different numbers: three of variance 1 have variance 3, three times one has 9.
TEST(Repeat, EveryRoundDrawsItsOwnNumbers) {
  struct Noise : nn::Module {
    nn::Linear fc{kColumns, kClasses};
    Noise() { add("fc", fc); }
  } net;
  optim::Sgd sgd;
  constexpr std::int64_t kMany = 4096;
  TrainingProgram program{"noise"};
  program.data(data::blobs({.classes = kClasses, .dimensions = kColumns}), {.batch = kMany, .eval_batch = 8});
  program.state("net", net), program.state("sgd", sgd);
  program.train_step([&](Step& s) {
    auto noisy = [&](const Array& at) { return at + random_normal(s.context(), {kMany, 2}); };
    s.report("variance", mean(all_rows(square(repeat(3, noisy, full({kMany, 2}, 0))))));
    auto g = value_and_grad([&] { return mean(square(net.fc(s.batch().numeric, s.context()))); });
    s.update(net, sgd, g.gradients, 0.1);
  });
  program.eval_step([&](Eval& e) { e.logits(net.fc(e.batch().numeric, e.context())); });
  const auto compiled = backend::compile(program, backend::CompileOptions());
  ASSERT_TRUE(compiled.ok()) << compiled.status().message();
  auto artifact = runtime::Artifact::from_bytes(compiled->artifact);
  auto cpu = runtime::CpuExecutor::create(*artifact, {});
  auto reference = ReferenceExecutor::create(*artifact, {});
  ASSERT_TRUE(cpu.ok() && reference.ok());
  // The deviation of the mean of 8192 squares is 3 sqrt(2 / 8192) = 0.05.
  EXPECT_NEAR(reports(**cpu, kMany).at("variance"), 3, 0.2);
  EXPECT_NEAR(reports(**reference, kMany).at("variance"), 3, 0.2);
}

/// More rows than the batch has: patches of all images, noise of a size of its own. The next step's rows begin where this
/// batch ends, and so would its numbers.
TEST(Draws, NoTwoStepsShareOneWhateverTheShape) {
  struct Noise : nn::Module {
    nn::Linear fc{kColumns, kClasses};
    Noise() { add("fc", fc); }
  } net;
  optim::Sgd sgd;
  constexpr std::int64_t kWidth = 3;
  TrainingProgram program{"noise"};
  program.data(data::blobs({.classes = kClasses, .dimensions = kColumns}),
               {.batch = kBatch, .eval_batch = kBatch});
  program.state("net", net), program.state("sgd", sgd);
  program.train_step([&](Step& s) {
    for (const std::int64_t rows : {2 * kBatch, kBatch + 3}) {
      const std::string name = std::to_string(rows);
      const Array noise = random_uniform(s.context(), {rows, kWidth});
      s.report("first" + name, sum(all_rows(slice(noise, {0, 0}, {rows - kBatch, kWidth}))));
      s.report("behind" + name, sum(all_rows(slice(noise, {kBatch, 0}, {rows, kWidth}))));
    }
    auto g = value_and_grad([&] { return mean(square(net.fc(s.batch().numeric, s.context()))); });
    s.update(net, sgd, g.gradients, 0.1);
  });
  program.eval_step([&](Eval& e) { e.logits(net.fc(e.batch().numeric, e.context())); });
  const auto compiled = backend::compile(program, backend::CompileOptions());
  ASSERT_TRUE(compiled.ok()) << compiled.status().message();
  auto artifact = runtime::Artifact::from_bytes(compiled->artifact);
  auto cpu = runtime::CpuExecutor::create(*artifact, {});
  auto reference = ReferenceExecutor::create(*artifact, {});
  ASSERT_TRUE(cpu.ok() && reference.ok());
  const auto here = reports(**cpu, kBatch), next = reports(**cpu, kBatch, kBatch);
  for (const std::string rows : {"16", "11"})
    EXPECT_GT(std::abs(next.at("first" + rows) - here.at("behind" + rows)), 1e-3) << rows;
  // A multiple: row n draws the same rows wherever it stands in a batch.
  EXPECT_NEAR(reports(**cpu, kBatch, kBatch / 2).at("first16"), here.at("behind16"), 1e-4);
  for (const auto& [name, value] : reports(**reference, kBatch))
    EXPECT_NEAR(here.at(name), value, 1e-4) << name;
}

} // namespace
} // namespace tailor::backends
