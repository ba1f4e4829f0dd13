#include "backend/driver/Evaluate.h"
#include "backend/driver/FrontendServices.h"
#include "frontend/error.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/linear_algebra.h"
#include "frontend/ops/reduction.h"
#include "frontend/ops/shaping.h"

#include <gtest/gtest.h>

namespace tailor::backend {
namespace {

class Evaluation : public ::testing::Test {
protected:
  static void SetUpTestSuite() { registerFrontendServices(); }
};

TEST_F(Evaluation, ComputesWithTheCompilerAndTheExecutor) {
  Array x = array({1, 2, 3, 4}, {2, 2});
  EXPECT_EQ((x * x + 1.0f).eval(), (std::vector<double>{2, 5, 10, 17}));
}

TEST_F(Evaluation, LeavesAreInputsOfOneProgram) {
  // The same structure twice: the second must not see the first one's numbers.
  auto doubled = [](float a, float b) { return (array({a, b}, {2}) * 2.0f).eval(); };
  EXPECT_EQ(doubled(1, 2), (std::vector<double>{2, 4}));
  EXPECT_EQ(doubled(5, -7), (std::vector<double>{10, -14}));
}

TEST_F(Evaluation, ReducesAndMultiplies) {
  Array a = array({1, 2, 3, 4, 5, 6}, {2, 3});
  Array b = array({1, 0, 0, 1, 1, 1}, {3, 2});
  EXPECT_EQ(matmul(a, b).eval(), (std::vector<double>{4, 5, 10, 11}));
  EXPECT_EQ(sum(a).eval(), (std::vector<double>{21}));
}

} // namespace
} // namespace tailor::backend
