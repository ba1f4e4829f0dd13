#include "runtime/data/csv.h"
#include "runtime/data/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace tailor::runtime {
namespace {

double number(std::string_view text) {
  double value = NAN;
  EXPECT_EQ(parse_number(text, value), NumberParse::kOk) << text;
  return value;
}

NumberParse outcome(std::string_view text) {
  double value = 0;
  return parse_number(text, value);
}

TEST(ParseNumber, ReadsTheUsualSpellings) {
  EXPECT_EQ(number("0"), 0.0f);
  EXPECT_TRUE(std::signbit(number("-0")));
  EXPECT_EQ(number("+17"), 17.0f);
  EXPECT_EQ(number("-3.25"), -3.25f);
  EXPECT_EQ(number(".5"), 0.5f);
  EXPECT_EQ(number("5."), 5.0f);
  EXPECT_EQ(number("1e3"), 1000.0f);
  EXPECT_EQ(number("2.5E-3"), 2.5e-3);
  EXPECT_EQ(number("0000123"), 123.0f);
}

TEST(ParseNumber, RefusesWhatIsNotADecimalNumber) {
  for (const char* text : {"", "-", "+", ".", "e5", "1e", "1,5", "1 2", "0x10", "abc", "12a", "--1", "+-1",
                           "1..2", "nan", "1e5.5"})
    EXPECT_EQ(outcome(text), NumberParse::kNotNumber) << text;
  for (const char* text : {"inf", "-inf", "+Infinity", "INF"})
    EXPECT_EQ(outcome(text), NumberParse::kNotFinite) << text;
}

TEST(ParseNumber, TellsTooLargeFromTooSmall) {
  EXPECT_EQ(outcome("3.5e38"), NumberParse::kOutOfRange);
  EXPECT_EQ(outcome("-1e999999"), NumberParse::kOutOfRange);
  EXPECT_EQ(outcome(std::string(400, '9')), NumberParse::kOutOfRange);
  EXPECT_EQ(number("1e-400"), 0.0);
  EXPECT_EQ(number("0." + std::string(400, '0') + "1"), 0.0f);
  EXPECT_EQ(number("3.4028234e38"), 3.4028234e38);
  EXPECT_EQ(number("1e-60"), 1e-60);
}

TEST(ParseNumber, AgreesWithStrtodOnRandomDecimals) {
  DataRandom random(5, DataPurpose::kGenerate);
  for (int i = 0; i < 20000; ++i) {
    char text[64];
    const double scale = std::pow(10.0, static_cast<double>(random.below(16)) - 8);
    std::snprintf(text, sizeof text, "%.*f", static_cast<int>(random.below(9)),
                  (random.uniform() - 0.5) * scale);
    EXPECT_EQ(number(text), std::strtod(text, nullptr)) << text;
  }
}

} // namespace
} // namespace tailor::runtime
