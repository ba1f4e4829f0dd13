#include "tests/conformance/op_case.h"

namespace tailor::conformance {
namespace {

const Argument kLogits{"z", "4x3xf64"};
const Argument kLabels{"y", "4xi32", {}, {2, 0, 1, 2}};
const Argument kLabelsB{"yb", "4xi32", {}, {0, 0, 2, 1}};
const Argument kLambda{"lam", "4xf64", Draw::unit};
const Argument kWeights{"w", "3xf64", Draw::positive};
const Argument kSmoothing{"eps", "3xf64", Draw::unit};
const Argument kMargin{"m", "3xf64", Draw::positive};
const Argument kBias{"b", "3xf64"};
const Argument kTargets{"q", "4x3xf64", Draw::unit};

OpCase softmaxCase(const std::string& name, std::vector<Argument> arguments, const std::string& words,
                   const std::string& result = "f64") {
  arguments.insert(arguments.begin(), kLogits);
  return {"softmax_cross_entropy/" + name,
          std::move(arguments),
          "%r = tailor.softmax_cross_entropy %z" + words + " : $z$ -> $r$",
          {result}};
}

} // namespace

std::vector<OpCase> lossCases() {
  const std::string labels = ", %y : $y$", mix = labels + " mix(%yb, %lam : $yb$, $lam$)";
  std::vector<OpCase> cases{
      softmaxCase("none", {kLabels}, labels + " reduction(none)", "4xf64"),
      softmaxCase("mean", {kLabels}, labels + " reduction(batch_mean)"),
      softmaxCase("sum_scaled", {kLabels}, labels + " scale(3.0) reduction(sum)"),
      softmaxCase("weights", {kLabels, kWeights}, labels + " weights(%w : $w$) reduction(weighted_mean)"),
      softmaxCase("weights_batch_mean", {kLabels, kWeights},
                  labels + " weights(%w : $w$) reduction(batch_mean)"),
      softmaxCase("smoothing", {kLabels, kSmoothing},
                  labels + " smoothing(%eps : $eps$) reduction(batch_mean)"),
      softmaxCase("ldam", {kLabels, kMargin, kWeights},
                  labels + " weights(%w : $w$) margin(%m : $m$) scale(5.0) reduction(weighted_mean)"),
      softmaxCase("bias", {kLabels, kBias}, labels + " bias(%b : $b$) scale(2.0) reduction(batch_mean)"),
      softmaxCase("bias_none", {kLabels, kBias}, labels + " bias(%b : $b$) reduction(none)", "4xf64"),
      softmaxCase("focal_1", {kLabels}, labels + " focal(1.0) reduction(batch_mean)"),
      softmaxCase("focal_2", {kLabels, kWeights},
                  labels + " weights(%w : $w$) focal(2.0) reduction(weighted_mean)"),
      softmaxCase("focal_half", {kLabels}, labels + " focal(0.5) reduction(none)", "4xf64"),
      softmaxCase("focal_smoothing", {kLabels, kSmoothing},
                  labels + " smoothing(%eps : $eps$) focal(1.5) reduction(batch_mean)"),
      softmaxCase("focal_of_weighted", {kLabels, kWeights},
                  labels + " weights(%w : $w$) focal(1.0 of_weighted) reduction(batch_mean)"),
      softmaxCase("focal_of_weighted_2", {kLabels, kWeights, kSmoothing},
                  labels +
                      " weights(%w : $w$) smoothing(%eps : $eps$) focal(2.0 of_weighted) reduction(none)",
                  "4xf64"),
      softmaxCase("soft", {kTargets}, " soft(%q : $q$) reduction(batch_mean)"),
      softmaxCase("soft_weights", {kTargets, kWeights},
                  " soft(%q : $q$) weights(%w : $w$) reduction(batch_mean)"),
      softmaxCase("soft_weights_focal", {kTargets, kWeights},
                  " soft(%q : $q$) weights(%w : $w$) focal(1.0) reduction(sum)"),
      softmaxCase("mix", {kLabels, kLabelsB, kLambda}, mix + " reduction(none)", "4xf64"),
      softmaxCase("mix_everything", {kLabels, kLabelsB, kLambda, kWeights, kSmoothing, kMargin, kBias},
                  mix +
                      " weights(%w : $w$) smoothing(%eps : $eps$) margin(%m : $m$) bias(%b : $b$) focal(1.0) "
                      "scale(2.0) reduction(weighted_mean)"),
  };
  for (int64_t valid : {0, 1, 3, 4}) {
    const Argument count{"v", "i32", {}, {valid}};
    const std::string suffix = std::to_string(valid);
    cases.push_back(softmaxCase("valid_" + suffix, {kLabels, kWeights, count},
                                labels + " weights(%w : $w$) valid(%v : $v$) reduction(weighted_mean)"));
    cases.push_back(softmaxCase("valid_batch_mean_" + suffix, {kLabels, count},
                                labels + " valid(%v : $v$) reduction(batch_mean)"));
    cases.push_back(softmaxCase("valid_none_" + suffix, {kLabels, count},
                                labels + " valid(%v : $v$) reduction(none)", "4xf64"));
  }
  cases.push_back(softmaxCase("weights_all_zero", {kLabels, {"w", "3xf64", {}, {}, {0, 0, 0}}},
                              labels + " weights(%w : $w$) reduction(weighted_mean)"));

  const Argument logits{"z", "4xf64"}, binary{"y", "4xi32", {}, {1, 0, 0, 1}},
      binaryB{"yb", "4xi32", {}, {0, 0, 1, 1}};
  const Argument weights{"w", "2xf64", Draw::positive}, smoothing{"eps", "2xf64", Draw::unit};
  const auto sigmoidCase = [](const std::string& name, std::vector<Argument> arguments,
                              const std::string& words, const std::string& result) {
    return OpCase{"sigmoid_cross_entropy/" + name,
                  std::move(arguments),
                  "%r = tailor.sigmoid_cross_entropy %z" + words + " : $z$ -> $r$",
                  {result}};
  };
  cases.push_back(sigmoidCase("mean", {logits, binary}, labels + " reduction(batch_mean)", "f64"));
  cases.push_back(sigmoidCase("none", {logits, binary}, labels + " reduction(none)", "4xf64"));
  cases.push_back(sigmoidCase("weights_smoothing", {logits, binary, weights, smoothing},
                              labels + " weights(%w : $w$) smoothing(%eps : $eps$) reduction(weighted_mean)",
                              "f64"));
  cases.push_back(sigmoidCase("mix", {logits, binary, binaryB, kLambda, weights},
                              mix + " weights(%w : $w$) reduction(weighted_mean)", "f64"));
  cases.push_back(sigmoidCase("soft", {logits, {"q", "4xf64", Draw::unit}, weights},
                              " soft(%q : $q$) weights(%w : $w$) reduction(batch_mean)", "f64"));
  for (int64_t valid : {0, 1, 3})
    cases.push_back(sigmoidCase("valid_" + std::to_string(valid), {logits, binary, {"v", "i32", {}, {valid}}},
                                labels + " valid(%v : $v$) reduction(batch_mean)", "f64"));
  return cases;
}

} // namespace tailor::conformance
