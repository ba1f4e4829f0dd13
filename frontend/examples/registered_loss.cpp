// A loss that the recipes of this binary may name: `method.loss = "poly1"`. Try: train r.toml, compile r.toml -o out.tailor.
#include <tailor/tailor.h>
using namespace tailor;

struct Poly1Keys {
  double epsilon = 1;
  static const runtime::KeySet<Poly1Keys>& keys() {
    static const runtime::KeySet<Poly1Keys> set{
        "method.poly1.",
        {runtime::key("epsilon", &Poly1Keys::epsilon,
                      {.stage = runtime::kCompiled, .text = "weight of 1 - p[y]"})}};
    return set;
  }
};

// Poly-1 (Leng et al. 2022): -log p[y] + epsilon (1 - p[y]) of each row. What the recipe's methods say of class weights,
// mixed rows and the mean over the batch is done with it afterwards.
static Array poly1(const LossRequest& r) {
  Array log_p = take_along(r.logits, r.batch.label, -1) - logsumexp(r.logits, -1);
  return component_keys<Poly1Keys>(r.options).epsilon * (1.0 - exp(log_p)) - log_p;
}

static const Registered<LossSpec> registered{{.name = "poly1",
                                              .text = "-log p[y] + epsilon (1 - p[y])",
                                              .source = "Leng et al. 2022",
                                              .keys = Poly1Keys::keys().specs(),
                                              .make = poly1}};

int main(int argc, char** argv) {
  return tailor::main(argc, argv);
}
