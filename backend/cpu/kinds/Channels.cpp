// Kernels of kind `channels`: reductions over images and their positions, [N, ..., C] -> [C].
//
// A unit is one row of the batch (an image). It adds up its positions, channels along the lanes, into sums of its own;
// combine goes over the images in order. So no bit depends on chunks, and code holds no batch size.

#include "backend/cpu/evaluate/EvaluateOps.h"
#include "backend/cpu/kinds/KernelEmitter.h"

#include "llvm/ADT/TypeSwitch.h"

namespace tailor::backend {

using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

/// Channel vectors times neighbouring positions that are added up at once. With two sums each that is eight chains of
/// additions, whose four cycles of latency two adders hide; with the tables of a fused load they fit 16 registers.
constexpr int64_t kChains = 4;

constexpr double kNone = -0.0; // x + -0 is x for every x

/// One reduction: what an image adds up per channel, and what the images' sums give.
class ChannelReduction {
public:
  virtual ~ChannelReduction() = default;
  virtual mlir::Operation* op() const = 0;
  virtual Value valid() const = 0;
  static constexpr unsigned kSums = 2; ///< per channel
  /// Numbers that an image stores per channel.
  virtual unsigned numStored() const = 0;

  /// Before the positions of an image: a value of the channels that every step may use, or null. `mean(first)` is the
  /// mean of the operand over the last dimension of positions, at the first place of the others.
  virtual Value prepare(Evaluator& e, const Coord& channel,
                        llvm::function_ref<Value(Value)> firstLineMean) = 0;
  /// The sums with one position more.
  virtual std::array<Value, kSums> step(Evaluator& e, ArrayRef<Coord> at, Value prepared,
                                        std::array<Value, kSums> sums) = 0;
  /// What an image of `positions` stores, from its sums.
  virtual SmallVector<Value> ofImage(Evaluator& e, Value prepared, std::array<Value, kSums> sums,
                                     int64_t positions) = 0;
  /// The op's results over `images` (i64, may be 0), whose stored numbers `load(image, which)` reads.
  virtual SmallVector<Value> combine(Evaluator& e, const Coord& channel, Value images, int64_t positions,
                                     llvm::function_ref<Value(Value, unsigned)> load) = 0;
};

/// Sum over the images of `term(image)`, in order.
Value sumOverImages(Evaluator& e, Value images, llvm::function_ref<Value(Value)> term) {
  VectorBuilder& b = e.builder();
  Value none = b.constant(b.vectorOf(b.f32()), kNone);
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
    VectorBuilder& b = e.builder();
    Value d = b.sub(e.at(op_.getInput(), at), pivot);
    return {b.add(sums[0], d), b.fma(d, d, sums[1])};
  }

  SmallVector<Value> ofImage(Evaluator& e, Value pivot, std::array<Value, kSums> sums,
                             int64_t positions) override {
    VectorBuilder& b = e.builder();
    Value beyond = b.div(sums[0], b.constant(pivot.getType(), double(positions)));
    Value squares = b.sub(sums[1], b.mul(sums[0], beyond));
    return {pivot, beyond, b.max(squares, b.zeroLike(squares))};
  }

  SmallVector<Value> combine(Evaluator& e, const Coord&, Value images, int64_t positions,
                             llvm::function_ref<Value(Value, unsigned)> load) override {
    VectorBuilder& b = e.builder();
    mlir::Type type = b.vectorOf(b.f32());
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
    VectorBuilder& b = e.builder();
    Value dy = e.at(op_.getResultGrad(), at);
    return {b.fma(dy, b.sub(e.at(op_.getInput(), at), mean), sums[0]), b.add(sums[1], dy)};
  }

  SmallVector<Value> ofImage(Evaluator&, Value, std::array<Value, kSums> sums, int64_t) override {
    return {sums[0], sums[1]};
  }

  SmallVector<Value> combine(Evaluator& e, const Coord& channel, Value images, int64_t,
                             llvm::function_ref<Value(Value, unsigned)> load) override {
    VectorBuilder& b = e.builder();
    Value scale = sumOverImages(e, images, [&](Value image) { return load(image, 0); });
    Value bias = sumOverImages(e, images, [&](Value image) { return load(image, 1); });
    return {b.mul(scale, e.at(op_.getInvStd(), {channel})), bias};
  }

private:
  mutable ir::BatchNormGradStatisticsOp op_;
};

class ChannelsEmitter {
public:
  explicit ChannelsEmitter(KernelContext& context) : context_(context), kernel_(context.kernel) {
    for (mlir::Operation& op : kernel_.getBlock())
      llvm::TypeSwitch<mlir::Operation*>(&op)
          .Case([&](ir::BatchNormStatisticsOp found) {
            reductions_.push_back(std::make_unique<Statistics>(found));
          })
          .Case([&](ir::BatchNormGradStatisticsOp found) {
            reductions_.push_back(std::make_unique<GradStatistics>(found));
          });
    type_ = tensorTypeOf(reductions_.front()->op()->getOperand(0));
    channels_ = type_.getShape().back();
    for (auto& reduction : reductions_) {
      firstStored_.push_back(numStored_);
      numStored_ += reduction->numStored();
    }
    for (int64_t size : type_.getShape().drop_front().drop_back())
      positions_ *= size;
    positions_ = std::max<int64_t>(positions_, 1); // a divisor; the sums of nothing are 0
  }

  mlir::LogicalResult emit() {
    KernelInfo& info = context_.info;
    info.rows = type_.getDimSize(0);
    info.units = {1, 1};
    info.temporaries.push_back({"partial sums", info.units, uint64_t(imageNumbers()) * sizeof(float)});
    info.combineSymbol = context_.combineSymbol;
    info.combineUnits = {numVectors(), 0};
    info.combinesItself = true;

    KernelFrame frame(context_.module, context_.symbol, kernel_, context_.target);
    VectorBuilder& b = frame.b();
    Evaluator e(b, true);
    Value rows = frame.size(0);
    e.setRows(rows);
    bindOperands(e, frame, kernel_);
    Value partials = frame.buffer(firstExtraSlot(kernel_));
    // Images behind the valid ones of every reduction are not read.
    Value last = frame.end;
    if (Value valid = commonValid()) last = b.min(last, validRows(e, valid, rows));
    e.loop(frame.begin, last, 1, {}, [&](Value image, ValueRange) {
      sumImage(e, image, b.elementPointer(partials, b.f32(), b.mul(image, b.index(imageNumbers()))));
      return SmallVector<Value>();
    });
    Value all = b.bitAnd(b.compare(CmpIPredicate::eq, frame.begin, b.index(0)),
                         b.compare(CmpIPredicate::eq, frame.end, rows));
    b.ifThen(all, [&] { e.region([&] { combine(e, frame, partials, b.index(0), b.index(numVectors())); }); });
    frame.finish();
    if (e.failed()) return mlir::failure();

    KernelFrame tail(context_.module, context_.combineSymbol, kernel_, context_.target);
    Evaluator e2(tail.b(), true);
    e2.setRows(tail.size(0));
    bindOperands(e2, tail, kernel_);
    combine(e2, tail, tail.buffer(firstExtraSlot(kernel_)), tail.begin, tail.end);
    tail.finish();
    return mlir::failure(e2.failed());
  }

private:
  int64_t lanes() const { return context_.target.lanes; }
  int64_t numVectors() const { return (channels_ + lanes() - 1) / lanes(); }
  static constexpr unsigned kSums = ChannelReduction::kSums;
  /// Numbers an image stores: [reduction][which][channel], channels up to whole vectors.
  int64_t imageNumbers() const { return numStored_ * numVectors() * lanes(); }
  int64_t placeOf(size_t reduction, unsigned which) const {
    return (firstStored_[reduction] + which) * numVectors() * lanes();
  }

  Value commonValid() const {
    Value valid = reductions_.front()->valid();
    bool common = llvm::all_of(reductions_, [&](const auto& r) { return r->valid() == valid; });
    return common ? valid : Value();
  }

  /// All channels of one image. Few vectors of channels stay in registers over all positions; of many, a part would be
  /// read in strides that no prefetcher follows (half the rate at 256 channels), so there the sums are in memory, which
  /// is first-level cache, and positions are read as they lie.
  void sumImage(Evaluator& e, Value image, Value partials) {
    Coord row = e.coord(image);
    if (numVectors() > kChains) return sumInMemory(e, row, partials);
    if (numVectors() > 0) sumInRegisters(e, row, partials);
  }

  void forEachVector(Evaluator& e, llvm::function_ref<void(const Coord&)> body) {
    VectorBuilder& b = e.builder();
    int64_t whole = channels_ / lanes() * lanes();
    e.loop(b.index(0), b.index(whole), lanes(), {}, [&](Value first, ValueRange) {
      body(e.laneCoord(first));
      return SmallVector<Value>();
    });
    if (whole < channels_) body(e.laneCoord(b.index(whole), b.prefixMask(channels_ - whole)));
  }

  void sumInMemory(Evaluator& e, const Coord& row, Value partials) {
    VectorBuilder& b = e.builder();
    auto place = [&](const Coord& channel, size_t r, unsigned which) {
      return b.add(channel.index, b.index(placeOf(r, which)));
    };
    auto load = [&](const Coord& channel, size_t r, unsigned which) {
      return b.loadVector(partials, b.f32(), place(channel, r, which));
    };
    // An image's numbers hold its pivot, if it has one, and its sums, until they are what it stores.
    auto firstSum = [&](size_t r) { return reductions_[r]->numStored() - kSums; };
    Value none = b.constant(b.vectorOf(b.f32()), kNone);
    forEachVector(e, [&](const Coord& channel) {
      for (auto [r, reduction] : llvm::enumerate(reductions_)) {
        if (firstSum(r) > 0) b.store(prepare(e, *reduction, row, channel), partials, place(channel, r, 0));
        for (unsigned k = 0; k < kSums; ++k)
          b.store(none, partials, place(channel, r, firstSum(r) + k));
      }
    });
    auto prepared = [&](const Coord& channel, size_t r) {
      return firstSum(r) > 0 ? load(channel, r, 0) : prepare(e, *reductions_[r], row, channel);
    };
    forEachPosition(e, {row}, [&](Coords at) {
      at.push_back({});
      forEachVector(e, [&](const Coord& channel) {
        at.back() = channel;
        for (auto [r, reduction] : llvm::enumerate(reductions_)) {
          std::array<Value, kSums> sums;
          for (unsigned k = 0; k < kSums; ++k)
            sums[k] = load(channel, r, firstSum(r) + k);
          sums = reduction->step(e, at, prepared(channel, r), sums);
          for (unsigned k = 0; k < kSums; ++k)
            b.store(sums[k], partials, place(channel, r, firstSum(r) + k));
        }
      });
    });
    forEachVector(e, [&](const Coord& channel) {
      for (auto [r, reduction] : llvm::enumerate(reductions_)) {
        std::array<Value, kSums> sums;
        for (unsigned k = 0; k < kSums; ++k)
          sums[k] = load(channel, r, firstSum(r) + k);
        for (auto [k, value] : llvm::enumerate(reduction->ofImage(e, prepared(channel, r), sums, positions_)))
          b.store(value, partials, place(channel, r, k));
      }
    });
  }

  /// Positions behind `coords`, in the order of memory.
  void forEachPosition(Evaluator& e, Coords coords, llvm::function_ref<void(Coords)> body) {
    auto dim = static_cast<int64_t>(coords.size());
    if (dim == type_.getRank() - 1) return body(coords);
    VectorBuilder& b = e.builder();
    e.loop(b.index(0), b.index(type_.getDimSize(dim)), 1, {}, [&](Value index, ValueRange) {
      Coords inner = coords;
      inner.push_back(e.coord(index));
      forEachPosition(e, inner, body);
      return SmallVector<Value>();
    });
  }

  Value prepare(Evaluator& e, ChannelReduction& reduction, const Coord& row, const Coord& channel) {
    return reduction.prepare(e, channel,
                             [&](Value operand) { return meanOfFirstLine(e, operand, row, channel); });
  }

  void sumInRegisters(Evaluator& e, const Coord& row, Value partials) {
    VectorBuilder& b = e.builder();
    const int64_t vectors = numVectors();
    Coords channels;
    for (int64_t first = 0; first < channels_; first += lanes())
      channels.push_back(e.laneCoord(
          b.index(first), channels_ - first < lanes() ? b.prefixMask(channels_ - first) : Value()));
    SmallVector<Value> prepared; // [reduction][vector]
    for (auto& reduction : reductions_)
      for (const Coord& channel : channels)
        prepared.push_back(prepare(e, *reduction, row, channel));

    // Sums: [reduction][position of a step][vector][sum].
    int64_t line = type_.getRank() > 2 ? type_.getDimSize(type_.getRank() - 2) : 1;
    int64_t steps = std::max<int64_t>(1, std::min(line, kChains / vectors));
    auto sumAt = [&](size_t r, int64_t u, int64_t v) {
      return ((int64_t(r) * steps + u) * vectors + v) * kSums;
    };
    SmallVector<Value> none(reductions_.size() * steps * vectors * kSums,
                            b.constant(b.vectorOf(b.f32()), kNone));
    auto add = [&](Coords at, int64_t u, llvm::SmallVectorImpl<Value>& sums) {
      at.push_back({});
      for (auto [v, channel] : llvm::enumerate(channels)) {
        at.back() = channel;
        for (auto [r, reduction] : llvm::enumerate(reductions_)) {
          int64_t place = sumAt(r, u, v);
          std::array<Value, kSums> next =
              reduction->step(e, at, prepared[r * vectors + v], {sums[place], sums[place + 1]});
          llvm::copy(next, sums.begin() + place);
        }
      }
    };
    SmallVector<Value> sums = overPositions(e, {row}, steps, none, add);
    for (auto [r, reduction] : llvm::enumerate(reductions_))
      for (auto [v, channel] : llvm::enumerate(channels)) {
        std::array<Value, kSums> total;
        for (unsigned k = 0; k < kSums; ++k) {
          total[k] = sums[sumAt(r, 0, v) + k];
          for (int64_t u = 1; u < steps; ++u)
            total[k] = b.add(total[k], sums[sumAt(r, u, v) + k]);
        }
        for (auto [k, value] :
             llvm::enumerate(reduction->ofImage(e, prepared[r * vectors + v], total, positions_)))
          b.store(value, partials, b.add(channel.index, b.index(placeOf(r, k))));
      }
  }

  using AddPosition = llvm::function_ref<void(Coords, int64_t, llvm::SmallVectorImpl<Value>&)>;

  /// Calls `add(position, u, sums)` for every position behind `coords`; `u` counts the positions of a line modulo
  /// `steps`.
  SmallVector<Value> overPositions(Evaluator& e, Coords coords, int64_t steps, SmallVector<Value> sums,
                                   AddPosition add) {
    VectorBuilder& b = e.builder();
    auto dim = static_cast<int64_t>(coords.size());
    if (dim == type_.getRank() - 1) { // no positions: [N, C]
      add(coords, 0, sums);
      return sums;
    }
    int64_t size = type_.getDimSize(dim);
    if (dim < type_.getRank() - 2) {
      auto loop = e.loop(b.index(0), b.index(size), 1, sums, [&](Value index, ValueRange carried) {
        Coords inner = coords;
        inner.push_back(e.coord(index));
        return overPositions(e, inner, steps, SmallVector<Value>(carried), add);
      });
      return SmallVector<Value>(loop.getResults());
    }
    coords.push_back({});
    int64_t whole = size / steps * steps;
    auto loop = e.loop(b.index(0), b.index(whole), steps, sums, [&](Value index, ValueRange carried) {
      SmallVector<Value> next(carried);
      for (int64_t u = 0; u < steps; ++u) {
        Coords at = coords;
        at.back() = e.coord(b.add(index, b.index(u)));
        add(at, u, next);
      }
      return next;
    });
    sums = SmallVector<Value>(loop.getResults());
    for (int64_t u = 0; whole + u < size; ++u) {
      coords.back() = e.fixedCoord(whole + u);
      add(coords, u, sums);
    }
    return sums;
  }

  Value meanOfFirstLine(Evaluator& e, Value operand, const Coord& row, const Coord& channel) {
    VectorBuilder& b = e.builder();
    int64_t rank = type_.getRank();
    Coords at{row};
    for (int64_t dim = 1; dim < rank - 1; ++dim)
      at.push_back(e.fixedCoord(0));
    at.push_back(channel);
    if (rank == 2) return e.at(operand, at);
    int64_t line = type_.getDimSize(rank - 2);
    Value none = b.constant(b.vectorOf(b.f32()), kNone);
    Value sum = e.loop(b.index(0), b.index(line), 1, none, [&](Value index, ValueRange sums) {
                   at[rank - 2] = e.coord(index);
                   return SmallVector<Value>{b.add(sums[0], e.at(operand, at))};
                 }).getResult(0);
    return b.div(sum, b.constant(sum.getType(), double(std::max<int64_t>(line, 1))));
  }

  /// Channel vectors [from, to): the images' numbers in order, then the results.
  void combine(Evaluator& e, KernelFrame& frame, Value partials, Value from, Value to) {
    VectorBuilder& b = e.builder();
    Value lastVector = b.index(numVectors() - 1);
    SmallVector<Value> pointers;
    for (unsigned i = 0; i < yieldedValues(kernel_).size(); ++i)
      pointers.push_back(frame.buffer(resultSlot(kernel_, i)));
    e.loop(from, to, 1, {}, [&](Value vector, ValueRange) {
      Value first = b.mul(vector, b.index(lanes()));
      Value mask;
      if (int64_t rest = channels_ % lanes())
        mask = b.prefixMask(
            b.select(b.compare(CmpIPredicate::eq, vector, lastVector), b.index(rest), b.index(lanes())));
      Coord channel = e.laneCoord(first, mask);
      for (auto [r, reduction] : llvm::enumerate(reductions_)) {
        auto load = [&, r = r](Value image, unsigned which) {
          Value at = b.add(b.mul(image, b.index(imageNumbers())), b.add(first, b.index(placeOf(r, which))));
          return b.loadVector(partials, b.f32(), at);
        };
        Value images = validRows(e, reduction->valid(), e.rows());
        SmallVector<Value> results = reduction->combine(e, channel, images, positions_, load);
        for (auto [result, value] : llvm::zip_equal(reduction->op()->getResults(), results))
          e.define(result, {channel}, value);
      }
      for (auto [i, yielded] : llvm::enumerate(yieldedValues(kernel_)))
        e.store(e.at(yielded, {channel}), pointers[i], tensorTypeOf(yielded), {channel});
      return SmallVector<Value>();
    });
  }

  KernelContext& context_;
  ir::KernelOp kernel_;
  SmallVector<std::unique_ptr<ChannelReduction>> reductions_;
  RankedTensorType type_;
  SmallVector<int64_t> firstStored_; ///< of each reduction
  int64_t numStored_ = 0, channels_ = 0, positions_ = 1;
};

} // namespace

static mlir::LogicalResult emitChannels(KernelContext& context) {
  return ChannelsEmitter(context).emit();
}

static bool fits(ir::KernelOp kernel) {
  std::optional<ir::FusionClass> single = singleClass(kernel);
  return single ? *single == ir::FusionClass::ChannelReduction : kernel.getKind() == ir::FusionKind::Channels;
}

extern const KernelKind kChannels{"channels", fits, emitChannels};

} // namespace tailor::backend
