#include "runtime/data/samplers/weighted.h"
#include "runtime/options/key_set.h"

#include <cmath>

namespace tailor::runtime {
namespace {

struct EffectiveBalancedKeys {
  double beta = 0.9999;

  static const KeySet<EffectiveBalancedKeys>& keys();
};

const KeySet<EffectiveBalancedKeys>& EffectiveBalancedKeys::keys() {
  static const KeySet<EffectiveBalancedKeys> set{"data.sampler_",
                                                 {
                                                     key("beta", &EffectiveBalancedKeys::beta,
                                                         {
                                                             .min = 0,
                                                             .max = 0.999999999,
                                                             .text = "beta of sampler effective_balanced",
                                                             .source = "methods 3",
                                                         }),
                                                 }};
  return set;
}

const Registered<SamplerSpec> registered{
    {.name = "effective_balanced",
     .text = "with replacement, P(row) ~ (1 - beta) / (1 - beta^n_y); N draws an epoch",
     .source = "methods 3",
     .keys = EffectiveBalancedKeys::keys().specs(),
     .make = [](const SamplerRequest& request) -> Result<std::unique_ptr<Sampler>> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const EffectiveBalancedKeys keys,
                                     read_keys<EffectiveBalancedKeys>(request.options));
       return make_weighted_sampler(
           request, [beta = keys.beta](double n) { return (1 - beta) / (1 - std::pow(beta, n)); });
     },
     .favours_rare = true}};

} // namespace
} // namespace tailor::runtime
