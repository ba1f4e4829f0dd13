#include "frontend/traced_program.h"
#include "tailor/tailor.h"
#include "tests/unit/frontend/api/error_of.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>

namespace tailor {
namespace {

using testing::HasSubstr;

const Array x23 = full({2, 3}, 1);
const Array x45 = full({4, 5}, 1);
const Array labels2 = full({2}, 0, DType::i32);

TEST(Errors, NameOpShapesAndPlace) {
  std::uint32_t line = __LINE__ + 1;
  std::string text = error_of([] { add(x23, x45); });
  EXPECT_THAT(text, HasSubstr("errors_test.cpp:" + std::to_string(line) + ":"));
  EXPECT_THAT(text, HasSubstr("error: add: shapes [2, 3] and [4, 5] do not broadcast"));
}

TEST(Errors, ShapeRulesOfEveryFamily) {
  EXPECT_THAT(error_of([] { add(x23, labels2); }), HasSubstr("operands are f32[2, 3] and i32[2]"));
  EXPECT_THAT(error_of([] { exp(labels2); }), HasSubstr("expects a floating-point operand, not i32[2]"));
  EXPECT_THAT(error_of([] { logical_not(x23); }), HasSubstr("expects i1"));
  EXPECT_THAT(error_of([] { where(x23, x23, x23); }), HasSubstr("condition must be i1"));
  EXPECT_THAT(error_of([] { clamp(x23, 2, 1); }), HasSubstr("is empty"));
  EXPECT_THAT(error_of([] { array({1, 2, 3}, {2}); }), HasSubstr("3 values do not fill [2]"));
  EXPECT_THAT(error_of([] { reshape(x23, {4}); }), HasSubstr("does not have the elements of [4]"));
  EXPECT_THAT(error_of([] { reshape(x23, {-1, -1}); }), HasSubstr("only one extent"));
  EXPECT_THAT(error_of([] { reshape(x23, {-1, 4}); }), HasSubstr("does not have the elements"));
  EXPECT_THAT(error_of([] { broadcast_to(x23, {3, 2}); }), HasSubstr("does not broadcast to [3, 2]"));
  EXPECT_THAT(error_of([] { transpose(x23, {0, 0}); }), HasSubstr("once"));
  EXPECT_THAT(error_of([] { slice(x23, {0, 2}, {2, 4}); }), HasSubstr("[2:4:1] does not fit axis 1"));
  EXPECT_THAT(error_of([] { pad(x23, {-1, 0}, {0, 0}); }), HasSubstr("negative"));
  EXPECT_THAT(error_of([] { concat({x23, x45}, 0); }), HasSubstr("do not join along axis 0"));
  EXPECT_THAT(error_of([] { squeeze(x23, 0); }), HasSubstr("is not 1"));
  EXPECT_THAT(error_of([] { sum(x23, 2); }), HasSubstr("axis 2 is outside f32[2, 3]"));
  EXPECT_THAT(error_of([] { mean(x23, {0, -2}); }), HasSubstr("given twice"));
  EXPECT_THAT(error_of([] { matmul(x23, x45); }), HasSubstr("3 columns but f32[4, 5] has 4 rows"));
  EXPECT_THAT(error_of([] { take(x23, x23); }), HasSubstr("index must be i32"));
  EXPECT_THAT(error_of([] { take_along(x45, labels2, -1); }), HasSubstr("one entry per row of f32[4, 5]"));
  EXPECT_THAT(error_of([] { masked_mean(x23, 1.0); }), HasSubstr("valid must be i32[], not f32[]"));
  EXPECT_THAT(error_of([] {
                conv2d(full({1, 8, 8, 3}, 0), full({4, 2, 3, 3}, 0));
              }),
              HasSubstr("do not match"));
  EXPECT_THAT(error_of([] {
                conv2d(full({1, 2, 2, 3}, 0), full({4, 3, 3, 3}, 0));
              }),
              HasSubstr("does not fit"));
  EXPECT_THAT(error_of([] { max_pool2d(x23, {.window = {2, 2}}); }), HasSubstr("rank 4"));
  EXPECT_THAT(error_of([] { layer_norm(x23, full({2}, 1), full({3}, 0), 1e-5); }), HasSubstr("3 channels"));
}

TEST(Errors, LossSaysBothNumbers) {
  EXPECT_THAT(error_of([] { losses::softmax_cross_entropy(x23, labels2, {.class_weights = full({4}, 1)}); }),
              HasSubstr("class_weights has 4 entries but there are 3 classes"));
  EXPECT_THAT(error_of([] { losses::softmax_cross_entropy(x23, x23); }), HasSubstr("labels must be i32[2]"));
  EXPECT_THAT(error_of([] { losses::softmax_cross_entropy(x23, labels2, {.lambda = full({2}, 1)}); }),
              HasSubstr("both labels_b and lambda"));
  EXPECT_THAT(error_of([] { losses::sigmoid_cross_entropy(full({2}, 0), labels2, {.scale = 30}); }),
              HasSubstr("no margin"));
}

TEST(Errors, ABetaThatIsOneInF32IsRefused) {
  const auto table = [](double beta) {
    return error_of([&] { imbalance::class_weights(full({3}, 10), "effective", beta); });
  };
  EXPECT_THAT(table(0.999999999), HasSubstr("beta 0.999999999 is not below 1 in f32"));
  EXPECT_THAT(table(0.999999999), HasSubstr("0.9999999 is the largest that works"));
  EXPECT_THAT(table(1.0), HasSubstr("beta 1 is not below 1"));
}

TEST(Errors, AScalarTableMeansTheSameForAllClasses) {
  Array loss = losses::softmax_cross_entropy(x23, labels2, {.smoothing = 0.1});
  const Array& smoothing = loss.node()->inputs.at(2);
  EXPECT_EQ(smoothing.shape(), Shape{3});
  EXPECT_EQ(smoothing.node()->op, "broadcast");
}

TEST(Errors, EmptyArraysAndForeignOnesAreRefused) {
  EXPECT_THAT(error_of([] { relu(Array()); }), HasSubstr("empty array"));
  Array kept;
  grad([&](const std::vector<Array>& x) { return sum(kept = x[0] * 2.0); }, {x23});
  EXPECT_THAT(error_of([&] { relu(kept); }), HasSubstr("belongs to a function that has ended"));
}

TEST(Errors, GradientsNeedAScalarAndFloats) {
  auto square_sum = [](const std::vector<Array>& x) { return sum(square(x[0])); };
  EXPECT_EQ(grad(square_sum, {x23})[0].type(), x23.type());
  EXPECT_THAT(error_of([] { grad([](const std::vector<Array>& x) { return square(x[0]); }, {x23}); }),
              HasSubstr("must be a floating-point scalar, not f32[2, 3]"));
  EXPECT_THAT(error_of([&] { grad(square_sum, {x23}, {1}); }), HasSubstr("argument 1 does not exist"));
  EXPECT_THAT(error_of([&] { grad(square_sum, {x23}, {}); }), HasSubstr("no argument to differentiate"));
  EXPECT_THAT(error_of([&] { grad(square_sum, {Array()}); }), HasSubstr("empty array"));
  const std::vector<Array> twice = grad(square_sum, {x23, x45}, {0, 0});
  ASSERT_EQ(twice.size(), 2u);
  EXPECT_TRUE(twice[0].same_as(twice[1]));
  EXPECT_THAT(error_of([] { grad([](const std::vector<Array>&) { return constant(1); }, {labels2}); }),
              HasSubstr("only floating-point arguments"));
}

TEST(Errors, StateNeedsAStep) {
  nn::Linear fc(3, 2);
  EXPECT_THAT(error_of([&] { fc(x23, {}); }), HasSubstr("used outside a train or eval step"));
  EXPECT_THAT(error_of([] { sam([] { return constant(1); }, {}); }), HasSubstr("outside"));
}

TEST(Errors, EvalNeedsAnEvaluator) {
  EXPECT_THAT(error_of([] { x23.eval(); }), HasSubstr("no evaluator is linked"));
  EXPECT_THAT(error_of([] { x23.eval(); }), HasSubstr("hint: build the program with tailor_program()"));
}

TEST(Errors, NumbersThatTheTypeDoesNotHold) {
  EXPECT_THAT(error_of([] { labels2 * 0.5; }), HasSubstr("mul: 0.5 is no i32"));
  EXPECT_THAT(error_of([] { compare(labels2, 0.5, Comparison::lt); }), HasSubstr("compare: 0.5 is no i32"));
  EXPECT_THAT(error_of([] { 0.5 + labels2; }), HasSubstr("cast(x, DType::f32) first"));
  EXPECT_THAT(error_of([] { labels2 + 3e9; }), HasSubstr("3000000000 is no i32"));
  EXPECT_THAT(error_of([] { where(labels2 == 1, labels2, 0.5); }), HasSubstr("where: 0.5 is no i32"));
  EXPECT_THAT(error_of([] { maximum(labels2, std::nan("")); }), HasSubstr("nan is no i32"));
  EXPECT_THAT(error_of([] { array({1, 1.5}, {2}, DType::i32); }), HasSubstr("array: 1.5 is no i32"));
  EXPECT_THAT(error_of([] { full({2}, 2, DType::i1); }), HasSubstr("full: 2 is no i1"));
  EXPECT_THAT(error_of([] { constant(1e19, DType::i64); }), HasSubstr("is no i64"));
  EXPECT_THAT(error_of([] { x23 * 1e39; }), HasSubstr("1e+39 is no f32"));
  EXPECT_THAT(error_of([] { pad(labels2, {0}, {1}, 0.5); }), HasSubstr("pad: 0.5 is no i32"));
  EXPECT_EQ(error_of([] {
              labels2 * 2.0;
              x23* std::numeric_limits<double>::infinity();
              array({-2147483648.0, 2147483647}, {2}, DType::i32);
              full({2}, 1, DType::i1);
            }),
            "no error");
}

TEST(Errors, IndicesThatTheTableDoesNotHave) {
  const Array table = array({1, 2, 3}, {3});
  EXPECT_THAT(error_of([&] {
                take(table, array({0, 3}, {2}, DType::i32));
              }),
              HasSubstr("take: index 3 is outside [0, 3)"));
  EXPECT_THAT(error_of([&] {
                take_along(x23, array({-1, 0}, {2}, DType::i32), -1);
              }),
              HasSubstr("index -1 is outside [0, 3)"));
  EXPECT_THAT(error_of([&] { one_hot(array({2}, {1}, DType::i32), 2); }),
              HasSubstr("index 2 is outside [0, 2)"));
  EXPECT_THAT(error_of([] { full({-1}, 0); }), HasSubstr("f32[-1] has an extent below 1"));
}

TEST(Errors, ModuleNames) {
  struct Twice : nn::Module {
    nn::Linear a{1, 1};
    Twice() { add("a", a), add("a", a); }
  };
  EXPECT_THAT(error_of([] { Twice twice; }), HasSubstr("'a' cannot name a child"));
  EXPECT_THAT(error_of([] { nn::Linear(0, 1); }), HasSubstr("at least one feature"));
}

/// A program whose train step is `train`.
std::string program_error(const std::function<void(Step&, nn::Linear&, optim::Sgd&)>& train) {
  struct Net : nn::Module {
    nn::Linear fc{2, 3};
    Net() { add("fc", fc); }
  };
  return error_of([&] {
    Net net;
    optim::Sgd sgd;
    TrainingProgram program("p");
    program.data(data::blobs({.classes = 3}), {});
    program.state("net", net);
    program.state("sgd", sgd);
    program.train_step([&](Step& s) { train(s, net.fc, sgd); });
    program.eval_step([&](Eval& e) { e.logits(net.fc(e.batch().numeric, e.context())); });
    program.trace();
  });
}

TEST(Errors, OneNameOneNumber) {
  EXPECT_THAT(program_error([](Step& s, nn::Linear&, optim::Sgd&) {
                s.control("a", 0.3);
                s.control("a", 0.4);
              }),
              HasSubstr("'control.a' is 0.3 at "));
  EXPECT_THAT(program_error([](Step& s, nn::Linear&, optim::Sgd&) {
                s.control("a", 0.3, "one.key");
                s.control("b", 0.4, "one.key");
              }),
              HasSubstr(" and 0.4 here"));
  EXPECT_THAT(program_error([](Step& s, nn::Linear&, optim::Sgd&) {
                s.control("a", 0.3);
                s.control("a", schedule::cosine({.peak = 0.3}));
              }),
              HasSubstr("'a' has a schedule here and is one number at "));
  EXPECT_THAT(program_error([](Step& s, nn::Linear&, optim::Sgd&) { s.control("a", std::nan("")); }),
              HasSubstr("not a finite number"));
  EXPECT_THAT(program_error([](Step& s, nn::Linear&, optim::Sgd&) {
                s.control("a", schedule::step({.peak = 0.1, .milestones = {6, 3}}));
              }),
              HasSubstr("milestones are ascending"));
  EXPECT_THAT(program_error([](Step& s, nn::Linear& fc, optim::Sgd& sgd) {
                optim::Sgd wild({.momentum = 1.5});
                auto g = value_and_grad([&] {
                  return masked_mean(logsumexp(fc(s.batch().numeric, s.context()), 1), s.batch().valid);
                });
                s.update(fc, wild, g.gradients, 0.1);
              }),
              HasSubstr("no state in this program"));
  for (const double rate : {-0.1, std::nan("")})
    EXPECT_THAT(program_error([rate](Step& s, nn::Linear& fc, optim::Sgd& sgd) {
                  auto g = value_and_grad([&] {
                    return masked_mean(logsumexp(fc(s.batch().numeric, s.context()), 1), s.batch().valid);
                  });
                  s.update(fc, sgd, g.gradients, rate);
                }),
                HasSubstr("the learning rate must be a number of at least 0"));
  EXPECT_THAT(program_error([](Step& s, nn::Linear&, optim::Sgd&) { s.report("", constant(1)); }),
              HasSubstr("needs a name"));
  EXPECT_THAT(program_error([](Step& s, nn::Linear&, optim::Sgd&) { s.report("a", constant(1, DType::i1)); }),
              HasSubstr("which the log does not hold"));
}

/// A small program whose parts a test may get wrong.
struct Parts {
  struct Net : nn::Module {
    nn::Linear fc{2, 3};
    Net() { add("fc", fc); }
  };
  Parts() { program.data(data::blobs({.classes = 3}), {}); }
  void finish() {
    program.train_step([this](Step& s) {
      auto g = value_and_grad([&] {
        return losses::softmax_cross_entropy(net->fc(s.batch().numeric, s.context()), s.batch().label);
      });
      s.update(*net, *sgd, g.gradients, s.control("lr", 0.1));
    });
    program.eval_step([this](Eval& e) { e.logits(net->fc(e.batch().numeric, e.context())); });
  }
  void declare() {
    program.state("net", *net);
    program.state("sgd", *sgd);
  }
  std::string error() {
    return error_of([this] { program.trace(); });
  }
  TrainingProgram program{"p"};
  std::unique_ptr<Net> net = std::make_unique<Net>();
  std::unique_ptr<optim::Sgd> sgd = std::make_unique<optim::Sgd>(optim::SgdOptions{.momentum = 0.9});
};

TEST(Errors, AProgramHasOneOfEach) {
  Parts p;
  p.declare();
  p.finish();
  EXPECT_EQ(p.error(), "no error");
  EXPECT_THAT(error_of([&] { p.program.train_step([](Step&) {}); }),
              HasSubstr("there is already a step 'train_step', at "));
  EXPECT_THAT(error_of([&] { p.program.eval_step([](Eval&) {}); }),
              HasSubstr("there is already an evaluation 'eval_step', at "));
  EXPECT_THAT(error_of([&] { p.program.data(data::blobs(), {}); }), HasSubstr("has a data plan already"));
  EXPECT_THAT(error_of([&] { p.program.state("again", *p.net); }),
              HasSubstr("'fc.weight' belongs to state group 'net' already"));
  EXPECT_THAT(error_of([&] { p.program.state("part", p.net->fc); }),
              HasSubstr("belongs to state group 'net'"));
  EXPECT_THAT(error_of([&] { p.program.state("again", *p.sgd); }), HasSubstr("belongs to state group 'sgd'"));
}

TEST(Errors, RowsAndDrawsSayWhatTheyAre) {
  const auto step_error = [](const std::function<void(Step&)>& use) {
    return program_error([&](Step& s, nn::Linear&, optim::Sgd&) { use(s); });
  };
  EXPECT_THAT(step_error([](Step& s) { s.epoch_row("drw", {}); }),
              HasSubstr("needs epochs or fractions of the run"));
  EXPECT_THAT(step_error([](Step& s) { s.epoch_row("drw", {.epochs = {3}, .fractions = {0.5}}); }),
              HasSubstr("one of them"));
  EXPECT_THAT(step_error([](Step& s) { s.epoch_row("drw", {.epochs = {0}}); }),
              HasSubstr("'drw' has a row from epoch 0; rows begin at ascending epochs from 1"));
  EXPECT_THAT(step_error([](Step& s) {
                s.epoch_row("drw", {.fractions = {0.8, 0.6}});
              }),
              HasSubstr("ascending fractions above 0 and at most 1 (never)"));
  EXPECT_THAT(step_error([](Step& s) { s.random_beta("lam", 0); }), HasSubstr("which must be above 0"));
  EXPECT_THAT(step_error([](Step& s) {
                s.random_beta("lam", 1);
                s.control("lam", 1);
              }),
              HasSubstr("'lam' is one number here and is drawn from a Beta distribution at "));
}

TEST(Errors, EmptyNamesAreRefusedAtTheirLine) {
  struct Unnamed : nn::Module {
    nn::Linear a{1, 1};
    Unnamed() { add("", a); }
  };
  Parts p;
  const std::function<void()> cases[] = {
      [] { Unnamed unnamed; },
      [] { TrainingProgram program(""); },
      [&] { p.program.state("", *p.net); },
      [&] { p.program.state("", *p.sgd); },
      [&] { p.program.stages({Stage{.name = ""}}); },
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    const std::string text = error_of(cases[i]);
    EXPECT_THAT(text, HasSubstr("error: ")) << "case " << i;
    EXPECT_THAT(text, HasSubstr("errors_test.cpp:")) << "case " << i << ": " << text;
  }
  for (const auto& step : std::vector<std::function<void(Step&, nn::Linear&, optim::Sgd&)>>{
           [](Step&s, nn::Linear&, optim::Sgd&) { s.report("", constant(1)); },
           [](Step&s, nn::Linear&, optim::Sgd&) { s.control("", 0.5); },
           [](Step&s, nn::Linear&, optim::Sgd&) { s.control("", schedule::cosine({.peak = 0.3})); }}) {
    const std::string text = program_error(step);
    EXPECT_THAT(text, HasSubstr("needs a name"));
    EXPECT_THAT(text, HasSubstr("errors_test.cpp:"));
  }
}

TEST(Errors, MixedTypesAreRefusedAtTheirLine) {
  const Array x = full({2, 2}, 1), wide = full({2, 2}, 1, DType::f64), whole = full({2, 2}, 1, DType::i32);
  const std::function<Array()> cases[] = {
      [&] { return x + wide; },
      [&] { return x * whole; },
      [&] { return maximum(wide, x); },
      [&] { return where(x > 0.0, x, wide); },
      [&] { return x < whole; },
      [&] { return matmul(x, wide); },
      [&] {
        return concat({x, whole}, 0);
      },
      [&] { return scatter_add(x, full({2}, 0, DType::i32), wide); },
      [&] { return sum(x) + mean(wide); },
      [&] { return layer_norm(x, full({2}, 1, DType::f64), full({2}, 0), 1e-5); },
      [&] { return losses::vicreg(x, wide); },
      [&] { return pow(x, whole); },
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    const std::string text = error_of([&] { cases[i](); });
    EXPECT_THAT(text, HasSubstr("errors_test.cpp:")) << "case " << i;
    EXPECT_TRUE(text.find("f64") != std::string::npos || text.find("i32") != std::string::npos)
        << "case " << i << ": " << text;
  }
}

TEST(Errors, TwoModulesDoNotShareAGroup) {
  Parts p;
  Parts::Net other;
  p.declare();
  const std::string text = error_of([&] { p.program.state("net", other); });
  EXPECT_THAT(text, HasSubstr("there are two state groups named 'net'"));
  EXPECT_THAT(text, HasSubstr("errors_test.cpp:"));
  p.finish();
  EXPECT_EQ(p.error(), "no error") << "the refused one changes nothing";
}

TEST(Errors, ParametersOfOneNameDoNotShareASlot) {
  Parts p;
  Parts::Net other;
  p.declare();
  p.program.state("other", other);
  p.program.train_step([&](Step& s) {
    auto g = value_and_grad([&] {
      auto loss = [&](Parts::Net& net) {
        return losses::softmax_cross_entropy(net.fc(s.batch().numeric, s.context()), s.batch().label);
      };
      return loss(*p.net) + loss(other);
    });
    s.update(*p.net, *p.sgd, g.gradients, 0.1);
    s.update(other, *p.sgd, g.gradients, 0.1);
  });
  p.program.eval_step([&](Eval& e) { e.logits(other.fc(e.batch().numeric, e.context())); });
  EXPECT_THAT(p.error(), HasSubstr("already holds what belongs to another parameter 'fc.weight'"));
}

TEST(Errors, WhatIsGoneIsSaid) {
  Parts modules;
  modules.declare();
  modules.finish();
  modules.net.reset();
  EXPECT_THAT(modules.error(), HasSubstr("what state group 'net' refers to no longer exists"));
  EXPECT_THAT(modules.error(), HasSubstr("hint: keep it beside the program"));
  Parts optimizers;
  optimizers.declare();
  optimizers.finish();
  optimizers.sgd.reset();
  EXPECT_THAT(optimizers.error(), HasSubstr("what state group 'sgd' refers to no longer exists"));
  Parts averages;
  averages.declare();
  auto ema = std::make_unique<optim::Ema>();
  averages.program.train_step([](Step&) {});
  averages.program.eval_step([](Eval&) {}, {.weights = *ema});
  ema.reset();
  EXPECT_THAT(averages.error(), HasSubstr("the average that evaluation reads no longer exists"));
}

TEST(Errors, WhatTheProgramsCodeThrowsIsItsOwn) {
  Parts p;
  p.declare();
  p.program.train_step([](Step&) { throw std::out_of_range("row 7 of my table"); });
  p.program.eval_step([](Eval&) { throw 7; });
  EXPECT_THAT(p.error(), HasSubstr("errors_test.cpp:"));
  EXPECT_THAT(p.error(), HasSubstr("error: train_step: the program's code threw: row 7 of my table"));
}

TEST(Errors, OptionsThatNothingReads) {
  auto error_with = [](const std::string& key, runtime::OptionValue value) {
    Parts p;
    p.declare();
    p.finish();
    p.program.options().set(key, std::move(value));
    return p.error();
  };
  EXPECT_EQ(error_with("control.lr", 0.2), "no error");
  EXPECT_EQ(error_with("optimizer.momentum", 0.5), "no error");
  EXPECT_EQ(error_with("run.epochs", 2), "no error");
  EXPECT_THAT(error_with("optimizer.lr", 0.2), HasSubstr("nothing in this program reads 'optimizer.lr'"));
  EXPECT_THAT(error_with("optimizer.lr", 0.2), HasSubstr("errors_test.cpp:"));
  EXPECT_THAT(error_with("optimizer.momentun", 0.2), HasSubstr("hint: did you mean 'optimizer.momentum'?"));
  EXPECT_THAT(error_with("model.layers", 3), HasSubstr("nothing in this program reads"));
  EXPECT_THAT(error_with("schedule.name", "cosine"), HasSubstr("nothing in this program reads"));
  EXPECT_THAT(error_with("control.lr.schedule.name", "cosine"), HasSubstr("gives it a schedule"));
  EXPECT_THAT(error_with("run.batch", 7), HasSubstr("'run.batch' is 7 in the options, set at "));
  EXPECT_THAT(error_with("optimizer.nesterov", true), HasSubstr("but the code says false"));
}

TEST(Errors, EvaluationHasNoClockAndOneOfEachOutput) {
  auto error_in = [](const std::function<void(Eval&, const Array&)>& eval) {
    Parts p;
    p.declare();
    p.program.train_step([&](Step& s) {
      auto g = value_and_grad([&] {
        return losses::softmax_cross_entropy(p.net->fc(s.batch().numeric, s.context()), s.batch().label);
      });
      s.update(*p.net, *p.sgd, g.gradients, 0.1);
    });
    p.program.eval_step([&](Eval& e) { eval(e, p.net->fc(e.batch().numeric, e.context())); });
    return p.error();
  };
  EXPECT_EQ(error_in([](Eval& e, const Array& z) { e.logits(z * e.control("temperature", 2)); }), "no error");
  EXPECT_THAT(error_in([](Eval& e, const Array& z) { e.logits(z * e.control("t", schedule::cosine({}))); }),
              HasSubstr("evaluation has no place in one"));
  EXPECT_THAT(error_in([](Eval& e, const Array& z) { e.logits(z * e.control("t", 1, "optimizer.lr")); }),
              HasSubstr("evaluation has no place in one"));
  EXPECT_THAT(error_in([](Eval& e, const Array& z) { e.logits(z), e.logits(z); }), HasSubstr("given twice"));
}

TEST(Errors, AMissingFieldOfTheBatchSaysSo) {
  EXPECT_THAT(program_error([](Step& s, nn::Linear&, optim::Sgd&) { s.batch().image.shape(); }),
              HasSubstr("the batch has no image"));
}

TEST(Errors, Programs) {
  EXPECT_THAT(program_error([](Step&, nn::Linear&, optim::Sgd&) {}), HasSubstr("updates nothing"));
  EXPECT_THAT(program_error([](Step& s, nn::Linear&, optim::Sgd&) { s.report("a", s.batch().image); }),
              HasSubstr("the batch has no image"));
  EXPECT_THAT(program_error([](Step& s, nn::Linear&, optim::Sgd&) { s.report("a", s.batch().label); }),
              HasSubstr("'a' must have rank 0"));
  EXPECT_THAT(program_error([](Step& s, nn::Linear&, optim::Sgd&) { s.control("valid", 1); }),
              HasSubstr("'valid' is a field of the training loop"));
  EXPECT_THAT(program_error([](Step& s, nn::Linear&, optim::Sgd&) {
                s.control("a", 1);
                s.control("a", 1, "other.key");
              }),
              HasSubstr("already evaluated from option 'control.a'"));
  EXPECT_THAT(
      program_error([](Step& s, nn::Linear& fc, optim::Sgd& sgd) { s.update(fc, sgd, Gradients{}, 0.1); }),
      HasSubstr("no parameter of this module"));
  EXPECT_THAT(program_error([](Step& s, nn::Linear& fc, optim::Sgd&) {
                optim::Sgd other;
                s.update(fc, other, Gradients{}, 0.1);
              }),
              HasSubstr("has no state in this program"));
  EXPECT_THAT(
      program_error([](Step& s, nn::Linear& fc, optim::Sgd&) {
        sam([&] { return masked_mean(logsumexp(fc(s.batch().numeric, s.context()), 1), s.batch().valid); },
            {.radius = SamRadius::batch_mean});
      }),
      HasSubstr("needs the labels"));
  EXPECT_THAT(
      program_error([](Step& s, nn::Linear&, optim::Sgd&) { value_and_grad([] { return constant(1); }); }),
      HasSubstr("reads no trainable parameter"));
  EXPECT_THAT(error_of([] { TrainingProgram("p").trace(); }), HasSubstr("has no train_step"));
  EXPECT_THAT(error_of([] { data::blobs({.long_tail = {.r = 100}}); }), HasSubstr("n_min / n_max"));
  EXPECT_THAT(error_of([] { data::blobs({.long_tail = {.profile = "step"}}); }),
              HasSubstr("'step' has no imbalance ratio r"));
  EXPECT_THAT(error_of([] { data::blobs({.noise = 0.3}); }), HasSubstr("data::blobs: there is no noise"));
  EXPECT_THAT(error_of([] { data::two_moons({.classes = 5}); }), HasSubstr("no number of classes but 2"));
  EXPECT_THAT(error_of([] {
                TrainingProgram("p").data(data::blobs(), {.batch = {8, 8}});
              }),
              HasSubstr("8 twice"));
}

// Columns are checked before anybody reads them.
TEST(Errors, RowsInMemoryMustFitTogether) {
  const std::vector<float> x = {1, 2, 3, 4};
  const std::vector<int> y = {0, 1, 0, 1};
  const auto error = [&](const std::vector<data::Column>& columns, const std::vector<int>& labels,
                         const data::InMemoryArgs& args = {}) {
    return error_of([&] { data::in_memory(columns, labels, args); });
  };
  EXPECT_THAT(error({}, y), HasSubstr("data::in_memory: needs at least one column and one row"));
  EXPECT_THAT(error({{"x", x}}, {0, 1}), HasSubstr("column 'x' has 4 rows, the labels 2"));
  EXPECT_THAT(error({{"x", x}, {"x", x}}, y), HasSubstr("every column needs a name of its own, not 'x'"));
  EXPECT_THAT(error({{"label", x}}, y), HasSubstr(".label names the label otherwise"));
  EXPECT_THAT(error({{"x", x}}, {0, 1, 2, -1}), HasSubstr("labels from -1 to 2 for 3 classes"));
  EXPECT_THAT(error({{"x", x}}, {0, 1, 2, 0}, {.classes = {"a", "b"}}),
              HasSubstr("labels from 0 to 2 for 2 classes"));
  EXPECT_THAT(error({{"x", x}}, {0, 1, 2, 2000000000}), HasSubstr("2000000000 for 65536 classes"));
  EXPECT_THAT(error({{"x", x}}, y, {.positive = "2"}),
              HasSubstr("positive = '2', expected one of two classes"));
  EXPECT_THAT(error({{"x", x}}, y, {.row_weights = {1, 2}}),
              HasSubstr("row_weights has 2 rows, the labels 4"));
  EXPECT_THAT(error({{"x", x}}, y, {.row_weights = {1, 2, -3, 1}}), HasSubstr("the weight of row 2 is -3"));
  EXPECT_THAT(error({{"row weights", x}}, y, {.row_weights = {1, 2, 3, 1}}),
              HasSubstr("every column needs a name of its own, not 'row weights'"));
  EXPECT_THAT(error({{"x", x}}, y, {.label = "row weights", .row_weights = {1, 2, 3, 1}}),
              HasSubstr("the label is named 'row weights'"));
  EXPECT_THAT(error({{"x", x}}, y, {.parts = {data::Part::kTrain}}),
              HasSubstr("parts has 1 rows, the labels 4"));
  EXPECT_THAT(error({{"x", x}}, y,
                    {.name = "cut", .parts = std::vector<data::Part>(4, data::Part::kTrain), .val = 0.5}),
              HasSubstr("the rows have parts: .val and .test would do nothing"));
  error({{"x", x}}, y, {.name = "taken"}); // nothing is linked here that reads it
  EXPECT_THAT(error({{"x", x}}, {1, 0, 0, 1}, {.name = "taken"}),
              HasSubstr("there are other rows named 'taken' already"));
}

TEST(Errors, ImagesInMemoryMustFitTogether) {
  const std::vector<std::uint8_t> pixels(4 * 6);
  const std::vector<int> y = {0, 1, 0, 1};
  const auto error = [&](const data::Images& images, const data::ImagesInMemoryArgs& args = {}) {
    return error_of([&] { data::in_memory(images, y, args); });
  };
  EXPECT_THAT(error({pixels, 0, 2, 3}), HasSubstr("images of 0 x 2 x 3, expected sizes from 1"));
  EXPECT_THAT(error({pixels, 2, 2, 3}), HasSubstr("24 pixels, expected 4 rows of 12"));
  const std::vector<int> rows(65536); // times 2^48 pixels: 0 in 64 bits
  EXPECT_THAT(error_of([&] {
                data::in_memory(data::Images{{}, 65536, 65536, 65536}, rows);
              }),
              HasSubstr("0 pixels, expected 65536 rows of 281474976710656"));
  EXPECT_THAT(error({pixels, 1, 2, 3}, {.mean = {0.5}}), HasSubstr("1 means for 3 channels"));
  EXPECT_THAT(error({pixels, 1, 2, 3}, {.deviation = {1, 1, 0}}),
              HasSubstr("channel 2 has mean 0 and deviation 0"));
  EXPECT_THAT(error({pixels, 1, 2, 3}, {.row_weights = {1}}), HasSubstr("row_weights has 1 rows"));
}

TEST(Errors, BytesAreOnlyRead) {
  EXPECT_THAT(error_of([] { full({2}, 1, DType::u8); }), HasSubstr("1 is no u8"));
  EXPECT_THAT(error_of([] { cast(full({2}, 1), DType::u8); }), HasSubstr("nothing becomes u8"));
  EXPECT_THAT(error_of([] { iota({2}, 0, DType::u8); }), HasSubstr("counts in numbers, not u8"));
}

TEST(Errors, RowWeightsThatNoStepReads) {
  data::Schema schema;
  schema.columns = {{.name = "x", .position = 0},
                    {.name = "amount", .position = 1, .role = runtime::ColumnRole::kRowWeight}};
  schema.num_classes = 2;
  schema.class_names = {"a", "b"};
  for (const bool reads : {false, true}) {
    TrainingProgram program("p");
    nn::Linear net(1, 2);
    optim::Sgd sgd;
    program.data(data::Plan({}, schema), {});
    program.state("net", net), program.state("sgd", sgd);
    program.train_step([&](Step& s) {
      auto g = value_and_grad([&] {
        return losses::softmax_cross_entropy(net(s.batch().numeric, s.context()), s.batch().label,
                                             {.row_weights = reads ? s.batch().row_weight : Array()});
      });
      s.update(net, sgd, g.gradients, s.control("lr", 0.1));
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
    const std::string error = error_of([&] { program.trace(); });
    if (reads)
      EXPECT_EQ(error, "no error");
    else
      EXPECT_THAT(error, HasSubstr("column 'amount' holds row weights, and no step reads them"));
  }
}

} // namespace
} // namespace tailor
