// Class tables of a program's own: the numbers they read of the methods that name them.
#include "frontend/imbalance/class_tables.h"
#include "frontend/ops/elementwise.h"
#include "models/recipe/parse.h"
#include "runtime/options/key_table.h"

#include <gmock/gmock.h>

namespace tailor::recipe {
namespace {

using ::testing::HasSubstr;

Array tail_only(const ClassTableArgs& args) {
  return args.eps_tail * imbalance::class_prior(args.counts);
}
const runtime::Registered<SmoothingTable> by_tail{
    {.name = "own_by_tail", .text = "eps_tail p_i", .takes_eps_tail = true, .make = tail_only}};
const runtime::Registered<WeightTable> by_beta{
    {.name = "own_by_beta", .text = "beta", .takes_beta = true, .make = [](const ClassTableArgs& args) {
       return args.beta * imbalance::class_prior(args.counts);
     }}};

std::string messages(const std::string& method) {
  return parse("r.toml", {},
               [&](const std::string&) -> runtime::Result<std::string> {
                 return "[data]\nformat = \"two_moons\"\n[method]\n" + method;
               })
      .messages();
}

TEST(OwnTable, ReadsTheNumbersItTakes) {
  EXPECT_EQ(messages("use = [\"smoothing\"]\nsmoothing = { profile = \"own_by_tail\", eps_tail = 0.1 }\n"),
            "");
  EXPECT_THAT(messages("use = [\"smoothing\"]\nsmoothing = { profile = \"one_minus_p\", eps_tail = 0.1 }\n"),
              HasSubstr("'method.smoothing.eps_tail' has no effect with method.smoothing.profile"));
  EXPECT_EQ(messages("use = [\"weighted\"]\nweighted = { table = \"own_by_beta\", beta = 0.9 }\n"), "");
  EXPECT_EQ(runtime::find_key("method.smoothing.eps_tail")->only_if,
            "method.smoothing.profile = las_concave|las_convex|las_linear|own_by_tail");
}

} // namespace
} // namespace tailor::recipe
