// A binary whose recipes may say `method.loss = "poly1"`: train r.toml, compile r.toml -o out.tailor.
#include <tailor/tailor.h>
using namespace tailor;

// Poly-1 (Leng et al. 2022): mean of -log p[y] + eps * (1 - p[y]) over the valid rows, weighted by class if
// the recipe says so.
static Array poly1(const LossRequest& r) {
  constexpr double kEpsilon = 1.0;
  Array log_p = take_along(r.logits, r.batch.label, -1) - logsumexp(r.logits, -1);
  Array row = kEpsilon * (1.0 - exp(log_p)) - log_p;
  if (!r.class_weights().empty()) row = take(r.class_weights(), r.batch.label) * row;
  return masked_mean(row, r.batch.valid);
}

static const Registered<LossSpec> registered{
    {.name = "poly1", .text = "-log p[y] + 1 - p[y]", .source = "Leng et al. 2022", .make = poly1}};

int main(int argc, char** argv) {
  return tailor::main(argc, argv);
}
