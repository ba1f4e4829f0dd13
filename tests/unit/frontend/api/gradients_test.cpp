#include "frontend/graph/function.h"
#include "frontend/traced_program.h"
#include "tailor/tailor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace tailor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Net : nn::Module {
  nn::Linear first{2, 4}, second{4, 3};
  Net() { add("first", first), add("second", second); }
  Array operator()(const Array& x, const Context& c) { return second(tanh(first(x, c)), c); }
};

/// A program whose step is `body`; what the step needs to end with is added by it.
struct Program {
  explicit Program(std::function<void(Program&, Step&)> body) {
    program.data(data::blobs({.classes = 3}), {.batch = 8, .eval_batch = 8});
    program.state("net", net), program.state("sgd", sgd);
    program.train_step([this, body](Step& s) { body(*this, s); });
    program.eval_step([this](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
  }
  Array logits(Step& s) { return net(s.batch().numeric, s.context()); }
  Array loss(Step& s) { return losses::softmax_cross_entropy(logits(s), s.batch().label); }

  Net net;
  optim::Sgd sgd;
  TrainingProgram program{"p"};
};

std::string error_of(const std::function<void(Program&, Step&)>& body) {
  Program p([&](Program& p, Step& s) {
    body(p, s);
    s.update(p.net, p.sgd, value_and_grad([&] { return p.loss(s); }).gradients, 0.1);
  });
  try {
    p.program.trace();
  } catch (const TraceError& error) {
    return error.what();
  }
  return "no error";
}

/// How often `op` stands in the step, bodies counted once for every call.
int count(const Array& root, std::string_view op) {
  std::set<const Node*> seen;
  std::function<int(const Array&)> visit = [&](const Array& array) {
    if (!seen.insert(array.node().get()).second) return 0;
    int found = array.node()->op == op;
    for (const Array& input : array.node()->inputs)
      found += visit(input);
    if (array.node()->body)
      for (const Array& result : array.node()->body->results)
        found += visit(result);
    return found;
  };
  return visit(root);
}

TEST(Gradients, AuxiliaryResultsComeOutOfTheOneForward) {
  int traced = 0;
  Program p([&](Program& p, Step& s) {
    auto g = value_and_grad([&] {
      ++traced;
      Array z = p.logits(s);
      return LossAndAux{losses::softmax_cross_entropy(z, s.batch().label), {z, mean(max(z, 1))}};
    });
    ASSERT_EQ(g.aux.size(), 2u);
    EXPECT_EQ(g.aux[0].type(), (TensorType{DType::f32, {8, 3}}));
    s.update(p.net, p.sgd, g.gradients, s.control("lr", 0.1));
    s.report("loss", g.loss);
    s.report("best", g.aux[1]);
    s.report("hits", mean(cast(argmax(g.aux[0], 1) == s.batch().label, DType::f32)));
  });
  TracedProgram traced_program = p.program.trace();
  EXPECT_EQ(traced, 1);
  const Entry& step = traced_program.entries[0];
  ASSERT_EQ(step.reports.size(), 3u);
  for (const Entry::Named& report : step.reports) {
    EXPECT_EQ(count(report.value, "value_and_grad"), 1) << report.name;
    EXPECT_EQ(count(report.value, "dot"), 2) << report.name;
  }
  // Loss and aux are results of one call.
  EXPECT_EQ(step.reports[0].value.node(), step.reports[1].value.node());
}

TEST(Gradients, SamHasAuxiliaryResultsOfBothPasses) {
  Program p([](Program& p, Step& s) {
    SamResult g = sam(
        [&] {
          Array z = p.logits(s);
          return LossAndAux{losses::softmax_cross_entropy(z, s.batch().label), {mean(max(z, 1))}};
        },
        {.rho = 0.1});
    ASSERT_EQ(g.aux.size(), 1u);
    ASSERT_EQ(g.ascent_aux.size(), 1u);
    EXPECT_EQ(g.aux[0].node(), g.loss.node()) << "of the descent";
    EXPECT_EQ(g.ascent_aux[0].node(), g.ascent_loss.node());
    EXPECT_NE(g.aux[0].node(), g.ascent_aux[0].node());
    s.update(p.net, p.sgd, g.gradients, 0.1);
  });
  p.program.trace();
}

TEST(Gradients, AreFoundByName) {
  const auto with = [](const std::function<void(const Gradients&)>& look) {
    return error_of([&](Program& p, Step& s) { look(value_and_grad([&] { return p.loss(s); }).gradients); });
  };
  EXPECT_EQ(with([](const Gradients& g) {
              std::vector<std::string> names;
              for (const auto& [state, gradient] : g) {
                names.push_back(state->name);
                EXPECT_EQ(gradient.type(), state->type);
                EXPECT_TRUE(g.at(state->name).same_as(gradient));
                EXPECT_TRUE(g.at("net." + state->name).same_as(gradient));
              }
              EXPECT_THAT(names, ElementsAre("first.weight", "first.bias", "second.weight", "second.bias"));
            }),
            "no error");
  const std::string text = with([](const Gradients& g) { g.at("second.wieght"); });
  EXPECT_THAT(text, HasSubstr("gradients_test.cpp:"));
  EXPECT_THAT(text,
              HasSubstr("there is no gradient of 'second.wieght'\nhint: did you mean 'second.weight'?"));
}

TEST(Gradients, OfTwoLossesAreAdded) {
  EXPECT_EQ(error_of([](Program& p, Step& s) {
              Gradients all = value_and_grad([&] { return p.loss(s); }).gradients;
              Gradients body = value_and_grad([&] {
                                 return mean(square(p.net.first(s.batch().numeric, s.context())));
                               }).gradients;
              EXPECT_EQ(body.size(), 2u);
              Gradients sum = body + 0.5 * all;
              EXPECT_EQ(sum.size(), 4u);
              EXPECT_EQ(sum.at("first.bias").node()->op, "add");
              EXPECT_EQ(sum.at("second.bias").node()->op, "mul") << "only one of the losses depends on it";
            }),
            "no error");
}

TEST(Gradients, WrongOnesAreRefusedWhereTheyAreMade) {
  const auto with = [](const std::function<void(Program&, Step&, const Gradients&)>& use) {
    const std::string text = error_of(
        [&](Program& p, Step& s) { use(p, s, value_and_grad([&] { return p.loss(s); }).gradients); });
    EXPECT_THAT(text, HasSubstr("gradients_test.cpp:"));
    return text;
  };
  EXPECT_THAT(with([](Program&, Step&, const Gradients& g) { g.clip(0.0); }),
              HasSubstr("clip: the largest norm must be above 0, not 0"));
  EXPECT_THAT(with([](Program&, Step&, const Gradients& g) { g.clip_value(-1); }),
              HasSubstr("clip_value: the largest element must be above 0, not -1"));
  EXPECT_THAT(with([](Program&, Step& s, const Gradients& g) { g* s.batch().numeric; }),
              HasSubstr("the factor must have rank 0, not f32[8, 2]"));
  EXPECT_THAT(with([](Program&, Step&, const Gradients& g) { g.map([](const Array& x) { return sum(x); }); }),
              HasSubstr("the gradient of 'first.weight' is f32[4, 2] but the function makes f32[] of it"));
  EXPECT_THAT(with([](Program&, Step&, const Gradients&) { Gradients().norm(); }),
              HasSubstr("norm: there are no gradients"));
}

TEST(Gradients, AValueOfABodyStaysInIt) {
  const auto keep = [](const std::function<void(Step&, const Array&)>& use) {
    return error_of([&](Program& p, Step& s) {
      Array kept;
      value_and_grad([&] {
        kept = p.logits(s);
        return losses::softmax_cross_entropy(kept, s.batch().label);
      });
      use(s, kept);
    });
  };
  for (const auto& use : std::vector<std::function<void(Step&, const Array&)>>{
           [](Step&s, const Array&z) { s.report("best", mean(z)); },
           [](Step&s, const Array&z) { value_and_grad([&] { return mean(z); }); },
           [](Step&s, const Array&z) {
             s.report("z", reshape(slice(z, {0, 0}, {1, 1}), {}));
           },
           [](Step&, const Array&z) { eval({z}); }}) {
    const std::string text = keep(use);
    EXPECT_THAT(text, HasSubstr("gradients_test.cpp:"));
    EXPECT_THAT(text, HasSubstr("belongs to a function that has ended"));
    EXPECT_THAT(text, HasSubstr("LossAndAux{loss, {value}}"));
  }
  // A scalar of the body goes nowhere either.
  EXPECT_THAT(error_of([&](Program& p, Step& s) {
                Array kept;
                value_and_grad([&] { return kept = p.loss(s); });
                s.report("kept", kept);
              }),
              HasSubstr("belongs to a function that has ended"));
}

TEST(Repeat, TracesTheRoundOnceAndCallsIt) {
  int traced = 0;
  EXPECT_EQ(error_of([&](Program& p, Step& s) {
              Array x = repeat(
                  10,
                  [&](const Array& x) {
                    ++traced;
                    Array g = grad([&](const Array& v) { return sum(p.net(v, s.context())); }, x);
                    return clamp(x - 0.1 * l2_normalize(g, 1), 0, 1);
                  },
                  s.batch().numeric);
              EXPECT_EQ(count(x, "call"), 10);
              EXPECT_EQ(count(x, "value_and_grad"), 1) << "one body";
              EXPECT_TRUE(is_batch_axis(x, 0)) << "padding is known behind it";
            }),
            "no error");
  EXPECT_EQ(traced, 1);
}

TEST(Repeat, EveryRoundDrawsItsOwnNumbers) {
  EXPECT_EQ(error_of([&](Program&, Step& s) {
              Array x = repeat(
                  3, [&](const Array& x) { return x + random_normal(s.context(), x.shape()); },
                  s.batch().numeric);
              std::set<const Node*> passes;
              for (Array at = x; at.node()->op == "call"; at = at.node()->inputs[0]) {
                ASSERT_EQ(at.node()->inputs[1].type(), (TensorType{DType::i32, {}}));
                passes.insert(at.node()->inputs[1].node().get());
              }
              EXPECT_EQ(passes.size(), 3u);
            }),
            "no error");
}

TEST(Repeat, KnowsRowsThatEnterLater) {
  // The first round starts from a constant; behind it the value has one row for each of the batch.
  EXPECT_EQ(
      error_of([&](Program&, Step& s) {
        Array total = repeat(
            2, [&](const Array& t) { return t + mean(s.batch().numeric + t, {0}, true) + s.batch().numeric; },
            full({8, 2}, 0.0));
        EXPECT_EQ(count(total, "masked_mean"), 1);
        EXPECT_TRUE(is_batch_axis(total, 0));
      }),
      "no error");
}

TEST(Repeat, RefusesWhatNoRoundCanTake) {
  const auto with = [](int count, const std::function<Array(Step&, const Array&)>& f) {
    return error_of([&](Program&, Step& s) {
      repeat(
          count, [&](const Array& x) { return f(s, x); }, s.batch().numeric);
    });
  };
  EXPECT_THAT(with(0, [](Step&, const Array& x) { return x; }), HasSubstr("at least once, not 0 times"));
  EXPECT_THAT(with(2, [](Step&, const Array& x) { return sum(x); }),
              HasSubstr("value 0 is f32[8, 2] and becomes f32[]"));
  EXPECT_THAT(with(2,
                   [](Step& s, const Array& x) {
                     return repeat(
                         2, [&](const Array& y) { return y + random_normal(s.context(), y.shape()); }, x);
                   }),
              HasSubstr("random numbers are drawn in a repeat inside the rounds of another"));
}

TEST(Print, ValuesOfAStepHaveNone) {
  EXPECT_EQ(error_of([&](Program&, Step& s) {
              EXPECT_THAT(to_string(s.batch().numeric + 1.0),
                          testing::AllOf(HasSubstr("f32[8, 2] made at "), HasSubstr("a value of a step")));
            }),
            "no error");
  EXPECT_EQ(to_string(Array()), "an empty array");
}

} // namespace
} // namespace tailor
