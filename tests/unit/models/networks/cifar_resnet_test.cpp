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

#include <cmath>
#include <string>
#include <utility>

namespace tailor::models {
namespace {

using testing::AllOf;
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

// Published counts: methods.md 10.
TEST(CifarResNet, Sizes) {
  const auto size = [](std::int64_t depth, std::int64_t classes) {
    return CifarResNet({.depth = depth, .num_classes = classes}).num_parameters();
  };
  EXPECT_EQ(size(8, 10), 75290);
  EXPECT_EQ(size(20, 10), 269722);
  EXPECT_EQ(size(32, 10), 464154);
  EXPECT_EQ(size(56, 10), 853018);
  EXPECT_EQ(size(110, 10), 1727962);
  EXPECT_EQ(size(8, 100), 81140);
  EXPECT_EQ(size(20, 100), 275572);
  EXPECT_EQ(size(32, 100), 470004);
  EXPECT_EQ(size(56, 100), 858868);
  EXPECT_EQ(size(110, 100), 1733812);
}

TEST(CifarResNet, DepthIsSixNPlusTwo) {
  EXPECT_THAT([] { CifarResNet net({.depth = 21}); },
              ThrowsMessage<TraceError>(
                  AllOf(HasSubstr("a depth of 21 is not 6n + 2"), HasSubstr("model.depth = 20 or 26"))));
  EXPECT_THAT([] { CifarResNet net({.depth = 2}); }, ThrowsMessage<TraceError>(HasSubstr("model.depth = 8")));
  EXPECT_THAT([] { CifarResNet net({}); }, ThrowsMessage<TraceError>(HasSubstr("none is set")));
}

TEST(CifarResNet, NamesAndInit) {
  const auto weights = [](CifarResNetInit init, const std::string& name) {
    CifarResNet net({.depth = 8, .init = init});
    for (const auto& [known, tensor] : net.tensors())
      if (known == name) return tensor->state()->init.value;
    ADD_FAILURE() << "no " << name;
    return 0.0;
  };
  using enum CifarResNetInit;
  EXPECT_DOUBLE_EQ(weights(fan_in, "layer2.0.conv1.weight"), std::sqrt(2.0 / (9 * 16)));
  EXPECT_DOUBLE_EQ(weights(fan_out, "layer2.0.conv1.weight"), std::sqrt(2.0 / (9 * 32)));
  EXPECT_DOUBLE_EQ(weights(fan_in, "linear.weight"), std::sqrt(2.0 / 64)) << "normal";
  EXPECT_DOUBLE_EQ(weights(fan_out, "linear.weight"), 1.0 / 8) << "uniform";
}

std::string dump_of(const CifarResNetOptions& options) {
  CifarResNet net(options);
  optim::Sgd sgd({.momentum = 0.9, .nesterov = true});
  data::Schema schema;
  schema.num_classes = static_cast<std::int32_t>(options.num_classes);
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
  return dump(program.trace());
}

TEST(CifarResNet, BecomesAProgramThatVerifies) {
  const std::string text = dump_of({.depth = 8, .num_classes = 4});
  EXPECT_EQ(count(text, "tailor.conv2d "), 14u) << "7 in the body, 7 in evaluation";
  EXPECT_EQ(count(text, "tailor.pad "), 4u) << "shortcut A of two stages";
  EXPECT_EQ(count(text, "tailor.batch_norm_update_running"), 7u);
}

TEST(CifarResNet, ZerosOfTheShortcut) {
  const std::string sides = dump_of({.depth = 8, .num_classes = 4}),
                    end = dump_of({.depth = 8, .num_classes = 4, .zeros = ShortcutZeros::end});
  EXPECT_EQ(count(sides, "low([0, 0, 0, 8]) high([0, 0, 0, 8])"), 2u);
  EXPECT_EQ(count(sides, "low([0, 0, 0, 16]) high([0, 0, 0, 16])"), 2u);
  EXPECT_EQ(count(end, "low([0, 0, 0, 0]) high([0, 0, 0, 16])"), 2u);
  EXPECT_EQ(count(end, "low([0, 0, 0, 0]) high([0, 0, 0, 32])"), 2u);
}

TEST(CifarResNet, IsRefusedForRowsOfATable) {
  const recipe::Recipe recipe =
      recipe::parse("r.toml", {}, [](const std::string&) -> runtime::Result<std::string> {
        return std::string("[data]\nformat = \"blobs\"\n[model]\nname = \"cifar_resnet\"\ndepth = 20\n");
      });
  runtime::DataSchema schema;
  schema.columns.push_back({.name = "x"});
  schema.num_classes = 2;
  EXPECT_THAT([&] { recipe::Program program(recipe, schema); },
              ThrowsMessage<TraceError>(HasSubstr("r.toml:4:1: error: model: 'cifar_resnet' reads images")));
}

} // namespace
} // namespace tailor::models
