#include "runtime/data/sampler.h"

#include "data_testing.h"

#include <cmath>
#include <numeric>

namespace tailor::runtime {
namespace {

/// 900 rows of class 0, 90 of class 1, 10 of class 2, none of class 3; interleaved.
std::vector<std::int32_t> labels() {
  std::vector<std::int32_t> values;
  for (int i = 0; i < 1000; ++i)
    values.push_back(i % 100 == 99 ? 2 : i % 10 == 5 && i >= 100 ? 1 : 0);
  return values;
}

const Options kNone;

Result<std::unique_ptr<Sampler>> made(std::string_view name, std::span<const std::int32_t> labels,
                                      std::int32_t num_classes = 4, const Options& options = kNone,
                                      std::int64_t num_epochs = 10) {
  return make_sampler(name, {labels, num_classes, options, [=](std::int64_t) { return num_epochs; }});
}

Options option(const char* key, OptionValue value) {
  Options options;
  options.set(key, std::move(value));
  return options;
}

std::vector<std::int32_t> draw(const Sampler& sampler, std::uint64_t seed, std::int64_t epoch) {
  std::vector<std::int32_t> rows(static_cast<std::size_t>(sampler.epoch_length()), -1);
  sampler.draw_epoch(seed, epoch, rows);
  return rows;
}

std::vector<double> class_shares(const Sampler& sampler, int epochs) {
  const std::vector<std::int32_t> values = labels();
  std::vector<double> shares(4, 0);
  for (int epoch = 0; epoch < epochs; ++epoch)
    for (const std::int32_t row : draw(sampler, 1, epoch))
      shares[static_cast<std::size_t>(values[static_cast<std::size_t>(row)])] += 1;
  for (double& share : shares)
    share /= static_cast<double>(sampler.epoch_length()) * epochs;
  return shares;
}

TEST(Sampler, UniformIsAPermutationOfItsOwnPerEpoch) {
  const auto sampler = value_of(made("uniform", labels()));
  auto rows = draw(*sampler, 1, 0);
  EXPECT_EQ(rows, draw(*sampler, 1, 0));
  EXPECT_NE(rows, draw(*sampler, 1, 1));
  EXPECT_NE(rows, draw(*sampler, 2, 0));
  std::sort(rows.begin(), rows.end());
  std::vector<std::int32_t> all(1000);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(rows, all);
}

TEST(Sampler, WeightedSamplersDrawClassesAsDefined) {
  const std::vector<double> n = {900, 90, 10};
  struct Case {
    const char* name;
    double (*row_weight)(double);
  };
  for (const Case& c :
       {Case{"class_balanced", [](double rows) { return 1 / rows; }},
        Case{"effective_balanced", [](double rows) { return 1e-4 / (1 - std::pow(0.9999, rows)); }},
        Case{"sqrt", [](double rows) { return 1 / std::sqrt(rows); }}}) {
    const auto sampler = value_of(made(c.name, labels()));
    EXPECT_EQ(sampler->epoch_length(), 1000);
    const std::vector<double> shares = class_shares(*sampler, 50);
    double sum = 0;
    for (const double rows : n)
      sum += rows * c.row_weight(rows);
    for (std::size_t k = 0; k < 3; ++k) {
      const double p = n[k] * c.row_weight(n[k]) / sum;
      EXPECT_NEAR(shares[k], p, 5 * std::sqrt(p * (1 - p) / 50000)) << c.name << " class " << k;
    }
    EXPECT_EQ(shares[3], 0);
  }
}

TEST(Sampler, ClassAwareCyclesOverClassesAndRows) {
  const std::vector<std::int32_t> values = labels();
  const auto sampler = value_of(made("class_aware", values));
  EXPECT_EQ(sampler->epoch_length(), 900 * 3); // the empty class is no part of the cycle
  const auto rows = draw(*sampler, 3, 0);
  for (std::size_t i = 0; i + 12 <= rows.size(); i += 12) { // three classes of four rows each
    std::vector<int> seen(4, 0);
    for (std::size_t j = 0; j < 12; ++j)
      ++seen[static_cast<std::size_t>(values[static_cast<std::size_t>(rows[i + j])])];
    EXPECT_EQ(seen, (std::vector<int>{4, 4, 4, 0}));
    for (std::size_t j = 0; j < 12; j += 4)
      EXPECT_EQ(values[static_cast<std::size_t>(rows[i + j])],
                values[static_cast<std::size_t>(rows[i + j + 3])]);
  }
  // Every rare row turns up equally often: 900 draws over 10 rows.
  std::vector<int> times(1000, 0);
  for (const std::int32_t row : rows)
    ++times[static_cast<std::size_t>(row)];
  for (std::size_t row = 0; row < 1000; ++row)
    if (values[row] == 2) {
      EXPECT_EQ(times[row], 90);
    }
}

TEST(Sampler, SequentialIsInOrder) {
  const auto sampler = make_sequential_sampler(3);
  EXPECT_EQ(draw(*sampler, 5, 9), (std::vector<std::int32_t>{0, 1, 2}));
}

TEST(Sampler, KeysOfASamplerReachIt) {
  const auto runs = value_of(made("class_aware", labels(), 4, option("data.sampler_run", 2)));
  const std::vector<std::int32_t> values = labels(), rows = draw(*runs, 3, 0);
  const auto label = [&](std::size_t i) { return values[static_cast<std::size_t>(rows[i])]; };
  EXPECT_EQ(label(0), label(1));
  EXPECT_NE(label(1), label(2)); // three classes in turn
  const auto flat = value_of(made("effective_balanced", labels(), 4, option("data.sampler_beta", 0.0)));
  EXPECT_NEAR(class_shares(*flat, 50)[0], 0.9, 0.01); // beta 0: every row alike
}

// methods.md 2.6: of 10 epochs the first 8 are uniform.
TEST(Sampler, DeferredIsUniformFirst) {
  const auto uniform = value_of(made("uniform", labels())),
             balanced = value_of(made("class_balanced", labels()));
  const auto sampler = value_of(made("deferred", labels()));
  EXPECT_EQ(draw(*sampler, 5, 0), draw(*uniform, 5, 0));
  EXPECT_EQ(draw(*sampler, 5, 7), draw(*uniform, 5, 7));
  EXPECT_EQ(draw(*sampler, 5, 8), draw(*balanced, 5, 8));
  EXPECT_EQ(draw(*sampler, 5, 9), draw(*balanced, 5, 9));
  EXPECT_EQ(sampler->note(), "");
}

// Epochs count over the whole run, the switch within the stage.
TEST(Sampler, DeferredBeginsWithItsStage) {
  const auto uniform = value_of(made("uniform", labels())),
             balanced = value_of(made("class_balanced", labels()));
  const std::vector<std::int32_t> rows = labels();
  const Options options;
  const auto sampler =
      value_of(make_sampler("deferred", {rows, 4, options, [](std::int64_t) { return 10; }, 20}));
  EXPECT_EQ(draw(*sampler, 5, 20), draw(*uniform, 5, 20));
  EXPECT_EQ(draw(*sampler, 5, 27), draw(*uniform, 5, 27));
  EXPECT_EQ(draw(*sampler, 5, 28), draw(*balanced, 5, 28));
}

TEST(Sampler, DeferredSwitchesWhereAndToWhatItsKeysSay) {
  Options options = option("data.sampler_from", 2);
  options.set("data.sampler_then", "class_aware");
  const auto uniform = value_of(made("uniform", labels())), aware = value_of(made("class_aware", labels()));
  const auto sampler = value_of(made("deferred", labels(), 4, options));
  EXPECT_EQ(draw(*sampler, 5, 1), draw(*uniform, 5, 1));
  const std::vector<std::int32_t> late = draw(*sampler, 5, 2), whole = draw(*aware, 5, 2);
  EXPECT_EQ(late, std::vector<std::int32_t>(whole.begin(), whole.begin() + 1000)); // of 2700
  options.set("data.sampler_from", 10);
  EXPECT_EQ(value_of(made("deferred", labels(), 4, options))->note(),
            "data.sampler_from is 10 in a run of 10 epochs: every one draws uniformly");
  EXPECT_THAT(made("deferred", labels(), 4, option("data.sampler_then", "deferred")).status().message(),
              testing::HasSubstr("data.sampler_then is \"deferred\" too"));
  EXPECT_THAT(made("deferred", labels(), 4, option("data.sampler_then", "balanced")).status().message(),
              testing::HasSubstr("class_balanced"));
}

TEST(Sampler, RefusesWhatItCannotDraw) {
  const std::vector<std::int32_t> none, beyond = {0, 2}, one_class(10, 1);
  EXPECT_FALSE(made("uniform", none, 2).ok());
  EXPECT_FALSE(made("uniform", beyond, 2).ok());
  EXPECT_FALSE(made("effective_balanced", labels(), 4, option("data.sampler_beta", 1)).ok());
  EXPECT_FALSE(made("class_aware", labels(), 4, option("data.sampler_run", 0)).ok());
  EXPECT_THAT(made("balanced", labels()).status().message(), testing::HasSubstr("class_balanced"));
  const Status status = made("class_aware", one_class, 2).status();
  EXPECT_THAT(status.message(), testing::HasSubstr("has rows of 1 class of 2"));
  EXPECT_THAT(status.hint(), testing::HasSubstr("\"uniform\""));
  EXPECT_EQ(status.key(), "data.sampler");
}

} // namespace
} // namespace tailor::runtime
