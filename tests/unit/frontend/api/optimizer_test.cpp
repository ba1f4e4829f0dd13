// One interface for every optimizer, parameter groups, frozen tensors: what is recorded, and what is refused.
#include "frontend/traced_program.h"

#include <tailor/tailor.h>

#include <gmock/gmock.h>

namespace tailor {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct Net : nn::Module {
  nn::Linear body{2, 4};
  nn::BatchNorm norm{4};
  nn::Linear head{4, 3};
  Net() {
    add("body", body);
    add("norm", norm);
    add("head", head);
  }
  Array operator()(const Array& x, const Context& c) { return head(relu(norm(body(x, c), c)), c); }
};

struct Fixture {
  explicit Fixture(optim::Optimizer& optimizer, std::vector<std::string> frozen = {}, bool sharp = false) {
    program.data(data::blobs({.classes = 3, .dimensions = 2}), {.batch = 8});
    program.state("net", net);
    program.state("opt", optimizer);
    program.train_step([this, &optimizer, frozen, sharp](Step& s) {
      if (!frozen.empty()) s.freeze(net, frozen);
      auto loss = [&] {
        return losses::softmax_cross_entropy(net(s.batch().numeric, s.context()), s.batch().label,
                                             {.valid = s.batch().valid});
      };
      Gradients gradients = sharp ? sam(loss, {.rho = 0.1}).gradients : value_and_grad(loss).gradients;
      s.update(net, optimizer, gradients, s.control("lr", 0.1, "optimizer.lr"));
    });
    program.eval_step([this](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
  }
  Net net;
  TrainingProgram program{"test"};
};

/// The program's error with its hint; empty: none.
std::string error_of(optim::Optimizer& optimizer, std::vector<std::string> frozen = {}) {
  try {
    Fixture(optimizer, std::move(frozen)).program.trace();
  } catch (const TraceError& error) {
    return error.what();
  }
  return "";
}

std::vector<const Node*> nodes_of(const Entry& entry, std::string_view op) {
  std::vector<const Node*> found, pending;
  std::set<const Node*> seen;
  auto visit = [&](const Node* node) {
    if (seen.insert(node).second) pending.push_back(node);
  };
  for (const auto& [state, value] : entry.stores)
    visit(value.node().get());
  while (!pending.empty()) {
    const Node* node = pending.back();
    pending.pop_back();
    if (node->op == op) found.push_back(node);
    for (const Array& input : node->inputs)
      visit(input.node().get());
  }
  return found;
}

std::vector<std::string> stored(const Entry& entry) {
  std::vector<std::string> names;
  for (const auto& [state, value] : entry.stores)
    names.push_back(state->group + "." + state->name);
  return names;
}

std::vector<std::string> keys_of(const TracedProgram& program) {
  std::vector<std::string> keys;
  for (const ControlField& field : program.controls)
    if (!field.key.empty()) keys.push_back(field.name + "=" + field.key);
  return keys;
}

/// Signs of averaged gradients: an optimizer of a user's own.
class SignSgd : public optim::Optimizer {
public:
  explicit SignSgd(double beta, optim::CommonOptions common = {})
      : Optimizer(std::move(common)), beta_(beta) {}
  std::string name() const override { return "sign-sgd"; }
  void record(optim::Update& update) override {
    Array beta = update.number("beta", beta_, 0, 1);
    std::vector<Array> m = update.read(momenta_), w = update.weights();
    for (std::size_t i = 0; i < w.size(); ++i) {
      m[i] = beta * m[i] + (1.0 - beta) * update.gradients()[i];
      w[i] = w[i] - update.learning_rate(i) * sign(m[i]);
    }
    update.write(momenta_, m);
    update.write_weights(w);
  }

private:
  double beta_;
  optim::SlotGroup& momenta_ = add_slots();
};

TEST(Optimizer, OneOfTheProgramsOwnHasSlotsKeysAndGroups) {
  SignSgd own(0.5, {.groups = {{.name = "head", .match = {"head.*"}, .lr_scale = 2}}});
  TracedProgram program = Fixture(own).program.trace();
  EXPECT_THAT(keys_of(program), ElementsAre("lr=optimizer.lr", "beta=optimizer.beta",
                                            "group_head_lr_scale=optimizer.groups.head.lr_scale"));
  EXPECT_EQ(*program.options.get_string("optimizer.name"), "sign-sgd");
  EXPECT_EQ(program.options.find("optimizer.beta")->stage, runtime::OptionStage::kRun);
  EXPECT_EQ(program.options.find("optimizer.weight_decay")->stage, runtime::OptionStage::kCompile)
      << "nothing reads it";
  const Entry& step = program.entries.at(0);
  EXPECT_THAT(stored(step), Contains("opt.body.weight"));
  // Padding alone moves neither weights nor slots.
  for (const auto& [state, value] : step.stores)
    if (state->group != "net_batchnorm") EXPECT_EQ(value.node()->op, "where") << state->name;
}

TEST(Optimizer, NumbersThatItNeverReadsAreRefused) {
  SignSgd decays(0.5, {.weight_decay = 0.1});
  EXPECT_THAT(error_of(decays),
              AllOf(HasSubstr("optimizer 'sign-sgd' has a weight decay that it does not read"),
                    HasSubstr("update.weight_decay(i)")));
  struct Lazy : optim::Optimizer {
    Lazy() : Optimizer({}) {}
    std::string name() const override { return "lazy"; }
    void record(optim::Update& update) override {
      if (writes) update.write_weights(update.weights());
    }
    bool writes = false;
  } lazy;
  EXPECT_THAT(error_of(lazy), HasSubstr("optimizer 'lazy' writes no weights"));
  lazy.writes = true;
  EXPECT_THAT(error_of(lazy), HasSubstr("does not read the learning rate"));
}

TEST(ParameterGroups, AreSegmentsOfOneUpdate) {
  optim::Sgd sgd({.momentum = 0.9,
                  .weight_decay = 0.01,
                  .groups = {{.name = "head", .match = {"head.*"}, .lr_scale = 8},
                             {.name = "plain", .match = {"*.bias", "norm.*"}, .weight_decay = 0}}});
  TracedProgram program = Fixture(sgd).program.trace();
  const std::vector<const Node*> updates = nodes_of(program.entries.at(0), "sgd_update");
  ASSERT_EQ(updates.size(), 1u);
  const auto& options = std::get<UpdateOptions>(updates[0]->options);
  // body.weight | body.bias, norm.weight, norm.bias | head.weight | head.bias, which is in both groups.
  EXPECT_THAT(options.segments, ElementsAre(0, 1, 1, 1, 2, 3));
  EXPECT_THAT(options.operand_roles, ElementsAre(6, 6, 6, 4, 1, 4, 1));
  EXPECT_THAT(keys_of(program), ElementsAre("lr=optimizer.lr", "momentum=optimizer.momentum",
                                            "group_head_lr_scale=optimizer.groups.head.lr_scale",
                                            "weight_decay=optimizer.weight_decay",
                                            "group_plain_weight_decay=optimizer.groups.plain.weight_decay"));
}

TEST(ParameterGroups, WithoutThemNothingIsSaidOfSegments) {
  optim::AdamW adamw;
  TracedProgram program = Fixture(adamw).program.trace();
  const std::vector<const Node*> updates = nodes_of(program.entries.at(0), "adamw_update");
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_TRUE(std::get<UpdateOptions>(updates[0]->options).segments.empty());
}

// Two optimizers were once held to one filter.
TEST(ParameterGroups, EveryOptimizerHasItsOwnDecayFilter) {
  Net net;
  optim::AdamW body({.weight_decay = 0.1, .decay_filter = optim::DecayFilter::no_norm_bias});
  optim::Sgd head({.weight_decay = 0.1});
  TrainingProgram program("two");
  program.data(data::blobs({.classes = 3, .dimensions = 2}), {.batch = 8});
  program.state("net", net);
  program.state("body", body);
  program.state("head", head);
  program.train_step([&](Step& s) {
    auto g = value_and_grad(
        [&] { return losses::softmax_cross_entropy(net(s.batch().numeric, s.context()), s.batch().label); });
    s.update(net.body, body, g.gradients, 0.1);
    s.update(net.head, head, g.gradients, 0.1);
  });
  program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
  const TracedProgram traced = program.trace();
  std::map<std::string, bool> decayed;
  for (const auto& [state, decays] : traced.decayed)
    if (state->role == State::Role::parameter) decayed[state->name] = decays;
  EXPECT_EQ(decayed,
            (std::map<std::string, bool>{
                {"body.weight", true}, {"body.bias", false}, {"head.weight", true}, {"head.bias", true}}));
}

// What a group says of biases goes over a filter that leaves them out: it would do nothing without a word.
TEST(ParameterGroups, AGroupsDecayGoesOverTheFilter) {
  Net net;
  optim::Sgd sgd({.weight_decay = 0.1,
                  .decay_filter = optim::DecayFilter::no_norm_bias,
                  .groups = {{.name = "head", .match = {"head.*"}, .weight_decay = 0.2}}});
  TrainingProgram program("filtered");
  program.data(data::blobs({.classes = 3, .dimensions = 2}), {.batch = 8});
  program.state("net", net);
  program.state("sgd", sgd);
  program.train_step([&](Step& s) {
    auto g = value_and_grad(
        [&] { return losses::softmax_cross_entropy(net(s.batch().numeric, s.context()), s.batch().label); });
    s.update(net, sgd, g.gradients, 0.1);
  });
  program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
  const TracedProgram traced = program.trace();
  std::map<std::string, bool> decayed;
  for (const auto& [state, decays] : traced.decayed)
    if (state->role == State::Role::parameter) decayed[state->name] = decays;
  EXPECT_TRUE(decayed.at("head.bias")) << "the group says so";
  EXPECT_FALSE(decayed.at("body.bias"));
  EXPECT_FALSE(decayed.at("norm.weight"));
}

std::string group_error(std::vector<optim::ParameterGroup> groups) {
  optim::Sgd sgd({.weight_decay = 0.01, .groups = std::move(groups)});
  return error_of(sgd);
}

TEST(ParameterGroups, WrongOnesAreRefusedAtTheirLine) {
  const int line = __LINE__ + 1;
  const std::string error = group_error({{.name = "head", .match = {"haed.*"}, .lr_scale = 8}});
  EXPECT_THAT(error, HasSubstr("optimizer_test.cpp:" + std::to_string(line) + ":"));
  EXPECT_THAT(error,
              AllOf(HasSubstr("'haed.*' of parameter group 'head' matches no parameter that is updated"),
                    HasSubstr("the nearest names are 'head.")));
  EXPECT_THAT(group_error({{.name = "head", .match = {"head"}, .lr_scale = 8}}),
              HasSubstr("matches no parameter"))
      << "a pattern is the whole name";
  EXPECT_THAT(group_error({{.name = "stats", .match = {"norm.running_mean"}, .weight_decay = 0}}),
              HasSubstr("matches no parameter that is updated"));
  EXPECT_THAT(group_error({{.name = "a", .match = {"head.*"}, .lr_scale = 8},
                           {.name = "b", .match = {"*.bias"}, .lr_scale = 2}}),
              HasSubstr("parameter groups 'a' and 'b' both say the rate of 'head.bias'"));
  EXPECT_THAT(group_error({{.name = "a", .match = {"head.*"}}}),
              HasSubstr("parameter group 'a' says nothing"));
  EXPECT_THAT(group_error({{.name = "a", .match = {}, .lr_scale = 1}}), HasSubstr("it has no pattern"));
  EXPECT_THAT(group_error({{.name = "", .match = {"*"}, .lr_scale = 1}}), HasSubstr("needs a name"));
  EXPECT_THAT(group_error({{.name = "a", .match = {"head.*"}, .lr_scale = 8},
                           {.name = "a", .match = {"*.bias"}, .weight_decay = 0}}),
              HasSubstr("two parameter groups named 'a'"));
  EXPECT_THAT(group_error({{.name = "a", .match = {"*"}, .lr_scale = -1}}),
              HasSubstr("lr_scale of parameter group 'a' must be a number of at least 0, not -1"));
}

// An absolute rate is a field of its own, with the schedule of the update's rate: --set optimizer.lr does not move it.
TEST(ParameterGroups, ARateOfTheirOwnHasTheScheduleOfTheUpdate) {
  optim::Sgd sgd({.groups = {{.name = "head", .match = {"head.*"}, .lr = 0.08}}});
  Fixture f(sgd);
  const TracedProgram program = f.program.trace();
  const auto field = std::find_if(program.controls.begin(), program.controls.end(),
                                  [](const ControlField& known) { return known.name == "group_head_lr"; });
  ASSERT_NE(field, program.controls.end());
  EXPECT_EQ(field->key, "optimizer.groups.head.lr");
  EXPECT_EQ(field->source, ControlField::Source::schedule);
  EXPECT_EQ(field->options_prefix, "schedule");
  EXPECT_EQ(*program.options.get_number("optimizer.groups.head.lr"), 0.08);
  EXPECT_THAT(group_error({{.name = "head", .match = {"head.*"}, .lr = 0.1, .lr_scale = 2}}),
              HasSubstr("parameter group 'head' has both lr and lr_scale"));
}

TEST(Freeze, WhatIsFrozenGetsNoGradientNoUpdateAndNoAscent) {
  optim::Sgd sgd({.momentum = 0.9, .weight_decay = 0.01});
  Fixture f(sgd, {"body.*", "norm.*"}, /*sharp=*/true);
  TracedProgram program = f.program.trace();
  const Entry& step = program.entries.at(0);
  EXPECT_THAT(stored(step),
              ElementsAre("net.head.weight", "net.head.bias", "opt.head.weight", "opt.head.bias"));
  EXPECT_THAT(std::get<UpdateOptions>(nodes_of(step, "sam.perturb").at(0)->options).operand_roles,
              ElementsAre(2, 2, 1, 1));
  for (const Node* call : nodes_of(step, "value_and_grad"))
    EXPECT_EQ(std::get<GradOptions>(call->options).wrt.size(), 2u);
}

TEST(Freeze, RunningStatisticsMoveUnlessTheyAreFrozenToo) {
  optim::Sgd sgd;
  EXPECT_THAT(stored(Fixture(sgd, {"norm.weight", "norm.bias"}).program.trace().entries.at(0)),
              AllOf(Contains("net_batchnorm.norm.running_mean"), Not(Contains("net.norm.weight"))));
}

TEST(Freeze, WrongUsesAreRefused) {
  optim::Sgd sgd;
  EXPECT_THAT(error_of(sgd, {"bodi.*"}), AllOf(HasSubstr("freeze: 'bodi.*' matches no tensor of the module"),
                                               HasSubstr("the nearest names are 'body.")));
  EXPECT_THAT(error_of(sgd, {"*"}), HasSubstr("reads no trainable parameter"));
  Net net;
  TrainingProgram program("late");
  program.data(data::blobs({.classes = 3, .dimensions = 2}), {.batch = 8});
  program.state("net", net);
  program.state("sgd", sgd);
  program.train_step([&](Step& s) {
    auto g = value_and_grad(
        [&] { return losses::softmax_cross_entropy(net(s.batch().numeric, s.context()), s.batch().label); });
    s.freeze(net, {"body.*"});
    s.update(net, sgd, g.gradients, 0.1);
  });
  program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
  try {
    program.trace();
    FAIL() << "frozen after its gradient was made";
  } catch (const TraceError& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("'body.weight' is frozen in this step, but there is a gradient"),
                      HasSubstr("step.freeze comes before")));
  }
}

} // namespace
} // namespace tailor
