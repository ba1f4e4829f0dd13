#include "frontend/graph/function.h"
#include "frontend/traced_program.h"
#include "models/networks/mlp.h"
#include "tailor/tailor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace tailor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Every node that `roots` need, bodies included.
std::vector<const Node*> all_nodes(const std::vector<Array>& roots) {
  std::vector<const Node*> nodes;
  std::set<const Node*> seen;
  std::function<void(const Array&)> visit = [&](const Array& array) {
    const Node* node = array.node().get();
    if (!seen.insert(node).second) return;
    nodes.push_back(node);
    for (const Array& input : node->inputs)
      visit(input);
    if (node->body)
      for (const Array& result : node->body->results)
        visit(result);
  };
  for (const Array& root : roots)
    visit(root);
  return nodes;
}

std::vector<const Node*> nodes_of(const Entry& entry) {
  std::vector<Array> roots;
  for (const auto& [state, value] : entry.stores)
    roots.push_back(value);
  for (const Entry::Named& named : entry.reports)
    roots.push_back(named.value);
  for (const Entry::Named& named : entry.outputs)
    roots.push_back(named.value);
  return all_nodes(roots);
}

std::vector<const Node*> nodes_named(const Entry& entry, std::string_view op) {
  std::vector<const Node*> found;
  for (const Node* node : nodes_of(entry))
    if (node->op == op) found.push_back(node);
  return found;
}

/// One linear layer on three blobs; `make_step` records what the test is about.
struct OneLayer : nn::Module {
  nn::Linear fc{2, 3};
  OneLayer() { add("fc", fc); }
  Array operator()(const Array& x, const Context& c) { return fc(x, c); }
};

template <typename Net = OneLayer> struct Fixture {
  explicit Fixture(const std::function<void(Fixture&, Step&)>& train, DataOptions options = {.batch = 8},
                   optim::Ema* ema = nullptr)
      : make_step(train) {
    program.data(data::blobs({.classes = 3, .dimensions = 2}), options);
    program.state("net", net);
    program.state("sgd", sgd);
    program.train_step([this](Step& s) { make_step(*this, s); });
    if (ema) program.state("ema", *ema);
    EvalOptions eval;
    if (ema) eval.weights = *ema;
    program.eval_step([this](Eval& e) { e.logits(net(e.batch().numeric, e.context())); }, eval);
  }
  Array loss(Step& s) {
    return losses::softmax_cross_entropy(net(s.batch().numeric, s.context()), s.batch().label,
                                         {.valid = s.batch().valid});
  }
  std::function<void(Fixture&, Step&)> make_step;
  Net net;
  optim::Sgd sgd{{.momentum = 0.9}};
  TrainingProgram program{"test"};
};

void erm(Fixture<>& f, Step& s) {
  auto g = value_and_grad([&] { return f.loss(s); });
  s.update(f.net, f.sgd, g.gradients, s.control("lr", 0.1, "optimizer.lr"));
}

TEST(Tracing, SamTracesItsBodyOnceAndCallsItTwice) {
  int traced = 0;
  Fixture<> f([&](Fixture<>& f, Step& s) {
    Array table = s.classes().inv_max();
    auto loss = [&](const Array& weights) {
      ++traced;
      return masked_mean(take(weights, s.batch().label) *
                             logsumexp(f.net(s.batch().numeric, s.context()), -1),
                         s.batch().valid);
    };
    SamResult g = sam(loss, {.ascent = table, .descent = ones_like(table)});
    s.update(f.net, f.sgd, g.gradients, 0.1);
  });
  TracedProgram program = f.program.trace();
  EXPECT_EQ(traced, 1);
  const Entry& step = program.entries[1];
  ASSERT_EQ(step.entry_name, "train_step");
  std::vector<const Node*> calls = nodes_named(step, "value_and_grad");
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0]->body, calls[1]->body);
}

TEST(Tracing, DescentIsEvaluatedAtThePerturbedWeights) {
  Fixture<> f([](Fixture<>& f, Step& s) {
    SamResult g = sam([&] { return f.loss(s); }, {.rho = 0.1});
    s.update(f.net, f.sgd, g.gradients, 0.1);
  });
  Entry step = f.program.trace().entries[0];
  const Node* perturb = nodes_named(step, "sam.perturb").at(0);
  int perturbed_inputs = 0, calls = 0;
  for (const Node* call : nodes_named(step, "value_and_grad")) {
    ++calls;
    for (const Array& input : call->inputs)
      perturbed_inputs += input.node().get() == perturb;
  }
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(perturbed_inputs, 2) << "weight and bias of one call";
  // The update starts from w, never from w'.
  const Node* update = nodes_named(step, "sgd_update").at(0);
  for (const Array& input : update->inputs)
    EXPECT_NE(input.node().get(), perturb);
}

TEST(Tracing, CapturesAreTheValuesOfTheEnclosingStep) {
  Fixture<> f(erm);
  Entry step = f.program.trace().entries[0];
  const Function& body = *nodes_named(step, "value_and_grad").at(0)->body;
  std::vector<std::string> names;
  for (const Array& capture : body.captures)
    names.push_back(capture.node()->name);
  EXPECT_THAT(names, ElementsAre("numeric", "fc.weight", "fc.bias", "label", "valid"));
  EXPECT_THAT(body.parameter_positions(), ElementsAre(1, 2));
}

TEST(Tracing, OpIdsAreDistinctAndTheSameInEveryTrace) {
  Fixture<> f(erm);
  auto ids = [&] {
    std::vector<std::int64_t> found;
    Entry step = f.program.trace().entries[0];
    for (const Node* node : nodes_of(step))
      found.push_back(node->op_id);
    return found;
  };
  std::vector<std::int64_t> first = ids();
  EXPECT_EQ(std::set<std::int64_t>(first.begin(), first.end()).size(), first.size());
  EXPECT_GE(*std::min_element(first.begin(), first.end()), 0);
  EXPECT_EQ(first, ids());
}

TEST(Tracing, TheStepIsTracedOncePerBatchSize) {
  int traced = 0;
  Fixture<> f(
      [&](Fixture<>& f, Step& s) {
        ++traced;
        EXPECT_EQ(s.batch().label.shape()[0], s.batch_size());
        erm(f, s);
      },
      {.batch = {16, 64}, .eval_batch = 32});
  TracedProgram program = f.program.trace();
  EXPECT_EQ(traced, 2);
  ASSERT_EQ(program.entries.size(), 3u);
  EXPECT_EQ(program.entries[0].name, "train_step_b16");
  EXPECT_EQ(program.entries[1].name, "train_step_b64");
  EXPECT_EQ(program.entries[1].entry_name, "train_step");
  EXPECT_EQ(program.entries[2].name, "eval_step");
  EXPECT_EQ(program.entries[2].batch, 32);
}

TEST(Tracing, TablesOfFittedStateMoveToTheFitEntryOncePerProgram) {
  Fixture<> f(
      [](Fixture<>& f, Step& s) {
        ClassStats k = s.classes();
        Array eps = s.control("eps", 0.1);
        auto g = value_and_grad([&] {
          return losses::softmax_cross_entropy(
              f.net(s.batch().numeric, s.context()), s.batch().label,
              {.class_weights = k.inv_max(),
               .smoothing = imbalance::class_smoothing(k.counts(), eps, "one_minus_p")});
        });
        s.update(f.net, f.sgd, g.gradients, 0.1);
      },
      {.batch = {16, 64}});
  TracedProgram program = f.program.trace();
  ASSERT_EQ(program.entries[0].kind, Entry::Kind::fit);
  EXPECT_EQ(program.entries[0].stores.size(), 2u) << "weights and smoothing, shared by both variants";
  EXPECT_EQ(program.entries[1].fitted.size(), 2u);
  EXPECT_EQ(program.entries[2].fitted[0].second, program.entries[1].fitted[0].second);
  // The body takes the tables; nothing of their computation is left in it.
  const Function& body = *nodes_named(program.entries[1], "value_and_grad").at(0)->body;
  for (const auto& [table, state] : program.entries[1].fitted)
    EXPECT_TRUE(std::any_of(body.captures.begin(), body.captures.end(),
                            [&table = table](const Array& capture) { return capture.same_as(table); }));
  EXPECT_FALSE(std::any_of(body.captures.begin(), body.captures.end(),
                           [](const Array& capture) { return capture.node()->name == "class_counts"; }));
}

TEST(Tracing, TablesAreCalledByWhatTheLossUsesThemFor) {
  Fixture<> f([](Fixture<>& f, Step& s) {
    ClassStats k = s.classes();
    SamResult g = sam(
        [&](const Array& table) {
          return losses::softmax_cross_entropy(
              f.net(s.batch().numeric, s.context()), s.batch().label,
              {.class_weights = table, .smoothing = k.inv_max(), .bias = log(k.prior())});
        },
        {.ascent = sqrt(k.inv_max()), .descent = ones_like(k.counts())});
    s.update(f.net, f.sgd, g.gradients, 0.1);
  });
  TracedProgram program = f.program.trace();
  std::set<std::string> states;
  for (const auto& [state, table] : program.entries[0].stores)
    states.insert(state->name);
  EXPECT_EQ(states, (std::set<std::string>{"ascent_table", "smoothing", "logit_bias"}));
}

TEST(Tracing, ATableIsRepeatedOverTheRowsWhereItIsRead) {
  Fixture<> f([](Fixture<>& f, Step& s) {
    Array prior = log(s.classes().prior());
    Array outside = broadcast_to(prior * 2.0, {8, 3}); // made before the body, read in it
    auto g = value_and_grad([&] {
      Array z = f.net(s.batch().numeric, s.context()) + prior + outside;
      return masked_mean(logsumexp(z, -1) - take_along(z, s.batch().label, -1), s.batch().valid);
    });
    s.update(f.net, f.sgd, g.gradients, 0.1);
  });
  TracedProgram program = f.program.trace();
  ASSERT_EQ(program.entries[0].stores.size(), 2u);
  for (const auto& [state, table] : program.entries[0].stores)
    EXPECT_EQ(state->type.shape, Shape({3})) << "one table for all batch sizes";
  const Function& body = *nodes_named(program.entries[1], "value_and_grad").at(0)->body;
  EXPECT_TRUE(std::none_of(body.captures.begin(), body.captures.end(), [](const Array& capture) {
    return capture.shape() == Shape({8, 3});
  }));
}

TEST(Tracing, ATableOfAScheduledFieldStaysInTheStep) {
  Fixture<> f([](Fixture<>& f, Step& s) {
    Array tau = s.control("tau", schedule::cosine({.peak = 1}));
    auto g = value_and_grad([&] {
      return losses::softmax_cross_entropy(f.net(s.batch().numeric, s.context()), s.batch().label,
                                           {.bias = imbalance::log_prior(s.classes().counts(), tau)});
    });
    s.update(f.net, f.sgd, g.gradients, 0.1);
  });
  TracedProgram program = f.program.trace();
  ASSERT_EQ(program.entries[0].kind, Entry::Kind::fit);
  ASSERT_EQ(program.entries[0].stores.size(), 1u);
  EXPECT_EQ(program.entries[0].stores[0].second.node()->op, "log") << "log prior without tau is a table";
  EXPECT_EQ(program.entries[1].fitted.size(), 1u);
}

struct NormNet : nn::Module {
  nn::Linear fc{2, 3};
  nn::BatchNorm bn{3};
  NormNet() { add("fc", fc), add("bn", bn); }
  Array operator()(const Array& x, const Context& c) { return bn(fc(x, c), c); }
};

/// Which of the two calls gives the stored running mean: 0 ascent, 1 descent.
int stored_call(SamBatchNorm policy, bool* chained = nullptr) {
  Fixture<NormNet> f([&](Fixture<NormNet>& f, Step& s) {
    SamResult g = sam([&] { return f.loss(s); }, {.bn_stats = policy});
    s.update(f.net, f.sgd, g.gradients, 0.1);
  });
  Entry step = f.program.trace().entries[0];
  const Node* stored = nullptr;
  for (const auto& [state, value] : step.stores)
    if (state->name == "bn.running_mean") stored = value.node().get();
  std::vector<const Node*> calls = nodes_named(step, "value_and_grad");
  std::sort(calls.begin(), calls.end(), [](const Node* a, const Node* b) { return a->serial < b->serial; });
  if (chained) {
    *chained = false;
    for (const Array& input : calls.at(1)->inputs)
      *chained = *chained || (input.node().get() == calls[0] && input.type() == TensorType{DType::f32, {3}});
  }
  return stored == calls.at(0) ? 0 : stored == calls.at(1) ? 1 : -1;
}

TEST(Tracing, RunningStatisticsComeFromTheChosenPass) {
  bool chained = true;
  EXPECT_EQ(stored_call(SamBatchNorm::first, &chained), 0);
  EXPECT_FALSE(chained);
  EXPECT_EQ(stored_call(SamBatchNorm::second, &chained), 1);
  EXPECT_FALSE(chained);
  EXPECT_EQ(stored_call(SamBatchNorm::both, &chained), 1);
  EXPECT_TRUE(chained);
}

TEST(Tracing, BuffersAreAGroupOfTheirOwn) {
  Fixture<NormNet> f([](Fixture<NormNet>& f, Step& s) {
    auto g = value_and_grad([&] { return f.loss(s); });
    s.update(f.net, f.sgd, g.gradients, 0.1);
  });
  TracedProgram program = f.program.trace();
  std::vector<std::string> names;
  for (const StateGroup& group : program.groups)
    names.push_back(group.name);
  EXPECT_THAT(names, ElementsAre("net", "net_batchnorm", "sgd"));
  EXPECT_EQ(program.groups[0].states.size(), 4u);
  EXPECT_EQ(program.groups[1].states.size(), 2u);
  EXPECT_EQ(program.groups[2].states.size(), 4u);
}

struct DropNet : nn::Module {
  nn::Linear fc{2, 3};
  nn::Dropout drop{0.5};
  DropNet() { add("fc", fc); }
  Array operator()(const Array& x, const Context& c) { return drop(fc(x, c), c); }
};

/// The values of the pass argument in the two calls of SAM.
std::vector<double> passes(bool same_rng) {
  Fixture<DropNet> f([&](Fixture<DropNet>& f, Step& s) {
    SamResult g = sam([&] { return f.loss(s); }, {.same_rng = same_rng});
    s.update(f.net, f.sgd, g.gradients, 0.1);
  });
  Entry step = f.program.trace().entries[0];
  std::vector<const Node*> calls = nodes_named(step, "value_and_grad");
  std::sort(calls.begin(), calls.end(), [](const Node* a, const Node* b) { return a->serial < b->serial; });
  std::vector<double> values;
  for (const Node* call : calls)
    values.push_back(std::get<ConstantOptions>(call->inputs.at(0).node()->options).values.at(0));
  return values;
}

TEST(Tracing, EachPassDrawsItsOwnMasksUnlessToldOtherwise) {
  EXPECT_THAT(passes(false), ElementsAre(0, 1));
  EXPECT_THAT(passes(true), ElementsAre(0, 0));
}

/// What the draws of the entry are keyed by, in order.
std::vector<std::int64_t> draws_of(const Entry& entry) {
  std::vector<std::int64_t> ids;
  for (const Node* key : nodes_named(entry, "rng_key"))
    ids.push_back(key->op_id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

void erm_with_dropout(Fixture<DropNet>& f, Step& s) {
  auto g = value_and_grad([&] { return f.loss(s); });
  s.update(f.net, f.sgd, g.gradients, s.control("lr", 0.1, "optimizer.lr"));
}

TEST(Tracing, ABatchSizeDrawsTheSameBesideOthersAndAlone) {
  Fixture<DropNet> alone(erm_with_dropout, {.batch = 16});
  Fixture<DropNet> listed(erm_with_dropout, {.batch = {8, 16}});
  const TracedProgram one = alone.program.trace(), two = listed.program.trace();
  const std::vector<std::int64_t> draws = draws_of(one.entries[0]);
  ASSERT_EQ(draws.size(), 1u);
  EXPECT_EQ(draws_of(two.entries[0]), draws);
  EXPECT_EQ(draws_of(two.entries[1]), draws);
}

// A second step has numbers of its own, which do not depend on how many sizes the first was traced for.
TEST(Tracing, AnotherStepDrawsOtherNumbersWhateverTheBatchSizes) {
  const auto draws = [](DataOptions options) {
    Fixture<DropNet> f(erm_with_dropout, options);
    f.program.step("second", [&f](Step& s) { erm_with_dropout(f, s); });
    f.program.stages({{.name = "one", .step = "train_step"}, {.name = "two", .step = "second"}});
    const TracedProgram program = f.program.trace();
    const std::size_t sizes = options.batch.sizes().size();
    EXPECT_EQ(program.entries[sizes].entry_name, "second");
    return std::pair(draws_of(program.entries[0]), draws_of(program.entries[sizes]));
  };
  const auto alone = draws({.batch = 16}), listed = draws({.batch = {8, 16, 32}});
  EXPECT_EQ(alone, listed);
  EXPECT_NE(alone.first, alone.second);
}

// A draw has no more rows than the batch: the next step's begin there. Those of a multiple lie in the batch's rows.
TEST(Tracing, ADrawHasNoMoreRowsThanTheBatch) {
  Fixture<> f([](Fixture<>& f, Step& s) {
    const auto drop = [&](const Array& x) { return dropout(x, s.context(), 0.5); };
    const Array x = s.batch().numeric; // [8, 2]
    s.report("rows", sum(all_rows(drop(x))));
    s.report("patches", sum(all_rows(drop(reshape(x, {16, 1})))));
    s.report("columns", sum(all_rows(drop(transpose(x, {1, 0})))));
    s.report("more", sum(random_normal(s.context(), {12, 3})));
    s.report("own", sum(random_normal(random_key(1), {12, 3})));
    auto g = value_and_grad([&] { return f.loss(s); });
    s.update(f.net, f.sgd, g.gradients, 0.1);
  });
  const TracedProgram program = f.program.trace();
  std::vector<Shape> masks, noise;
  for (const Node* node : nodes_named(program.entries[0], "bernoulli"))
    masks.push_back(node->results[0].shape);
  for (const Node* node : nodes_named(program.entries[0], "random_normal"))
    noise.push_back(node->results[0].shape);
  EXPECT_THAT(masks, testing::UnorderedElementsAre(Shape({8, 2}), Shape({8, 2}), Shape({2, 8})));
  EXPECT_THAT(noise, testing::UnorderedElementsAre(Shape({1, 36}), Shape({12, 3})));
}

TEST(Tracing, EvaluationDrawsNothing) {
  Fixture<DropNet> f([](Fixture<DropNet>& f, Step& s) {
    auto g = value_and_grad([&] { return f.loss(s); });
    s.update(f.net, f.sgd, g.gradients, 0.1);
  });
  TracedProgram program = f.program.trace();
  EXPECT_EQ(nodes_named(program.entries[0], "dropout").size(), 1u);
  EXPECT_EQ(nodes_named(program.entries[1], "dropout").size(), 0u);
  EXPECT_EQ(nodes_named(program.entries[1], "rng_key").size(), 0u);
}

TEST(Tracing, OpsInsideALayerAnswerToTheLineThatCallsIt) {
  std::uint32_t line = 0;
  Fixture<> f([&](Fixture<>& f, Step& s) {
    auto g = value_and_grad([&] {
      line = __LINE__ + 1;
      Array z = f.net.fc(s.batch().numeric, s.context());
      return masked_mean(logsumexp(z, -1), s.batch().valid);
    });
    s.update(f.net, f.sgd, g.gradients, 0.1);
  });
  Entry step = f.program.trace().entries[0];
  const Function& body = *nodes_named(step, "value_and_grad").at(0)->body;
  int dots = 0;
  for (const Node* node : all_nodes(body.results)) {
    if (node->op != "dot") continue;
    ++dots;
    EXPECT_EQ(node->location.line, line);
    EXPECT_THAT(node->location.file, HasSubstr("tracing_test.cpp"));
  }
  EXPECT_EQ(dots, 1);
}

TEST(Tracing, TheOutermostLocationScopeWins) {
  LocationScope recipe(make_location("recipe.toml", 7, 3));
  LocationScope layer(make_location("inner.cpp", 1, 1));
  EXPECT_EQ(to_string(constant(1).node()->location), "recipe.toml:7:3");
  {
    LocationScope model(make_location("recipe.toml", 2, 1), LocationScope::Nesting::inner);
    EXPECT_EQ(to_string(constant(1).node()->location), "recipe.toml:2:1");
  }
  EXPECT_EQ(to_string(constant(1).node()->location), "recipe.toml:7:3");
}

TEST(Tracing, AverageIsReadByEvaluation) {
  optim::Ema ema;
  Fixture<NormNet> f(
      [&](Fixture<NormNet>& f, Step& s) {
        auto g = value_and_grad([&] { return f.loss(s); });
        s.update(f.net, f.sgd, g.gradients, 0.1);
        s.update(ema, f.net);
      },
      {.batch = 8}, &ema);
  TracedProgram program = f.program.trace();
  std::set<std::string> groups;
  for (const Node* load : nodes_named(program.entries[1], "load"))
    groups.insert(std::get<StateOptions>(load->options).state->group);
  EXPECT_EQ(groups, (std::set<std::string>{"ema", "ema_batchnorm"}));
  // The average follows the weights after the update.
  const Node* average = nullptr;
  for (const Node* node : nodes_named(program.entries[0], "ema_update"))
    if (std::get<UpdateOptions>(node->options).operand_roles[0] == 4) average = node;
  ASSERT_TRUE(average);
  EXPECT_EQ(average->inputs[4].node()->op, "sgd_update");
}

TEST(Tracing, ControlFieldsAreBoundToTheirOptions) {
  Fixture<> f([](Fixture<>& f, Step& s) {
    auto g = value_and_grad([&] { return f.loss(s); });
    s.update(f.net, f.sgd, g.gradients,
             s.control("lr", schedule::warmup_cosine({.peak = 0.3, .warmup_epochs = 2})));
  });
  f.program.options().set("optimizer.momentum", runtime::OptionValue(0.8));
  TracedProgram program = f.program.trace();
  std::vector<std::string> fields;
  for (const ControlField& field : program.controls)
    fields.push_back(field.name + "=" + field.key);
  EXPECT_THAT(fields, ElementsAre("valid=", "slot=", "step=", "rng=", "lr=optimizer.lr",
                                  "momentum=optimizer.momentum", "weight_decay=optimizer.weight_decay"));
  EXPECT_EQ(*program.options.get_number("optimizer.lr"), 0.3);
  EXPECT_EQ(*program.options.get_string("schedule.name"), "warmup_cosine");
  EXPECT_EQ(*program.options.get_number("optimizer.momentum"), 0.8) << "what the program's options say wins";
  EXPECT_EQ(*program.options.get_int("run.batch"), 8);
}

std::vector<std::string> fields_of(const TracedProgram& program) {
  std::vector<std::string> fields;
  for (const ControlField& field : program.controls)
    if (!field.key.empty()) fields.push_back(field.name + "=" + field.key);
  return fields;
}

// The second one once ran with the first one's numbers.
TEST(Tracing, EveryOptimizerAndAverageHasItsOwnNumbers) {
  OneLayer head;
  optim::AdamW adamw({.beta1 = 0.8});
  optim::Sgd other({.momentum = 0.5, .weight_decay = 0.01, .nesterov = true});
  optim::Ema fast({.decay = 0.9, .warmup = false}), slow({.decay = 0.999});
  Fixture<> f([&](Fixture<>& f, Step& s) {
    auto g = value_and_grad([&] {
      return f.loss(s) + losses::softmax_cross_entropy(head(s.batch().numeric, s.context()), s.batch().label);
    });
    Array lr = s.control("lr", 0.1);
    s.update(f.net, f.sgd, g.gradients, lr);
    s.update(head, other, g.gradients, lr);
    s.update(head, adamw, g.gradients, lr);
    s.update(fast, f.net);
    s.update(slow, f.net);
  });
  f.program.state("head", head);
  f.program.state("other", other);
  f.program.state("adamw", adamw);
  f.program.state("fast", fast);
  f.program.state("slow", slow);
  TracedProgram program = f.program.trace();
  EXPECT_THAT(fields_of(program),
              ElementsAre("lr=control.lr", "momentum=optimizer.momentum",
                          "weight_decay=optimizer.weight_decay", "other_momentum=optimizer.other.momentum",
                          "other_weight_decay=optimizer.other.weight_decay",
                          "adamw_beta1=optimizer.adamw.beta1", "adamw_beta2=optimizer.adamw.beta2",
                          "adamw_adam_eps=optimizer.adamw.eps",
                          "adamw_weight_decay=optimizer.adamw.weight_decay", "ema_decay=method.ema.decay",
                          "slow_ema_decay=method.ema.slow.decay"));
  const runtime::Options& options = program.options;
  EXPECT_EQ(*options.get_number("optimizer.momentum"), 0.9);
  EXPECT_EQ(*options.get_number("optimizer.other.momentum"), 0.5);
  EXPECT_EQ(*options.get_bool("optimizer.nesterov"), false);
  EXPECT_EQ(*options.get_bool("optimizer.other.nesterov"), true);
  EXPECT_EQ(*options.get_string("optimizer.adamw.name"), "adamw");
  EXPECT_EQ(*options.get_number("optimizer.adamw.beta1"), 0.8);
  EXPECT_EQ(*options.get_number("method.ema.decay"), 0.9);
  EXPECT_EQ(*options.get_bool("method.ema.warmup"), false);
  EXPECT_EQ(*options.get_number("method.ema.slow.decay"), 0.999);
  EXPECT_EQ(*options.get_bool("method.ema.slow.warmup"), true);
}

// It once became a warm-up and a cosine, which is what a recipe without schedule.name means.
TEST(Tracing, ANumberForTheLearningRateIsOneNumber) {
  Fixture<> f(erm);
  EXPECT_EQ(*f.program.trace().options.get_string("schedule.name"), "constant");
  Fixture<> asked(erm);
  asked.program.options().set("schedule.name", "cosine");
  EXPECT_EQ(*asked.program.trace().options.get_string("schedule.name"), "cosine") << "asked for by name";
}

std::vector<std::string> reports_of(const std::function<Operand(Step&)>& rate) {
  Fixture<> f([&](Fixture<>& f, Step& s) {
    auto g = value_and_grad([&] { return f.loss(s); });
    s.update(f.net, f.sgd, g.gradients, rate(s));
  });
  std::vector<std::string> names;
  const TracedProgram program = f.program.trace();
  for (const Entry::Named& report : program.entries[0].reports)
    names.push_back(report.name);
  return names;
}

TEST(Tracing, TheLogKnowsTheRateWhateverItsFieldIsCalled) {
  EXPECT_THAT(reports_of([](Step&) { return 0.1; }), ElementsAre("lr"));
  EXPECT_THAT(reports_of([](Step& s) { return s.control("eta", schedule::cosine({})); }), ElementsAre())
      << "the entry names the field";
  EXPECT_THAT(reports_of([](Step& s) { return s.control("lr", 0.1) * 0.5; }), ElementsAre("lr"));
  EXPECT_THAT(reports_of([](Step& s) { return s.control("lr", 0.1); }), ElementsAre()) << "the field says it";
  EXPECT_THAT(reports_of([](Step& s) { return s.control("eta", 0.1, "optimizer.lr"); }), ElementsAre());
  EXPECT_THAT(reports_of([](Step& s) {
                s.report("lr", constant(7));
                return 0.1;
              }),
              ElementsAre("lr"));
}

TEST(Tracing, LongTailsAreCutOnlyWhenAskedFor) {
  auto keys = [](const data::LongTail& long_tail) {
    const data::Plan plan = data::blobs({.long_tail = long_tail});
    return *plan.options().get_string("data.long_tail.profile", "none") + " " +
           std::to_string(*plan.options().get_number("data.long_tail.r", -1));
  };
  EXPECT_EQ(keys({}), "none -1.000000");
  EXPECT_EQ(keys({.r = 0.5}), "exp 0.500000");
  EXPECT_EQ(keys({.r = 1}), "exp 1.000000") << "balanced, because it was asked for";
  EXPECT_EQ(keys({.profile = "balanced"}), "balanced -1.000000");
}

} // namespace
} // namespace tailor
