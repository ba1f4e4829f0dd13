#include "frontend/traced_program.h"
#include "tailor/tailor.h"
#include "tests/unit/frontend/api/error_of.h"
#include "tests/unit/frontend/api/small_networks.h"

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

namespace tailor {
namespace {

using testing::HasSubstr;

/// The message of a program of two steps and two networks with these stages.
std::string stages_error(std::vector<Stage> stages, const std::function<void(TrainingProgram&)>& more = {}) {
  return error_of([&] {
    Wide wide;
    Net net, other;
    optim::Sgd sgd({.momentum = 0.9}), second({.momentum = 0.9});
    TrainingProgram program("p");
    program.data(data::blobs({.classes = 3}), {});
    program.state("net", net), program.state("other", other), program.state("wide", wide);
    program.state("sgd", sgd), program.state("second", second);
    const auto train = [&](Step& s, Net& net, optim::Sgd& sgd, const char* rate) {
      auto g = value_and_grad([&] {
        return losses::softmax_cross_entropy(net.fc(s.batch().numeric, s.context()), s.batch().label,
                                             {.valid = s.batch().valid}) +
               0.0 * masked_mean(mean(wide.fc(s.batch().numeric, s.context()), 1), s.batch().valid);
      });
      s.update(net, sgd, g.gradients, s.control(rate, 0.1));
    };
    program.step("a", [&](Step& s) { train(s, net, sgd, "lr"); });
    program.step("b", [&](Step& s) { train(s, other, second, "lr2"); });
    program.eval("e", [&](Eval& e) { e.logits(other.fc(e.batch().numeric, e.context())); });
    if (more) more(program);
    if (!stages.empty()) program.stages(std::move(stages));
    program.trace();
  });
}

TEST(Stages, NameWhatThereIs) {
  const Stage a{.name = "one", .step = "a"}, b{.name = "two", .step = "b"};
  EXPECT_EQ(stages_error({a, b}), "no error");
  EXPECT_THAT(stages_error({}), HasSubstr("the program has 2 steps (a, b) and no stages"));
  EXPECT_THAT(stages_error({a, {.name = "two"}}),
              HasSubstr("stage 'two' names no step, and the program has 2: a, b"));
  EXPECT_THAT(stages_error({a, {.name = "two", .step = "c"}}),
              HasSubstr("stage 'two' names the step 'c', which there is not"));
  EXPECT_THAT(stages_error({a, b, {.name = "three", .step = "a", .eval = "f"}}),
              HasSubstr("names the evaluation 'f', which there is not"));
  EXPECT_THAT(stages_error({a}), HasSubstr("no stage uses the step 'b'"));
  EXPECT_THAT(stages_error({a, a, b}), HasSubstr("two stages named 'one'"));
  EXPECT_THAT(stages_error({a, {.name = "a.b", .step = "b"}}), HasSubstr("a name without '.', not 'a.b'"));
  EXPECT_THAT(stages_error({a, {.name = "", .step = "b"}}), HasSubstr("a stage needs a name"));
  EXPECT_THAT(stages_error({a, {.name = "two", .step = "b", .epochs = 3, .steps = 7}}),
              HasSubstr("the length 3 epochs and 7 steps"));
  EXPECT_THAT(stages_error({{.name = "one", .step = "a", .continues = true}, b}),
              HasSubstr("stage 'one' is the first: there is nothing it continues"));
  // The line is the stage's own.
  const unsigned line = __LINE__ + 1;
  const Stage wrong{.name = "two", .step = "c"};
  EXPECT_THAT(stages_error({a, wrong}), HasSubstr("stages_test.cpp:" + std::to_string(line) + ":"));
}

// One count a step corrects the moments of all: what starts among what goes on would get the others'.
TEST(Stages, ThatContinueCountUpdatesFromOnePlace) {
  const auto stages = [](const char* before, const char* after, bool continues, bool averages = false) {
    return error_of([&] {
      Net net;
      optim::AdamW adam;
      optim::Ema ema, late;
      TrainingProgram program("p");
      program.data(data::blobs({.classes = 3}), {});
      program.state("net", net), program.state("adam", adam), program.state("ema", ema);
      program.state("late", late);
      for (const char* name : {"all", "part"})
        program.step(name, [&, part = std::string(name) == "part"](Step& s) {
          if (part && !averages) s.freeze(net, {"fc.bias"});
          auto g = value_and_grad([&] {
            return losses::softmax_cross_entropy(net.fc(s.batch().numeric, s.context()), s.batch().label,
                                                 {.valid = s.batch().valid});
          });
          s.update(net, adam, g.gradients, s.control("lr", 0.1));
          s.update(ema, net);
          if (averages && !part) s.update(late, net);
        });
      program.eval("e", [&](Eval& e) { e.logits(net.fc(e.batch().numeric, e.context())); });
      program.stages(
          {{.name = "one", .step = before}, {.name = "two", .step = after, .continues = continues}});
      program.trace();
    });
  };
  EXPECT_THAT(stages("part", "all", true),
              HasSubstr("stage 'two' continues 'one', but adamw updates 'fc.bias' only in it"));
  EXPECT_EQ(stages("part", "all", false, true), "no error");
  EXPECT_EQ(stages("all", "part", true, true), "no error");
  EXPECT_THAT(stages("part", "all", true, true), HasSubstr("'late' starts in it and 'ema' goes on"));
}

TEST(Stages, CopyWhatIsAlikeAndTrained) {
  const Stage a{.name = "one", .step = "a"};
  const auto copying = [&](const std::string& from, const std::string& to,
                           std::vector<std::string> initialises = {}) {
    return stages_error(
        {a, {.name = "two", .step = "b", .copies = {{from, to}}, .initialises = std::move(initialises)}});
  };
  EXPECT_EQ(copying("net", "other"), "no error");
  EXPECT_EQ(copying("net", "other", {"net"}), "no error");
  EXPECT_EQ(copying("sgd", "second"), "no error");
  EXPECT_THAT(copying("net", "wide"),
              HasSubstr("which are not alike: 'fc.weight' is f32[3, 2] in 'net' and f32[4, 2] in 'wide'"));
  EXPECT_THAT(copying("ned", "other"), HasSubstr("copies the state group 'ned', which there is not"));
  EXPECT_THAT(copying("ned", "other"), HasSubstr("did you mean 'net'?"));
  EXPECT_THAT(copying("net", "net"), HasSubstr("copies 'net' to itself"));
  EXPECT_THAT(copying("other", "net"), HasSubstr("copies from 'other', which no stage before 'two' trains"));
  EXPECT_THAT(copying("net", "other", {"other"}), HasSubstr("initialises 'other', to which it copies 'net'"));
  EXPECT_THAT(copying("net", "other", {"others"}), HasSubstr("initialises the state group 'others'"));
}

TEST(Stages, HaveOptionsThatAreReadAnew) {
  const Stage a{.name = "one", .step = "a"};
  const auto with = [&](const std::string& key, runtime::OptionValue value) {
    return stages_error({a, {.name = "two", .step = "b", .options = {{key, std::move(value)}}}});
  };
  EXPECT_EQ(with("control.lr2", 0.5), "no error");
  EXPECT_EQ(with("run.keep.best", "val/accuracy"), "no error");
  EXPECT_THAT(with("run.seed", 3), HasSubstr("stage 'two' sets 'run.seed', which is the same in all stages"));
  EXPECT_THAT(with("data.train", "x.csv"), HasSubstr("which is the same in all stages"));
  EXPECT_THAT(with("control.lr3", 0.5), HasSubstr("sets 'control.lr3', which nothing in this program reads"));
}

} // namespace
} // namespace tailor
