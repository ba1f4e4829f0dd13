// Class-weighted loss: w_y in front of the loss of a row of class y. methods.md 2.2.
#include "frontend/components/divisor.h"
#include "frontend/components/method.h"
#include "frontend/imbalance/class_tables.h"
#include "frontend/ops/elementwise.h"
#include "runtime/base/wording.h"
#include "runtime/options/double_correction.h"

#include <algorithm>
#include <vector>

namespace tailor::methods {
namespace {

struct WeightedKeys {
  std::string table = "inv_max";
  runtime::OptionValue weights;
  double beta = 0.9999;
  Divisor reduction = Divisor::weighted_mean;
  bool twice = false;

  static const runtime::KeySet<WeightedKeys>& keys();
};

const runtime::KeySet<WeightedKeys>& WeightedKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<WeightedKeys> set{
      "method.weighted.",
      {
          key("table", &WeightedKeys::table,
              {.stage = runtime::kCompiled,
               .text = "class weights w_i of the loss",
               .source = "methods 2.2",
               .only_if = "method.weighted.weights = none",
               .choices_of = WeightTable::kKind}),
          key("weights", &WeightedKeys::weights,
              {.stage = runtime::kCompiled,
               .min = 0,
               .max = 1e6, // further up f32 sums of a batch lose the rows of other classes
               .text = "class weights of one's own instead of a table: a list in class order, or { NAME = w, "
                       "... }",
               .source = "methods 2.2",
               .type = runtime::KeyType::kNumbersByName,
               .unset = true}),
          key("beta", &WeightedKeys::beta,
              {.min = 0,
               .max = kMaxBeta,
               .text = "beta of the effective number of samples",
               .source = "methods 2.2",
               .read_by = "method.weighted.table"}),
          key(kDivisorKey, &WeightedKeys::reduction,
              {.stage = runtime::kCompiled,
               .text = "divide by the sum of weights or by the batch",
               .source = "methods 2"}),
          key(runtime::kTwice, &WeightedKeys::twice,
              {.stage = runtime::kCompiled,
               .text = "weights beside a sampler that draws rare classes more often are meant: no note",
               .source = "methods 3",
               .only_if = "method.weighted.weights = none"}),
      }};
  return set;
}

struct OwnWeights {
  std::vector<double> weights;
  std::string problem, hint; ///< of ones that do not fit the classes
};

/// In class order. `value` is a list, or a table by class name; its numbers were checked when it was read.
OwnWeights own_weights(const runtime::OptionValue& value, const std::vector<std::string>& classes) {
  const auto number = [](const runtime::OptionValue& item) { return item.as_number().value_or(0); };
  OwnWeights own;
  if (const auto* list = value.as_list()) {
    for (const runtime::OptionValue& item : *list)
      own.weights.push_back(number(item));
    if (own.weights.size() != classes.size()) {
      own.problem = std::to_string(own.weights.size()) + (own.weights.size() == 1 ? " weight" : " weights") +
                    " for " + std::to_string(classes.size()) + " classes";
      own.hint = "one for each of " + runtime::listed(classes) + ", in this order";
      return own;
    }
  } else if (const auto* table = value.as_table()) {
    std::vector<std::string> unknown, missing;
    for (const auto& [name, item] : *table)
      if (std::find(classes.begin(), classes.end(), name) == classes.end())
        unknown.push_back("'" + name + "'");
    for (const std::string& name : classes) {
      const runtime::OptionValue* item = value.find(name);
      own.weights.push_back(item ? number(*item) : 0);
      if (!item) missing.push_back("'" + name + "'");
    }
    if (!unknown.empty()) own.problem = "weights of classes that there are not: " + runtime::listed(unknown);
    if (!missing.empty())
      own.problem += (own.problem.empty() ? "no weight for " : "; none for ") + runtime::listed(missing);
    if (!own.problem.empty()) {
      own.hint = "the classes are " + runtime::listed(classes);
      return own;
    }
  }
  if (std::all_of(own.weights.begin(), own.weights.end(), [](double w) { return w == 0; })) {
    own.problem = "the weights are all 0: nothing would train";
    own.hint = "a class of weight 0 is left out of the loss";
  }
  return own;
}

class Weighted final : public Method {
public:
  explicit Weighted(WeightedKeys keys) : keys_(std::move(keys)) {}

  void shape_loss(Step& step, losses::LossOptions& loss) override {
    loss.class_weights = Operand(keys_.weights.is_null() ? table(step) : own(step));
    loss.reduction = reduction_of(keys_.reduction);
  }

private:
  Array table(Step& step) const {
    // A field that no table reads would make a run key of it that has no effect.
    const bool reads_beta = runtime::Registry<WeightTable>::find(keys_.table)->takes_beta;
    const Operand beta =
        reads_beta ? Operand(control(step, "weight_beta", keys_, &WeightedKeys::beta)) : Operand(keys_.beta);
    return imbalance::class_weights(step.classes().counts(), keys_.table, beta);
  }

  Array own(Step& step) const {
    const OwnWeights own = own_weights(keys_.weights, step.classes().names());
    if (!own.problem.empty())
      throw TraceError(runtime::key_name(&WeightedKeys::weights), own.problem, {}, own.hint);
    return array(own.weights, {static_cast<std::int64_t>(own.weights.size())});
  }

  WeightedKeys keys_;
};

void check(RecipeCheck& recipe) {
  const WeightedKeys keys = component_keys<WeightedKeys>(recipe.options());
  // Weights of one's own need not be there for the frequencies.
  if (!keys.twice && keys.weights.is_null())
    note_double_correction(recipe, "weighted", runtime::key_name(&WeightedKeys::twice));
}

void check_data(RecipeCheck& recipe, const runtime::DataSchema& schema) {
  const WeightedKeys keys = component_keys<WeightedKeys>(recipe.options());
  if (keys.weights.is_null()) return;
  if (const OwnWeights own = own_weights(keys.weights, schema.class_names); !own.problem.empty())
    recipe.refuse(runtime::key_name(&WeightedKeys::weights), own.problem, own.hint);
}

const Registered<MethodSpec> weighted{
    {.name = "weighted",
     .text = "class weights in the loss, from the counts of the training split or one's own",
     .source = "methods 2.2",
     .keys = WeightedKeys::keys().specs(),
     .part = Part::class_weights,
     .check = check,
     .check_data = check_data,
     .make = [](const runtime::Options& options) {
       return std::make_unique<Weighted>(component_keys<WeightedKeys>(options));
     }}};

} // namespace
} // namespace tailor::methods
