#include "frontend/emit/emit.h"

#include "models/cifar_resnet.h"
#include "models/mlp.h"
#include "tailor/tailor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mlir/IR/BuiltinOps.h>
#include <mlir/IR/MLIRContext.h>
#include <mlir/IR/OwningOpRef.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace tailor {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string dump(const TracedProgram& program) {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module = emit(program, context);
  if (!module) return "the verifier refused the module";
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

/// The golden file tests/pipelines/<name>; TAILOR_UPDATE_GOLDEN=1 writes it instead.
void expect_golden(const std::string& name, const std::string& text) {
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
      sam_options.ascent = imbalance::ascent_table(classes.counts(), imbalance::AscentTable::inv_max);
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

} // namespace
} // namespace tailor
