#pragma once
#include "runtime/data/sampler.h"

namespace tailor::runtime {

/// Draws with replacement, as many as there are rows: a class by the weight of all its rows, then one of them.
/// `row_weight(n)`: weight of one row of a class with n >= 1 rows.
std::unique_ptr<Sampler> make_weighted_sampler(const SamplerRequest& request,
                                               const std::function<double(double n)>& row_weight);

} // namespace tailor::runtime
