// Losses of a program's own: what a recipe's methods ask of them is done or refused, never left out.
#include "frontend/graph/function.h"
#include "frontend/traced_program.h"
#include "models/recipe/build.h"
#include "models/recipe/parse.h"
#include "tailor/tailor.h"

#include <gmock/gmock.h>

#include <set>

namespace tailor::recipe {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct SharpKeys {
  double power = 2;
  static const runtime::KeySet<SharpKeys>& keys() {
    static const runtime::KeySet<SharpKeys> set{
        "method.sharp.",
        {runtime::key("power", &SharpKeys::power,
                      {.stage = runtime::kCompiled, .min = 0, .max = 10, .text = "of 1 - p"})}};
    return set;
  }
};

Array sharp(const LossRequest& request) {
  const Array p = take_along(softmax(request.logits, -1), request.batch.label, -1);
  return pow(1.0 - p, component_keys<SharpKeys>(request.options).power);
}
const Registered<LossSpec> of_rows{
    {.name = "sharp", .text = "(1 - p)^power", .keys = SharpKeys::keys().specs(), .make = sharp}};
const Registered<LossSpec> averaged{
    {.name = "averaged", .text = "a mean of its own", .make = [](const LossRequest& request) {
       return mean(sharp(request));
     }}};
const Registered<LossSpec> batch_only{{.name = "batch-only",
                                       .text = "divides by the rows",
                                       .make =
                                           [](const LossRequest& request) {
                                             return losses::softmax_cross_entropy(
                                                 request.logits, request.batch.label, request.terms);
                                           },
                                       .takes = {Part::class_weights}}};

runtime::DataSchema two_columns() {
  runtime::DataSchema schema;
  for (const int i : {0, 1}) {
    runtime::Column column;
    column.name = "x" + std::to_string(i);
    column.position = i;
    schema.columns.push_back(column);
  }
  schema.num_classes = 2;
  schema.class_names = {"0", "1"};
  return schema;
}

/// The error of a recipe with this [method], or the ops of its train step.
std::string traced(const std::string& method) {
  const Recipe recipe = parse("r.toml", {}, [&](const std::string&) -> runtime::Result<std::string> {
    return "[data]\nformat = \"two_moons\"\n[method]\n" + method;
  });
  if (!recipe.ok()) return recipe.messages();
  try {
    Program program(recipe, two_columns());
    std::string ops;
    std::vector<const Node*> pending;
    std::set<const Node*> seen;
    for (const Entry& entry : program.training().trace().entries) {
      if (entry.kind != Entry::Kind::step) continue;
      for (const Entry::Named& report : entry.reports)
        pending.push_back(report.value.node().get());
      while (!pending.empty()) {
        const Node* node = pending.back();
        pending.pop_back();
        if (!seen.insert(node).second) continue;
        ops += std::string(node->op) + " ";
        for (const Array& input : node->inputs)
          pending.push_back(input.node().get());
        if (node->body)
          for (const Array& result : node->body->results)
            pending.push_back(result.node().get());
      }
      return ops;
    }
  } catch (const TraceError& error) {
    return error.what();
  }
  return "no step";
}

TEST(OwnLoss, OfRowsIsWeighedMixedAndReducedByTheStep) {
  EXPECT_THAT(traced("loss = \"sharp\"\n"), AllOf(HasSubstr("masked_mean"), Not(HasSubstr("error"))));
  // weighted_mean divides by the sum of the weights, batch_mean by the rows.
  EXPECT_THAT(traced("use = [\"weighted\"]\nloss = \"sharp\"\n"),
              AllOf(HasSubstr("reduce_sum"), HasSubstr("compare"), Not(HasSubstr("masked_mean"))));
  EXPECT_THAT(traced("use = [\"weighted\"]\nloss = \"sharp\"\nweighted = { reduction = \"batch_mean\" }\n"),
              HasSubstr("masked_mean"));
  EXPECT_THAT(traced("use = [\"mixup\"]\nloss = \"sharp\"\n"), HasSubstr("masked_mean"));
}

TEST(OwnLoss, WhatARowsLossCannotTakeIsRefused) {
  EXPECT_THAT(traced("use = [\"smoothing\"]\nloss = \"sharp\"\n"),
              HasSubstr("'smoothing' gives the label smoothing, which loss 'sharp' does not take"));
  EXPECT_THAT(traced("use = [\"mixup\"]\nloss = \"sharp\"\nmixup = { form = \"soft\" }\n"),
              HasSubstr("a loss of one label has no soft form"));
  EXPECT_THAT(traced("loss = \"averaged\"\n"),
              AllOf(HasSubstr("r.toml:4:1: error"),
                    HasSubstr("'averaged' gives f32[], not one number for each of the")));
}

TEST(OwnLoss, AReductionThatALossDoesNotKnowIsRefusedAtItsKey) {
  EXPECT_THAT(traced("use = [\"weighted\"]\nloss = \"batch-only\"\n"),
              AllOf(HasSubstr("'batch-only' does not divide by the weights"),
                    HasSubstr("method.weighted.reduction = \"batch_mean\"")));
  EXPECT_THAT(traced("use = [\"weighted\"]\nloss = \"batch-only\"\n"
                     "weighted.reduction = \"batch_mean\"\n"),
              Not(HasSubstr("error")));
}

TEST(OwnLoss, HasKeys) {
  EXPECT_THAT(traced("loss = \"sharp\"\nsharp.power = 3\n"), Not(HasSubstr("error")));
  EXPECT_THAT(traced("sharp.power = 3\n"),
              HasSubstr("'method.sharp.power' has no effect with method.loss = \"cross_entropy\""));
}

} // namespace
} // namespace tailor::recipe
