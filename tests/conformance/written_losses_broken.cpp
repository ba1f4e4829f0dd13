#include "tests/conformance/written_losses.h"

namespace tailor::conformance {
namespace {

/// Each applies-when clause broken once: the numbers stay, and so does what the clause protects.
std::vector<Form> broken() {
  const std::string mix = "mix(%y2, %lam : tensor<8xi32>, tensor<8xf64>)";
  auto uniformOf = [](Writer& w, const std::string& z) {
    return w.rows("neg", w.meanColumns(w.logSoftmax(z)));
  };
  auto smooth = [=](Writer& w, const std::string& loss, const std::string& z) {
    return w.rows("add", w.rows("mul", w.number(0.9, "8xf64"), loss),
                  w.rows("mul", w.number(0.1, "8xf64"), uniformOf(w, z)));
  };
  auto smoothingOf = [=](const std::string& options) {
    return [=](Writer& w, const std::string& z) { return smooth(w, w.loss(z, options), z); };
  };
  auto focalOf = [](const std::string& options) {
    return [=](Writer& w, const std::string& z) {
      const std::string ce = w.loss(z, options);
      return w.rows("mul", w.rows("sub", w.number(1, "8xf64"), w.rows("exp", w.rows("neg", ce))), ce);
    };
  };
  const std::string inner =
      "  tailor.body @inner(%z: tensor<8x4xf64>, %y: tensor<8xi32>, %w: tensor<4xf64>) -> tensor<8xf64> {\n"
      "    %ce = tailor.softmax_cross_entropy %z, %y : tensor<8xi32> reduction(none) : tensor<8x4xf64> -> "
      "tensor<8xf64>\n    %wy = tailor.take %w, %y : (tensor<4xf64>, tensor<8xi32>) -> tensor<8xf64>\n"
      "    %r = tailor.mul %ce, %wy : tensor<8xf64>\n    tailor.return %r : tensor<8xf64>\n  }\n";
  return {
      {"broken/smoothing_of_scaled_loss", smoothingOf("scale(2.0)"), false, {}, "smoothing("},
      {"broken/smoothing_of_masked_loss", smoothingOf("valid(%v : tensor<i32>)"), false, {}, "smoothing("},
      {"broken/smoothing_of_margin", smoothingOf("margin(%m : tensor<4xf64>)"), false, {}, "smoothing("},
      {"broken/smoothing_of_bias", smoothingOf("bias(%b : tensor<4xf64>)"), false, {}, "smoothing("},
      {"broken/smoothing_of_weights", smoothingOf("weights(%w : tensor<4xf64>)"), false, {}, "smoothing("},
      {"broken/smoothing_of_focal", smoothingOf("focal(2.0)"), false, {}, "smoothing("},
      {"broken/smoothing_of_mix", smoothingOf(mix), false, {}, "smoothing("},
      {"broken/smoothing_factors",
       [=](Writer& w, const std::string& z) {
         return w.rows("add", w.rows("mul", w.number(0.8, "8xf64"), w.loss(z)),
                       w.rows("mul", w.number(0.1, "8xf64"), uniformOf(w, z)));
       },
       false,
       {},
       "smoothing("},
      {"broken/smoothing_sign",
       [=](Writer& w, const std::string& z) {
         return w.rows("sub", w.rows("mul", w.number(0.9, "8xf64"), w.loss(z)),
                       w.rows("mul", w.number(0.1, "8xf64"), uniformOf(w, z)));
       },
       false,
       {},
       "smoothing("},
      {"broken/smoothing_divisor", // 1 / K to three digits only
       [=](Writer& w, const std::string& z) {
         const std::string spread = w.rows("mul", w.take("%e"), w.number(0.2500005, "8xf64"));
         const std::string keep = w.rows("sub", w.number(1, "8xf64"), w.take("%e"));
         return w.rows("add", w.rows("mul", keep, w.loss(z)),
                       w.rows("mul", spread, w.rows("neg", w.sumColumns(w.logSoftmax(z)))));
       },
       false,
       {},
       "smoothing("},
      {"broken/smoothing_other_labels",
       [=](Writer& w, const std::string& z) {
         const std::string keep = w.rows("sub", w.number(1, "8xf64"), w.take("%e", "%y2"));
         return w.rows("add", w.rows("mul", keep, w.loss(z)),
                       w.rows("mul", w.take("%e", "%y2"), uniformOf(w, z)));
       },
       false,
       {},
       "smoothing("},
      {"broken/smoothing_other_rows", // the means leave out different rows
       [=](Writer& w, const std::string& z) {
         return w.scalar("add", w.scalar("mul", w.number(0.9, "f64"), w.maskedMean(w.loss(z), "%v2")),
                         w.scalar("mul", w.number(0.1, "f64"), w.maskedMean(uniformOf(w, z), "%v")));
       },
       true,
       {},
       "smoothing("},
      {"broken/smoothing_trained",
       [=](Writer& w, const std::string& z) {
         const std::string keep = w.rows("sub", w.number(1, "8xf64"), w.take("%e"));
         return w.rows("add", w.rows("mul", keep, w.loss(z)), w.rows("mul", w.take("%e"), uniformOf(w, z)));
       },
       false,
       {},
       "smoothing(",
       {0, 5}},
      {"broken/smoothing_scalar_trained",
       [=](Writer& w, const std::string& z) {
         const std::string keep = w.line("broadcast " + w.scalar("sub", w.number(1, "f64"), "%t") +
                                         " dims([]) : tensor<f64> to tensor<8xf64>");
         const std::string eps = w.line("broadcast %t dims([]) : tensor<f64> to tensor<8xf64>");
         return w.rows("add", w.rows("mul", keep, w.loss(z)), w.rows("mul", eps, uniformOf(w, z)));
       },
       false,
       {},
       "smoothing(",
       {0, 9}},
      {"broken/weights_of_mix",
       [=](Writer& w, const std::string& z) { return w.rows("mul", w.loss(z, mix), w.take("%w")); },
       false,
       {},
       "weights("},
      {"broken/weights_other_labels",
       [=](Writer& w, const std::string& z) { return w.rows("mul", w.loss(z), w.take("%w", "%y2")); },
       false,
       {},
       "weights("},
      {"broken/weights_too_many",
       [=](Writer& w, const std::string& z) { return w.rows("mul", w.loss(z), w.take("%w5", "%y", "5")); },
       false,
       {},
       "weights("},
      {"broken/weights_of_focal_of_weighted",
       [=](Writer& w, const std::string& z) {
         return w.rows("mul", w.loss(z, "weights(%m : tensor<4xf64>) focal(2.0 of_weighted)"), w.take("%w"));
       },
       false,
       {},
       "weights(%w"},
      {"broken/weights_trained",
       [=](Writer& w, const std::string& z) { return w.rows("mul", w.loss(z), w.take("%w")); },
       false,
       {},
       "weights(",
       {0, 4}},
      {"broken/weights_trained_in_a_call",
       [=](Writer& w, const std::string& z) {
         return w.line("call @inner(" + z +
                       ", %y, %w) : (tensor<8x4xf64>, tensor<8xi32>, tensor<4xf64>) -> tensor<8xf64>");
       },
       false,
       {},
       "weights(",
       {0, 4},
       inner},
      {"broken/weighted_mean_of_mix",
       [=](Writer& w, const std::string& z) {
         return w.scalar("div", w.loss(z, mix + " weights(%w : tensor<4xf64>)", "sum"), w.sum(w.take("%w")));
       },
       true,
       {},
       "weighted_mean"},
      {"broken/weighted_mean_other_table",
       [=](Writer& w, const std::string& z) {
         return w.scalar("div", w.sum(w.rows("mul", w.loss(z), w.take("%w"))), w.sum(w.take("%m")));
       },
       true,
       {},
       "weighted_mean"},
      {"broken/weighted_mean_of_all_rows",
       [=](Writer& w, const std::string& z) {
         const std::string weighted = w.where(w.mask(), w.rows("mul", w.loss(z), w.take("%w")));
         return w.scalar("div", w.sum(weighted), w.sum(w.take("%w")));
       },
       true,
       {},
       "weighted_mean"},
      {"broken/mean_of_masked",
       [=](Writer& w, const std::string& z) { return w.mean(w.where(w.mask(), w.loss(z))); },
       true,
       {},
       "batch_mean"},
      {"broken/masked_mean_of_other_rows",
       [=](Writer& w, const std::string& z) { return w.maskedMean(w.where(w.mask("%v2"), w.loss(z))); },
       true,
       {},
       "batch_mean"},
      {"broken/mask_of_other_rows",
       [=](Writer& w, const std::string& z) {
         return w.where(w.mask("%v2"), w.loss(z, "valid(%v : tensor<i32>)"));
       },
       false,
       {},
       "valid(%v2"},
      {"broken/mask_not_to_zero",
       [=](Writer& w, const std::string& z) {
         return w.line("where " + w.mask() + ", " + w.loss(z) + ", %c : tensor<8xi1>, tensor<8xf64>");
       },
       false,
       {},
       "valid("},
      {"broken/focal_of_smoothing", focalOf("smoothing(%e : tensor<4xf64>)"), false, {}, "focal("},
      {"broken/focal_of_mix", focalOf(mix), false, {}, "focal("},
      {"broken/focal_of_focal", focalOf("focal(2.0)"), false, {}, "focal(3"},
      {"broken/focal_detached",
       [=](Writer& w, const std::string& z) {
         const std::string ce = w.loss(z);
         const std::string rest = w.rows("sub", w.number(1, "8xf64"), w.rows("exp", w.rows("neg", ce)));
         return w.rows("mul", w.line("stop_gradient " + rest + " : tensor<8xf64>"), ce);
       },
       false,
       {},
       "focal("},
      {"broken/focal_of_other_likelihood",
       [=](Writer& w, const std::string& z) {
         const std::string rest = w.rows("sub", w.number(1, "8xf64"), w.pick(w.softmax(z), "%y2"));
         return w.rows("mul", rest, w.loss(z));
       },
       false,
       {},
       "focal("},
      {"broken/focal_of_scaled_likelihood",
       [=](Writer& w, const std::string& z) {
         const std::string rest = w.rows("sub", w.number(1, "8xf64"), w.pick(w.softmax(z)));
         return w.rows("mul", rest, w.loss(z, "scale(2.0)"));
       },
       false,
       {},
       "focal("},
      {"broken/focal_gamma_varies",
       [=](Writer& w, const std::string& z) {
         const std::string ce = w.loss(z);
         const std::string rest = w.rows("sub", w.number(1, "8xf64"), w.rows("exp", w.rows("neg", ce)));
         return w.rows("mul", w.rows("pow", rest, "%lam"), ce);
       },
       false,
       {},
       "focal("},
      {"broken/margin_other_labels",
       [=](Writer& w, const std::string& z) {
         return w.loss(w.matrix("sub", z, w.matrix("mul", w.oneHot("%y2"), w.overRows("%m"))));
       },
       false,
       {},
       "margin("},
      {"broken/margin_of_mix",
       [=](Writer& w, const std::string& z) {
         return w.loss(w.matrix("sub", z, w.matrix("mul", w.oneHot(), w.overRows("%m"))), mix);
       },
       false,
       {},
       "margin("},
      {"broken/margin_trained",
       [=](Writer& w, const std::string& z) {
         return w.loss(w.matrix("sub", z, w.matrix("mul", w.oneHot(), w.overRows("%m"))));
       },
       false,
       {},
       "margin(",
       {0, 6}},
      {"broken/bias_trained",
       [=](Writer& w, const std::string& z) { return w.loss(w.matrix("add", z, w.overRows("%b"))); },
       false,
       {},
       "bias(",
       {0, 7}},
      {"broken/bias_read_twice",
       [=](Writer& w, const std::string& z) {
         const std::string u = w.matrix("add", z, w.overRows("%b"));
         return w.rows("add", w.loss(u), w.sumColumns(w.matrix("tanh", u)));
       },
       false,
       {},
       "bias("},
      {"broken/scale_before_bias",
       [=](Writer& w, const std::string& z) {
         const std::string u = w.matrix("mul", z, w.number(2, "8x4xf64"));
         return w.loss(w.matrix("add", u, w.overRows("%b")));
       },
       false,
       {},
       "scale("},
      {"broken/negative_scale",
       [=](Writer& w, const std::string& z) { return w.loss(w.matrix("mul", z, w.number(-2, "8x4xf64"))); },
       false,
       {},
       "scale("},
      {"broken/other_normaliser",
       [=](Writer& w, const std::string& z) { return w.rows("sub", w.lse(z), w.pick("%q")); },
       false,
       {},
       "softmax_cross_entropy"},
      {"broken/shift_of_the_normaliser_only",
       [=](Writer& w, const std::string& z) {
         const std::string u = w.matrix("sub", z, w.overColumns("%c"));
         return w.rows("sub", w.lse(u), w.pick(z));
       },
       false,
       {},
       "softmax_cross_entropy"},
      {"broken/guarded_logarithm",
       [=](Writer& w, const std::string& z) {
         return w.rows("neg", w.rows("log", w.rows("add", w.pick(w.softmax(z)), w.number(1e-8, "8xf64"))));
       },
       false,
       {},
       "softmax_cross_entropy"},
  };
}

/// Values that are read twice at every step: 2^60 paths lead back to the loss.
std::vector<Form> deep() {
  auto repeated = [](const char* op) {
    return [op](Writer& w, const std::string& z) {
      std::string ce = w.loss(w.matrix("mul", z, w.number(1e-3, "8x4xf64")));
      std::string value = w.rows("mul", ce, w.number(0.01, "8xf64"));
      for (int i = 0; i < 60; ++i)
        value = w.rows(op, value, value);
      return w.rows("sub", value, w.pick(z));
    };
  };
  return {{"deep/sums", repeated("add"), false, {}, "smoothing("},
          {"deep/differences", repeated("sub"), false, {}, "smoothing("},
          {"deep/products", repeated("mul"), false, {}, "smoothing("}};
}

} // namespace

std::vector<Form> brokenForms() {
  std::vector<Form> forms = broken();
  for (Form& form : deep())
    forms.push_back(std::move(form));
  return forms;
}

} // namespace tailor::conformance
