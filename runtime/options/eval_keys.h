#pragma once
#include "runtime/options/key_set.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tailor::runtime {

enum class TestWhen { kEnd, kEveryEpoch };
template <> struct Words<TestWhen> {
  static constexpr std::pair<TestWhen, const char*> kAll[] = {{TestWhen::kEnd, "end"},
                                                              {TestWhen::kEveryEpoch, "every_epoch"}};
};

/// What predict writes of a row, in the order of the columns.
enum class PredictionColumn { kProbability, kDecision, kLogits, kFeatures, kLabel };
template <> struct Words<PredictionColumn> {
  static constexpr std::pair<PredictionColumn, const char*> kAll[] = {
      {PredictionColumn::kProbability, "probability"},
      {PredictionColumn::kDecision, "decision"},
      {PredictionColumn::kLogits, "logits"},
      {PredictionColumn::kFeatures, "features"},
      {PredictionColumn::kLabel, "label"}};
};

struct EvalKeys {
  std::string weights = "auto";
  std::vector<std::string> metrics = {};
  std::string groups = "thresholds(20,100)";
  TestWhen test = TestWhen::kEnd;
  OptionValue predict_id;
  std::vector<PredictionColumn> predict_out = {PredictionColumn::kProbability, PredictionColumn::kDecision};

  static const KeySet<EvalKeys>& keys();
};

} // namespace tailor::runtime
