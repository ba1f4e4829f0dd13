#pragma once
#include "runtime/options/key_set.h"

#include <string>
#include <utility>
#include <vector>

namespace tailor::runtime {

/// How numbers become features; formulas in runtime/data/transform.h.
enum class Normalisation { kNone, kStandard, kQuantile };
template <> struct Words<Normalisation> {
  static constexpr std::pair<Normalisation, const char*> kAll[] = {{Normalisation::kNone, "none"},
                                                                   {Normalisation::kStandard, "standard"},
                                                                   {Normalisation::kQuantile, "quantile"}};
};

struct DataKeys {
  std::string format = "csv";
  Normalisation numeric = Normalisation::kStandard;
  std::string sampler = "uniform";
  std::vector<std::string> augment;

  static const KeySet<DataKeys>& keys();
};

} // namespace tailor::runtime
