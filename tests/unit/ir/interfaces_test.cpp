// What a pass may ask an op: ids, roles of multi-tensor ops, fusion kinds.

#include "ir/Fusion.h"
#include "ir/OpIds.h"
#include "ir/Tailor.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace tailor::ir;

namespace {

class Interfaces : public testing::Test {
protected:
  Interfaces() : builder_(&context_) {
    context_.loadDialect<TailorDialect>();
    module_ = ModuleOp::create(loc());
    builder_.setInsertionPointToStart(module_->getBody());
  }
  Location loc() { return UnknownLoc::get(&context_); }
  RankedTensorType f32(llvm::ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, builder_.getF32Type());
  }
  Value fill(llvm::ArrayRef<int64_t> shape) { return ConstantOp::create(builder_, loc(), f32(shape), 1.0); }
  Value step() {
    return ConstantOp::create(builder_, loc(), RankedTensorType::get({}, builder_.getI32Type()), 0.0);
  }

  MLIRContext context_;
  OpBuilder builder_;
  OwningOpRef<ModuleOp> module_;
};

/// Values a role stands for.
llvm::SmallVector<Value> valuesOf(ValueRange all, TensorRole role, unsigned count) {
  return llvm::to_vector(all.slice(role.begin, count));
}

TEST_F(Interfaces, RolesAreTheOperandsTheirNamesSay) {
  llvm::SmallVector<Value> w{fill({2, 3}), fill({3})}, g{fill({2, 3}), fill({3})}, m{fill({2, 3}), fill({3})},
      s{fill({2, 3}), fill({3})};
  Value scalar = fill({});
  auto adamw = AdamwUpdateOp::create(builder_, loc(), w, g, m, s, scalar, scalar, scalar, scalar, scalar,
                                     step(), Value(), llvm::ArrayRef<bool>{true, false});
  auto roles = cast<MultiTensorOpInterface>(adamw.getOperation());
  ASSERT_EQ(roles.getNumTensors(), 2u);
  llvm::SmallVector<TensorRole> operands = roles.getOperandRoles();
  ASSERT_EQ(operands.size(), 4u);
  const llvm::SmallVector<Value>* expected[] = {&w, &g, &m, &s};
  for (auto [role, values] : llvm::zip(operands, expected))
    EXPECT_EQ(valuesOf(adamw->getOperands(), role, 2), *values) << role.name.str();
  llvm::SmallVector<TensorRole> results = roles.getResultRoles();
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(valuesOf(adamw->getResults(), results[2], 2),
            llvm::SmallVector<Value>(adamw.getNewSecondMoments().begin(), adamw.getNewSecondMoments().end()));
  EXPECT_TRUE(roles.isDecayed(0));
  EXPECT_FALSE(roles.isDecayed(1));
  EXPECT_EQ(roles.getNumSegments(), 1u);
  EXPECT_EQ(roles.getSegment(1), 0u);
}

TEST_F(Interfaces, AnUpdateSaysThatItIsOne) {
  llvm::SmallVector<Value> w{fill({3})}, g{fill({3})};
  auto sgd = SgdUpdateOp::create(builder_, loc(), w, g, ValueRange(), fill({}), Value(), fill({}), Value(),
                                 llvm::ArrayRef<bool>{true});
  auto ema = EmaUpdateOp::create(builder_, loc(), w, g, fill({}), Value());
  EXPECT_TRUE(cast<MultiTensorOpInterface>(sgd.getOperation()).isParameterUpdate());
  EXPECT_FALSE(cast<MultiTensorOpInterface>(ema.getOperation()).isParameterUpdate());
}

TEST_F(Interfaces, SgdWithoutMomentumHasNoVelocityRole) {
  llvm::SmallVector<Value> w{fill({3})}, g{fill({3})};
  auto sgd = SgdUpdateOp::create(builder_, loc(), w, g, ValueRange(), fill({}), Value(), fill({}), Value(),
                                 llvm::ArrayRef<bool>{true});
  auto roles = cast<MultiTensorOpInterface>(sgd.getOperation());
  EXPECT_EQ(roles.getOperandRoles().size(), 2u);
  EXPECT_EQ(roles.getResultRoles().size(), 1u);
}

TEST_F(Interfaces, IdsOfAGroupAreThoseOfItsOps) {
  Value x = fill({4});
  auto fused = FusedOp::create(builder_, loc(), TypeRange{f32({4})}, FusionKind::Map, ValueRange{x});
  builder_.setInsertionPointToEnd(&fused.getBlock());
  auto relu = ReluOp::create(builder_, loc(), fused.getBlock().getArgument(0));
  auto neg = NegOp::create(builder_, loc(), relu);
  YieldOp::create(builder_, loc(), ValueRange{neg});
  setOpId(relu, 9);
  setOpId(neg, 4);
  setVjpOf(neg, 2);
  EXPECT_EQ(opId(neg), 4);
  EXPECT_EQ(vjpOf(neg), 2);
  EXPECT_EQ(vjpOf(relu), std::nullopt);
  EXPECT_EQ(opId(fused), std::nullopt);
  EXPECT_THAT(tracedOps(fused), testing::ElementsAre(4, 9));
}

// The id of a key is the one that is hashed into it.
TEST_F(Interfaces, KeysCarryTheirIdAsOtherOpsDo) {
  auto words = RankedTensorType::get({4}, builder_.getI32Type());
  Value rng = ConstantOp::create(builder_, loc(), words, 0.0);
  auto key = RngKeyOp::create(builder_, loc(), rng, step(), /*opId=*/17);
  EXPECT_EQ(opId(key), 17);
  setOpId(key, 18);
  EXPECT_EQ(static_cast<int64_t>(key.getOpId()), 18);
}

TEST_F(Interfaces, ReductionsChooseTheirKindByDimension) {
  Value matrix = fill({8, 5}), vector = fill({5}), images = fill({2, 4, 4, 3});
  auto overColumns = ReduceSumOp::create(builder_, loc(), matrix, llvm::ArrayRef<int64_t>{1});
  auto overRows = ReduceSumOp::create(builder_, loc(), matrix, llvm::ArrayRef<int64_t>{0});
  auto overAll = ReduceSumOp::create(builder_, loc(), vector, llvm::ArrayRef<int64_t>{0});
  auto toChannels = ReduceSumOp::create(builder_, loc(), images, llvm::ArrayRef<int64_t>{0, 1, 2});
  auto middle = ReduceSumOp::create(builder_, loc(), images, llvm::ArrayRef<int64_t>{1, 2});
  EXPECT_TRUE(fitsKind(overColumns, FusionKind::Rows) && !fitsKind(overColumns, FusionKind::Columns));
  EXPECT_TRUE(fitsKind(overRows, FusionKind::Columns) && !fitsKind(overRows, FusionKind::Rows));
  EXPECT_TRUE(fitsKind(overAll, FusionKind::Rows) && fitsKind(overAll, FusionKind::Scalar));
  EXPECT_TRUE(fitsKind(toChannels, FusionKind::Columns));
  EXPECT_EQ(fusionClassOf(middle), FusionClass::Other);
  EXPECT_TRUE(fitsKind(middle, FusionKind::Single));
}

TEST_F(Interfaces, ScalarGroupsHoldShortVectorsOnly) {
  auto small = NegOp::create(builder_, loc(), fill({4096}));
  auto large = NegOp::create(builder_, loc(), fill({4097}));
  auto matrix = NegOp::create(builder_, loc(), fill({2, 2}));
  EXPECT_TRUE(fitsKind(small, FusionKind::Scalar));
  EXPECT_FALSE(fitsKind(large, FusionKind::Scalar));
  EXPECT_FALSE(fitsKind(matrix, FusionKind::Scalar));
}

} // namespace
