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
  Result<ControlRows> rows() { return ControlRows::create(*executor, options); }
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
  values.slot_updates = 7, values.average_updates = 3;
  rows->write(*f.executor, 6, values);
  EXPECT_EQ(field<std::int32_t>(*f.executor, 6, "valid"), 13);
  EXPECT_EQ(field<std::int32_t>(*f.executor, 6, "slot"), 5);
  EXPECT_EQ(field<std::int32_t>(*f.executor, 6, "step"), 7); // what corrects moments counts their own updates
  const std::uint32_t rng[4] = {0x55667788u, 0x11223344u, 3, 48};
  for (std::uint32_t i = 0; i < 4; ++i)
    EXPECT_EQ(field<std::uint32_t>(*f.executor, 6, "rng", i), rng[i]);
  EXPECT_EQ(field<float>(*f.executor, 6, "lr"), static_cast<float>(0.3 * 11.0 / 20.0));
  EXPECT_DOUBLE_EQ(rows->value_of(find_control(f.executor->spec(), "lr"), values), 0.3 * 11.0 / 20.0);
  EXPECT_EQ(field<float>(*f.executor, 6, "ema_decay"), static_cast<float>(4.0 / 13.0))
      << "(1 + t) / (10 + t)";
  for (std::uint64_t row = 0; row < 4; ++row)
    EXPECT_EQ(field<float>(*f.executor, row, "momentum"), 0.9f) << "constant in every row of the ring";
  EXPECT_EQ(field<std::int32_t>(*f.executor, 5, "valid"), 0) << "another row is not touched";
}

TEST(ControlRows, EmaDecayReachesItsValue) {
  Fixture f;
  StepValues values;
  values.average_updates = 100000;
  const Result<ControlRows> rows = f.rows();
  rows->write(*f.executor, 0, values);
  EXPECT_EQ(field<float>(*f.executor, 0, "ema_decay"), 0.99f);
  f.options.set("method.ema.warmup", OptionValue(false));
  values.average_updates = 0;
  ASSERT_TRUE(f.rows().ok());
  EXPECT_EQ(field<float>(*f.executor, 0, "ema_decay"), 0.99f);
}

/// What a field of the toy program that is bound as `binding` to option control.x holds in the last step of each epoch.
Result<std::vector<double>> by_epoch(FieldBinding binding, OptionValue value, std::int64_t epochs) {
  ToyOptions toy;
  toy.more_fields = {{"x", is_row(binding) ? DType::kI32 : DType::kF32, 1, 60, FieldWriter::kHost, binding,
                      has_key(binding) ? "control.x" : "", 0, ""}};
  toy.more_options.set("control.x", value);
  const std::unique_ptr<Executor> executor = *make_toy_executor(make_toy_artifact(toy), {1, 4, 8});
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const ControlRows rows,
                                ControlRows::create(*executor, executor->spec().options));
  std::vector<double> values;
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    StepValues step;
    step.step = 10 * epoch + 9; // the last of the epoch
    step.clock = {step.step, 10, 10 * epochs};
    rows.write(*executor, 0, step);
    values.push_back(is_row(binding) ? field<std::int32_t>(*executor, 0, "x")
                                     : field<float>(*executor, 0, "x"));
  }
  return values;
}

OptionValue list(std::vector<OptionValue> values) {
  return OptionValue(OptionValue::List(values.begin(), values.end()));
}

TEST(ControlRows, RowsGoUpAtTheirEpochs) {
  using ::testing::ElementsAre;
  EXPECT_THAT(*by_epoch(FieldBinding::kEpochRow, list({2, 4}), 6), ElementsAre(0, 0, 1, 1, 2, 2));
  EXPECT_THAT(*by_epoch(FieldBinding::kEpochRow, 3, 5), ElementsAre(0, 0, 0, 1, 1))
      << "one number is a list of one";
  EXPECT_THAT(*by_epoch(FieldBinding::kFractionRow, list({0.8}), 10),
              ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 1, 1));
  EXPECT_THAT(*by_epoch(FieldBinding::kFractionRow, list({0.5}), 3), ElementsAre(0, 0, 1))
      << "the first whole epoch";
  EXPECT_THAT(*by_epoch(FieldBinding::kEpochRow, list({9}), 3), ElementsAre(0, 0, 0));
  for (std::int64_t epochs = 1; epochs <= 400; ++epochs)
    for (std::int64_t tenths = 0; tenths <= 10; ++tenths)
      EXPECT_EQ(first_epoch_of(static_cast<double>(tenths) / 10, epochs), (tenths * epochs + 9) / 10);
}

TEST(ControlRows, RefusesRowsThatDoNotAscend) {
  for (const OptionValue& wrong : {list({4, 2}), list({2, 2}), list({-1}), list({1.5}), OptionValue("late")})
    EXPECT_THAT(by_epoch(FieldBinding::kEpochRow, wrong, 3).status().message(),
                HasSubstr("must be ascending epochs"));
  EXPECT_THAT(by_epoch(FieldBinding::kFractionRow, list({160}), 3).status().message(),
              HasSubstr("'control.x' must be ascending fractions of the run in [0, 1], not [160]"));
}

TEST(ControlRows, DrawsEveryStepAnew) {
  const std::vector<double> uniform = *by_epoch(FieldBinding::kRandomUniform, 0, 4);
  const std::vector<double> beta = *by_epoch(FieldBinding::kRandomBeta, 0.3, 4);
  const HostRandom random("x");
  for (std::size_t i = 0; i < uniform.size(); ++i) {
    const auto step = static_cast<std::int64_t>(10 * i + 9);
    EXPECT_EQ(uniform[i], random.uniform(0, step));
    EXPECT_EQ(beta[i], double{static_cast<float>(random.beta(0.3, 0, step))});
  }
  for (const double wrong : {0.0, -1.0, HUGE_VAL})
    EXPECT_FALSE(by_epoch(FieldBinding::kRandomBeta, wrong, 1).ok()) << wrong;
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
