#include "runtime/base/byte_size.h"

#include <gtest/gtest.h>

namespace tailor::runtime {
namespace {

TEST(ByteSize, TakesNumbersAndUnits) {
  EXPECT_EQ(*parse_bytes("0"), 0);
  EXPECT_EQ(*parse_bytes("1500"), 1500);
  EXPECT_EQ(*parse_bytes("64B"), 64);
  EXPECT_EQ(*parse_bytes("500MB"), 500'000'000);
  EXPECT_EQ(*parse_bytes("2GiB"), std::int64_t{2} << 30);
  EXPECT_EQ(*parse_bytes("1.5 KiB"), 1536);
}

TEST(ByteSize, RefusesEverythingElse) {
  for (const char* text :
       {"", "GiB", "-1", "+1", "1.5.2", "2 gib", "2Gi", "1e40", "nan", "inf", "0x", "2GiB "})
    EXPECT_FALSE(parse_bytes(text).ok()) << text;
  EXPECT_NE(parse_bytes("4EiB").status().hint().find("KiB, MiB, GiB or TiB"), std::string::npos);
}

} // namespace
} // namespace tailor::runtime
