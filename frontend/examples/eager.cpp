// Arrays without a training program: compute, differentiate, print.
#include <tailor/tailor.h>

#include <cstdio>
using namespace tailor;

int main() {
  Array x = array({1, 2, 3}, {3}), scale = constant(0.5);
  auto f = [](const std::vector<Array>& v) { return sum(square(v[0]) * v[1]); };
  ValueAndGradients at = value_and_grad(f, {x, scale}, {0, 1});
  std::printf("f = %g\n", at.value.eval()[0]);
  for (const Array& gradient : at.gradients) {
    for (double g : gradient.eval())
      std::printf("%g ", g);
    std::printf("\n");
  }
}
