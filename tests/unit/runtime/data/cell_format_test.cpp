#include "runtime/data/cell_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor::runtime {
namespace {

double read(std::string_view text, NumberFormat format) {
  double value = -1;
  EXPECT_EQ(parse_formatted(text, format, value), NumberParse::kOk) << text;
  return value;
}

NumberParse outcome(std::string_view text, NumberFormat format) {
  double value = 0;
  return parse_formatted(text, format, value);
}

TEST(CellFormat, ReadsDecimalCommasAndGroups) {
  EXPECT_EQ(read("95,85", {',', 0}), 95.85);
  EXPECT_EQ(read("-0,5e-3", {',', 0}), -0.5e-3);
  EXPECT_EQ(read(",5", {',', 0}), 0.5);
  EXPECT_EQ(read("1,234.50", {'.', ','}), 1234.5);
  EXPECT_EQ(read("12,345,678", {'.', ','}), 12345678);
  EXPECT_EQ(read("1234.5", {'.', ','}), 1234.5); // no group at all
  EXPECT_EQ(read("-1.234,5", {',', '.'}), -1234.5);
  EXPECT_EQ(read("1 234,5", {',', ' '}), 1234.5);
  EXPECT_EQ(read("1\xC2\xA0"
                 "234\xE2\x80\xAF"
                 "567,5",
                 {',', ' '}),
            1234567.5);
  EXPECT_EQ(read("1'234.5", {'.', '\''}), 1234.5);
}

TEST(CellFormat, WhatBelongsToAnotherFormatIsNoNumber) {
  for (const char* text :
       {"1,23", "12,34,567", "1,2345", ",123", "1234,567", "1,234,56", "1,,234", "1.2,345", ""})
    EXPECT_EQ(outcome(text, {'.', ','}), NumberParse::kNotNumber) << text;
  for (const char* text : {"1.5", "1,2,3", "1,5e1,5", "1,5x", "0x10", "1 234", "a"})
    EXPECT_EQ(outcome(text, {',', 0}), NumberParse::kNotNumber) << text;
  EXPECT_EQ(outcome("inf", {',', 0}), NumberParse::kNotFinite);
  EXPECT_EQ(outcome("1,5e99", {',', 0}), NumberParse::kOutOfRange);
}

TEST(CellFormat, TakesSignsOff) {
  const auto without = [](std::string_view text, std::string_view sign) {
    std::string buffer;
    return take_sign(text, sign, buffer) ? std::string(text) : "no sign";
  };
  EXPECT_EQ(without("$5", "$"), "5");
  EXPECT_EQ(without("$ 5", "$"), "5");
  EXPECT_EQ(without("5 $", "$"), "5");
  EXPECT_EQ(without("-$5", "$"), "-5");
  EXPECT_EQ(without("$-5", "$"), "-5");
  EXPECT_EQ(without("28%", "%"), "28");
  EXPECT_EQ(without("5\xC2\xA0€", "€"), "5");
  for (const char* text : {"5", "$", "€5", "-$-5"})
    EXPECT_EQ(without(text, "$"), "no sign") << text;
}

TEST(CellFormat, SeesWhatATextCouldBe) {
  const auto formats = [](std::string_view text) {
    std::string list;
    for (std::size_t i = 0; i < kNumberFormats.size(); ++i)
      if (number_shape(text).formats >> i & 1) list += concat(list.empty() ? "" : " ", static_cast<int>(i));
    return list;
  };
  EXPECT_EQ(formats("95,85"), "1 3 4 6");
  EXPECT_EQ(formats("1,234"), "1 2 3 4 6"); // either
  EXPECT_EQ(formats("1,234.50"), "2");
  EXPECT_EQ(formats("1.234,50"), "3");
  EXPECT_EQ(formats("$1,234,567"), "2");
  EXPECT_EQ(number_shape("$1,234,567").sign, "$");
  EXPECT_EQ(number_shape("28 %").sign, "%");
  EXPECT_EQ(number_shape("R$ 5").sign, "R$");
  for (const char* text : {"", "abc", "2020-01-31", "12:30", "v1.2.3", "a1", "1-2", "%"})
    EXPECT_EQ(formats(text), "") << text;
}

TEST(CellFormat, KnowsMarkers) {
  const CellFormat cells;
  for (const char* text : {"", "?", "NA", "nan", "NaN", "NAN"})
    EXPECT_TRUE(cells.is_missing(text)) << text;
  for (const char* text : {"na", "0", "-", "none", "??", "nano"})
    EXPECT_FALSE(cells.is_missing(text)) << text;
  for (const char* text : {"null", "NULL", "None", "n/a", "-", "#N/A", "k.A.", "n.a.", "Not available"})
    EXPECT_TRUE(is_usual_marker(text)) << text;
  for (const char* text : {"0", "no", "red", "nullable"})
    EXPECT_FALSE(is_usual_marker(text)) << text;
}

TEST(CellFormat, WordsOfTheRecipe) {
  EXPECT_EQ(*parse_decimal(","), ',');
  EXPECT_EQ(*parse_thousands(""), '\0');
  EXPECT_EQ(*parse_thousands("'"), '\'');
  EXPECT_FALSE(parse_decimal("comma").ok());
  EXPECT_FALSE(parse_thousands("_").ok());
  for (const char* sign : {"$", "€", "%", "kg", "m/s"})
    EXPECT_TRUE(check_sign(sign).ok()) << sign;
  for (const char* sign : {"", " $", "5", "-", ",", "much too long"})
    EXPECT_FALSE(check_sign(sign).ok()) << sign;
}

} // namespace
} // namespace tailor::runtime
