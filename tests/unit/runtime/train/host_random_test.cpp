#include "runtime/train/host_random.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

namespace tailor::runtime {
namespace {

struct Draws {
  std::uint64_t seed;
  std::int64_t step;
  double uniform, beta_02, beta_1, beta_4;
};

/// Printed by host_random.py, an implementation of its own.
constexpr Draws kRecorded[] = {
    {0u, 0, 0.4114720821380615, 0.10065020253551747, 0.5019840326698416, 0.5008441490098745},
    {0u, 1, 0.4262949824333191, 0.9263271364142919, 0.7990618030752732, 0.5817380669510858},
    {0u, 2, 0.9475301504135132, 0.9435102629322923, 0.047777470655797856, 0.2710449033798833},
    {0u, 1000, 0.4126966595649719, 0.995108704894784, 0.10343822127228526, 0.3037378666954149},
    {1234605616436508552u, 0, 0.15486836433410645, 0.001166433804074301, 0.32904730243706865,
     0.4374446719755666},
    {1234605616436508552u, 1, 0.2125045657157898, 0.9735015070201437, 0.8930206968992679, 0.7187194467887871},
    {1234605616436508552u, 2, 0.5967769026756287, 0.021796024714283692, 0.9040562380026956,
     0.7286201079260433},
    {1234605616436508552u, 1000, 0.5380105972290039, 2.5892485223477082e-05, 0.9011574236563629,
     0.7346520639688173},
};

TEST(HostRandom, DrawsWhatTheDefinitionSays) {
  const HostRandom corner("corner"), lambda("lambda");
  for (const Draws& draws : kRecorded) {
    EXPECT_EQ(corner.uniform(draws.seed, draws.step), draws.uniform);
    EXPECT_NEAR(lambda.beta(0.2, draws.seed, draws.step), draws.beta_02, 1e-13);
    EXPECT_NEAR(lambda.beta(1.0, draws.seed, draws.step), draws.beta_1, 1e-13);
    EXPECT_NEAR(lambda.beta(4.0, draws.seed, draws.step), draws.beta_4, 1e-13);
  }
}

/// The largest distance between the draws' distribution and `cdf`; above 1.95 / sqrt(n) in one case of a thousand.
template <class Cdf> double distance_of(std::vector<double> draws, const Cdf& cdf) {
  std::sort(draws.begin(), draws.end());
  const auto n = static_cast<double>(draws.size());
  double largest = 0;
  for (std::size_t i = 0; i < draws.size(); ++i) {
    const double p = cdf(draws[i]);
    largest = std::max(
        {largest, std::fabs(p - static_cast<double>(i) / n), std::fabs(p - static_cast<double>(i + 1) / n)});
  }
  return largest;
}

constexpr std::int64_t kDraws = 20'000;

template <class Draw> std::vector<double> sample(const Draw& draw) {
  std::vector<double> draws;
  for (std::int64_t step = 0; step < kDraws; ++step)
    draws.push_back(draw(step));
  return draws;
}

TEST(HostRandom, UniformIsUniform) {
  const HostRandom random("u");
  const auto draws = sample([&](std::int64_t step) { return random.uniform(7, step); });
  EXPECT_LT(distance_of(draws, [](double x) { return x; }), 1.95 / std::sqrt(kDraws));
}

/// Where the distribution function of Beta(a, a) has a closed form.
TEST(HostRandom, BetaHasItsDistribution) {
  const HostRandom random("lam");
  const auto beta = [&](double alpha) {
    return sample([&, alpha](std::int64_t step) { return random.beta(alpha, 3, step); });
  };
  const double bound = 1.95 / std::sqrt(kDraws);
  EXPECT_LT(distance_of(beta(1), [](double x) { return x; }), bound);
  EXPECT_LT(distance_of(beta(0.5), [](double x) { return 2 / M_PI * std::asin(std::sqrt(x)); }), bound);
  EXPECT_LT(distance_of(beta(2), [](double x) { return x * x * (3 - 2 * x); }), bound);
  EXPECT_LT(distance_of(beta(3), [](double x) { return x * x * x * (10 - 15 * x + 6 * x * x); }), bound);
}

/// Mean 1/2 and variance 1 / (4 (2 a + 1)), for the parameters that mixing uses and for ones where draws of the gamma
/// distribution underflow.
TEST(HostRandom, BetaHasItsMoments) {
  const HostRandom random("lam");
  for (const double alpha : {0.001, 0.1, 0.2, 0.4, 8.0, 1000.0}) {
    double sum = 0, squares = 0;
    for (std::int64_t step = 0; step < kDraws; ++step) {
      const double x = random.beta(alpha, 11, step);
      ASSERT_TRUE(x >= 0 && x <= 1) << alpha << " " << x;
      sum += x, squares += (x - 0.5) * (x - 0.5);
    }
    const double variance = 1 / (4 * (2 * alpha + 1)), n = kDraws;
    EXPECT_NEAR(sum / n, 0.5, 4 * std::sqrt(variance / n)) << alpha;
    EXPECT_NEAR(squares / n, variance, 4 * variance * std::sqrt(2 / n)) << alpha;
  }
}

TEST(HostRandom, FieldsSeedsAndStepsDrawApart) {
  const HostRandom a("a"), b("b");
  EXPECT_NE(a.uniform(1, 5), b.uniform(1, 5));
  EXPECT_NE(a.uniform(1, 5), a.uniform(2, 5));
  EXPECT_NE(a.uniform(1, 5), a.uniform(1, 6));
  EXPECT_EQ(a.beta(0.3, 1, 5), HostRandom("a").beta(0.3, 1, 5));
}

} // namespace
} // namespace tailor::runtime
