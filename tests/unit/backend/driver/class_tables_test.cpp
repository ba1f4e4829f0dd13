/// A class without rows: every registered table of class counts stays finite, whatever its use.
#include "backend/driver/Evaluate.h"
#include "backend/driver/FrontendServices.h"
#include "frontend/imbalance/class_tables.h"
#include "frontend/ops/elementwise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tailor::backend {
namespace {

using testing::Each;

MATCHER(IsFinite, "") {
  return std::isfinite(arg);
}

const std::vector<std::vector<double>> kCounts{{50, 0, 3}, {0, 0, 7},   {0, 0, 0},
                                               {1, 1, 1},  {1e6, 1, 0}, {12, 30, 0}};

template <class Spec> void expect_finite_tables() {
  ASSERT_FALSE(runtime::Registry<Spec>::specs().empty()) << Spec::kKind;
  for (const auto& [name, spec] : runtime::Registry<Spec>::specs())
    for (const std::vector<double>& counts : kCounts) {
      const std::vector<double> table = spec.make({.counts = Operand(array(counts, {3}))}).eval();
      EXPECT_EQ(table.size(), 3u);
      EXPECT_THAT(table, Each(IsFinite()))
          << Spec::kKind << " '" << name << "' of " << testing::PrintToString(counts);
    }
}

class ClassTables : public testing::Test {
protected:
  static void SetUpTestSuite() { registerFrontendServices(); }
};

TEST_F(ClassTables, WeightsAreFiniteWithoutRows) {
  expect_finite_tables<WeightTable>();
}
TEST_F(ClassTables, AscentTablesAreFiniteWithoutRows) {
  expect_finite_tables<AscentTable>();
}
TEST_F(ClassTables, SmoothingIsFiniteWithoutRows) {
  expect_finite_tables<SmoothingTable>();
}

TEST_F(ClassTables, BiasesAndMarginsAreFiniteWithoutRows) {
  for (const std::vector<double>& counts : kCounts) {
    const Operand n(array(counts, {3}));
    for (const Array& table : {imbalance::log_prior(n, 1.0), imbalance::log_counts(n),
                               imbalance::class_prior(n), imbalance::ldam_margins(n, 0.5)})
      EXPECT_THAT(table.eval(), Each(IsFinite())) << testing::PrintToString(counts);
  }
}

/// A class without rows counts as one row (methods.md 2.2): the weight of a class of one row, not another one.
TEST_F(ClassTables, AClassWithoutRowsWeighsAsOneOfOneRow) {
  for (const auto& [name, spec] : runtime::Registry<WeightTable>::specs())
    EXPECT_EQ(spec.make({.counts = Operand(array({50, 0, 3}, {3}))}).eval(),
              spec.make({.counts = Operand(array({50, 1, 3}, {3}))}).eval())
        << name;
}

} // namespace
} // namespace tailor::backend
