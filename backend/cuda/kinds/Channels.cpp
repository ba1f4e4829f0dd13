// Reductions over images and their positions, [N, ..., C] -> [C]: a warp adds up 32 channels of an image; the last block of those
// channels goes over the images in their order.
#include "backend/codegen/ChannelReduction.h"
#include "backend/codegen/EvaluateOps.h"
#include "backend/cuda/kinds/KernelEmitter.h"
#include "backend/cuda/thread/WarpBuilder.h"

namespace tailor::backend::cuda {

using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

constexpr int64_t kLanes = WarpBuilder::kLanes;

class ChannelsEmitter {
public:
  explicit ChannelsEmitter(KernelContext& context) : context_(context), kernel_(context.kernel) {
    for (mlir::Operation& op : kernel_.getBlock())
      if (auto reduction = channelReductionOf(&op)) {
        firstStored_.push_back(numStored_);
        numStored_ += reduction->numStored();
        reductions_.push_back(std::move(reduction));
      }
    type_ = tensorTypeOf(reductions_.front()->op()->getOperand(0));
    images_ = type_.getDimSize(0);
    channels_ = type_.getShape().back();
    groups_ = (channels_ + kLanes - 1) / kLanes;
    for (int64_t size : type_.getShape().drop_front().drop_back())
      positions_ *= size;
    positions_ = std::max<int64_t>(positions_, 1); // a divisor; the sums of nothing are 0
  }

  mlir::LogicalResult emit() {
    context_.info.temporaries.push_back({"partial sums", uint64_t(images_ * imageNumbers()) * sizeof(float)});
    // A block has eight images of one group of channels.
    constexpr int64_t kImagesOfBlock = kThreads / kLanes;
    const int64_t blocksOfGroup = std::max<int64_t>((images_ + kImagesOfBlock - 1) / kImagesOfBlock, 1);
    const int64_t groups = std::max<int64_t>(groups_, 1);
    mlir::FailureOr<int64_t> blocks = blocksFor(context_, groups * blocksOfGroup * kThreads, kThreads);
    if (mlir::failed(blocks)) return mlir::failure();
    KernelFrame frame(context_, "", *blocks, kThreads);
    WarpBuilder b(frame.opBuilder, frame.loc(), frame.entry(), frame.lane());
    Evaluator e(b, true);
    bindOperands(e, frame, kernel_);
    auto [group, part] = divideWithRest(b, frame.block(), blocksOfGroup);
    Value first = b.mul(b.convert(group, b.i64()), b.index(kLanes)), warp = frame.warp();
    Value image = b.add(b.mul(part, b.constant(b.i32(), kImagesOfBlock)), warp);
    // The same in all lanes of a warp, so that they stay together.
    b.ifThen(b.compare(CmpIPredicate::slt, image, b.constant(b.i32(), double(images_))), [&, first = first] {
      e.region([&] { sumImage(e, frame, e.coord(b.convert(image, b.i64())), first); });
    });
    frame.inLastBlock(e, group, groups, blocksOfGroup, [&, first = first] {
      b.ifThen(b.compare(CmpIPredicate::eq, warp, b.constant(b.i32(), 0)),
               [&] { e.region([&] { combine(e, frame, first); }); });
    });
    frame.finish();
    return mlir::failure(e.failed());
  }

private:
  static constexpr unsigned kSums = ChannelReduction::kSums;
  /// Numbers an image stores: [reduction][which][channel], channels up to whole warps.
  int64_t imageNumbers() const { return numStored_ * groups_ * kLanes; }
  int64_t placeOf(size_t reduction, unsigned which) const {
    return (firstStored_[reduction] + which) * groups_ * kLanes;
  }

  Coord channelCoord(Evaluator& e, Value first) {
    LaneBuilder& b = e.builder();
    return e.laneCoord(first, channels_ % kLanes ? b.prefixMask(b.sub(b.index(channels_), first)) : Value());
  }

  void sumImage(Evaluator& e, KernelFrame& frame, const Coord& row, Value first) {
    LaneBuilder& b = e.builder();
    Coord channel = channelCoord(e, first);
    Value base = b.add(b.mul(row.index, b.index(imageNumbers())), first);
    for (auto [r, reduction] : llvm::enumerate(reductions_)) {
      Value prepared = reduction->prepare(
          e, channel, [&](Value operand) { return meanOfFirstLine(e, operand, row, channel); });
      SmallVector<Value> sums(kSums, b.constant(b.f32(), Evaluator::kEmptySum));
      sums = overPositions(e, *reduction, {row}, channel, prepared, sums);
      for (auto [which, value] :
           llvm::enumerate(reduction->ofImage(e, prepared, {sums[0], sums[1]}, positions_)))
        b.storeLanes(value, frame.temporary(0), b.f32(), b.add(base, b.index(placeOf(r, unsigned(which)))));
    }
  }

  /// `sums` with every position behind `at`. A line is added up by itself: one sum over all positions would have the roundings of all,
  /// which a variance about another line's mean multiplies.
  SmallVector<Value> overPositions(Evaluator& e, ChannelReduction& reduction, Coords at, const Coord& channel,
                                   Value prepared, SmallVector<Value> sums) {
    LaneBuilder& b = e.builder();
    auto dim = static_cast<int64_t>(at.size());
    if (dim == type_.getRank() - 1) {
      at.push_back(channel);
      std::array<Value, kSums> next = reduction.step(e, at, prepared, {sums[0], sums[1]});
      return {next.begin(), next.end()};
    }
    const bool isLine = dim == type_.getRank() - 2;
    SmallVector<Value> from =
        isLine ? SmallVector<Value>(kSums, b.constant(b.f32(), Evaluator::kEmptySum)) : sums;
    auto loop =
        e.loop(b.index(0), b.index(type_.getDimSize(dim)), 1, from, [&](Value index, ValueRange carried) {
          Coords inner = at;
          inner.push_back(e.coord(index));
          return overPositions(e, reduction, inner, channel, prepared, SmallVector<Value>(carried));
        });
    SmallVector<Value> result(loop.getResults());
    if (isLine)
      for (auto [sum, line] : llvm::zip_equal(sums, result))
        line = b.add(sum, line);
    return result;
  }

  Value meanOfFirstLine(Evaluator& e, Value operand, const Coord& row, const Coord& channel) {
    LaneBuilder& b = e.builder();
    int64_t rank = type_.getRank();
    Coords at{row};
    for (int64_t dim = 1; dim < rank - 1; ++dim)
      at.push_back(e.fixedCoord(0));
    at.push_back(channel);
    if (rank == 2) return e.at(operand, at);
    int64_t line = type_.getDimSize(rank - 2);
    Value none = b.constant(b.f32(), Evaluator::kEmptySum);
    Value sum = e.loop(b.index(0), b.index(line), 1, none, [&](Value index, ValueRange sums) {
                   at[rank - 2] = e.coord(index);
                   return SmallVector<Value>{b.add(sums[0], e.at(operand, at))};
                 }).getResult(0);
    return b.div(sum, b.constant(b.f32(), double(std::max<int64_t>(line, 1))));
  }

  void combine(Evaluator& e, KernelFrame& frame, Value first) {
    LaneBuilder& b = e.builder();
    Coord channel = channelCoord(e, first);
    for (auto [r, reduction] : llvm::enumerate(reductions_)) {
      auto load = [&, r = r](Value image, unsigned which) {
        Value at = b.add(b.mul(image, b.index(imageNumbers())), b.add(first, b.index(placeOf(r, which))));
        return b.loadLanes(frame.temporary(0), b.f32(), at);
      };
      Value images = validRows(e, reduction->valid(), b.index(images_));
      SmallVector<Value> results = reduction->combine(e, channel, images, positions_, load);
      for (auto [result, value] : llvm::zip_equal(reduction->op()->getResults(), results))
        e.define(result, {channel}, value);
    }
    for (const ResultGroup& group : groupResults(kernel_))
      storeAt(e, frame, kernel_, group, {channel});
  }

  KernelContext& context_;
  ir::KernelOp kernel_;
  SmallVector<std::unique_ptr<ChannelReduction>> reductions_;
  RankedTensorType type_;
  SmallVector<int64_t> firstStored_; ///< of each reduction
  int64_t numStored_ = 0, images_ = 0, channels_ = 0, groups_ = 0, positions_ = 1;
};

mlir::LogicalResult emit(KernelContext& context) {
  return ChannelsEmitter(context).emit();
}

bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  return single ? *single == ir::FusionClass::ChannelReduction : kernel.getKind() == ir::FusionKind::Channels;
}

} // namespace

extern const KernelKind kChannels{"channels", fits, emit};

} // namespace tailor::backend::cuda
