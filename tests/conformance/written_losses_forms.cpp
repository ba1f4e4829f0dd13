#include "tests/conformance/written_losses.h"

namespace tailor::conformance {
namespace {

struct Part {
  std::string name;
  std::vector<std::string> options;
  Write write;
};

/// -log P_y, written in every way that is recognised.
std::vector<Part> crossEntropies() {
  auto shifted = [](Writer& w, const std::string& z) {
    const std::string top = w.line("reduce_max " + z + " dims([1]) : tensor<8x4xf64> to tensor<8xf64>");
    return std::pair(w.matrix("sub", z, w.overColumns(w.line("stop_gradient " + top + " : tensor<8xf64>"))),
                     top);
  };
  auto logOfSum = [](Writer& w, const std::string& z) {
    return w.rows("log", w.sumColumns(w.matrix("exp", z)));
  };
  return {
      {"lse", {}, [](Writer& w, const std::string& z) { return w.rows("sub", w.lse(z), w.pick(z)); }},
      {"lse_swapped",
       {},
       [](Writer& w, const std::string& z) { return w.rows("add", w.rows("neg", w.pick(z)), w.lse(z)); }},
      {"neg_of_difference",
       {},
       [](Writer& w, const std::string& z) { return w.rows("neg", w.rows("sub", w.pick(z), w.lse(z))); }},
      {"log_sum_exp",
       {},
       [=](Writer& w, const std::string& z) { return w.rows("sub", logOfSum(w, z), w.pick(z)); }},
      {"shifted_rows",
       {},
       [=](Writer& w, const std::string& z) {
         const std::string u = shifted(w, z).first;
         return w.rows("sub", logOfSum(w, u), w.pick(u));
       }},
      {"shift_added_back",
       {},
       [=](Writer& w, const std::string& z) {
         const std::string top = w.line("reduce_max " + z + " dims([1]) : tensor<8x4xf64> to tensor<8xf64>");
         const std::string u = w.matrix("sub", z, w.overColumns(top));
         return w.rows("sub", w.rows("add", logOfSum(w, u), top), w.pick(z));
       }},
      {"log_softmax",
       {},
       [](Writer& w, const std::string& z) { return w.rows("neg", w.pick(w.logSoftmax(z))); }},
      {"log_of_softmax",
       {},
       [](Writer& w, const std::string& z) { return w.rows("neg", w.pick(w.matrix("log", w.softmax(z)))); }},
      {"log_of_likelihood",
       {},
       [](Writer& w, const std::string& z) { return w.rows("neg", w.rows("log", w.pick(w.softmax(z)))); }},
      {"exp_over_sum",
       {},
       [](Writer& w, const std::string& z) {
         const std::string e = w.matrix("exp", z);
         return w.rows("neg", w.rows("log", w.pick(w.matrix("div", e, w.overColumns(w.sumColumns(e))))));
       }},
      {"logits_minus_lse",
       {},
       [](Writer& w, const std::string& z) {
         return w.rows("neg", w.pick(w.matrix("sub", z, w.overColumns(w.lse(z)))));
       }},
      {"one_hot",
       {},
       [](Writer& w, const std::string& z) {
         return w.rows("neg", w.sumColumns(w.matrix("mul", w.oneHot(), w.logSoftmax(z))));
       }},
      {"one_hot_of_logits",
       {},
       [](Writer& w, const std::string& z) {
         return w.rows("sub", w.lse(z), w.sumColumns(w.matrix("mul", z, w.oneHot())));
       }},
      {"op", {}, [](Writer& w, const std::string& z) { return w.loss(z); }},
  };
}

/// What the logits go through first.
std::vector<Part> shifts() {
  return {
      {"plain", {}, [](Writer&, const std::string& z) { return z; }},
      {"bias",
       {"bias("},
       [](Writer& w, const std::string& z) { return w.matrix("add", z, w.overRows("%b")); }},
      {"minus_bias",
       {"bias("},
       [](Writer& w, const std::string& z) { return w.matrix("sub", z, w.overRows("%b")); }},
      {"two_biases",
       {"bias("},
       [](Writer& w, const std::string& z) {
         return w.matrix("sub", w.matrix("add", z, w.overRows("%b")), w.overRows("%m"));
       }},
      {"scalar",
       {},
       [](Writer& w, const std::string& z) { return w.matrix("add", z, w.overRows("%t", "f64")); }},
      {"margin",
       {"margin("},
       [](Writer& w, const std::string& z) {
         return w.matrix("sub", z, w.matrix("mul", w.oneHot(), w.overRows("%m")));
       }},
      {"margin_by_label",
       {"margin("},
       [](Writer& w, const std::string& z) {
         return w.matrix("sub", z, w.matrix("mul", w.overColumns(w.take("%m")), w.oneHot()));
       }},
      {"margin_expanded",
       {"margin("},
       [](Writer& w, const std::string& z) {
         return w.matrix("sub", z, w.matrix("mul", w.oneHot(), w.expandedOverRows("%m")));
       }},
      {"margin_by_label_expanded",
       {"margin("},
       [](Writer& w, const std::string& z) {
         return w.matrix("sub", z, w.matrix("mul", w.oneHot(), w.expandedOverColumns(w.take("%m"))));
       }},
      {"bias_expanded",
       {"bias("},
       [](Writer& w, const std::string& z) { return w.matrix("add", z, w.expandedOverRows("%b")); }},
      {"added_margin",
       {"margin("},
       [](Writer& w, const std::string& z) {
         return w.matrix("add", z, w.matrix("mul", w.oneHot(), w.overRows("%t", "f64")));
       }},
      {"temperature",
       {"scale("},
       [](Writer& w, const std::string& z) { return w.matrix("div", z, w.number(1.7, "8x4xf64")); }},
      {"ldam",
       {"scale(", "margin(", "bias("},
       [](Writer& w, const std::string& z) {
         const std::string u = w.matrix("sub", w.matrix("add", z, w.overRows("%b")),
                                        w.matrix("mul", w.oneHot(), w.overRows("%m")));
         return w.matrix("mul", u, w.number(3, "8x4xf64"));
       }},
  };
}

/// Factors: get the cross-entropy; `z` is remembered by the caller.
std::vector<Part> factors() {
  auto oneMinus = [](Writer& w, const std::string& p) { return w.rows("sub", w.number(1, "8xf64"), p); };
  auto focal = [=](double gamma) {
    return [=](Writer& w, const std::string& ce) {
      const std::string rest = oneMinus(w, w.rows("exp", w.rows("neg", ce)));
      return w.rows("mul", w.rows("pow", rest, w.number(gamma, "8xf64")), ce);
    };
  };
  return {
      {"unweighted", {}, [](Writer&, const std::string& ce) { return ce; }},
      {"weights",
       {"weights("},
       [](Writer& w, const std::string& ce) { return w.rows("mul", ce, w.take("%w")); }},
      {"two_weights",
       {"weights("},
       [](Writer& w, const std::string& ce) {
         return w.rows("mul", w.take("%m"), w.rows("mul", ce, w.take("%w")));
       }},
      {"masked_weights",
       {"weights(", "valid("},
       [](Writer& w, const std::string& ce) {
         const std::string mask = w.line("cast " + w.mask() + " : tensor<8xi1> to tensor<8xf64>");
         return w.rows("mul", w.rows("mul", w.take("%w"), mask), ce);
       }},
      {"where", {"valid("}, [](Writer& w, const std::string& ce) { return w.where(w.mask(), ce); }},
      {"focal", {"focal("}, focal(2)},
      {"focal_1.5", {"focal("}, focal(1.5)},
      {"focal_0.5", {"focal("}, focal(0.5)},
      {"focal_square",
       {"focal("},
       [=](Writer& w, const std::string& ce) {
         return w.rows("mul", ce, w.rows("square", oneMinus(w, w.rows("exp", w.rows("neg", ce)))));
       }},
      {"focal_expm1",
       {"focal("},
       [](Writer& w, const std::string& ce) {
         const std::string rest = w.rows("neg", w.rows("expm1", w.rows("neg", ce)));
         return w.rows("mul", w.rows("mul", rest, ce), rest);
       }},
      {"weights_of_focal",
       {"weights(", "focal("},
       [=](Writer& w, const std::string& ce) { return w.rows("mul", w.take("%w"), focal(2)(w, ce)); }},
      {"focal_of_weights",
       {"weights(", "focal(", "of_weighted"},
       [=](Writer& w, const std::string& ce) { return focal(2)(w, w.rows("mul", w.take("%w"), ce)); }},
      {"focal_between_weights",
       {"weights(", "focal("},
       [=](Writer& w, const std::string& ce) {
         const std::string rest = oneMinus(w, w.rows("exp", w.rows("neg", ce)));
         return w.rows("mul", w.rows("mul", w.take("%w"), rest), ce);
       }},
  };
}

std::vector<Part> reductions() {
  return {
      {"sum", {}, [](Writer& w, const std::string& l) { return w.sum(l); }},
      {"mean", {}, [](Writer& w, const std::string& l) { return w.mean(l); }},
      {"masked_mean", {"valid("}, [](Writer& w, const std::string& l) { return w.maskedMean(l); }},
  };
}

std::vector<std::string> joined(std::initializer_list<const std::vector<std::string>*> lists) {
  std::vector<std::string> all;
  for (const auto* list : lists)
    all.insert(all.end(), list->begin(), list->end());
  return all;
}

/// Every cross-entropy on every kind of logits; every shift, factor and reduction together.
std::vector<Form> combinations() {
  std::vector<Form> forms;
  for (const Part& ce : crossEntropies())
    for (const Part& shift : shifts())
      forms.push_back({"ce/" + ce.name + "/" + shift.name,
                       [=](Writer& w, const std::string& z) { return ce.write(w, shift.write(w, z)); }, false,
                       shift.options});
  const Part ce = crossEntropies().front();
  for (const Part& shift : shifts())
    for (const Part& factor : factors())
      for (const Part& reduction : reductions()) {
        const bool masked = factor.options.size() && factor.options.back() == "valid(";
        if (masked && reduction.name == "mean") continue; // counts padding rows: see broken()
        forms.push_back({"all/" + shift.name + "/" + factor.name + "/" + reduction.name,
                         [=](Writer& w, const std::string& z) {
                           return reduction.write(w, factor.write(w, ce.write(w, shift.write(w, z))));
                         },
                         true, joined({&shift.options, &factor.options, &reduction.options})});
        // The minus sign last, over the reduction.
        if (factor.name.find("focal") != std::string::npos) continue;
        forms.push_back({"sign/" + shift.name + "/" + factor.name + "/" + reduction.name,
                         [=](Writer& w, const std::string& z) {
                           const std::string lp = w.pick(w.logSoftmax(shift.write(w, z)));
                           return w.scalar("neg", reduction.write(w, factor.write(w, lp)));
                         },
                         true, joined({&shift.options, &factor.options, &reduction.options})});
      }
  return forms;
}

/// Smoothing in its ways, weighted means, the likelihood taken from softmax.
std::vector<Form> longForms() {
  auto smoothed = [=](Writer& w, const std::string& z, bool mean) {
    const std::string lp = w.logSoftmax(z), e = w.take("%e");
    const std::string uniform = w.rows("neg", mean ? w.meanColumns(lp) : w.sumColumns(lp));
    const std::string spread = mean ? e : w.rows("div", e, w.number(4, "8xf64"));
    return w.rows("add", w.rows("mul", w.rows("sub", w.number(1, "8xf64"), e), w.rows("neg", w.pick(lp))),
                  w.rows("mul", spread, uniform));
  };
  return {
      {"smoothing/table_mean",
       [=](Writer& w, const std::string& z) { return smoothed(w, z, true); },
       false,
       {"smoothing("}},
      {"smoothing/table_sum",
       [=](Writer& w, const std::string& z) { return smoothed(w, z, false); },
       false,
       {"smoothing("}},
      {"smoothing/weighted_masked",
       [=](Writer& w, const std::string& z) {
         return w.maskedMean(w.rows("mul", w.take("%w"), smoothed(w, z, true)));
       },
       true,
       {"smoothing(", "weights(", "valid("}},
      {"smoothing/of_biased_logits",
       [=](Writer& w, const std::string& z) {
         return smoothed(w, w.matrix("add", z, w.overRows("%b")), true);
       },
       false,
       {"smoothing(", "bias("}},
      {"smoothing/of_scaled_logits",
       [=](Writer& w, const std::string& z) {
         return smoothed(w, w.matrix("mul", z, w.number(2, "8x4xf64")), true);
       },
       false,
       {"smoothing(", "scale("}},
      {"smoothing/signs",
       [=](Writer& w, const std::string& z) {
         const std::string lp = w.logSoftmax(z);
         return w.rows("neg", w.rows("add", w.rows("mul", w.number(0.9, "8xf64"), w.pick(lp)),
                                     w.rows("mul", w.meanColumns(lp), w.number(0.1, "8xf64"))));
       },
       false,
       {"smoothing("}},
      {"smoothing/difference",
       [=](Writer& w, const std::string& z) {
         const std::string lp = w.logSoftmax(z);
         return w.rows("sub", w.rows("mul", w.number(0.9, "8xf64"), w.loss(z)),
                       w.rows("mul", w.number(0.025, "8xf64"), w.sumColumns(lp)));
       },
       false,
       {"smoothing("}},
      {"smoothing/of_the_means",
       [=](Writer& w, const std::string& z) {
         const std::string lp = w.logSoftmax(z);
         const std::string uniform = w.scalar("neg", w.maskedMean(w.meanColumns(lp)));
         return w.scalar("add",
                         w.scalar("mul", w.number(0.9, "f64"), w.scalar("neg", w.maskedMean(w.pick(lp)))),
                         w.scalar("mul", w.number(0.1, "f64"), uniform));
       },
       true,
       {"smoothing(", "valid("}},
      {"smoothing/scalar_argument",
       [=](Writer& w, const std::string& z) {
         const std::string keep = w.line("broadcast " + w.scalar("sub", w.number(1, "f64"), "%t") +
                                         " dims([]) : tensor<f64> to tensor<8xf64>");
         const std::string eps = w.line("broadcast %t dims([]) : tensor<f64> to tensor<8xf64>");
         const std::string uniform = w.rows("sub", w.lse(z), w.meanColumns(z));
         return w.rows("add", w.rows("mul", eps, uniform),
                       w.rows("mul", keep, w.rows("sub", w.lse(z), w.pick(z))));
       },
       false,
       {"smoothing("}},
      {"weighted_mean/plain",
       [](Writer& w, const std::string& z) {
         const std::string weights = w.take("%w");
         return w.scalar("div", w.sum(w.rows("mul", weights, w.loss(z))), w.sum(weights));
       },
       true,
       {"weights("}},
      {"weighted_mean/masked",
       [](Writer& w, const std::string& z) {
         const std::string weights = w.take("%w"), mask = w.mask();
         return w.scalar("div", w.sum(w.where(mask, w.rows("mul", weights, w.loss(z)))),
                         w.sum(w.where(mask, weights)));
       },
       true,
       {"weights(", "valid("}},
      {"weighted_mean/negative_last",
       [](Writer& w, const std::string& z) {
         const std::string weights = w.take("%w");
         return w.scalar(
             "neg", w.scalar("div", w.sum(w.rows("mul", w.pick(w.logSoftmax(z)), weights)), w.sum(weights)));
       },
       true,
       {"weights("}},
      {"focal/from_softmax",
       [](Writer& w, const std::string& z) {
         const std::string p = w.pick(w.softmax(z)), rest = w.rows("sub", w.number(1, "8xf64"), p);
         return w.rows("neg", w.rows("mul", w.rows("square", rest), w.rows("log", p)));
       },
       false,
       {"focal("}},
      {"focal/from_log_likelihood",
       [](Writer& w, const std::string& z) {
         const std::string lp = w.pick(w.logSoftmax(z));
         const std::string rest = w.rows("sub", w.number(1, "8xf64"), w.rows("exp", lp));
         return w.rows("neg", w.rows("mul", w.rows("pow", rest, w.number(3, "8xf64")), lp));
       },
       false,
       {"focal("}},
      {"focal/of_ldam",
       [](Writer& w, const std::string& z) {
         const std::string u =
             w.matrix("mul", w.matrix("sub", z, w.matrix("mul", w.oneHot(), w.overRows("%m"))),
                      w.number(2, "8x4xf64"));
         const std::string lp = w.pick(w.logSoftmax(u));
         const std::string rest = w.rows("sub", w.number(1, "8xf64"), w.rows("exp", lp));
         return w.rows("neg", w.rows("mul", w.rows("mul", w.take("%w"), rest), lp));
       },
       false,
       {"focal(", "margin(", "scale(", "weights("}},
  };
}

} // namespace

void PrintTo(const Form& form, std::ostream* out) {
  *out << form.name;
}

std::vector<Form> writtenForms() {
  std::vector<Form> forms = combinations();
  for (Form& form : longForms())
    forms.push_back(std::move(form));
  return forms;
}

} // namespace tailor::conformance
