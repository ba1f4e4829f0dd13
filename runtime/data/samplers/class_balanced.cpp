#include "runtime/data/samplers/weighted.h"

namespace tailor::runtime {
namespace {

const Registered<SamplerSpec> registered{
    {.name = "class_balanced",
     .text = "with replacement, P(row) ~ 1 / n_y: every class as often; N draws an epoch",
     .source = "methods 3",
     .make = [](const SamplerRequest& request) -> Result<std::unique_ptr<Sampler>> {
       return make_weighted_sampler(request, [](double n) { return 1 / n; });
     },
     .favours_rare = true}};

} // namespace
} // namespace tailor::runtime
