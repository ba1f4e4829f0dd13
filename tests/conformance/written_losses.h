#pragma once
/// Hand-written losses with FuseClassWeights on and off: the value and every gradient in f64 on the reference.
///
/// A form is text that computes a loss from logits, labels and tables. Rewriting it must not move a number by more
/// than the rounding of f64, whether the pass takes the form whole, takes a part of it or must leave it alone.
#include <cstdint>
#include <cstdio>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace tailor::conformance {

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
  /// As expand_dims writes it: a reshape that adds a dimension of size 1, which the broadcast repeats.
  std::string expandedOverRows(const std::string& table) {
    const std::string row = line("reshape " + table + " : tensor<4xf64> to tensor<1x4xf64>");
    return line("broadcast " + row + " dims([0, 1]) : tensor<1x4xf64> to tensor<8x4xf64>");
  }
  std::string expandedOverColumns(const std::string& perRow) {
    const std::string column = line("reshape " + perRow + " : tensor<8xf64> to tensor<8x1xf64>");
    return line("broadcast " + column + " dims([0, 1]) : tensor<8x1xf64> to tensor<8x4xf64>");
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

void PrintTo(const Form& form, std::ostream* out);

/// Losses as users write them, all of them recognised: every cross-entropy on every kind of logits; every shift,
/// factor and reduction together; smoothing, weighted means, likelihoods.
std::vector<Form> writtenForms();

/// Each applies-when clause of FuseClassWeights broken once, and values that lead back to the loss on 2^60 paths.
std::vector<Form> brokenForms();

} // namespace tailor::conformance
