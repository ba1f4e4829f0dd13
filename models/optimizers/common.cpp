#include "models/optimizers/common.h"

#include "runtime/base/status.h"

#include <charconv>

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
                       "patterns of names (`inspect --memory` lists them: a ResNet's last layer is fc), lr "
                       "or lr_scale and weight_decay what they change; lr stands in place "
                       "of optimizer.lr, with its schedule, lr_scale is a factor on it",
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

optim::ParameterGroup group_of(std::size_t number, const OptionValue& value) {
  optim::ParameterGroup group{.name = std::to_string(number), .match = {}};
  if (!value.as_table()) refuse(number, "is " + value.to_json() + ", not a table");
  for (const auto& [name, field] : *value.as_table()) {
    if (name == "keys") {
      group.match = patterns_of(number, field);
    } else if (name == "lr_scale") {
      group.lr_scale = number_of(number, name, field);
    } else if (name == "lr") {
      group.lr = number_of(number, name, field);
    } else if (name == "weight_decay") {
      group.weight_decay = number_of(number, name, field);
    } else if (name == "name" && field.as_string()) {
      group.name = *field.as_string();
    } else {
      refuse(number, "has '" + name + "', expected keys, lr, lr_scale, weight_decay or name");
    }
  }
  if (group.match.empty()) refuse(number, "has no keys");
  if (group.lr && group.lr_scale) refuse(number, "has both lr and lr_scale");
  return group;
}

/// "r.toml:4:1" of an option as a place; unknown for a default and the command line.
Location place_of(const runtime::Option& option) {
  const std::size_t column = option.origin.rfind(':');
  const std::size_t line =
      column == std::string::npos || column == 0 ? column : option.origin.rfind(':', column - 1);
  if (column == std::string::npos || line == std::string::npos || column == 0) return {};
  const auto number = [&](std::size_t from, std::size_t to) {
    std::uint32_t value = 0;
    std::from_chars(option.origin.data() + from, option.origin.data() + to, value);
    return value;
  };
  return make_location(option.origin.substr(0, line), number(line + 1, column),
                       number(column + 1, option.origin.size()));
}

} // namespace

optim::CommonOptions common_options(const runtime::Options& options) {
  const CommonKeys keys = component_keys<CommonKeys>(options);
  optim::CommonOptions common{keys.weight_decay, keys.decay_filter, {}};
  const OptionValue::List* groups = keys.groups.as_list();
  const runtime::Option* option = options.find(runtime::key_name(&CommonKeys::groups));
  for (std::size_t i = 0; groups && i < groups->size(); ++i) {
    common.groups.push_back(group_of(i, (*groups)[i]));
    common.groups.back().place = place_of(*option);
  }
  return common;
}

void check_groups(RecipeCheck& recipe) {
  const CommonKeys keys = component_keys<CommonKeys>(recipe.options());
  const OptionValue::List* groups = keys.groups.as_list();
  for (std::size_t i = 0; groups && i < groups->size(); ++i)
    try {
      group_of(i, (*groups)[i]);
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
