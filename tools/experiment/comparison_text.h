#pragma once
// A comparison as text: for the terminal, as Markdown, csv and JSON.

#include "tools/experiment/comparison.h"

#include <string>

namespace tailor::experiment {

/// What a file of results must say to be repeated.
struct Provenance {
  std::string recipe;  ///< path
  std::string command; ///< as typed
  std::string date;    ///< UTC, ISO 8601
  std::string version; ///< of the tool
};

/// The validation table in %, a line of differences under each method, the legend; what was told apart, in
/// words; the test table. Warnings are not in it: they go to stderr.
std::string to_terminal(const Comparison& comparison);

/// Tables, claims and warnings with provenance.
std::string to_markdown(const Comparison& comparison, const Provenance& provenance);

/// One line per split, method and metric: split,method,metric,seeds,mean,standard_error,difference,
/// difference_standard_error,difference_low,difference_high,verdict,best. Fractions, not %; absent is empty.
std::string to_csv(const Comparison& comparison);

/// Everything, with the value of every seed, so that each number can be computed again.
std::string to_json(const Comparison& comparison, const Provenance& provenance);

} // namespace tailor::experiment
