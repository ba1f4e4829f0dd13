// Deferred re-weighting (Cao et al. 2019): class weights in the last epochs only. methods.md 2.6.
#include "frontend/components/divisor.h"
#include "frontend/components/method.h"
#include "frontend/imbalance/class_tables.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/indexing.h"
#include "frontend/ops/shaping.h"
#include "runtime/options/double_correction.h"

#include <optional>

namespace tailor::methods {
namespace {

struct DrwKeys {
  double from = 0.8;
  std::optional<std::int64_t> from_epoch;
  std::string table = "effective";
  double beta = 0.9999;
  Divisor reduction = Divisor::weighted_mean;
  bool twice = false;

  static const runtime::KeySet<DrwKeys>& keys();
};

const runtime::KeySet<DrwKeys>& DrwKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<DrwKeys> set{
      "method.drw.",
      {
          key("from", &DrwKeys::from,
              {.min = 0,
               .max = 1,
               .above_min = true,
               .text = "share of the run after which the weights hold; 1: never",
               .source = "methods 2.6",
               .only_if = "method.drw.from_epoch = none"}),
          key("from_epoch", &DrwKeys::from_epoch,
              {.min = 1,
               .max = runtime::kMaxCount,
               .text = "first epoch with the weights, counted from 0, instead of a share of the run",
               .source = "methods 2.6"}),
          key("table", &DrwKeys::table,
              {.stage = runtime::kCompiled,
               .text = "class weights w_i of the last epochs",
               .source = "methods 2.2",
               .choices_of = WeightTable::kKind}),
          key("beta", &DrwKeys::beta,
              {.min = 0,
               .max = kMaxBeta,
               .text = "beta of the effective number of samples",
               .source = "methods 2.2",
               .read_by = "method.drw.table"}),
          key(kDivisorKey, &DrwKeys::reduction,
              {.stage = runtime::kCompiled,
               .text = "divide by the sum of weights or by the batch",
               .source = "methods 2"}),
          key(runtime::kTwice, &DrwKeys::twice,
              {.stage = runtime::kCompiled,
               .text = "weights beside a sampler that draws rare classes more often are meant: no note",
               .source = "methods 3"}),
      }};
  return set;
}

class Drw final : public Method {
public:
  explicit Drw(DrwKeys keys) : keys_(std::move(keys)) {}

  /// Row 0 of the table is all ones: with weighted_mean exactly the plain loss.
  void shape_loss(Step& step, losses::LossOptions& loss) override {
    // A field that no table reads would make a run key of it that has no effect.
    const bool reads_beta = runtime::Registry<WeightTable>::find(keys_.table)->takes_beta;
    const Operand beta =
        reads_beta ? Operand(control(step, "drw_beta", keys_, &DrwKeys::beta)) : Operand(keys_.beta);
    const Array weights = imbalance::class_weights(step.classes().counts(), keys_.table, beta);
    const Array rows = concat({expand_dims(ones_like(weights), 0), expand_dims(weights, 0)}, 0);
    // from_epoch goes over it (Step::epoch_row).
    const Array row = step.epoch_row("drw", {.fractions = {keys_.from}}, runtime::key_name(&DrwKeys::from));
    loss.class_weights = Operand(take(rows, row));
    loss.reduction = reduction_of(keys_.reduction);
  }

private:
  DrwKeys keys_;
};

void check(RecipeCheck& recipe) {
  if (!component_keys<DrwKeys>(recipe.options()).twice)
    note_double_correction(recipe, "drw", runtime::key_name(&DrwKeys::twice));
}

const Registered<MethodSpec> drw{
    {.name = "drw",
     .text = "deferred re-weighting: class weights in the last epochs",
     .source = "methods 2.6",
     .keys = DrwKeys::keys().specs(),
     .part = Part::class_weights,
     .conflicts = {{"weighted",
                    "keep one of them; 'drw' is 'weighted' in the last epochs, with method.drw.table"}},
     .check = check,
     .make = [](const runtime::Options& options) {
       return std::make_unique<Drw>(component_keys<DrwKeys>(options));
     }}};

} // namespace
} // namespace tailor::methods
