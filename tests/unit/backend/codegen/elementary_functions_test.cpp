// The elementary functions against the C library in long double, and Philox against its definition.

#include "backend/codegen/ElementaryFunctions.h"
#include "backend/codegen/Philox.h"
#include "backend/llvm/VectorBuilder.h"
#include "backend/reference/Tensor.h"
#include "runtime/base/philox.h"
#include "tests/unit/backend/cpu/harness/abi_values.h"
#include "tests/unit/backend/cpu/harness/compile_function.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace tailor::backend::testing {
namespace {

using mlir::Value;
using mlir::ValueRange;
using Unary = Value (*)(LaneBuilder&, Value);

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// y[i] = f(x[i]) with vectors, z[i] = f(x[i]) with scalars.
std::pair<std::vector<float>, std::vector<float>> apply(Unary f, std::vector<float> x) {
  CpuTarget target = nativeTarget();
  while (x.size() % target.lanes != 0)
    x.push_back(0.5f);
  auto code = compileFunction(target, "f", [&](VectorBuilder& b, const AbiValues& abi) {
    Value in = b.loadPointer(abi.buffers, 0), wide = b.loadPointer(abi.buffers, 1),
          narrow = b.loadPointer(abi.buffers, 2);
    b.loop(abi.begin, abi.end, b.lanes(), {}, [&](Value i, ValueRange) {
      b.store(f(b, b.loadLanes(in, b.f32(), i)), wide, i);
      return llvm::SmallVector<Value>();
    });
    b.loop(abi.begin, abi.end, 1, {}, [&](Value i, ValueRange) {
      b.store(f(b, b.load(in, b.f32(), i)), narrow, i);
      return llvm::SmallVector<Value>();
    });
  });
  std::vector<float> wide(x.size()), narrow(x.size());
  void* buffers[] = {x.data(), wide.data(), narrow.data()};
  int64_t sizes[] = {1};
  code->function("f")(buffers, sizes, 0, int64_t(x.size()));
  return {wide, narrow};
}

double ulps(float got, long double expected) {
  if (std::isnan(expected)) return std::isnan(got) ? 0 : 1e9;
  float rounded = static_cast<float>(expected);
  if (std::isinf(rounded) || std::isinf(got)) return rounded == got ? 0 : 1e9;
  float spacing = std::nextafter(std::fabs(rounded), kInfinity) - std::fabs(rounded);
  return double(std::fabs((long double)got - expected) / spacing);
}

struct Function {
  const char* name;
  Unary emit;
  long double (*exact)(long double);
  float low, high;
  double limitUlps;
};

class Elementary : public ::testing::TestWithParam<Function> {};

TEST_P(Elementary, IsAccurateAndEqualForScalarsAndVectors) {
  const Function& f = GetParam();
  std::vector<float> x;
  for (int i = 0; i < 40000; ++i)
    x.push_back(f.low + (f.high - f.low) * float(i) / 40000.0f);
  for (float magnitude = 1e-30f; magnitude < 1; magnitude *= 3) // values near 0 on both sides
    for (float v : {magnitude, -magnitude})
      if (v >= f.low) x.push_back(v);
  auto [wide, narrow] = apply(f.emit, x);
  double worst = 0;
  float worstAt = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    double error = ulps(wide[i], f.exact((long double)x[i]));
    if (error > worst) {
      worst = error;
      worstAt = x[i];
    }
    ASSERT_EQ(std::memcmp(&wide[i], &narrow[i], 4), 0) << f.name << "(" << x[i] << ")";
  }
  EXPECT_LE(worst, f.limitUlps) << f.name << " at " << worstAt;
}

long double sigmoidExact(long double x) {
  return 1 / (1 + std::exp(-x));
}
long double softplusRestExact(long double x) {
  return std::log1p(std::exp(-std::fabs(x)));
}

INSTANTIATE_TEST_SUITE_P(
    All, Elementary,
    ::testing::Values(Function{"exp", emitExp, [](long double x) { return std::exp(x); }, -87.3f, 88.7f, 1.5},
                      Function{"expm1", emitExpm1, [](long double x) { return std::expm1(x); }, -20, 20, 4},
                      Function{"log", emitLog, [](long double x) { return std::log(x); }, 1e-6f, 100, 1.5},
                      Function{"log1p", emitLog1p, [](long double x) { return std::log1p(x); }, -0.99f, 50,
                               4},
                      Function{"tanh", emitTanh, [](long double x) { return std::tanh(x); }, -12, 12, 2.5},
                      Function{"sigmoid", emitSigmoid, sigmoidExact, -30, 30, 3},
                      Function{"erf", emitErf, [](long double x) { return std::erf(x); }, -6, 6, 2},
                      Function{"softplus_rest", emitSoftplusRest, softplusRestExact, -15, 60, 5}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Elementary, SinAndCosAreAccurateInAbsoluteTerms) {
  std::vector<float> x;
  for (int i = -20000; i < 20000; ++i)
    x.push_back(float(i) * 0.37f);
  x.push_back(1e6f);
  auto sine = apply(emitSin, x).first, cosine = apply(emitCos, x).first;
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(sine[i], std::sin((double)x[i]), 1.2e-7) << x[i];
    EXPECT_NEAR(cosine[i], std::cos((double)x[i]), 1.2e-7) << x[i];
  }
}

void expectValues(Unary f, const std::vector<std::pair<float, float>>& cases, const char* name) {
  std::vector<float> x;
  for (auto& c : cases)
    x.push_back(c.first);
  std::vector<float> y = apply(f, x).first;
  for (size_t i = 0; i < cases.size(); ++i) {
    if (std::isnan(cases[i].second))
      EXPECT_TRUE(std::isnan(y[i])) << name << "(" << x[i] << ") = " << y[i];
    else
      EXPECT_EQ(y[i], cases[i].second) << name << "(" << x[i] << ")";
  }
}

TEST(Elementary, SpecialValues) {
  expectValues(emitExp,
               {{kInfinity, kInfinity}, {-kInfinity, 0}, {kNaN, kNaN}, {0, 1}, {100, kInfinity}, {-200, 0}},
               "exp");
  expectValues(emitLog, {{0, -kInfinity}, {-1, kNaN}, {kInfinity, kInfinity}, {kNaN, kNaN}, {1, 0}}, "log");
  expectValues(emitLog1p, {{-1, -kInfinity}, {-2, kNaN}, {kInfinity, kInfinity}, {kNaN, kNaN}, {0, 0}},
               "log1p");
  expectValues(emitExpm1, {{kInfinity, kInfinity}, {-kInfinity, -1}, {kNaN, kNaN}, {0, 0}, {100, kInfinity}},
               "expm1");
  expectValues(emitTanh, {{kInfinity, 1}, {-kInfinity, -1}, {kNaN, kNaN}, {0, 0}}, "tanh");
  expectValues(emitSigmoid, {{kInfinity, 1}, {-kInfinity, 0}, {kNaN, kNaN}, {0, 0.5f}}, "sigmoid");
  expectValues(emitErf, {{kInfinity, 1}, {-kInfinity, -1}, {kNaN, kNaN}, {0, 0}}, "erf");
  expectValues(emitSin, {{kInfinity, kNaN}, {kNaN, kNaN}, {0, 0}, {-1e20f, kNaN}}, "sin");
  expectValues(emitSoftplusRest, {{kInfinity, 0}, {-kInfinity, 0}, {kNaN, kNaN}}, "softplus_rest");
}

TEST(Elementary, RoundingToBf16IsThatOfTheReference) {
  std::vector<float> x;
  for (uint32_t bits = 0; bits < 0xff000000u; bits += 104729 * 3) // all signs and exponents, ties among them
    for (uint32_t low : {0u, 0x8000u})
      x.push_back(std::bit_cast<float>(low ? (bits & 0xffff0000u) | low : bits));
  const Unary round = [](LaneBuilder& b, Value v) { return b.roundToBf16(v); };
  auto [wide, narrow] = apply(round, x);
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) {
      ASSERT_TRUE(std::isnan(wide[i]) && std::isnan(narrow[i])) << x[i];
      continue;
    }
    ASSERT_EQ(wide[i], reference::roundToBf16(x[i])) << x[i];
    ASSERT_EQ(wide[i], narrow[i]) << x[i];
  }
}

TEST(Elementary, ExpKeepsDenormalResults) {
  std::vector<float> y = apply(emitExp, {-90.0f, -100.0f, -103.0f}).first;
  for (auto [i, x] : {std::pair{0, -90.0}, {1, -100.0}, {2, -103.0}})
    EXPECT_NEAR(y[i], std::exp(x), 3e-45) << x;
}

TEST(Elementary, PowFollowsTheCLibrary) {
  const std::vector<float> bases = {0.0f,  -0.0f, 0.3f,      1.0f,       1.7f, 9.5f,
                                    -2.0f, -0.5f, kInfinity, -kInfinity, kNaN};
  const std::vector<float> exponents = {0.0f,  1.0f,  2.0f,      -1.0f,      3.0f, 0.5f,
                                        -2.5f, 20.0f, kInfinity, -kInfinity, kNaN};
  std::vector<float> a, c;
  for (float base : bases)
    for (float exponent : exponents) {
      a.push_back(base);
      c.push_back(exponent);
    }
  CpuTarget target = nativeTarget();
  while (a.size() % target.lanes != 0) {
    a.push_back(1);
    c.push_back(1);
  }
  auto code = compileFunction(target, "f", [&](VectorBuilder& b, const AbiValues& abi) {
    Value x = b.loadPointer(abi.buffers, 0), y = b.loadPointer(abi.buffers, 1),
          z = b.loadPointer(abi.buffers, 2);
    b.loop(abi.begin, abi.end, b.lanes(), {}, [&](Value i, ValueRange) {
      b.store(emitPow(b, b.loadLanes(x, b.f32(), i), b.loadLanes(y, b.f32(), i)), z, i);
      return llvm::SmallVector<Value>();
    });
  });
  std::vector<float> z(a.size());
  void* buffers[] = {a.data(), c.data(), z.data()};
  int64_t sizes[] = {1};
  code->function("f")(buffers, sizes, 0, int64_t(a.size()));
  for (size_t i = 0; i < a.size(); ++i) {
    bool infiniteExponent = std::isinf(c[i]);
    if (infiniteExponent && (std::fabs(a[i]) == 1 || a[i] < 0)) continue; // not promised
    EXPECT_LE(ulps(z[i], std::pow((long double)a[i], (long double)c[i])), 1.0)
        << a[i] << " ^ " << c[i] << " = " << z[i];
  }
}

TEST(Elementary, OneMinusPowerDoesNotCancel) {
  CpuTarget target = nativeTarget();
  auto code = compileFunction(target, "f", [&](VectorBuilder& b, const AbiValues& abi) {
    Value x = b.loadPointer(abi.buffers, 0), n = b.loadPointer(abi.buffers, 1),
          y = b.loadPointer(abi.buffers, 2);
    b.loop(abi.begin, abi.end, 1, {}, [&](Value i, ValueRange) {
      b.store(emitOneMinusPower(b, b.load(x, b.f32(), i), b.load(n, b.i32(), i)), y, i);
      return llvm::SmallVector<Value>();
    });
  });
  float base[] = {0.999f, 0.9f, 0.0f, 0.999f, 0.5f};
  int32_t exponent[] = {1, 1, 3, 100000, 7};
  float y[5];
  void* buffers[] = {base, exponent, y};
  int64_t sizes[] = {1};
  code->function("f")(buffers, sizes, 0, 5);
  for (int i = 0; i < 5; ++i)
    EXPECT_LE(ulps(y[i], 1 - std::pow((long double)base[i], (long double)exponent[i])), 1.0) << i;
}

TEST(Philox, WordsAreThoseOfTheDefinition) {
  CpuTarget target = nativeTarget();
  auto code = compileFunction(target, "f", [&](VectorBuilder& b, const AbiValues& abi) {
    Value key = b.loadPointer(abi.buffers, 0), words = b.loadPointer(abi.buffers, 1);
    Value uniform = b.loadPointer(abi.buffers, 2);
    auto wide = [&](int64_t i) { return b.splat(b.load(key, b.i32(), b.index(i))); };
    auto narrow = [&](int64_t i) { return b.load(key, b.i32(), b.index(i)); };
    // A vector counter beside a splat and scalars, and a counter of scalars.
    Value counter[4] = {b.laneNumbers(), wide(0), narrow(1), narrow(2)}, keys[2] = {narrow(3), narrow(4)};
    std::array<Value, 4> drawn = emitPhilox(b, counter, keys);
    Value one[4] = {b.constant(b.i32(), 3), narrow(0), narrow(1), narrow(2)};
    std::array<Value, 4> alone = emitPhilox(b, one, keys);
    for (int64_t i = 0; i < 4; ++i) {
      b.store(drawn[i], words, b.index(i * b.lanes()));
      b.store(alone[i], words, b.index(4 * b.lanes() + i));
    }
    b.store(emitUniform(b, drawn[0]), uniform, b.index(0));
  });
  runtime::RandomKey key{0xfffffff0u, 7, 0x10203u, {0xdeadbeefu, 0x80000001u}};
  auto packed = key.packed();
  std::vector<uint32_t> words(4 * target.lanes + 4);
  std::vector<float> uniform(target.lanes);
  void* buffers[] = {packed.data(), words.data(), uniform.data()};
  int64_t sizes[] = {1};
  code->function("f")(buffers, sizes, 0, 1);
  for (uint32_t lane = 0; lane < target.lanes; ++lane) {
    runtime::PhiloxCounter expected = key.block(0, lane);
    for (uint32_t i = 0; i < 4; ++i) {
      EXPECT_EQ(words[i * target.lanes + lane], expected[i]);
      if (lane == 3) EXPECT_EQ(words[4 * target.lanes + i], expected[i]);
    }
    EXPECT_EQ(uniform[lane], runtime::uniform_from_word(expected[0]));
  }
}

} // namespace
} // namespace tailor::backend::testing
