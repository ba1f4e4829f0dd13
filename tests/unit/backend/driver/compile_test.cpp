// Compiling a C++ program: its options, and what is refused before any pass runs.
#include "backend/driver/Driver.h"
#include "backend/driver/FrontendServices.h"
#include "frontend/graph/error.h"
#include "frontend/losses/softmax_cross_entropy.h"
#include "frontend/nn/linear.h"
#include "frontend/ops/elementwise.h"
#include "frontend/optimizers/adamw.h"
#include "frontend/optimizers/sgd.h"
#include "frontend/program.h"
#include "runtime/artifact/reader.h"
#include "runtime/data/open.h"

#include <algorithm>
#include <fstream>
#include <gmock/gmock.h>
#include <numeric>

namespace tailor::backend {
namespace {

using ::testing::HasSubstr;

/// Logistic regression on two moons.
struct Moons {
  TrainingProgram program{"moons"};
  data::Plan plan = data::two_moons();
  nn::Linear net{plan.num_numeric(), plan.num_classes()};
  optim::Sgd sgd;

  explicit Moons(std::vector<std::string> metrics = {}) {
    program.data(plan, {.batch = 8, .eval_batch = 8});
    program.state("net", net);
    program.state("sgd", sgd);
    program.train_step([&](Step& s) {
      Array lr = s.control("lr", schedule::warmup_cosine({.peak = 0.1, .warmup_epochs = 2}));
      auto loss = [&] {
        return losses::softmax_cross_entropy(net(s.batch().numeric, s.context()), s.batch().label,
                                             {.valid = s.batch().valid});
      };
      LossAndGradients result = value_and_grad(loss);
      s.update(net, sgd, result.gradients, lr);
      s.report("loss", result.loss);
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); },
                      {.metrics = std::move(metrics)});
  }
};

CompileOptions reference() {
  CompileOptions options;
  options.target = "reference";
  options.keepIr = false;
  return options;
}

runtime::Options options_of(const runtime::Result<Compilation>& compilation) {
  EXPECT_TRUE(compilation.ok()) << compilation.status().message();
  if (!compilation.ok()) return {};
  auto artifact = runtime::Artifact::from_bytes(compilation->artifact);
  EXPECT_TRUE(artifact.ok()) << artifact.status().message();
  return artifact.ok() ? (*artifact)->spec().options : runtime::Options();
}

TEST(CompileProgram, OptionsOfTheCodeGetTheLimitsOfTheKeyTable) {
  Moons moons;
  moons.program.options().set("run.epochs", 3);
  runtime::Options options = options_of(compile(moons.program, reference()));
  for (const char* wrong : {"optimizer.lr=-1", "schedule.warmup_epochs=-1", "run.epochs=0.5"}) {
    const std::string_view word = wrong;
    const std::size_t equals = word.find('=');
    EXPECT_FALSE(options.set_from_text(word.substr(0, equals), word.substr(equals + 1)).ok()) << wrong;
  }
  EXPECT_EQ(*options.get_int("run.epochs"), 3);
  EXPECT_EQ(*options.get_number("schedule.warmup_epochs"), 2);
  EXPECT_EQ(options.find("run.batch")->stage, runtime::OptionStage::kCompile);
}

TEST(CompileProgram, AWrongOptionOfTheCodeIsRefused) {
  Moons moons;
  moons.program.options().set("run.epochs", -3);
  const auto compilation = compile(moons.program, reference());
  ASSERT_FALSE(compilation.ok());
  EXPECT_EQ(compilation.status().code(), runtime::StatusCode::kInvalidArgument);
  EXPECT_THAT(compilation.status().message(), HasSubstr("'run.epochs' must be an int of at least"));
}

TEST(CompileProgram, AnOptionThatThereIsNotIsRefusedAtItsLine) {
  const auto refused = [](const std::string& key) {
    Moons moons;
    moons.program.options().set(key, 2);
    return compile(moons.program, reference()).status();
  };
  const runtime::Status status = refused("run.epoch");
  EXPECT_THAT(status.message(), HasSubstr("compile_test.cpp:"));
  EXPECT_THAT(status.message(), HasSubstr("error: unknown key 'run.epoch'"));
  EXPECT_EQ(status.hint(), "did you mean 'run.epochs'?");
  EXPECT_THAT(refused("epochs").message(), HasSubstr("unknown key 'epochs'"));
  EXPECT_THAT(refused("eval.threshold").message(), HasSubstr("'eval.threshold' is not in this version"));
}

// A field of the program's own is no key of a recipe; a second optimizer's numbers have the limits of the first's.
TEST(CompileProgram, KeysOfTheProgramsOwnAreKept) {
  Moons moons;
  nn::Linear head(2, 2);
  optim::AdamW second;
  TrainingProgram program("own");
  program.data(moons.plan, {.batch = 8, .eval_batch = 8});
  program.state("net", moons.net);
  program.state("sgd", moons.sgd);
  program.state("head", head);
  program.state("second", second);
  program.options().set("control.alpha", 2);
  program.train_step([&](Step& s) {
    auto g = value_and_grad([&] {
      Array x = s.batch().numeric;
      return losses::softmax_cross_entropy(moons.net(x, s.context()) + head(x, s.context()),
                                           s.batch().label) *
             s.control("alpha", 1.0) * s.control("beta", 1.0, "mine.beta");
    });
    Array lr = s.control("lr", 0.1, "optimizer.lr");
    s.update(moons.net, moons.sgd, g.gradients, lr);
    s.update(head, second, g.gradients, lr);
  });
  program.eval_step([&](Eval& e) { e.logits(moons.net(e.batch().numeric, e.context())); });
  runtime::Options options = options_of(compile(program, reference()));
  EXPECT_EQ(*options.get_number("control.alpha"), 2);
  EXPECT_EQ(*options.get_number("mine.beta"), 1);
  EXPECT_EQ(*options.get_string("schedule.name"), "constant");
  EXPECT_EQ(*options.get_string("optimizer.name"), "sgd");
  EXPECT_EQ(*options.get_string("optimizer.second.name"), "adamw");
  EXPECT_TRUE(options.set_from_text("optimizer.second.beta2", "0.5").ok());
  EXPECT_FALSE(options.set_from_text("optimizer.second.beta2", "1.5").ok());
}

// It once cut every table to balanced classes.
TEST(CompileProgram, ATableKeepsItsRowsUnlessAskedOtherwise) {
  registerFrontendServices();
  const std::string path = testing::TempDir() + "rows.csv";
  {
    std::ofstream file(path);
    file << "x,y\n";
    for (int i = 0; i < 500; ++i)
      file << i * 37 % 101 << (i % 10 == 0 ? ",rare\n" : ",common\n");
  }
  const auto counts = [&](const data::CsvArgs& args) {
    const data::Plan plan = data::csv(path, args);
    auto read = runtime::read_data_plan(plan.options(), "");
    EXPECT_TRUE(read.ok()) << read.status().message();
    auto bundle = runtime::open_data(*read, plan.schema());
    EXPECT_TRUE(bundle.ok()) << bundle.status().message();
    return bundle.ok() ? bundle->fitted.class_counts : std::vector<std::int64_t>();
  };
  // 50 and 450 rows, less 20 % test and 16 % validation.
  const std::vector<std::int64_t> whole = counts({.label = "y"});
  EXPECT_EQ(std::accumulate(whole.begin(), whole.end(), std::int64_t{0}), 320);
  EXPECT_EQ(*std::min_element(whole.begin(), whole.end()), 32);
  const std::vector<std::int64_t> balanced = counts({.label = "y", .long_tail = {.r = 1}});
  EXPECT_EQ(balanced, (std::vector<std::int64_t>{32, 32}));
  EXPECT_THROW(counts({.label = "y", .more = {{"data.split.val", 0}}}), TraceError) << "it has an argument";
  EXPECT_THROW(counts({.label = "y", .more = {{"run.epochs", 3}}}), TraceError);
  EXPECT_EQ(counts({.label = "y", .more = {{"data.split.seed", 5}}}).size(), 2u);
}

TEST(CompileProgram, SetReplacesRunOptionsOnly) {
  Moons moons;
  CompileOptions set = reference();
  set.set = {{"run.epochs", "7"}, {"optimizer.lr", "0.25"}};
  const runtime::Options options = options_of(compile(moons.program, set));
  EXPECT_EQ(*options.get_int("run.epochs"), 7);
  EXPECT_EQ(*options.get_number("optimizer.lr"), 0.25);
  EXPECT_EQ(options.find("optimizer.lr")->origin, "command line");

  set.set = {{"run.batch", "4"}};
  runtime::Status status = compile(moons.program, set).status();
  EXPECT_THAT(status.message(),
              HasSubstr("--set run.batch=4: 'run.batch' is part of the program's code, at "));
  EXPECT_THAT(status.message(), HasSubstr("compile_test.cpp:"));
  set.set = {{"optimizer.lrr", "4"}};
  status = compile(moons.program, set).status();
  EXPECT_EQ(status.message(), "--set optimizer.lrr=4: unknown option 'optimizer.lrr'");
  EXPECT_EQ(status.hint(), "did you mean 'optimizer.lr'?");
}

TEST(CompileProgram, AnUnknownMetricIsRefusedWithThoseThereAre) {
  Moons moons({"accuracy", "cdnv"});
  const runtime::Status status = compile(moons.program, reference()).status();
  EXPECT_THAT(status.message(), HasSubstr("compile_test.cpp:"));
  EXPECT_THAT(status.message(), HasSubstr("error: 'eval.metrics' must be one of"));
  EXPECT_THAT(status.message(), HasSubstr("balanced_accuracy, "));
  EXPECT_THAT(status.message(), HasSubstr("not [\"accuracy\",\"cdnv\"]"));
}

TEST(CompileProgram, ANetworkMayTakeItsSizesAsInt) {
  struct Net {
    explicit Net(int num_classes) : classes(num_classes) {}
    int classes;
  };
  const data::Plan plan = data::blobs({.classes = 4});
  Net net{plan.num_classes()}; // no narrowing
  EXPECT_EQ(net.classes, 4);
}

// The loss is a sum over rows: its partial sums are a value of the plan, and code is held to the plan it gets.
TEST(CompileText, TemporariesArePlannedAndAnEditedPlanIsChecked) {
  Moons moons;
  CompileOptions options;
  options.target = "cpu:x86-64-v3";
  auto whole = compile(moons.program, options);
  ASSERT_TRUE(whole.ok()) << whole.status().message();
  auto artifact = runtime::Artifact::from_bytes(whole->artifact);
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  const runtime::ArtifactSpec& spec = (*artifact)->spec();
  const auto is_partial = [](const runtime::PlannedBuffer& b) {
    return b.name.starts_with("partial sums of ");
  };
  const auto row = std::find_if(spec.memory_plan.begin(), spec.memory_plan.end(), is_partial);
  ASSERT_NE(row, spec.memory_plan.end());
  EXPECT_GT(row->bytes, 0u);
  EXPECT_LE(row->offset + row->bytes, spec.memory.arena);

  options.emit = "planned";
  auto planned = compile(moons.program, options);
  ASSERT_TRUE(planned.ok()) << planned.status().message();
  const std::string text = planned->emitted;
  const std::string needed = "#tailor.temporary<\"partial sums\", " + std::to_string(row->bytes) + ">";
  ASSERT_THAT(text, HasSubstr(needed));
  options.emit.reset();
  EXPECT_TRUE(compileText(text, "same.mlir", options).ok());

  std::string edited = text;
  edited.replace(edited.find(needed), needed.size(),
                 "#tailor.temporary<\"other sums\", " + std::to_string(row->bytes) + ">");
  auto refused = compileText(edited, "edited.mlir", options);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.status().message(),
              HasSubstr("is planned with " + std::to_string(row->bytes) + " bytes of other sums but needs " +
                        std::to_string(row->bytes) + " bytes of partial sums for target cpu:x86-64-v3"));
}

TEST(CheckOptions, NamesWhatThereIs) {
  CompileOptions options = reference();
  EXPECT_TRUE(checkOptions(options).ok());
  options.emit = "nosuch";
  EXPECT_EQ(checkOptions(options).message(), "there is no phase 'nosuch'");
  EXPECT_THAT(checkOptions(options).hint(), HasSubstr("traced, differentiated"));
  options = reference();
  options.disabled = {"fuse-sam-step"};
  EXPECT_EQ(checkOptions(options).message(), "there is no pass 'fuse-sam-step'");
  EXPECT_EQ(checkOptions(options).hint(), "did you mean 'fuse-sam-steps'?");
  options = reference();
  options.dumpFilter = "[";
  EXPECT_THAT(checkOptions(options).message(), HasSubstr("'[' is not a regular expression"));
  options = reference();
  options.target = "gpu:9";
  EXPECT_EQ(checkOptions(options).message(), "unknown target 'gpu:9'");
}

// The traces for several batch sizes number their ops alike; where they differ, a number is of several ops.
TEST(Compile, ANumberOfTwoOpsHasTheNamesAndLinesOfBoth) {
  const char* text = R"(tailor.program @p {
  tailor.entry @a kind(eval) batch(4) {
    %x = tailor.input "numeric" : tensor<4x2xf32>
    %y = tailor.exp %x {op_id = 1 : i64} : tensor<4x2xf32>
    tailor.output "logits", %y : tensor<4x2xf32>
  }
  tailor.entry @b kind(eval) batch(8) {
    %x = tailor.input "numeric" : tensor<8x2xf32>
    %y = tailor.tanh %x {op_id = 1 : i64} : tensor<8x2xf32>
    tailor.output "logits", %y : tensor<8x2xf32>
  }
})";
  const auto compiled = compileText(text, "p.mlir", reference());
  ASSERT_TRUE(compiled.ok()) << compiled.status().message();
  const auto artifact = runtime::Artifact::from_bytes(compiled->artifact);
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  for (const runtime::OpRecord& op : (*artifact)->spec().ops)
    if (op.id == 1) {
      EXPECT_EQ(op.name, "tailor.exp or tailor.tanh");
      EXPECT_THAT(op.location, testing::MatchesRegex("p.mlir:4:[0-9]+ or p.mlir:9:[0-9]+"));
      return;
    }
  FAIL() << "there is no op 1";
}

} // namespace
} // namespace tailor::backend
