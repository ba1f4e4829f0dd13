/// Forward values against PyTorch in f64 (tests/golden/ops.json, written by tests/golden/record_ops.py).
#include "runtime/base/file.h"
#include "runtime/base/options.h"
#include "tests/conformance/test_program.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tailor::conformance {
namespace {

// Both sides are f64 and sum a few dozen terms in different orders.
constexpr double kTolerance = 1e-13;

TEST(RecordedOps, EqualPyTorch) {
  const std::string path = TAILOR_SOURCE_DIR "/tests/golden/ops.json";
  const auto text = runtime::read_file(path);
  ASSERT_TRUE(text.ok()) << text.status().message();
  const auto recording = runtime::OptionValue::from_json(*text);
  ASSERT_TRUE(recording.ok()) << recording.status().message();
  const std::vector<OpCase> cases = allCases();
  const auto& recorded = *recording->find("cases")->as_table();
  EXPECT_GE(recorded.size(), 60u);
  for (const auto& [name, results] : recorded) {
    SCOPED_TRACE(name);
    const auto found =
        std::find_if(cases.begin(), cases.end(), [&](const OpCase& c) { return c.name == name; });
    if (found == cases.end()) {
      ADD_FAILURE() << "is recorded but no case has this name";
      continue;
    }
    const std::vector<Tensor> computed = runReference(*found);
    const auto& expected = *results.as_list();
    ASSERT_EQ(computed.size(), expected.size()) << "does not run";
    for (size_t r = 0; r < expected.size(); ++r) {
      const auto& values = *expected[r].as_list();
      ASSERT_EQ(computed[r].size(), static_cast<int64_t>(values.size()));
      for (size_t i = 0; i < values.size(); ++i)
        EXPECT_NEAR(computed[r].reals()[i], *values[i].as_number(),
                    kTolerance * (1 + std::abs(*values[i].as_number())))
            << "result " << r << " element " << i;
    }
  }
}

} // namespace
} // namespace tailor::conformance
