#pragma once
// Keys that every optimizer of Tailor reads.

#include "frontend/components/optimizer.h"
#include "runtime/options/program_keys.h"

namespace tailor::models {

struct CommonKeys {
  double weight_decay = 0.0002;
  optim::DecayFilter decay_filter = optim::CommonOptions().decay_filter;
  runtime::OptionValue groups = runtime::OptionValue::List{};

  static const runtime::KeySet<CommonKeys>& keys();
};

/// `optimizer.groups`: tables {keys = ["head.*"], lr = 0.08, weight_decay = 0, name = "head"}; lr or lr_scale. A group
/// without a name has its number, from 0.
/// Errors   TraceError: a field that does not exist, or of another type, with the number of the group. check_groups has
///          said it before.
optim::CommonOptions common_options(const runtime::Options& options);

/// Refuses a group that is none, at its place in the list.
void check_groups(RecipeCheck& recipe);

/// `own` and the common ones.
std::vector<runtime::KeySpec> with_common_keys(std::vector<runtime::KeySpec> own);

} // namespace tailor::models
