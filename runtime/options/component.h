#pragma once
#include "runtime/options/key.h"

#include <functional>
#include <map>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tailor::runtime {

/// A thing there are many of: a method, model, optimizer, loss, class table, schedule, sampler, data source, augmentation,
/// metric.
/// One file holds its name, keys, text and code and ends in
///
///   const Registered<SamplerSpec> registered{{.name = "sqrt", .text = "...", .source = "methods 3", .make = ...}};
///
/// in the tree as in a user's program: there is no other way in, and no list of them.
struct Component {
  std::string name; ///< as recipes write it
  std::string text; ///< one line: a formula, or what it does
  std::string source = "choice";
  /// Keys that only this component reads, with their full names. Components of a kind may share one if they declare it
  /// alike.
  std::vector<KeySpec> keys = {};
  /// Numbers it reads of whoever names it, by the last word of their keys (KeySpec::read_by): "beta".
  std::vector<std::string> reads = {};
};

/// A kind of component and how a recipe names one of it.
struct ComponentKind {
  std::string_view kind;     ///< "sampler"
  std::string_view plural;   ///< "samplers"
  std::string_view selector; ///< the key whose value is a name: "data.sampler"
  /// The selector holds one name: then a component's keys have an effect only with it.
  bool one = true;
};

/// All kinds, in the order of `tailor recipe --describe`.
const std::vector<ComponentKind>& component_kinds();

/// A registered component of any kind.
struct ComponentEntry {
  std::string_view kind;
  Component component;
  std::source_location where;
};

/// All of a kind, ordered by name.
std::vector<const ComponentEntry*> components(std::string_view kind);
std::vector<std::string> component_names(std::string_view kind);

/// What went wrong when components registered themselves, which happens before main(): a name that is empty or taken,
/// a kind that does not exist, a key declared differently elsewhere. "main.cpp:12: error: method 'sam-a' is registered
/// already, at models/methods/sam_a.cpp:70". tailor::main refuses to start with any.
std::vector<std::string> registration_problems();

namespace detail {
/// False: refused, and noted as a problem.
bool add_component(std::string_view kind, const Component& component, const std::source_location& where);
void add_problem(std::string_view kind, std::string_view name, std::string_view what,
                 const std::source_location& where);
std::uint64_t component_version();
} // namespace detail

/// The components of type `Spec`, which has `static constexpr std::string_view kKind` and name, text and source of a
/// Component. One whose code is given the options of a program may have `keys`; one that is given numbers says which in
/// `reads()`.
template <class Spec> class Registry {
public:
  static void add(Spec spec, const std::source_location& where) {
    Component component{.name = spec.name, .text = spec.text, .source = spec.source};
    if constexpr (requires { spec.keys; }) component.keys = spec.keys;
    if constexpr (requires { spec.reads(); }) component.reads = spec.reads();
    if constexpr (requires { spec.make == nullptr; })
      if (spec.make == nullptr) return detail::add_problem(Spec::kKind, component.name, "has no code", where);
    if (detail::add_component(Spec::kKind, component, where))
      all().specs.emplace(component.name, std::move(spec));
  }
  /// nullptr: nothing of that name is registered.
  static const Spec* find(std::string_view name) {
    const auto found = all().specs.find(name);
    return found == all().specs.end() ? nullptr : &found->second;
  }
  static const std::map<std::string, Spec, std::less<>>& specs() { return all().specs; }

private:
  // A class of our own around the map: GCC and Clang name a local variable of a type with std::string in it differently
  // (its ABI tag), so a user's file and this library, compiled by one each, would have a registry each.
  struct Entries {
    std::map<std::string, Spec, std::less<>> specs;
  };
  static Entries& all() {
    static Entries instance;
    return instance;
  }
};

/// Registers a component for as long as the program runs: one object at namespace scope, or one call in main().
template <class Spec> struct Registered {
  explicit Registered(Spec spec, const std::source_location& where = std::source_location::current()) {
    Registry<Spec>::add(std::move(spec), where);
  }
};

} // namespace tailor::runtime
