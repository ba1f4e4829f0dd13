#pragma once
#include "runtime/data/fitted.h"
#include "runtime/exec/executor.h"
#include "runtime/metrics/evaluation.h"
#include "runtime/train/control_rows.h"
#include "runtime/train/feed.h"

#include <functional>

namespace tailor::runtime {

/// What an eval entry gave for some rows, in row order.
struct EvaluatedBatch {
  std::span<const float> logits;        ///< [valid, logits_width()]
  std::span<const float> features;      ///< [valid, features_width()]
  std::span<const std::int32_t> labels; ///< [valid]; zeros if unlabelled
  std::int32_t valid = 0;
  std::int64_t first_row = 0; ///< number of the first row in the data set
};

/// The compiled form of an eval entry that data sets are run through: its largest batch size.
/// Errors   kIncompatible: the entry has none.
Result<VariantId> evaluating_variant(const ArtifactSpec& spec, std::int32_t entry);

/// Runs an eval or predict entry over a whole data set.
class Evaluator {
public:
  /// Finds outputs "logits" and, if there is one, "features" of the entry, in its largest batch size. `first_slot`: four slots from there are
  /// used.
  static Result<Evaluator> create(Executor& executor, std::int32_t entry, std::uint32_t first_slot);
  static constexpr std::uint32_t kSlots = 4;

  /// Called for every batch in row order.
  using BatchFunction = std::function<Status(const EvaluatedBatch& batch)>;
  Status for_each_batch(const Dataset& data, const ControlRows& control, const BatchFunction& function);

  /// Logits a row has: K, or 1 in the one-logit form.
  std::int32_t logits_width() const { return logits_.width; }
  /// Features a row has: what the program's eval step gives besides (its last hidden layer, say); 0: nothing.
  std::int32_t features_width() const { return features_.width; }

private:
  Evaluator(Executor& executor, VariantId variant) : executor_(executor), variant_(variant) {}
  Executor& executor_;
  VariantId variant_;
  std::uint32_t first_slot_ = 0;
  struct RowOutput {
    std::int32_t output = -1; ///< of the variant; -1: there is none
    std::int32_t width = 0;   ///< numbers a row
  };
  static Result<RowOutput> find_output(const Entry& entry, const Variant& variant, const char* name);
  Result<std::span<const float>> rows_of(const RowOutput& output, std::int32_t valid);
  RowOutput logits_, features_;
};

/// The plan of an evaluation from options and what was fitted.
Result<EvaluationPlan> evaluation_plan(const ArtifactSpec& spec, const Options& options,
                                       const FittedState& fitted);

/// All metrics of a labelled data set.
Result<EvaluationResult> evaluate(Evaluator& evaluator, const Dataset& data, const ControlRows& control,
                                  const EvaluationPlan& plan);

/// Class probabilities [K] of one row of logits: softmax, or (1 - p, p) of the one-logit form: the logit is
/// of class 1, whichever class is the positive one.
void probabilities(std::span<const float> logits, std::span<double> result);

/// argmax (ties to the lower class), or class 1 if the one logit is above 0.
std::int32_t decision(std::span<const float> logits);

} // namespace tailor::runtime
