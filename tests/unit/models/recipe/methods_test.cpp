// The methods of models/methods in recipes: what they are refused with, and what of a step they give.
#include "frontend/graph/error.h"
#include "frontend/nn/linear.h"
#include "frontend/traced_program.h"
#include "models/recipe/build.h"
#include "models/recipe/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor::recipe {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

runtime::DataSchema two_classes() {
  runtime::DataSchema schema;
  runtime::Column number, word;
  number.name = "amount";
  word.name = "country";
  word.position = 1;
  word.role = runtime::ColumnRole::kCategorical;
  word.capacity = 4;
  schema.columns = {number, word};
  schema.num_classes = 2;
  schema.class_names = {"no", "yes"};
  return schema;
}

Recipe recipe_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse("r.toml", overrides, [&](const std::string&) -> runtime::Result<std::string> {
    return "[data]\nformat = \"blobs\"\n" + text;
  });
}

std::string messages(const std::string& text, const std::vector<std::string>& overrides = {}) {
  Recipe recipe = recipe_of(text, overrides);
  if (recipe.ok()) check_schema(recipe, two_classes());
  return recipe.messages();
}

/// "" or what the trace is refused with.
std::string traced(const std::string& text, TracedProgram* program = nullptr) {
  Recipe recipe = recipe_of(text);
  check_schema(recipe, two_classes());
  if (!recipe.ok()) return recipe.messages();
  try {
    Program built(recipe, two_classes());
    TracedProgram result = built.training().trace();
    if (program) *program = std::move(result);
  } catch (const TraceError& error) {
    return error.what();
  }
  return "";
}

std::vector<std::string> controls(const TracedProgram& program) {
  std::vector<std::string> names;
  for (const ControlField& field : program.controls)
    names.push_back(field.name + " <- " + field.key);
  return names;
}

// --- focal ---

TEST(Focal, HasNoFormForOneLogit) {
  EXPECT_THAT(messages("[model]\noutput = \"sigmoid\"\n[method]\nuse = [\"focal\"]\n"),
              HasSubstr("r.toml:6:8: error: 'focal' needs K logits, but model.output = \"sigmoid\" has one"));
}

// --- LDAM ---

TEST(Ldam, NeedsACosineHead) {
  EXPECT_THAT(messages("[method]\nuse = [\"smoothing\", \"ldam\"]\n"),
              AllOf(HasSubstr("r.toml:4:21: error: 'ldam' needs a cosine head"),
                    HasSubstr("hint: model.head = \"cosine\"")));
  EXPECT_THAT(messages("[model]\nhead = \"linear\"\n[method]\nuse = [\"ldam\"]\n"),
              HasSubstr("r.toml:4:1: note: the head is set here"));
  EXPECT_EQ(messages("[model]\nhead = \"cosine\"\n[method]\nuse = [\"ldam\", \"drw\"]\n"), "");
}

TEST(Ldam, MovesItsMarginWithoutANewProgram) {
  TracedProgram program;
  EXPECT_EQ(traced("[model]\nhead = \"cosine\"\n[method]\nuse = [\"ldam\"]\n", &program), "");
  EXPECT_THAT(controls(program), Contains("max_margin <- method.ldam.max_margin"));
  for (const StateGroup& group : program.groups) {
    if (group.name != "net") continue;
    std::vector<std::string> names;
    for (const auto& state : group.states)
      names.push_back(state->name);
    EXPECT_THAT(names, AllOf(Contains("head.weight"), Not(Contains("head.bias"))));
  }
}

// --- DRW ---

TEST(Drw, IsARowByEpochs) {
  TracedProgram share, epoch;
  EXPECT_EQ(traced("[method]\nuse = [\"drw\"]\n", &share), "");
  EXPECT_THAT(controls(share),
              AllOf(Contains("drw <- method.drw.from"), Contains("drw_beta <- method.drw.beta")));
  EXPECT_EQ(
      traced("[method]\nuse = [\"sam-a\", \"drw\"]\ndrw = { from_epoch = 3, table = \"inv_max\" }\n", &epoch),
      "");
  EXPECT_THAT(controls(epoch),
              AllOf(Contains("drw <- method.drw.from"), Not(Contains("drw_beta <- method.drw.beta"))));
}

TEST(Drw, StandsInPlaceOfWeighted) {
  EXPECT_THAT(messages("[method]\nuse = [\"weighted\", \"drw\"]\n"),
              AllOf(HasSubstr("r.toml:4:20: error: 'weighted' and 'drw' contradict each other"),
                    HasSubstr("'drw' is 'weighted' in the last epochs")));
  EXPECT_THAT(messages("[method]\nuse = [\"drw\"]\ndrw = { from = 0.5, from_epoch = 3 }\n"),
              AllOf(HasSubstr("'method.drw.from' has no effect with method.drw.from_epoch = 3"),
                    HasSubstr("hint: keep one of them")));
}

// --- own weights ---

TEST(OwnWeights, AreAListInClassOrderOrNamed) {
  for (const char* weights : {"[1, 3.5]", "{ no = 1, yes = 3.5 }", "{ yes = 3.5, no = 1 }"})
    EXPECT_EQ(
        traced(std::string("[method]\nuse = [\"weighted\"]\nweighted = { weights = ") + weights + " }\n"),
        "");
  EXPECT_EQ(messages("[method]\nuse = [\"weighted\"]\n", {"method.weighted.weights=[1, 2]"}), "");
  EXPECT_EQ(messages("[method]\nuse = [\"weighted\"]\n", {"method.weighted.weights={ no = 1, yes = 2 }"}),
            "");
}

TEST(OwnWeights, AreCheckedAgainstTheClasses) {
  const auto with = [](const std::string& weights) {
    return messages("[method]\nuse = [\"weighted\"]\nweighted = { " + weights + " }\n");
  };
  EXPECT_THAT(with("weights = [1, 2, 3]"), AllOf(HasSubstr("r.toml:5:14: error: 3 weights for 2 classes"),
                                                 HasSubstr("one for each of no, yes, in this order")));
  EXPECT_THAT(
      with("weights = { no = 1, Yes = 2 }"),
      AllOf(HasSubstr("r.toml:5:14: error: weights of classes that there are not: 'Yes'; none for 'yes'"),
            HasSubstr("the classes are no, yes")));
  EXPECT_THAT(with("weights = { no = 1 }"), HasSubstr("error: no weight for 'yes'"));
  EXPECT_THAT(with("weights = [0, 0]"), HasSubstr("the weights are all 0"));
  EXPECT_THAT(with("weights = [1, -2]"), HasSubstr("r.toml:5:28: error: method.weighted.weights = -2"));
  EXPECT_THAT(with("weights = { no = 1, yes = \"x\" }"), HasSubstr("'yes': "));
  EXPECT_THAT(with("weights = 3"),
              HasSubstr("must be a list of numbers, or a table of them, not the integer 3"));
  EXPECT_THAT(with("table = \"inv_max\", weights = [1, 2]"),
              HasSubstr("'method.weighted.table' has no effect with method.weighted.weights = [1.0,2.0]"));
}

// --- balanced sampling beside class weights ---

TEST(DoubleCorrection, IsNotedUnlessItIsMeant) {
  const auto notes = [](const std::string& method, const std::string& sampler) {
    const Recipe recipe = recipe_of("sampler = \"" + sampler + "\"\n[method]\n" + method);
    EXPECT_TRUE(recipe.ok()) << recipe.messages();
    return recipe.notes;
  };
  const std::string weighted = "use = [\"weighted\"]\n", drw = "use = [\"smoothing\", \"drw\"]\n";
  for (const char* sampler : {"class_balanced", "class_aware", "effective_balanced", "sqrt", "deferred"})
    EXPECT_THAT(
        notes(weighted, sampler),
        ElementsAre("r.toml:5:8: the class weights of 'weighted' and sampler '" + std::string(sampler) +
                    "' correct the class frequencies twice; method.weighted.twice = true says that this is "
                    "meant"));
  EXPECT_THAT(notes(drw, "class_balanced"),
              ElementsAre(HasSubstr("r.toml:5:21: the class weights of 'drw'")));
  EXPECT_THAT(notes(weighted, "uniform"), IsEmpty());
  // Of a stage too, once.
  EXPECT_THAT(notes(weighted + "[[stage]]\nname = \"a\"\n[[stage]]\nname = \"b\"\n"
                               "[stage.data]\nsampler = \"class_aware\"\n",
                    "uniform"),
              ElementsAre(HasSubstr("sampler 'class_aware'")));
  EXPECT_THAT(notes("use = [\"smoothing\"]\n", "class_balanced"), IsEmpty());
  EXPECT_THAT(notes(weighted + "weighted = { twice = true }\n", "class_balanced"), IsEmpty());
  EXPECT_THAT(notes(weighted + "weighted = { weights = [1, 2] }\n", "class_balanced"), IsEmpty());
}

// --- MixUp ---

TEST(Mixup, WorksWithEveryMethod) {
  for (const char* others : {"", ", \"weighted\"", ", \"smoothing\"", ", \"focal\"", ", \"ldam\", \"drw\"",
                             ", \"sam\"", ", \"sam-a\", \"weighted\", \"ema\"", ", \"logit-adjustment\""}) {
    TracedProgram program;
    EXPECT_EQ(
        traced(std::string("[model]\nhead = \"cosine\"\nbatch_norm = true\n[method]\nuse = [\"mixup\"") +
                   others + "]\n",
               &program),
        "")
        << others;
    EXPECT_THAT(controls(program), Contains("lambda <- method.mixup.alpha"));
  }
  EXPECT_EQ(traced("[method]\nuse = [\"mixup\", \"sam-a\", \"smoothing\"]\nmixup = { form = \"soft\" }\n"),
            "");
  EXPECT_EQ(traced("[model]\noutput = \"sigmoid\"\n[method]\nuse = [\"mixup\", \"weighted\"]\n"), "");
}

TEST(Mixup, RefusesLossesThatHaveNoSoftForm) {
  const std::string soft = "mixup = { form = \"soft\" }\n";
  EXPECT_THAT(messages("[model]\nhead = \"cosine\"\n[method]\nuse = [\"mixup\", \"ldam\"]\n" + soft),
              AllOf(HasSubstr("r.toml:7:11: error: a margin belongs to one label: 'ldam' has no soft form"),
                    HasSubstr("r.toml:6:17: note: the margin comes from here"),
                    HasSubstr("hint: method.mixup.form = \"slotwise\"")));
  EXPECT_THAT(messages("[method]\nuse = [\"mixup\", \"weighted\"]\n" + soft),
              AllOf(HasSubstr("r.toml:5:11: error: a mixed label has no one weight"),
                    HasSubstr("method.weighted.reduction = \"batch_mean\"")));
  EXPECT_THAT(messages("[model]\noutput = \"sigmoid\"\n[method]\nuse = [\"mixup\"]\n" + soft),
              HasSubstr("one logit has no soft form"));
  EXPECT_EQ(
      messages("[method]\nuse = [\"mixup\", \"weighted\"]\nweighted = { reduction = \"batch_mean\" }\n" +
               soft),
      "");
}

const Registered<LossSpec> of_one_label{{.name = "of-one-label",
                                         .text = "knows one label",
                                         .make =
                                             [](const LossRequest& request) {
                                               return losses::softmax_cross_entropy(request.logits,
                                                                                    request.batch.label);
                                             },
                                         .takes = {Part::class_weights}}};

struct OneLayer : nn::Module {
  explicit OneLayer(int64_t outputs) : head(1, outputs) { add("head", head); }
  Array operator()(const Batch& batch, const Context& context) { return head(batch.numeric, context); }
  nn::Linear head;
};
const Registered<ModelSpec> one_layer{
    {.name = "one-layer", .text = "one layer", .make = [](const ModelRequest& request) {
       return as_network(std::make_unique<OneLayer>(request.outputs));
     }}};

// They would train on mixed rows with the label of the first, and nobody would notice.
TEST(Mixup, RefusesWhatDoesNotKnowMixedRows) {
  EXPECT_THAT(
      messages("[method]\nuse = [\"mixup\"]\nloss = \"of-one-label\"\n"),
      HasSubstr(
          "r.toml:4:8: error: 'mixup' gives the mixing of rows, which loss 'of-one-label' does not take"));
  EXPECT_THAT(
      traced("[model]\nname = \"one-layer\"\n[method]\nuse = [\"mixup\"]\n"),
      AllOf(HasSubstr("r.toml:6:1: error"), HasSubstr("model 'one-layer' does not say what it reads")));
}

// --- row weights ---

runtime::DataSchema with_row_weights() {
  runtime::DataSchema schema = two_classes();
  schema.columns.push_back({.name = "stake", .position = 2, .role = runtime::ColumnRole::kRowWeight});
  return schema;
}

TEST(RowWeights, GoWithEveryMethod) {
  for (const char* use : {"\"erm\"", "\"weighted\"", "\"smoothing\"", "\"focal\"", "\"sam\"",
                          "\"sam-a\", \"weighted\"", "\"mixup\"", "\"mixup\", \"weighted\", \"focal\"",
                          "\"logit-adjustment\", \"mixup\", \"sam-a\"", "\"drw\""}) {
    Recipe recipe = recipe_of(std::string("[method]\nuse = [") + use + "]\n");
    check_schema(recipe, with_row_weights());
    ASSERT_TRUE(recipe.ok()) << recipe.messages();
    EXPECT_NO_THROW(Program(recipe, with_row_weights()).training().trace()) << use;
  }
}

// It would train as if every row counted alike.
TEST(RowWeights, RefuseALossThatDoesNotTakeThem) {
  Recipe recipe = recipe_of("[method]\nloss = \"of-one-label\"\n");
  check_schema(recipe, with_row_weights());
  EXPECT_THAT(recipe.messages(),
              HasSubstr("column 'stake' holds row weights, which loss 'of-one-label' does not take"));
}

} // namespace
} // namespace tailor::recipe
