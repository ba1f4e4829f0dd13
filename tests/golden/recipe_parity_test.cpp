/// The recorded methods as recipes: what models/methods makes of the keys, 20 free-running steps on the reference against
/// PyTorch at relative 1e-8. The network of the recordings is the mlp of recipes with batch norm.
///
/// MixUp's partners and shares are inputs of the recording, so a method of this test mixes by them; what follows from
/// them is the recipe's. The order of rows is one too, so the deferred sampler is not tried here.
#include "frontend/components/method.h"
#include "frontend/emit/emit.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/indexing.h"
#include "models/recipe/build.h"
#include "models/recipe/check.h"
#include "passes/Pipelines.h"
#include "runtime/base/status.h"
#include "tests/golden/free_run.h"
#include "tests/golden/method_program.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <gtest/gtest.h>

namespace tailor::golden {
namespace {

using backend::reference::Interpreter;

/// Mixes as the recording says: the partner's place in the batch comes as batch.index, the share as a control field.
class RecordedMixing final : public Method {
public:
  explicit RecordedMixing(losses::MixedLabels labels) : labels_(labels) {}
  MixedRows mix(Step& step, const Array& inputs) override {
    const Array share = step.control("lambda", 0.5), partners = step.batch().index;
    return {.inputs = share * inputs + (1.0 - share) * take(inputs, partners),
            .partners = partners,
            .share = share,
            .labels = labels_};
  }

private:
  losses::MixedLabels labels_;
};

MethodSpec mixing(const char* name, losses::MixedLabels labels) {
  return {.name = name,
          .text = "mixes as recorded",
          .part = Part::mixing,
          .make = [=](const runtime::Options&) { return std::make_unique<RecordedMixing>(labels); }};
}
const Registered<MethodSpec> slotwise{mixing("recorded-slotwise", losses::MixedLabels::slotwise)};
const Registered<MethodSpec> soft{mixing("recorded-soft", losses::MixedLabels::soft)};

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

/// The recipe of a recorded stage.
std::string recipe_text(const MethodRecording& recording, const MethodStage& method) {
  std::vector<std::string> use;
  std::string keys;
  const std::string reduction =
      "reduction = " + quoted(method.word("reduction").empty() ? "batch_mean" : method.word("reduction"));
  const std::string beta = runtime::concat(recording.beta);
  const auto with_beta = [&](const std::string& table) {
    return "table = " + quoted(table) + (table == "effective" ? ", beta = " + beta : "");
  };
  if (method.has("gamma")) {
    use.push_back("focal");
    keys += "focal = { gamma = " + runtime::concat(method.number_of("gamma", 0)) +
            (method.has("of_weighted") ? ", variant = \"focal_of_weighted\"" : "") + " }\n";
  }
  if (method.has("margin")) {
    use.push_back("ldam");
    keys += "ldam = { max_margin = " + runtime::concat(recording.largest_margin) +
            ", scale = " + runtime::concat(method.number_of("scale", 1)) + " }\n";
  }
  if (method.word("weights") == "own") {
    use.push_back("weighted");
    keys += "weighted = { weights = [1, 2, 4, 8, 16], " + reduction + " }\n";
  } else if (method.has("weights")) {
    use.push_back("weighted");
    keys += "weighted = { " + with_beta(method.word("weights")) + ", " + reduction + " }\n";
  }
  if (method.has("drw")) {
    use.push_back("drw");
    keys += "drw = { from_epoch = 3, " + with_beta(method.word("drw")) + ", " + reduction + " }\n";
  }
  if (method.has("smoothing")) {
    use.push_back("smoothing");
    keys += "smoothing = { eps = " + runtime::concat(recording.eps) +
            ", profile = " + quoted(method.word("smoothing")) + " }\n";
  }
  if (method.has("bias")) use.push_back("logit-adjustment");
  if (method.has("mixup")) use.push_back("recorded-" + method.word("form"));
  if (use.empty()) use.push_back("erm");
  std::string listed;
  for (const std::string& name : use)
    listed += (listed.empty() ? "" : ", ") + quoted(name);
  const std::string head = method.word("head") == "cosine" ? "head = \"cosine\"\n" : "";
  const std::string batch = std::to_string(recording.batch);
  return "[data]\nformat = \"blobs\"\nclasses = 5\ndimensions = 6\n[model]\nlayers = [" +
         std::to_string(recording.widths[0]) + ", " + std::to_string(recording.widths[1]) +
         "]\nbatch_norm = true\n" + head + "[method]\nuse = [" + listed + "]\n" + keys +
         "[optimizer]\nname = \"sgd\"\nmomentum = " + runtime::concat(recording.momentum) +
         "\nweight_decay = " + runtime::concat(recording.weight_decay) + "\n[run]\nbatch = " + batch +
         "\neval_batch = " + batch + "\n";
}

runtime::DataSchema schema_of(const MethodRecording& recording, const MethodStage& method) {
  runtime::DataSchema schema;
  schema.num_classes = static_cast<int32_t>(recording.class_counts.size());
  for (int32_t k = 0; k < schema.num_classes; ++k)
    schema.class_names.push_back(std::to_string(k));
  for (int32_t column = 0; column < recording.num_columns; ++column)
    schema.columns.push_back({.name = "x" + std::to_string(column), .position = column});
  if (method.has("row_weights"))
    schema.columns.push_back({.name = "weight",
                              .position = static_cast<int32_t>(recording.num_columns),
                              .role = runtime::ColumnRole::kRowWeight});
  return schema;
}

/// The runs that a recipe can be: row weights divided by the batch, groups and several stages have no key or another
/// test.
bool is_recipe(const MethodStage& method) {
  const bool weighted_mean = method.word("reduction") == "weighted_mean";
  return (!method.has("row_weights") || weighted_mean) && !method.has("rate_factors") &&
         !method.has("sampler");
}

struct RecipeCase {
  std::string file, run;
};
void PrintTo(const RecipeCase& c, std::ostream* out) {
  *out << c.run;
}

std::vector<RecipeCase> recipe_cases() {
  std::vector<RecipeCase> cases;
  for (const auto& [file, name] : recorded_runs()) {
    const MethodRecording recording = MethodRecording::load(file);
    const MethodRun& run = recording.runs.at(name);
    if (run.stages.size() == 1 && is_recipe(run.stages[0])) cases.push_back({file, name});
  }
  return cases;
}

class RecipeParity : public testing::TestWithParam<RecipeCase> {};

TEST_P(RecipeParity, TwentyStepsOfPyTorch) {
  const auto& [file, name] = GetParam();
  const MethodRecording recording = MethodRecording::load(file);
  const MethodRun& run = recording.runs.at(name);
  const MethodStage& method = run.stages[0];

  const std::string text = recipe_text(recording, method);
  recipe::Recipe recipe =
      recipe::parse("r.toml", {}, [&](const std::string&) -> runtime::Result<std::string> { return text; });
  const runtime::DataSchema schema = schema_of(recording, method);
  recipe::check_schema(recipe, schema);
  ASSERT_TRUE(recipe.ok()) << recipe.messages();
  recipe::Program written(recipe, schema);
  const TracedProgram traced = written.training().trace();

  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<ir::TailorDialect>();
  mlir::OwningOpRef<mlir::ModuleOp> module = emit(traced, context);
  ASSERT_TRUE(module);
  passes::PipelineOptions pipeline;
  pipeline.stopAfter = passes::Phase::planned;
  ASSERT_TRUE(succeeded(passes::runPipeline(*module, pipeline)));

  ir::ProgramOp program = *module->getOps<ir::ProgramOp>().begin();
  Environment environment = initial_environment(program, run.parameters, recording.class_counts);
  for (const ControlField& field : traced.controls)
    if (field.source == ControlField::Source::option)
      environment.control.insert_or_assign(
          field.name, Tensor::scalar(*traced.options.find(field.key)->value.as_number()));

  const auto give = [&](size_t t) {
    StepInputs inputs = step_inputs(recording, method, t);
    for (auto& [field, value] : inputs.control)
      environment.control.insert_or_assign(field, std::move(value));
    if (method.has("drw"))
      environment.control.insert_or_assign("drw", Tensor::integer({}, {method.table_row[t]}));
    if (method.has("mixup")) { // as they are in the data: the recipe mixes
      const std::vector<int64_t>& rows = method.rows[t];
      Tensor &numeric = inputs.batch.at("numeric"), &index = inputs.batch.at("index");
      for (int64_t n = 0; n < recording.batch; ++n) {
        const bool counts = n < static_cast<int64_t>(rows.size());
        index.integers()[n] = counts ? method.partner[t][n] : n;
        for (int64_t c = 0; counts && c < recording.num_columns; ++c)
          numeric.reals()[n * recording.num_columns + c] =
              recording.samples.reals()[rows[n] * recording.num_columns + c];
      }
    }
    for (auto& [field, value] : inputs.batch)
      environment.inputs.insert_or_assign(field, std::move(value));
  };
  give(0);

  Interpreter interpreter(program);
  ir::EntryOp train;
  for (ir::EntryOp entry : program.getOps<ir::EntryOp>()) {
    if (entry.getKind() == ir::EntryKind::Fit) ASSERT_TRUE(succeeded(interpreter.run(entry, environment)));
    if (entry.getKind() == ir::EntryKind::Step) train = entry;
  }
  ASSERT_TRUE(train);
  for (size_t t = 0; t < run.loss.size(); ++t) {
    give(t);
    ASSERT_TRUE(succeeded(interpreter.run(train, environment))) << "step " << t;
    expect_close(environment.reports.at("loss").reals()[0], run.loss[t], 0,
                 "loss of step " + std::to_string(t));
    ASSERT_FALSE(HasFailure()) << text;
  }
  compare_final(program, environment, run.final);
}

INSTANTIATE_TEST_SUITE_P(Recordings, RecipeParity, testing::ValuesIn(recipe_cases()),
                         [](const auto& info) { return info.param.run; });

TEST(RecipeParityCases, AreTheLossesMixupAndRowWeights) {
  EXPECT_EQ(recipe_cases().size(), 11u + 15u + 2u);
}

} // namespace
} // namespace tailor::golden
