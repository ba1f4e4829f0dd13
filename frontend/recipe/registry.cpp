#include "frontend/recipe/registry.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "frontend/recipe/schema.h"

namespace tailor::recipe {
namespace {

template <class Value> std::map<std::string, Value>& table() {
  static std::map<std::string, Value> values;
  return values;
}

template <class Value> void add(std::string_view key, const std::string& name, Value value) {
  std::vector<std::string> built_in = split_choices(find_key(key)->choices);
  if (std::find(built_in.begin(), built_in.end(), name) != built_in.end())
    throw std::invalid_argument("'" + name + "' is a built-in value of " + std::string(key));
  if (!value) throw std::invalid_argument("'" + name + "' for " + std::string(key) + " is an empty function");
  if (!table<Value>().emplace(name, std::move(value)).second)
    throw std::invalid_argument("'" + name + "' is registered for " + std::string(key) + " already");
}

template <class Value> const Value* find(const std::string& name) {
  auto found = table<Value>().find(name);
  return found == table<Value>().end() ? nullptr : &found->second;
}

template <class Value> std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const auto& [name, value] : table<Value>())
    out.push_back(name);
  return out;
}

} // namespace

void register_model(const std::string& name, ModelFactory factory) {
  add("model.name", name, std::move(factory));
}
void register_loss(const std::string& name, LossFunction loss) {
  add("method.loss", name, std::move(loss));
}
void register_method(const std::string& name, MethodFunction method) {
  add("method.use", name, std::move(method));
}

const ModelFactory* find_model(const std::string& name) {
  return find<ModelFactory>(name);
}
const LossFunction* find_loss(const std::string& name) {
  return find<LossFunction>(name);
}
const MethodFunction* find_method(const std::string& name) {
  return find<MethodFunction>(name);
}

std::vector<std::string> registered_names(std::string_view key) {
  if (key == "model.name") return names<ModelFactory>();
  if (key == "method.loss") return names<LossFunction>();
  if (key == "method.use") return names<MethodFunction>();
  return {};
}

} // namespace tailor::recipe
