#include "models/optimizers/common.h"

#include "runtime/base/status.h"

namespace tailor::models {

using runtime::concat;
using runtime::OptionValue;

const runtime::KeySet<CommonKeys>& CommonKeys::keys() {
  using runtime::key;
  static const runtime::KeySet<CommonKeys> set{
      "optimizer.",
      {
          key("weight_decay", &CommonKeys::weight_decay,
              {.min = 0, .max = 1e3, .text = "weight decay (adamw: decoupled)", .source = "methods 4.6"}),
          key("decay_filter", &CommonKeys::decay_filter,
              {.stage = runtime::kCompiled, .text = "parameters that decay", .source = "methods 4.1"}),
          key("groups", &CommonKeys::groups,
              {.stage = runtime::kCompiled,
               .text = "parameters with numbers of their own: [{ keys = [\"head.*\"], lr = 0.08 }]; keys are "
                       "patterns of names, lr or lr_scale and weight_decay what they change; lr is held as a "
                       "share of "
                       "optimizer.lr, with which a run or a stage scales it",
               .type = runtime::KeyType::kTables}),
      }};
  return set;
}

namespace {

[[noreturn]] void refuse(std::size_t number, const std::string& what) {
  throw TraceError("optimizer", concat("group ", number, " of optimizer.groups ", what), {},
                   "[{ keys = [\"head.*\"], lr = 0.08 }]");
}

double number_of(std::size_t group, const std::string& name, const OptionValue& value) {
  const std::optional<double> number = value.as_number();
  if (!number) refuse(group, concat("has ", name, " = ", value.to_json(), ", which is no number"));
  return *number;
}

std::vector<std::string> patterns_of(std::size_t group, const OptionValue& value) {
  if (value.as_string()) return {*value.as_string()};
  std::vector<std::string> patterns;
  const OptionValue::List* list = value.as_list();
  for (const OptionValue& item : list ? *list : OptionValue::List())
    if (item.as_string()) patterns.push_back(*item.as_string());
  if (!list || patterns.size() != list->size())
    refuse(group, concat("has keys = ", value.to_json(), ", which are no patterns of parameter names"));
  return patterns;
}

optim::ParameterGroup group_of(std::size_t number, const OptionValue& value, double rate) {
  optim::ParameterGroup group{.name = std::to_string(number), .match = {}};
  if (!value.as_table()) refuse(number, "is " + value.to_json() + ", not a table");
  for (const auto& [name, field] : *value.as_table()) {
    if (name == "keys") {
      group.match = patterns_of(number, field);
    } else if (name == "lr_scale") {
      group.lr_scale = number_of(number, name, field);
    } else if (name == "lr") {
      if (rate == 0) refuse(number, "has an lr of its own, but optimizer.lr = 0 cannot be scaled to it");
      group.lr_scale = number_of(number, name, field) / rate;
    } else if (name == "weight_decay") {
      group.weight_decay = number_of(number, name, field);
    } else if (name == "name" && field.as_string()) {
      group.name = *field.as_string();
    } else {
      refuse(number, "has '" + name + "', expected keys, lr, lr_scale, weight_decay or name");
    }
  }
  if (group.match.empty()) refuse(number, "has no keys");
  if (value.find("lr") && value.find("lr_scale")) refuse(number, "has both lr and lr_scale");
  return group;
}

} // namespace

optim::CommonOptions common_options(const runtime::Options& options) {
  const CommonKeys keys = component_keys<CommonKeys>(options);
  const double rate = component_keys<runtime::OptimizerKeys>(options).lr;
  optim::CommonOptions common{keys.weight_decay, keys.decay_filter, {}};
  if (const OptionValue::List* groups = keys.groups.as_list())
    for (const OptionValue& group : *groups)
      common.groups.push_back(group_of(common.groups.size(), group, rate));
  return common;
}

void check_groups(RecipeCheck& recipe) {
  const CommonKeys keys = component_keys<CommonKeys>(recipe.options());
  const double rate = component_keys<runtime::OptimizerKeys>(recipe.options()).lr;
  const OptionValue::List* groups = keys.groups.as_list();
  for (std::size_t i = 0; groups && i < groups->size(); ++i)
    try {
      group_of(i, (*groups)[i], rate);
    } catch (const TraceError& error) {
      recipe.refuse(concat(runtime::key_name(&CommonKeys::groups), "[", i, "]"), error.message(),
                    error.hint());
    }
}

std::vector<runtime::KeySpec> with_common_keys(std::vector<runtime::KeySpec> own) {
  for (runtime::KeySpec& spec : CommonKeys::keys().specs())
    own.push_back(std::move(spec));
  return own;
}

} // namespace tailor::models
