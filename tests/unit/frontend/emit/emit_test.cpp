#include "frontend/emit/emit.h"

#include "models/networks/mlp.h"
#include "tailor/tailor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mlir/IR/BuiltinOps.h>
#include <mlir/IR/MLIRContext.h>
#include <mlir/IR/OwningOpRef.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

namespace tailor {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string dump(const TracedProgram& program) {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module = emit(program, context);
  if (!module) {
    ADD_FAILURE() << "the verifier refused the module";
    return "";
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream);
  return text;
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
    ++found;
  return found;
}

/// The golden file tests/pipelines/<name>; TAILOR_UPDATE_GOLDEN=1 writes it instead. As a lit test the file
/// is also read back and taken through the whole pipeline.
void expect_golden(const std::string& name, const std::string& module) {
  std::string text =
      "// RUN: tailor-opt %s -o /dev/null\n"
      "// RUN: tailor-opt %s --tailor-pipeline=stop-after=planned -o /dev/null\n\n"
      "// What the frontend emits; tests/unit/frontend/emit/emit_test.cpp holds the program.\n" +
      module;
  std::string path = std::string(TAILOR_SOURCE_DIR) + "/tests/pipelines/" + name;
  if (const char* update = std::getenv("TAILOR_UPDATE_GOLDEN"); update && std::string(update) == "1") {
    std::ofstream(path) << text;
    return;
  }
  std::ifstream file(path);
  ASSERT_TRUE(file) << "no golden file " << path;
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << "TAILOR_UPDATE_GOLDEN=1 re-records " << path << "; review the diff";
}

/// An MLP on blobs with SGD; `train` records the gradients.
struct Program {
  explicit Program(models::MlpOptions options = {},
                   optim::SgdOptions sgd_options = {.momentum = 0.9, .weight_decay = 2e-4})
      : net(complete(options)), sgd(sgd_options) {
    program.data(data::blobs({.classes = 3, .dimensions = 2}), {.batch = 8, .eval_batch = 16});
    program.state("net", net);
    program.state("sgd", sgd);
    program.eval_step([this](Eval& e) { e.logits(net(e.batch(), e.context())); });
  }
  static models::MlpOptions complete(models::MlpOptions options) {
    options.numeric_columns = 2;
    options.layers = {4};
    options.outputs = 3;
    return options;
  }
  void erm() {
    program.train_step([this](Step& s) {
      auto loss = [&] {
        return losses::softmax_cross_entropy(net(s.batch(), s.context()), s.batch().label,
                                             {.valid = s.batch().valid});
      };
      auto result = value_and_grad(loss);
      s.update(net, sgd, result.gradients, s.control("lr", 0.1, "optimizer.lr"));
      s.report("loss", result.loss);
    });
  }
  void sam_a(SamOptions options = {}) {
    program.train_step([this, options](Step& s) {
      ClassStats classes = s.classes();
      auto loss = [&](const Array& table) {
        return losses::softmax_cross_entropy(
            net(s.batch(), s.context()), s.batch().label,
            {.class_weights = table, .valid = s.batch().valid, .reduction = Reduction::weighted_mean});
      };
      SamOptions sam_options = options;
      sam_options.ascent = imbalance::ascent_table(classes.counts(), "inv_max");
      sam_options.descent = ones_like(classes.counts());
      sam_options.rho = s.control("rho", 0.05, "method.sam-a.rho");
      SamResult result = sam(loss, sam_options);
      s.update(net, sgd, result.gradients, s.control("lr", 0.1, "optimizer.lr"));
      s.report("loss", result.loss);
      s.report("ascent_loss", result.ascent_loss);
    });
  }
  std::string text() { return dump(program.trace()); }

  TrainingProgram program{"test"};
  models::Mlp net;
  optim::Sgd sgd;
};

TEST(Emit, ErmIsOneBodyDifferentiatedOnce) {
  Program p;
  p.erm();
  expect_golden("mlp-erm-traced.mlir", p.text());
}

TEST(Emit, SamAReadsAsItsDefinition) {
  Program p;
  p.sam_a();
  expect_golden("mlp-sam-a-traced.mlir", p.text());
}

TEST(Emit, SamACallsOneBodyTwiceWithTwoTables) {
  Program p;
  p.sam_a();
  std::string text = p.text();
  EXPECT_EQ(count(text, "tailor.body @"), 1u);
  EXPECT_EQ(count(text, "tailor.value_and_grad @loss("), 2u);
  EXPECT_EQ(count(text, "tailor.sam.perturb"), 1u);
  EXPECT_EQ(count(text, "tailor.sgd_update"), 1u);
}

TEST(Emit, EveryEmissionGivesTheSameText) {
  Program p({.batch_norm = true, .dropout = 0.1});
  p.sam_a();
  EXPECT_EQ(p.text(), p.text());
}

TEST(Emit, BatchNormDropoutAdamWAndAveragesVerify) {
  models::MlpOptions options = Program::complete({.batch_norm = true, .dropout = 0.2});
  models::Mlp net(options);
  optim::AdamW adamw({.weight_decay = 0.01, .decay_filter = optim::DecayFilter::no_norm_bias});
  optim::Ema ema;
  TrainingProgram program("adamw");
  program.data(data::blobs({.classes = 3}), {.batch = {4, 8}});
  program.state("net", net);
  program.state("adamw", adamw);
  program.state("ema", ema);
  program.train_step([&](Step& s) {
    SamResult g = sam(
        [&] {
          return losses::softmax_cross_entropy(net(s.batch(), s.context()), s.batch().label,
                                               {.smoothing = 0.1,
                                                .bias = imbalance::log_prior(s.classes().counts()),
                                                .valid = s.batch().valid,
                                                .focal_gamma = 2});
        },
        {.ascent = imbalance::ascent_table(s.classes().counts(), "inv_p"),
         .radius = SamRadius::batch_mean,
         .labels = s.batch().label,
         .adaptive = true,
         .bn_stats = SamBatchNorm::both});
    s.update(net, adamw, g.gradients, s.control("lr", 1e-3, "optimizer.lr"));
    s.update(ema, net);
  });
  program.eval_step([&](Eval& e) { e.logits(net(e.batch(), e.context())); }, {.weights = ema});
  std::string text = dump(program.trace());
  EXPECT_THAT(text, HasSubstr("tailor.entry @fit kind"));
  EXPECT_THAT(text, HasSubstr("tailor.entry @train_step_b4 kind"));
  EXPECT_THAT(text, HasSubstr("tailor.body @loss_b4("));
  EXPECT_THAT(text, HasSubstr("tailor.body @loss_b8("));
  EXPECT_THAT(text, HasSubstr("@adamw_first"));
  EXPECT_THAT(text, HasSubstr("init(copy_of(@net_batchnorm::@bn0.running_mean))"));
  EXPECT_THAT(text, HasSubstr("weighted_by("));
  EXPECT_THAT(text, HasSubstr("tailor.load @ema::@fc0.weight"));
  EXPECT_THAT(text, HasSubstr("tailor.load @ema_batchnorm::@bn0.running_var"));
  EXPECT_THAT(text, HasSubstr("fit(@fit)"));
  // The filter reaches the layout and the update.
  EXPECT_THAT(text, HasSubstr("@fc0.bias : tensor<4xf32> init(uniform(0.70710678118654746)) no_decay"));
  EXPECT_THAT(text, HasSubstr("decayed([true, false, false, false, true, false])"));
}

TEST(Emit, LocationsAreTheUsersLines) {
  Program p;
  p.erm();
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module = emit(p.program.trace(), context);
  ASSERT_TRUE(module);
  int known = 0;
  module->walk([&](mlir::Operation* op) {
    if (op->getName().getStringRef() != "tailor.dot") return;
    auto location = mlir::dyn_cast<mlir::FileLineColLoc>(op->getLoc());
    ASSERT_TRUE(location);
    EXPECT_THAT(location.getFilename().str(), HasSubstr("emit_test.cpp"));
    EXPECT_GT(location.getLine(), 0u);
    ++known;
  });
  EXPECT_EQ(known, 4);
}

/// Every op builder of the API in one expression; the dialect's verifiers look at each.
std::vector<Array> every_op() {
  Array x = array({1, 2, 3, 4, 5, 6}, {2, 3}), y = full({2, 3}, 2), n = array({1, 0}, {2}, DType::i32);
  Array table = array({1, 2, 3}, {3}), two = constant(2, DType::i32), image = full({2, 4, 4, 2}, 1);
  std::vector<Array> all;
  for (Array (*op)(const Operand&) :
       {neg,  abs,     exp, log,  log1p, expm1, sqrt, rsqrt, reciprocal, square,
        tanh, sigmoid, erf, relu, gelu,  silu,  sin,  cos,   sign,       stop_gradient})
    all.push_back(op(x));
  for (Array (*op)(const Operand&, const Operand&) : {add, subtract, multiply, divide, maximum, minimum, pow})
    all.push_back(op(x, y));
  Array mask = is_finite(x);
  all.insert(all.end(),
             {logical_not(mask), mask && mask, mask || (x > y), where(x <= y, x, 0.0), clamp(x, 2, 4)});
  all.insert(all.end(), {x == y, x != y, x < y, x >= y, cast(x, DType::i32), zeros_like(x), ones_like(x)});
  all.insert(all.end(),
             {broadcast_to(table, {2, 3}), reshape(x, {3, -1}), flatten(image), transpose(x, {1, 0})});
  all.insert(all.end(),
             {slice(x, {0, 1}, {2, 3}), pad(x, {1, 0}, {0, 2}, 7), concat({x, y}, 1), roll(x, 1, 0)});
  all.insert(all.end(), {iota({2, 3}, 1), row_mask(two, 4), expand_dims(x, 0), squeeze(full({1, 2}, 0), 0)});
  all.insert(all.end(),
             {sum(x), sum(x, 0), mean(x, -1, true), max(x, 1), min(x), argmax(x, 1), sort_perm(table)});
  all.insert(all.end(),
             {logsumexp(x, -1), softmax(x, 1), log_softmax(x, 1), l2_normalize(x, 1), masked_mean(x, two)});
  all.insert(all.end(), {matmul(x, transpose(y, {1, 0})), matmul(full({5, 2, 3}, 1), full({5, 3, 4}, 1))});
  all.insert(all.end(),
             {take(table, n), take_along(x, n, -1), scatter_add(table, n, full({2}, 1)), one_hot(n, 3)});
  all.push_back(
      conv2d(image, full({4, 1, 3, 3}, 1), {.strides = {2, 2}, .padding = {1, 1, 1, 1}, .groups = 2}));
  all.push_back(max_pool2d(image, {.window = {2, 2}, .strides = {2, 2}}));
  all.push_back(
      avg_pool2d(image, {.window = {3, 3}, .strides = {1, 2}, .padding = {1, 1, 0, 0}, .ceil_mode = true}));
  Array ones = full({2}, 1);
  BatchNormResult norm = batch_norm_train(image, ones, ones, two, 1e-5);
  RunningStatistics running =
      batch_norm_update_running(ones, ones, norm.mean, norm.variance, two, 2, 16, 0.1);
  all.insert(all.end(), {norm.y, running.mean, batch_norm_inference(image, ones, ones, ones, ones, 1e-5)});
  all.push_back(layer_norm(x, table, table, 1e-6));
  Array lambda = array({0.3, 1}, {2});
  all.push_back(losses::softmax_cross_entropy(x, n,
                                              {.class_weights = table,
                                               .smoothing = 0.1,
                                               .margin = table,
                                               .bias = table,
                                               .labels_b = n,
                                               .lambda = lambda,
                                               .valid = two,
                                               .focal_gamma = 1,
                                               .focal_of_weighted = true,
                                               .scale = 30,
                                               .reduction = Reduction::none}));
  all.push_back(losses::sigmoid_cross_entropy(
      array({1, -1}, {2, 1}), n,
      {.class_weights = ones, .smoothing = 0.1, .valid = two, .reduction = Reduction::sum}));
  auto cube_sum = [](const std::vector<Array>& v) { return sum(v[0] * v[0] * v[1]); };
  all.push_back(grad(cube_sum, {x, y}, {1})[0]);
  return all;
}

TEST(Emit, EveryOpOfTheApiPassesItsVerifier) {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module = emit_expression(every_op(), context);
  ASSERT_TRUE(module) << "the diagnostics above name the op";
  std::set<std::string> mnemonics;
  module->walk([&](mlir::Operation* op) { mnemonics.insert(op->getName().getStringRef().str()); });
  EXPECT_GE(mnemonics.size(), 75u);
}

TEST(Emit, RandomOpsVerify) {
  Program p;
  p.program.train_step([&](Step& s) {
    auto g = value_and_grad([&] {
      Context c = s.context();
      Array z = p.net(s.batch(), c) + where(bernoulli(c, 0.5, {8, 3}), 1.0, 0.0);
      Array mixed = take(z, random_permutation(c, s.batch().valid, 8));
      return masked_mean(logsumexp(mixed + random_normal(c, {8, 3}) * random_uniform(c, {8, 3}), 1),
                         s.batch().valid);
    });
    s.update(p.net, p.sgd, g.gradients, 0.1);
  });
  std::string text = p.text();
  for (const char* op : {"random_uniform", "random_normal", "bernoulli", "random_permutation"})
    EXPECT_EQ(count(text, "tailor." + std::string(op)), 1u) << op;
  EXPECT_EQ(count(text, "tailor.rng_key"), 4u) << "one key per random op";
}

TEST(Emit, ExpressionsKnowNoTrainingState) {
  Program p;
  Array leaked;
  p.program.train_step([&](Step& s) {
    leaked = s.control("a", 1) * 2.0;
    auto g =
        value_and_grad([&] { return masked_mean(sum(p.net(s.batch(), s.context()), 1), s.batch().valid); });
    s.update(p.net, p.sgd, g.gradients, 0.1);
  });
  p.program.trace();
  mlir::MLIRContext context;
  EXPECT_THROW(emit_expression({leaked}, context), TraceError);
}

} // namespace
} // namespace tailor
