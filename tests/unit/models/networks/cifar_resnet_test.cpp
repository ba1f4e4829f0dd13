#include "models/networks/cifar_resnet.h"

#include "frontend/emit/emit.h"
#include "models/recipe/build.h"
#include "models/recipe/parse.h"
#include "tailor/tailor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mlir/IR/BuiltinOps.h>
#include <mlir/IR/MLIRContext.h>
#include <mlir/IR/OwningOpRef.h>

#include <string>

namespace tailor::models {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

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

// Published counts: methods.md 10, 10 classes.
TEST(CifarResNet, Sizes) {
  EXPECT_EQ(CifarResNet({.depth = 8}).num_parameters(), 75290);
  EXPECT_EQ(CifarResNet({.depth = 20}).num_parameters(), 269722);
  EXPECT_EQ(CifarResNet({.depth = 32}).num_parameters(), 464154);
  EXPECT_EQ(CifarResNet({.depth = 32, .num_classes = 100}).num_parameters(), 470004);
}

TEST(CifarResNet, DepthIsSixNPlusTwo) {
  EXPECT_THAT([] { CifarResNet net({.depth = 9}); }, ThrowsMessage<TraceError>(HasSubstr("6n + 2")));
}

TEST(CifarResNet, BecomesAProgramThatVerifies) {
  CifarResNet net({.depth = 8, .num_classes = 4});
  optim::Sgd sgd({.momentum = 0.9, .nesterov = true});
  data::Schema schema;
  schema.num_classes = 4;
  schema.image_height = schema.image_width = 8;
  schema.image_channels = 3;
  TrainingProgram program("resnet8");
  program.data(data::Plan({}, schema), {.batch = 2, .eval_batch = 2});
  program.state("net", net);
  program.state("sgd", sgd);
  program.train_step([&](Step& s) {
    auto g = value_and_grad([&] {
      return losses::softmax_cross_entropy(net(s.batch().image, s.context()), s.batch().label,
                                           {.valid = s.batch().valid});
    });
    s.update(net, sgd, g.gradients, s.control("lr", 0.1, "optimizer.lr"));
  });
  program.eval_step([&](Eval& e) { e.logits(net(e.batch().image, e.context())); });
  std::string text = dump(program.trace());
  EXPECT_EQ(count(text, "tailor.conv2d "), 14u) << "7 in the body, 7 in evaluation";
  EXPECT_EQ(count(text, "tailor.pad "), 4u) << "shortcut A of two stages";
  EXPECT_EQ(count(text, "tailor.batch_norm_update_running"), 7u);
}

TEST(CifarResNet, IsRefusedForRowsOfATable) {
  const recipe::Recipe recipe =
      recipe::parse("r.toml", {}, [](const std::string&) -> runtime::Result<std::string> {
        return std::string("[data]\nformat = \"blobs\"\n[model]\nname = \"resnet20\"\n");
      });
  runtime::DataSchema schema;
  schema.columns.push_back({.name = "x"});
  schema.num_classes = 2;
  EXPECT_THAT([&] { recipe::Program program(recipe, schema); },
              ThrowsMessage<TraceError>(HasSubstr("r.toml:4:1: error: model: 'resnet20' reads images")));
}

} // namespace
} // namespace tailor::models
