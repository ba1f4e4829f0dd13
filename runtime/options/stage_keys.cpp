#include "runtime/options/stage_keys.h"

#include "runtime/options/data_keys.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/run_keys.h"

#include <algorithm>
#include <array>

namespace tailor::runtime {

bool may_differ_by_stage(std::string_view key) {
  static const std::array kKeys = {key_name(&RunKeys::epochs),    key_name(&RunKeys::steps),
                                   key_name(&RunKeys::log_steps), key_name(&RunKeys::checkpoint_minutes),
                                   key_name(&RunKeys::drop_last), key_name(&RunKeys::checkpoint_every),
                                   key_name(&EvalKeys::metrics),  key_name(&EvalKeys::groups),
                                   key_name(&EvalKeys::test),     key_name(&DataKeys::sampler),
                                   key_name(&DataKeys::augment)};
  if (std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end()) return true;
  for (const char* section : {"run.keep.", "run.early_stop.", "schedule.", "optimizer.", "method.",
                              "control.", "data.sampler_", "data.augment."})
    if (key.starts_with(section)) return true;
  return false;
}

bool may_be_of_stage(std::string_view key, OptionStage stage) {
  if (stage == OptionStage::kRun) return may_differ_by_stage(key);
  return key.starts_with("method.") || key == key_name(&ModelKeys::freeze) ||
         key == key_name(&ModelKeys::initialise) || key == key_name(&EvalKeys::weights);
}

} // namespace tailor::runtime
