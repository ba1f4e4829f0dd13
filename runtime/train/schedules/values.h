#pragma once
#include "runtime/options/schedule_keys.h"
#include "runtime/train/schedule.h"

namespace tailor::runtime {

/// The key `values`, which `list` and `curve` share: both declare it through this.
template <class S> KeyField<S> values_key(std::vector<double> S::*member) {
  return key("values", member,
             {.text = "factors on the peak: one an epoch in list, at equal distances over the run in curve"});
}

/// Errors   fewer than `least` values; a negative one of a learning rate.
inline Status check_values(const ScheduleRequest& request, const std::vector<double>& values,
                           std::size_t least) {
  const std::string key = request.prefix + "values";
  if (values.size() < least)
    return invalid_argument("'", key, "' has ", values.size(), values.size() == 1 ? " value" : " values",
                            ", expected at least ", least)
        .about(key);
  if (request.prefix == ScheduleKeys::key_prefix())
    for (const double value : values)
      if (value < 0)
        return invalid_argument("'", key, "' makes the learning rate negative: ", value).about(key);
  return {};
}

} // namespace tailor::runtime
