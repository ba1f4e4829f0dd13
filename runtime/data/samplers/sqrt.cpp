#include "runtime/data/samplers/weighted.h"

#include <cmath>

namespace tailor::runtime {
namespace {

const Registered<SamplerSpec> registered{
    {.name = "sqrt",
     .text = "with replacement, P(row) ~ 1 / sqrt(n_y); N draws an epoch",
     .source = "methods 3",
     .make = [](const SamplerRequest& request) -> Result<std::unique_ptr<Sampler>> {
       return make_weighted_sampler(request, [](double n) { return 1 / std::sqrt(n); });
     },
     .favours_rare = true}};

} // namespace
} // namespace tailor::runtime
