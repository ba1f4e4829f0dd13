#include "models/recipe/reserved.h"

namespace tailor::recipe {
namespace {

constexpr ReservedKey kReserved[] = {
    {"data.root", "image data sets"},
    {"data.images", "image folders"},
    {"data.table", "image folders with csv labels"},
    {"augment", "crops and flips are data.augment"},
    {"run.keep.last", "the last checkpoint is always kept: --resume starts from it"},
    {"eval.threshold", "choosing a decision threshold"},
    {"eval.deploy_prior", "prior correction"},
    {"eval.baselines", "baselines"},
    {"eval.tta", "test-time augmentation"},
    {"eval.by", "metrics by subgroup"},
    {"method.joint-ssl", "Joint-SSL"},
    {"method.m2m", "M2m"},
    {"method.mislas", "it is two stages: models/recipes/quickstart_mislas.toml"},
    {"method.resampling", "resampling"},
    {"method.smote", "SMOTE"},
};

} // namespace

std::span<const ReservedKey> reserved_keys() {
  return kReserved;
}

const ReservedKey* find_reserved(std::string_view key) {
  for (const ReservedKey& reserved : kReserved)
    if (key == reserved.prefix || (key.starts_with(reserved.prefix) && key[reserved.prefix.size()] == '.'))
      return &reserved;
  return nullptr;
}

} // namespace tailor::recipe
