// Arrays without a training program: compute, differentiate, draw, print. tailor_program() has set everything up; a
// program that is built otherwise calls register_services() once.
#include <tailor/tailor.h>

#include <cstdio>
#include <iostream>
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
  // Printed: type and values.
  std::cout << at.gradients[0] << "\n" << array({1, 0.5, -2, 1e-9}, {2, 2}) << "\n";
  // Several at once: what they share is computed once.
  Array e = exp(x);
  auto values = eval({sum(e), e / sum(e)});
  std::printf("sum %.4f, largest share %.4f\n", values[0][0], values[1][2]);
  // Random numbers need a key; the same key gives the same numbers.
  Array noise = random_normal(random_key(7), {4, 2}), order = random_permutation(random_key(7, 1), 4);
  std::printf("%s\n", noise.eval() == random_normal(random_key(7), {4, 2}).eval() ? "same" : "different");
  std::cout << "shuffled rows sum to " << sum(take(noise, order) - noise).eval()[0] << "\n";
  // A second derivative: d2/dx2 of sum x^3 is 6 x.
  auto cube = [](const Array& v) { return sum(v * v * v); };
  Array second = grad([&](const Array& v) { return sum(grad(cube, v)); }, x);
  std::cout << second << "\n";
  // Ten steps downhill, traced once.
  auto downhill = [](const Array& v) {
    return clamp(v - 0.1 * grad([](const Array& u) { return sum(square(u)); }, v), 0, 1);
  };
  std::cout << repeat(10, downhill, array({1, 0.5}, {2})) << "\n";
}
