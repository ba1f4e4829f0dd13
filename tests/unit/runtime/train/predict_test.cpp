#include "runtime/train/predict.h"

#include <array>
#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

TEST(Probabilities, Softmax) {
  std::array<double, 3> p{};
  probabilities(std::array<float, 3>{1, 2, 3}, p);
  EXPECT_NEAR(p[0], 0.0900305731703805, 1e-15);
  EXPECT_NEAR(p[2], 0.665240955774822, 1e-15);
  probabilities(std::array<float, 3>{3e38f, -3e38f, 0}, p);
  EXPECT_EQ(p[0], 1.0);
  EXPECT_EQ(p[1], 0.0);
}

TEST(Probabilities, OneLogit) {
  std::array<double, 2> p{};
  probabilities(std::array<float, 1>{0.0f}, p);
  EXPECT_EQ(p, (std::array<double, 2>{0.5, 0.5}));
  probabilities(std::array<float, 1>{2.0f}, p);
  EXPECT_NEAR(p[1], 0.8807970779778823, 1e-15);
  EXPECT_EQ(p[0] + p[1], 1.0);
}

TEST(Decision, TiesGoToTheLowerClass) {
  EXPECT_EQ(decision(std::array<float, 3>{1, 2, 2}), 1);
  EXPECT_EQ(decision(std::array<float, 1>{0.0f}), 0);
  EXPECT_EQ(decision(std::array<float, 1>{1e-30f}), 1);
  EXPECT_EQ(decision(std::array<float, 1>{-1e-30f}), 0);
}

TEST(PredictionColumns, FromOptions) {
  Options options;
  EXPECT_TRUE(PredictionColumns::from(options)->probability);
  options.set("eval.predict.out", OptionValue(OptionValue::List{OptionValue("decision")}));
  EXPECT_FALSE(PredictionColumns::from(options)->probability);
  EXPECT_TRUE(PredictionColumns::from(options)->decision);
  options.set("eval.predict.out", OptionValue("logits"));
  EXPECT_TRUE(PredictionColumns::from(options)->logits);
  EXPECT_FALSE(PredictionColumns::from(options)->decision);
  options.set("eval.predict.out", OptionValue("logit"));
  EXPECT_THAT(PredictionColumns::from(options).status().message(),
              ::testing::HasSubstr(
                  "'eval.predict.out' must be one of: probability, decision, logits, features, label"));
}

} // namespace
} // namespace tailor::runtime
