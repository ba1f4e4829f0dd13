#include "runtime/train/control_rows.h"

#include "tests/unit/runtime/train/toy_program.h"

#include <cmath>
#include <cstring>
#include <gmock/gmock.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

template <class T>
T field(const Executor& executor, std::uint64_t row, const char* name, std::uint32_t element = 0) {
  const ControlField& f =
      executor.spec().control[static_cast<std::size_t>(find_control(executor.spec(), name))];
  T value;
  std::memcpy(&value, executor.control_row(row) + f.offset + element * sizeof(T), sizeof(T));
  return value;
}

struct Fixture {
  std::unique_ptr<Executor> executor = *make_toy_executor(make_toy_artifact(), {1, 4, 8});
  Options options = executor->spec().options;
  Result<ControlRows> rows() { return ControlRows::create(*executor, options, executor->spec().stages[0]); }
};

TEST(ControlRows, WritesWhatChangesAndKeepsTheRest) {
  Fixture f;
  const Result<ControlRows> rows = f.rows();
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  StepValues values;
  values.valid = 13;
  values.slot = 5;
  values.seed = 0x1122334455667788u;
  values.epoch = 3;
  values.draw_position = 48;
  values.step = 42;
  values.clock = {10, 10, 100}; // warm-up of two epochs, per step
  rows->write(*f.executor, 6, values);
  EXPECT_EQ(field<std::int32_t>(*f.executor, 6, "valid"), 13);
  EXPECT_EQ(field<std::int32_t>(*f.executor, 6, "slot"), 5);
  EXPECT_EQ(field<std::int32_t>(*f.executor, 6, "step"), 42);
  const std::uint32_t rng[4] = {0x55667788u, 0x11223344u, 3, 48};
  for (std::uint32_t i = 0; i < 4; ++i)
    EXPECT_EQ(field<std::uint32_t>(*f.executor, 6, "rng", i), rng[i]);
  EXPECT_EQ(field<float>(*f.executor, 6, "lr"), static_cast<float>(0.3 * 11.0 / 20.0));
  EXPECT_DOUBLE_EQ(rows->learning_rate(values.clock).value(), 0.3 * 11.0 / 20.0);
  EXPECT_EQ(field<float>(*f.executor, 6, "ema_decay"), static_cast<float>(43.0 / 52.0))
      << "(1 + t) / (10 + t)";
  for (std::uint64_t row = 0; row < 4; ++row)
    EXPECT_EQ(field<float>(*f.executor, row, "momentum"), 0.9f) << "constant in every row of the ring";
  EXPECT_EQ(field<std::int32_t>(*f.executor, 5, "valid"), 0) << "another row is not touched";
}

TEST(ControlRows, EmaDecayReachesItsValue) {
  Fixture f;
  StepValues values;
  values.step = 100000;
  const Result<ControlRows> rows = f.rows();
  rows->write(*f.executor, 0, values);
  EXPECT_EQ(field<float>(*f.executor, 0, "ema_decay"), 0.99f);
  f.options.set("method.ema.warmup", OptionValue(false));
  values.step = 0;
  ASSERT_TRUE(f.rows().ok());
  EXPECT_EQ(field<float>(*f.executor, 0, "ema_decay"), 0.99f);
}

TEST(ControlRows, RefusesValuesThatAreNotNumbers) {
  Fixture f;
  f.options.set("optimizer.momentum", OptionValue("heavy"));
  EXPECT_THAT(f.rows().status().message(),
              HasSubstr("control field 'momentum': 'optimizer.momentum' must be a number, not \"heavy\""));
  f.options.set("optimizer.momentum", OptionValue(INFINITY));
  EXPECT_FALSE(f.rows().ok());
}

} // namespace
} // namespace tailor::runtime
