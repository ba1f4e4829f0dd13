#include "tools/tailor/candidates.h"

#include "models/recipe/source.h"
#include "runtime/base/wording.h"
#include "runtime/options/component.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/program_keys.h"

#include <algorithm>

namespace tailor::tools {
namespace {

using runtime::concat;
using runtime::EvalKeys;
using runtime::key_name;
using runtime::MethodKeys;

/// Sampling as a method of its own; the others take rows as they come.
constexpr std::pair<const char*, const char*> kSamplers[] = {
    {"balanced-sampling", "class_balanced"},
    {"sqrt-sampling", "sqrt"},
    {"effective-sampling", "effective_balanced"},
    {"class-aware-sampling", "class_aware"},
};

/// What smoothing is under imbalance, unless the recipe says which.
constexpr std::string_view kPerClass = "method.smoothing.profile=one_minus_p";

std::vector<std::string> split(const std::string& name) {
  std::vector<std::string> parts(1);
  for (const char c : name)
    if (c == '+')
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

runtime::Status unknown(const std::string& part, std::vector<std::string> methods) {
  for (const auto& [name, sampler] : kSamplers)
    methods.emplace_back(name);
  methods.emplace_back(kAsWritten);
  const std::string near = runtime::did_you_mean(part, methods), all = runtime::listed(methods);
  return runtime::invalid_argument("--methods: there is no method '", part, "'")
      .with_hint(near.empty() ? concat("there are ", all, "; join them with +")
                              : concat(near, " (", all, "; join them with +)"));
}

} // namespace

std::vector<std::string> default_candidates() {
  return {kBaseline,   "weighted", "logit-adjustment", "balanced-sampling",
          "smoothing", "sam-a",    "sam-a+smoothing",  kAsWritten};
}

runtime::Result<Candidate> make_candidate(const recipe::Recipe& recipe, const std::string& name) {
  if (name == kAsWritten) return Candidate{name, {}};
  std::vector<std::string> known = runtime::component_names("method");
  std::vector<std::string> methods;
  std::string sampler;
  for (const std::string& part : split(name)) {
    const auto sampling = std::find_if(std::begin(kSamplers), std::end(kSamplers),
                                       [&](const auto& entry) { return part == entry.first; });
    if (sampling != std::end(kSamplers)) {
      if (!sampler.empty())
        return runtime::invalid_argument("--methods: '", name, "' names two samplers, a run has one");
      sampler = sampling->second;
    } else if (std::find(known.begin(), known.end(), part) != known.end()) {
      methods.push_back(part);
    } else {
      return unknown(part, std::move(known));
    }
  }
  if (methods.empty()) methods.emplace_back(kBaseline);
  std::string list;
  for (const std::string& method : methods)
    list += concat(list.empty() ? "\"" : ", \"", method, "\"");
  Candidate candidate{
      name,
      {concat("method.use=[", list, "]"), concat("data.sampler=", sampler.empty() ? "uniform" : sampler)}};
  const bool smooths = std::find(methods.begin(), methods.end(), "smoothing") != methods.end();
  if (smooths && !recipe.is_set(kPerClass.substr(0, kPerClass.find('='))))
    candidate.settings.emplace_back(kPerClass);
  // Evaluating an average that this candidate does not keep is no part of it.
  const bool averages = std::find(methods.begin(), methods.end(), "ema") != methods.end();
  if (!averages && recipe.is_set(&EvalKeys::weights)) candidate.settings.emplace_back("eval.weights=auto");
  return candidate;
}

} // namespace tailor::tools
