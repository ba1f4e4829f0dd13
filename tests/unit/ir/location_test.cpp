#include "ir/Location.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace tailor::ir;

TEST(Location, OneLineIsOnePosition) {
  MLIRContext context;
  Location location = sourceLocation(&context, "fraud.toml", 4, 3);
  EXPECT_THAT(sourcePositions(location), testing::ElementsAre(SourcePosition{"fraud.toml", 4, 3}));
  EXPECT_EQ(describe(location), "fraud.toml:4:3");
}

TEST(Location, UnknownIsNoPosition) {
  MLIRContext context;
  EXPECT_TRUE(sourcePositions(UnknownLoc::get(&context)).empty());
  EXPECT_EQ(describe(UnknownLoc::get(&context)), "");
}

// A fused op answers to every line it came from, once each, in order; names and call sites are looked
// through.
TEST(Location, FusedListsEveryLineOnce) {
  MLIRContext context;
  Location a = sourceLocation(&context, "a.toml", 1, 2), b = sourceLocation(&context, "b.cpp", 30, 4);
  Location named = NameLoc::get(StringAttr::get(&context, "loss"), b);
  Location call = CallSiteLoc::get(b, sourceLocation(&context, "c.cpp", 7, 1));
  Location fused = FusedLoc::get(&context, {a, FusedLoc::get(&context, {named, a}), call});
  EXPECT_EQ(describe(fused), "a.toml:1:2; b.cpp:30:4; c.cpp:7:1");
}
