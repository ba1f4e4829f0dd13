// Optimizer kernels on contiguous regions with padding and a decay border, against the reference tensor by
// tensor, on every machine there is code for.

#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tailor::backend::testing {
namespace {

// Two tensors: a matrix that decays, a vector that does not; 63 and 21 elements are padded to 64 and 32.
constexpr int64_t kFirst = 63, kSecond = 21, kFirstPadded = 64, kTotal = 96;
const std::string kTypes = "tensor<9x7xf32>, tensor<21xf32>";

std::string role(const std::string& name) {
  return "%" + name + "0: tensor<9x7xf32>, %" + name + "1: tensor<21xf32>";
}
std::string both(const std::string& name) {
  return "%" + name + "0, %" + name + "1";
}

struct Role {
  Tensor first, second;
};
Role drawRole(unsigned seed, double low = -1, double high = 1) {
  return {draw(Element::f32, {9, 7}, low, high, seed), draw(Element::f32, {21}, low, high, seed + 100)};
}
GuardedMemory region(const Role& r) {
  GuardedMemory memory(kTotal * sizeof(float));
  for (int64_t i = 0; i < kTotal; ++i)
    memory.as<float>()[i] = 0;
  for (int64_t i = 0; i < kFirst; ++i)
    memory.as<float>()[i] = float(r.first.at(i));
  for (int64_t i = 0; i < kSecond; ++i)
    memory.as<float>()[kFirstPadded + i] = float(r.second.at(i));
  return memory;
}
Role read(GuardedMemory& memory) {
  Role r{Tensor(Element::f32, {9, 7}), Tensor(Element::f32, {21})};
  for (int64_t i = 0; i < kFirst; ++i)
    r.first.reals()[i] = memory.as<float>()[i];
  for (int64_t i = 0; i < kSecond; ++i)
    r.second.reals()[i] = memory.as<float>()[kFirstPadded + i];
  EXPECT_EQ(memory.as<float>()[kFirst], 0) << "padding stays zero";
  return r;
}
GuardedMemory scalar(double value) {
  GuardedMemory memory(sizeof(float));
  *memory.as<float>() = float(value);
  return memory;
}
GuardedMemory integer(int32_t value) {
  GuardedMemory memory(sizeof(int32_t));
  *memory.as<int32_t>() = value;
  return memory;
}

void expectRole(GuardedMemory& memory, const Tensor& first, const Tensor& second, double tolerance = 2e-6) {
  Role got = read(memory);
  expectClose({got.first, got.second}, {first, second}, tolerance);
}

TEST(MultiTensorKernel, GlobalNorm) {
  KernelText text{"multi_tensor", role("g"),
                  "%r = tailor.global_norm " + both("g") + " : (" + kTypes + ") -> tensor<f32>", "%r",
                  "tensor<f32>"};
  const auto kernels = compiled({text});
  Role g = drawRole(1);
  for (int64_t chunks : {1, 3}) {
    GuardedMemory gradients = region(g), norm = scalar(0);
    kernels->launch(0, {gradients.data(), norm.data()}, {kTotal, kTotal}, chunks);
    EXPECT_NEAR(*norm.as<float>(), kernels->expected(0, {g.first, g.second})[0].at(0), 1e-5);
  }
}

TEST(MultiTensorKernel, GlobalNormOfManyUnits) {
  KernelText text{"multi_tensor", "%g: tensor<50000xf32>",
                  "%r = tailor.global_norm %g : (tensor<50000xf32>) -> tensor<f32>", "%r", "tensor<f32>"};
  const auto kernels = compiled({text});
  Tensor g = draw(Element::f32, {50000}, -1, 1, 3);
  double expected = kernels->expected(0, {g})[0].at(0);
  float first = 0;
  for (int64_t chunks : {1, 2, 7}) {
    GuardedMemory gradients(50000 * sizeof(float)), norm = scalar(0);
    for (int64_t i = 0; i < 50000; ++i)
      gradients.as<float>()[i] = float(g.at(i));
    kernels->launch(0, {gradients.data(), norm.data()}, {50000, 50000}, chunks);
    EXPECT_NEAR(*norm.as<float>(), expected, 1e-5 * expected);
    if (chunks == 1) first = *norm.as<float>();
    EXPECT_EQ(*norm.as<float>(), first) << "chunks change the norm";
  }
}

TEST(MultiTensorKernel, SamPerturb) {
  for (std::string adaptive : {"", "adaptive "}) {
    KernelText text{"multi_tensor", role("w") + ", " + role("g") + ", %n: tensor<f32>, %rho: tensor<f32>",
                    "%r0, %r1 = tailor.sam.perturb params(" + both("w") + ") grads(" + both("g") +
                        ") norm(%n) radius(%rho) " + adaptive + ": (" + kTypes + ", " + kTypes +
                        ", tensor<f32>, tensor<f32>) -> (" + kTypes + ")",
                    "%r0, %r1", kTypes};
    const auto kernels = compiled({text});
    Role w = drawRole(1), g = drawRole(2);
    for (auto [norm, rho] : {std::pair{2.5, 0.05}, {2.5, 0.0}}) {
      GuardedMemory weights = region(w), gradients = region(g), n = scalar(norm), r = scalar(rho);
      GuardedMemory perturbed(kTotal * sizeof(float));
      kernels->launch(0, {weights.data(), gradients.data(), n.data(), r.data(), perturbed.data()},
                      {kTotal, kTotal}, 2);
      auto expected =
          kernels->expected(0, {w.first, w.second, g.first, g.second, Tensor::scalar(norm, Element::f32),
                                Tensor::scalar(float(rho), Element::f32)});
      expectRole(perturbed, expected[0], expected[1]);
      if (rho == 0) expectRole(perturbed, w.first, w.second, 0); // bit for bit
    }
  }
}

TEST(MultiTensorKernel, AZeroGradientLeavesTheWeights) {
  KernelText text{"multi_tensor", role("w") + ", " + role("g") + ", %n: tensor<f32>, %rho: tensor<f32>",
                  "%r0, %r1 = tailor.sam.perturb params(" + both("w") + ") grads(" + both("g") +
                      ") norm(%n) radius(%rho) : (" + kTypes + ", " + kTypes +
                      ", tensor<f32>, tensor<f32>) -> (" + kTypes + ")",
                  "%r0, %r1", kTypes};
  const auto kernels = compiled({text});
  Role w = drawRole(1), g{Tensor(Element::f32, {9, 7}), Tensor(Element::f32, {21})};
  GuardedMemory weights = region(w), gradients = region(g), n = scalar(0), r = scalar(0.05);
  GuardedMemory perturbed(kTotal * sizeof(float));
  kernels->launch(0, {weights.data(), gradients.data(), n.data(), r.data(), perturbed.data()},
                  {kTotal, kTotal});
  expectRole(perturbed, w.first, w.second, 0);
}

TEST(MultiTensorKernel, SgdThenEmaInPlace) {
  for (std::string nesterov : {"", "nesterov "})
    for (int32_t valid : {0, 5}) {
      std::string scalars =
          "%lr: tensor<f32>, %mu: tensor<f32>, %wd: tensor<f32>, %valid: tensor<i32>, %d: tensor<f32>";
      KernelText text{"multi_tensor",
                      role("w") + ", " + role("g") + ", " + role("v") + ", " + role("e") + ", " + scalars,
                      "%n0, %n1, %u0, %u1 = tailor.sgd_update params(" + both("w") + ") grads(" + both("g") +
                          ") velocity(" + both("v") +
                          ") lr(%lr) momentum(%mu) weight_decay(%wd) valid(%valid) decayed([true, false]) " +
                          nesterov + ": (" + kTypes + ", " + kTypes + ", " + kTypes +
                          ", tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (" + kTypes + "), (" +
                          kTypes + ")\n" + "%m0, %m1 = tailor.ema_update averages(" + both("e") +
                          ") values(%n0, %n1) decay(%d) valid(%valid) : (" + kTypes + ", " + kTypes +
                          ", tensor<f32>, tensor<i32>) -> (" + kTypes + ")",
                      "%n0, %n1, %u0, %u1, %m0, %m1", kTypes + ", " + kTypes + ", " + kTypes};
      const auto kernels = compiled({text});
      Role w = drawRole(1), g = drawRole(2), v = drawRole(3), e = drawRole(4);
      auto number = [](double x) { return Tensor::scalar(float(x), Element::f32); };
      auto expected = kernels->expected(0, {w.first, w.second, g.first, g.second, v.first, v.second, e.first,
                                            e.second, number(0.1), number(0.9), number(0.01),
                                            Tensor::integer({}, {valid}), number(0.99)});
      for (int64_t chunks : {1, 2}) {
        GuardedMemory weights = region(w), gradients = region(g), velocity = region(v), average = region(e);
        GuardedMemory lr = scalar(0.1), mu = scalar(0.9), wd = scalar(0.01), rows = integer(valid),
                      decay = scalar(0.99);
        kernels->launch(0,
                        {weights.data(), gradients.data(), velocity.data(), average.data(), lr.data(),
                         mu.data(), wd.data(), rows.data(), decay.data(), weights.data(), velocity.data(),
                         average.data()},
                        {kTotal, kFirstPadded}, chunks);
        expectRole(weights, expected[0], expected[1]);
        expectRole(velocity, expected[2], expected[3]);
        expectRole(average, expected[4], expected[5]);
      }
    }
}

// Two tensors in two segments: the first decays, the second does not; each has its own rate and decay.
TEST(MultiTensorKernel, SegmentsHaveTheirOwnScalars) {
  const std::string four = ", tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>";
  for (std::string decayed : {"[true, false]", "[false, true]", "[true, true]"})
    for (bool adamw : {false, true}) {
      SCOPED_TRACE(decayed + (adamw ? " adamw" : " sgd"));
      std::string arguments = role("w") + ", " + role("g") + ", " + role("m");
      std::string types = kTypes + ", " + kTypes + ", " + kTypes;
      std::string op = "%n0, %n1, %u0, %u1 = tailor.sgd_update params(" + both("w") + ") grads(" + both("g") +
                       ") velocity(" + both("m") +
                       ") lr(%l0, %l1) momentum(%b) weight_decay(%d0, %d1) decayed(" + decayed +
                       ") segments([0, 1]) : (" + types + ", tensor<f32>, tensor<f32>, tensor<f32>" +
                       ", tensor<f32>, tensor<f32>) -> (" + kTypes + "), (" + kTypes + ")";
      std::string scalars =
          "%l0: tensor<f32>, %l1: tensor<f32>, %b: tensor<f32>, %d0: tensor<f32>, %d1: tensor<f32>";
      if (adamw) {
        arguments += ", " + role("s");
        scalars = "%l0: tensor<f32>, %l1: tensor<f32>, %b: tensor<f32>, %b2: tensor<f32>, %eps: tensor<f32>, "
                  "%d0: tensor<f32>, %d1: tensor<f32>, %step: tensor<i32>";
        op = "%n0, %n1, %u0, %u1, %q0, %q1 = tailor.adamw_update params(" + both("w") + ") grads(" +
             both("g") + ") first_moments(" + both("m") + ") second_moments(" + both("s") +
             ") lr(%l0, %l1) beta1(%b) beta2(%b2) epsilon(%eps) weight_decay(%d0, %d1) step(%step) decayed(" +
             decayed + ") segments([0, 1]) : (" + types + ", " + kTypes + ", tensor<f32>" + four +
             ", tensor<f32>, tensor<f32>, tensor<i32>) -> (" + kTypes + "), (" + kTypes + "), (" + kTypes +
             ")";
      }
      KernelText text{"multi_tensor", arguments + ", " + scalars, op,
                      adamw ? "%n0, %n1, %u0, %u1, %q0, %q1" : "%n0, %n1, %u0, %u1",
                      adamw ? types : kTypes + ", " + kTypes};
      const auto kernels = compiled({text});
      Role w = drawRole(1), g = drawRole(2), m = drawRole(3), s = drawRole(4, 0, 1);
      auto number = [](double x) { return Tensor::scalar(float(x), Element::f32); };
      std::vector<Tensor> inputs{w.first, w.second, g.first, g.second, m.first, m.second};
      if (adamw) inputs.insert(inputs.end(), {s.first, s.second});
      inputs.insert(inputs.end(), {number(0.1), number(0.3), number(0.9)});
      if (adamw) inputs.insert(inputs.end(), {number(0.999), number(1e-8)});
      inputs.insert(inputs.end(), {number(0.01), number(0.5)});
      if (adamw) inputs.push_back(Tensor::integer({}, {3}));
      const auto expected = kernels->expected(0, inputs);
      const bool first = decayed.starts_with("[true"), second = decayed.ends_with("true]");
      for (int64_t chunks : {1, 2}) {
        GuardedMemory weights = region(w), gradients = region(g), momenta = region(m), squares = region(s);
        GuardedMemory l0 = scalar(0.1), l1 = scalar(0.3), b = scalar(0.9), b2 = scalar(0.999),
                      eps = scalar(1e-8), d0 = scalar(0.01), d1 = scalar(0.5), step = integer(3);
        std::vector<void*> buffers{weights.data(), gradients.data(), momenta.data()};
        if (adamw) buffers.push_back(squares.data());
        for (GuardedMemory* each : {&l0, &l1, &b})
          buffers.push_back(each->data());
        if (adamw) buffers.insert(buffers.end(), {b2.data(), eps.data()});
        buffers.insert(buffers.end(), {d0.data(), d1.data()});
        if (adamw) buffers.push_back(step.data());
        buffers.insert(buffers.end(), {weights.data(), momenta.data()});
        if (adamw) buffers.push_back(squares.data());
        kernels->launch(
            0, buffers,
            {kTotal, first ? kFirstPadded : 0, kFirstPadded, second ? kTotal : kFirstPadded, kTotal}, chunks);
        expectRole(weights, expected[0], expected[1], 5e-6);
        expectRole(momenta, expected[2], expected[3]);
        if (adamw) expectRole(squares, expected[4], expected[5]);
      }
    }
}

TEST(MultiTensorKernel, Adamw) {
  std::string scalars =
      "%lr: tensor<f32>, %b1: tensor<f32>, %b2: tensor<f32>, %eps: tensor<f32>, %wd: tensor<f32>, "
      "%step: tensor<i32>";
  KernelText text{"multi_tensor",
                  role("w") + ", " + role("g") + ", " + role("m") + ", " + role("s") + ", " + scalars,
                  "%n0, %n1, %p0, %p1, %q0, %q1 = tailor.adamw_update params(" + both("w") + ") grads(" +
                      both("g") + ") first_moments(" + both("m") + ") second_moments(" + both("s") +
                      ") lr(%lr) beta1(%b1) beta2(%b2) epsilon(%eps) weight_decay(%wd) step(%step) "
                      "decayed([true, false]) : (" +
                      kTypes + ", " + kTypes + ", " + kTypes + ", " + kTypes +
                      ", tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (" +
                      kTypes + "), (" + kTypes + "), (" + kTypes + ")",
                  "%n0, %n1, %p0, %p1, %q0, %q1", kTypes + ", " + kTypes + ", " + kTypes};
  const auto kernels = compiled({text});
  Role w = drawRole(1), g = drawRole(2), m = drawRole(3), s = drawRole(4, 0, 1);
  for (int32_t step : {0, 1, 1000}) {
    auto number = [](double x) { return Tensor::scalar(float(x), Element::f32); };
    auto expected = kernels->expected(0, {w.first, w.second, g.first, g.second, m.first, m.second, s.first,
                                          s.second, number(0.01), number(0.9), number(0.999), number(1e-8),
                                          number(0.1), Tensor::integer({}, {step})});
    GuardedMemory weights = region(w), gradients = region(g), first = region(m), second = region(s);
    GuardedMemory lr = scalar(0.01), b1 = scalar(0.9), b2 = scalar(0.999), eps = scalar(1e-8),
                  wd = scalar(0.1);
    GuardedMemory t = integer(step);
    kernels->launch(0,
                    {weights.data(), gradients.data(), first.data(), second.data(), lr.data(), b1.data(),
                     b2.data(), eps.data(), wd.data(), t.data(), weights.data(), first.data(), second.data()},
                    {kTotal, kFirstPadded}, 2);
    expectRole(weights, expected[0], expected[1], 5e-6);
    expectRole(first, expected[2], expected[3]);
    expectRole(second, expected[4], expected[5]);
  }
}

} // namespace
} // namespace tailor::backend::testing
