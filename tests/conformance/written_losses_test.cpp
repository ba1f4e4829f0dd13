/// Hand-written losses with FuseClassWeights on and off: the value and every gradient in f64 on the reference.
///
/// A form is text that computes a loss from logits, labels and tables. Rewriting it must not move a number by more
/// than the rounding of f64, whether the pass takes the form whole, takes a part of it or must leave it alone.
#include "tests/conformance/test_program.h"

#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace tailor::conformance {
namespace {

constexpr double kTolerance = 1e-12; ///< relative to the largest element: order of additions, log and exp

/// Writes ops over N = 8 rows and K = 4 classes. Values are named by their text; `v` is a row vector, `z` a matrix.
class Writer {
public:
  std::string text;

  std::string line(const std::string& op) {
    const std::string name = "%x" + std::to_string(count_++);
    text += "    " + name + " = tailor." + op + "\n";
    return name;
  }
  std::string matrix(const std::string& op, const std::string& a, const std::string& b = "") {
    return line(op + " " + a + (b.empty() ? "" : ", " + b) + " : tensor<8x4xf64>");
  }
  std::string rows(const std::string& op, const std::string& a, const std::string& b = "") {
    return line(op + " " + a + (b.empty() ? "" : ", " + b) + " : tensor<8xf64>");
  }
  std::string scalar(const std::string& op, const std::string& a, const std::string& b = "") {
    return line(op + " " + a + (b.empty() ? "" : ", " + b) + " : tensor<f64>");
  }
  std::string table(const std::string& op, const std::string& a, const std::string& b = "") {
    return line(op + " " + a + (b.empty() ? "" : ", " + b) + " : tensor<4xf64>");
  }
  std::string number(double value, const std::string& type) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.17e", value);
    return line("constant dense<" + std::string(digits) + "> : tensor<" + type + ">");
  }
  std::string softmax(const std::string& z) { return line("softmax " + z + " dim(1) : tensor<8x4xf64>"); }
  std::string logSoftmax(const std::string& z) {
    return line("log_softmax " + z + " dim(1) : tensor<8x4xf64>");
  }
  std::string lse(const std::string& z) {
    return line("logsumexp " + z + " dim(1) : tensor<8x4xf64> to tensor<8xf64>");
  }
  std::string pick(const std::string& z, const std::string& y = "%y") {
    return line("take_along " + z + ", " + y + " : (tensor<8x4xf64>, tensor<8xi32>) -> tensor<8xf64>");
  }
  std::string take(const std::string& table, const std::string& y = "%y", const std::string& size = "4") {
    return line("take " + table + ", " + y + " : (tensor<" + size + "xf64>, tensor<8xi32>) -> tensor<8xf64>");
  }
  std::string oneHot(const std::string& y = "%y") {
    return line("one_hot " + y + " : tensor<8xi32> to tensor<8x4xf64>");
  }
  std::string overRows(const std::string& table, const std::string& type = "4xf64") {
    return line("broadcast " + table + " dims([" + (type == "f64" ? "" : "1") + "]) : tensor<" + type +
                "> to tensor<8x4xf64>");
  }
  std::string overColumns(const std::string& rows) {
    return line("broadcast " + rows + " dims([0]) : tensor<8xf64> to tensor<8x4xf64>");
  }
  std::string sumColumns(const std::string& z) {
    return line("reduce_sum " + z + " dims([1]) : tensor<8x4xf64> to tensor<8xf64>");
  }
  std::string meanColumns(const std::string& z) {
    return line("reduce_mean " + z + " dims([1]) : tensor<8x4xf64> to tensor<8xf64>");
  }
  std::string sum(const std::string& v) {
    return line("reduce_sum " + v + " dims([0]) : tensor<8xf64> to tensor<f64>");
  }
  std::string mean(const std::string& v) {
    return line("reduce_mean " + v + " dims([0]) : tensor<8xf64> to tensor<f64>");
  }
  std::string maskedMean(const std::string& v, const std::string& valid = "%v") {
    return line("masked_mean " + v + " valid(" + valid + ") : (tensor<8xf64>, tensor<i32>) -> tensor<f64>");
  }
  std::string mask(const std::string& valid = "%v") {
    return line("row_mask " + valid + " : tensor<i32> to tensor<8xi1>");
  }
  std::string where(const std::string& mask, const std::string& v) {
    return line("where " + mask + ", " + v + ", " + number(0, "8xf64") + " : tensor<8xi1>, tensor<8xf64>");
  }
  std::string loss(const std::string& z, const std::string& options = "",
                   const std::string& reduction = "none") {
    return line("softmax_cross_entropy " + z + ", %y : tensor<8xi32> " + options + " reduction(" + reduction +
                ") : tensor<8x4xf64> -> tensor<" + (reduction == "none" ? "8xf64>" : "f64>"));
  }

private:
  int count_ = 0;
};

using Write = std::function<std::string(Writer&, const std::string&)>;

struct Form {
  std::string name;
  Write write; ///< gets the logits; returns a row loss or a scalar
  bool isScalar = false;
  std::vector<std::string> options = {}; ///< of the loss op that is left; empty: see `stays`
  std::string stays = {};                ///< the option that the loss must not get
  std::vector<int64_t> wrt = {0};
  std::string otherBody = {}; ///< text of a body that the form calls
};

const std::vector<Argument>& arguments() {
  static const std::vector<Argument> list{{"z", "8x4xf64"},
                                          {"y", "8xi32", Draw::unit, {0, 3, 1, 2, 2, 0, 3, 1}},
                                          {"y2", "8xi32", Draw::unit, {1, 3, 0, 2, 3, 1, 0, 2}},
                                          {"lam", "8xf64", Draw::unit},
                                          {"w", "4xf64", Draw::positive},
                                          {"e", "4xf64", Draw::unit},
                                          {"m", "4xf64", Draw::unit},
                                          {"b", "4xf64"},
                                          {"c", "8xf64"},
                                          {"t", "f64", Draw::unit},
                                          {"w5", "5xf64", Draw::positive},
                                          {"v", "i32", Draw::unit, {5}},
                                          {"v2", "i32", Draw::unit, {3}},
                                          {"q", "8x4xf64", Draw::unit}};
  return list;
}

/// The program: @f, and an entry that asks for its gradient.
std::string programOf(const Form& form) {
  std::string declared, types, given, entry;
  for (const Argument& argument : arguments()) {
    declared += (declared.empty() ? "%" : ", %") + argument.name + ": " + tensorType(argument.type);
    types += (types.empty() ? "" : ", ") + tensorType(argument.type);
    given += (given.empty() ? "%" : ", %") + argument.name;
    entry += "    %" + argument.name + " = tailor.constant dense<" +
             (argument.type.find('f') == std::string::npos ? "1" : "1.0") +
             "> : " + tensorType(argument.type) + "\n";
  }
  Writer writer;
  std::string result = form.write(writer, "%z");
  if (!form.isScalar) result = writer.sum(writer.rows("mul", result, "%c"));
  std::string wrt, gradients;
  for (int64_t index : form.wrt) {
    wrt += (wrt.empty() ? "" : ", ") + std::to_string(index);
    gradients += ", " + tensorType(arguments()[index].type);
  }
  return "tailor.program @p {\n" + form.otherBody + "  tailor.body @f(" + declared + ") -> tensor<f64> {\n" +
         writer.text + "    tailor.return " + result +
         " : tensor<f64>\n  }\n  tailor.entry @s kind(step) batch(8) {\n" + entry +
         "    %g:" + std::to_string(1 + form.wrt.size()) + " = tailor.value_and_grad @f(" + given +
         ") wrt([" + wrt + "]) : (" + types + ") -> (tensor<f64>" + gradients +
         ")\n    tailor.report \"g\", %g#0 : tensor<f64>\n" + "  }\n}\n";
}

/// Loss and gradients of the form, and what @f became.
struct Outcome {
  std::vector<std::vector<Tensor>> results; ///< one per number of valid rows
  std::string losses, leftovers;
};

Outcome run(const Form& form, bool fuse) {
  Outcome outcome;
  TestProgram program(programOf(form));
  if (!program.ok()) {
    ADD_FAILURE() << program.messages();
    return outcome;
  }
  mlir::PassManager passes(program.module()->getContext());
  passes.addPass(passes::createMergeEqualOpsPass());
  if (fuse) passes.addPass(passes::createFuseClassWeightsPass());
  if (failed(passes.run(program.module()))) {
    ADD_FAILURE() << program.messages();
    return outcome;
  }
  llvm::raw_string_ostream losses(outcome.losses), leftovers(outcome.leftovers);
  program.body("f").walk([&](mlir::Operation* op) {
    if (llvm::isa<ir::SoftmaxCrossEntropyOp>(op)) losses << *op << "\n";
    if (llvm::isa<ir::TakeAlongOp, ir::LogSumExpOp, ir::SoftmaxOp, ir::LogSoftmaxOp, ir::ExpOp, ir::OneHotOp>(
            op))
      leftovers << *op << "\n";
  });
  mlir::PassManager differentiate(program.module()->getContext());
  differentiate.addPass(passes::createDifferentiatePass());
  if (failed(differentiate.run(program.module()))) {
    ADD_FAILURE() << program.messages();
    return outcome;
  }
  std::string vjp;
  program.entry("s").walk([&](ir::CallOp call) { vjp = call.getCallee().str(); });
  for (int64_t valid : {5, 8}) {
    std::vector<Argument> values = arguments();
    for (Argument& argument : values)
      if (argument.name == "v") argument.integers = {valid};
    outcome.results.push_back(program.call(vjp, drawArguments({"written", values, "", {}})));
    EXPECT_FALSE(outcome.results.back().empty()) << program.messages();
  }
  return outcome;
}

void expectEqual(const Outcome& plain, const Outcome& fused) {
  ASSERT_EQ(plain.results.size(), fused.results.size());
  for (size_t run = 0; run < plain.results.size(); ++run) {
    ASSERT_EQ(plain.results[run].size(), fused.results[run].size());
    for (size_t i = 0; i < plain.results[run].size(); ++i) {
      double largest = 1;
      for (double value : plain.results[run][i].reals())
        largest = std::max(largest, std::abs(value));
      for (int64_t j = 0; j < plain.results[run][i].size(); ++j)
        EXPECT_NEAR(plain.results[run][i].reals()[j], fused.results[run][i].reals()[j], kTolerance * largest)
            << (i == 0 ? "loss" : "gradient ") << (i == 0 ? "" : std::to_string(i - 1)) << " element " << j
            << ", " << (run == 0 ? "5" : "8") << " valid rows\n"
            << fused.losses;
    }
  }
}

class WrittenLoss : public testing::TestWithParam<Form> {};

TEST_P(WrittenLoss, IsTheSameWithThePassOnAndOff) {
  const Form& form = GetParam();
  const Outcome plain = run(form, false), fused = run(form, true);
  expectEqual(plain, fused);
  if (!form.stays.empty()) {
    EXPECT_EQ(fused.losses.find(form.stays), std::string::npos) << fused.losses;
    return;
  }
  EXPECT_EQ(fused.leftovers, "") << fused.losses;
  EXPECT_EQ(std::count(fused.losses.begin(), fused.losses.end(), '\n'), 1) << fused.losses;
  for (const char* word :
       {"mix(", "weights(", "smoothing(", "margin(", "bias(", "valid(", "focal(", "of_weighted", "scale("}) {
    const bool expected = std::find(form.options.begin(), form.options.end(), word) != form.options.end();
    EXPECT_EQ(fused.losses.find(word) != std::string::npos, expected) << word << " in " << fused.losses;
  }
}

//===- forms --------------------------------------------------------------===//

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

std::vector<Form> allForms() {
  std::vector<Form> forms = combinations();
  for (auto list : {longForms(), broken(), deep()})
    forms.insert(forms.end(), list.begin(), list.end());
  return forms;
}

std::string testName(const testing::TestParamInfo<Form>& info) {
  std::string name = info.param.name;
  for (char& c : name)
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

void PrintTo(const Form& form, std::ostream* out) {
  *out << form.name;
}

INSTANTIATE_TEST_SUITE_P(Forms, WrittenLoss, testing::ValuesIn(allForms()), testName);

} // namespace
} // namespace tailor::conformance
