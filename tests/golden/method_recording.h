#pragma once

#include "tests/golden/recording.h"

#include <map>
#include <string>
#include <vector>

/// A recording of tests/golden/record_methods.py. README.md beside this file has the format.
namespace tailor::golden {

/// One part of a run: what the method is, and per step what it draws.
struct MethodStage {
  runtime::OptionValue options;
  std::vector<double> lr, lambda;
  std::vector<std::vector<int64_t>> rows, partner;
  std::vector<int64_t> table_row;

  [[nodiscard]] bool has(const std::string& option) const { return options.find(option) != nullptr; }
  /// The option's word or number; "" or `absent` without it.
  [[nodiscard]] std::string word(const std::string& option) const;
  [[nodiscard]] double number_of(const std::string& option, double absent) const;
  /// The names that the option lists; none without it.
  [[nodiscard]] std::vector<std::string> names(const std::string& option) const;
};

struct MethodRun {
  std::vector<MethodStage> stages;
  std::vector<double> loss, norm, sum; ///< per step of all stages
  std::map<std::string, FinalTensor> final;
  std::map<std::string, Tensor> parameters; ///< initial
  std::map<std::string, Tensor> anew;       ///< values of parameters that a stage reinitialises
};

struct MethodRecording {
  int64_t batch = 0;
  int64_t num_columns = 0;
  std::vector<int64_t> widths; ///< of the hidden layers
  std::vector<double> class_counts;
  double momentum = 0, weight_decay = 0;
  double beta = 0, eps = 0, largest_margin = 0; ///< of the class tables
  double las_head = 0, las_tail = 0;            ///< smoothing of the largest and the smallest class
  std::map<std::string, MethodRun> runs;
  Tensor samples; ///< [num_samples, num_columns]
  std::vector<int64_t> labels;
  std::vector<double> row_weights; ///< of the samples

  /// Reads tests/golden/<file>.json; adds a test failure and returns an empty recording if it cannot.
  static MethodRecording load(const std::string& file);
};

} // namespace tailor::golden
