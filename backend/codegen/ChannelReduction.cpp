#include "backend/codegen/ChannelReduction.h"

#include "ir/Tailor.h"

#include "llvm/ADT/TypeSwitch.h"

namespace tailor::backend {

using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;

namespace {

/// Sum over the images of `term(image)`, in order.
Value sumOverImages(Evaluator& e, Value images, llvm::function_ref<Value(Value)> term) {
  LaneBuilder& b = e.builder();
  Value none = b.constant(b.lanesOf(b.f32()), Evaluator::kEmptySum);
  return e
      .loop(b.index(0), images, 1, none,
            [&](Value image, ValueRange sums) { return SmallVector<Value>{b.add(sums[0], term(image))}; })
      .getResult(0);
}

/// Mean and variance. An image adds up x - p and (x - p)^2, p the mean of its first line: a line has 1 / H of the
/// positions, so its distance from the image's mean makes the second sum at most 1 + H times what it is about the mean,
/// whatever |mean| / deviation is. The images' means and squares combine as in Chan et al. 1983, for equal counts; a mean
/// is kept as p and what is beyond it, because their sum rounds to the precision of |mean|, not of the deviation.
class Statistics final : public ChannelReduction {
public:
  explicit Statistics(ir::BatchNormStatisticsOp op) : op_(op) {}
  mlir::Operation* op() const override { return op_; }
  Value valid() const override { return op_.getValid(); }
  unsigned numStored() const override { return 3; }

  Value prepare(Evaluator&, const Coord&, llvm::function_ref<Value(Value)> firstLineMean) override {
    return firstLineMean(op_.getInput());
  }

  std::array<Value, kSums> step(Evaluator& e, ArrayRef<Coord> at, Value pivot,
                                std::array<Value, kSums> sums) override {
    LaneBuilder& b = e.builder();
    Value d = b.sub(e.at(op_.getInput(), at), pivot);
    return {b.add(sums[0], d), b.fma(d, d, sums[1])};
  }

  SmallVector<Value> ofImage(Evaluator& e, Value pivot, std::array<Value, kSums> sums,
                             int64_t positions) override {
    LaneBuilder& b = e.builder();
    Value beyond = b.div(sums[0], b.constant(pivot.getType(), double(positions)));
    Value squares = b.sub(sums[1], b.mul(sums[0], beyond));
    return {pivot, beyond, b.max(squares, b.zeroLike(squares))};
  }

  SmallVector<Value> combine(Evaluator& e, const Coord&, Value images, int64_t positions,
                             llvm::function_ref<Value(Value, unsigned)> load) override {
    LaneBuilder& b = e.builder();
    mlir::Type type = b.lanesOf(b.f32());
    auto wide = [&](Value integer) { return b.splat(b.toFloat(integer)); };
    Value some = b.max(images, b.index(1)), numImages = wide(some);
    // About the first image's pivot, which a loop reads because there may be none.
    Value first =
        e.loop(b.index(0), b.min(images, b.index(1)), 1, b.constant(type, 0), [&](Value image, ValueRange) {
           return SmallVector<Value>{load(image, 0)};
         }).getResult(0);
    auto apart = [&](Value image) { return b.add(b.sub(load(image, 0), first), load(image, 1)); };
    Value mean = b.div(sumOverImages(e, images, apart), numImages);
    Value between = sumOverImages(e, images, [&](Value image) {
      Value d = b.sub(apart(image), mean);
      return b.mul(d, d);
    });
    Value within = sumOverImages(e, images, [&](Value image) { return load(image, 2); });
    Value squares = b.fma(between, b.constant(type, double(positions)), within);
    return {b.add(first, mean), b.div(squares, wide(b.mul(some, b.index(positions))))};
  }

private:
  mutable ir::BatchNormStatisticsOp op_;
};

/// The sums of dy and of dy (x - mean); inv_std is a factor of the end.
class GradStatistics final : public ChannelReduction {
public:
  explicit GradStatistics(ir::BatchNormGradStatisticsOp op) : op_(op) {}
  mlir::Operation* op() const override { return op_; }
  Value valid() const override { return op_.getValid(); }
  unsigned numStored() const override { return kSums; }

  Value prepare(Evaluator& e, const Coord& channel, llvm::function_ref<Value(Value)>) override {
    return e.at(op_.getMean(), {channel});
  }

  std::array<Value, kSums> step(Evaluator& e, ArrayRef<Coord> at, Value mean,
                                std::array<Value, kSums> sums) override {
    LaneBuilder& b = e.builder();
    Value dy = e.at(op_.getResultGrad(), at);
    return {b.fma(dy, b.sub(e.at(op_.getInput(), at), mean), sums[0]), b.add(sums[1], dy)};
  }

  SmallVector<Value> ofImage(Evaluator&, Value, std::array<Value, kSums> sums, int64_t) override {
    return {sums[0], sums[1]};
  }

  SmallVector<Value> combine(Evaluator& e, const Coord& channel, Value images, int64_t,
                             llvm::function_ref<Value(Value, unsigned)> load) override {
    LaneBuilder& b = e.builder();
    Value scale = sumOverImages(e, images, [&](Value image) { return load(image, 0); });
    Value bias = sumOverImages(e, images, [&](Value image) { return load(image, 1); });
    return {b.mul(scale, e.at(op_.getInvStd(), {channel})), bias};
  }

private:
  mutable ir::BatchNormGradStatisticsOp op_;
};

} // namespace

std::unique_ptr<ChannelReduction> channelReductionOf(mlir::Operation* op) {
  return llvm::TypeSwitch<mlir::Operation*, std::unique_ptr<ChannelReduction>>(op)
      .Case([](ir::BatchNormStatisticsOp found) { return std::make_unique<Statistics>(found); })
      .Case([](ir::BatchNormGradStatisticsOp found) { return std::make_unique<GradStatistics>(found); })
      .Default([](mlir::Operation*) { return nullptr; });
}

} // namespace tailor::backend
