// Kernels of kind `channels`: reductions over images and their positions, [N, ..., C] -> [C].
//
// A unit is one row of the batch (an image). It adds up its positions, channels along the lanes, into sums of its own;
// combine goes over the images in order. So no bit depends on chunks, and code holds no batch size.

#include "backend/codegen/ChannelReduction.h"
#include "backend/codegen/EvaluateOps.h"
#include "backend/cpu/kinds/KernelEmitter.h"

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

class ChannelsEmitter {
public:
  explicit ChannelsEmitter(KernelContext& context) : context_(context), kernel_(context.kernel) {
    for (mlir::Operation& op : kernel_.getBlock())
      if (auto reduction = channelReductionOf(&op)) reductions_.push_back(std::move(reduction));
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
    LaneBuilder& b = e.builder();
    int64_t whole = channels_ / lanes() * lanes();
    e.loop(b.index(0), b.index(whole), lanes(), {}, [&](Value first, ValueRange) {
      body(e.laneCoord(first));
      return SmallVector<Value>();
    });
    if (whole < channels_) body(e.laneCoord(b.index(whole), b.prefixMask(channels_ - whole)));
  }

  void sumInMemory(Evaluator& e, const Coord& row, Value partials) {
    LaneBuilder& b = e.builder();
    auto place = [&](const Coord& channel, size_t r, unsigned which) {
      return b.add(channel.index, b.index(placeOf(r, which)));
    };
    auto load = [&](const Coord& channel, size_t r, unsigned which) {
      return b.loadLanes(partials, b.f32(), place(channel, r, which));
    };
    // An image's numbers hold its pivot, if it has one, and its sums, until they are what it stores.
    auto firstSum = [&](size_t r) { return reductions_[r]->numStored() - kSums; };
    Value none = b.constant(b.lanesOf(b.f32()), Evaluator::kEmptySum);
    forEachVector(e, [&](const Coord& channel) {
      for (auto [r, reduction] : llvm::enumerate(reductions_)) {
        if (firstSum(r) > 0)
          b.storeLanes(prepare(e, *reduction, row, channel), partials, b.f32(), place(channel, r, 0));
        for (unsigned k = 0; k < kSums; ++k)
          b.storeLanes(none, partials, b.f32(), place(channel, r, firstSum(r) + k));
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
            b.storeLanes(sums[k], partials, b.f32(), place(channel, r, firstSum(r) + k));
        }
      });
    });
    forEachVector(e, [&](const Coord& channel) {
      for (auto [r, reduction] : llvm::enumerate(reductions_)) {
        std::array<Value, kSums> sums;
        for (unsigned k = 0; k < kSums; ++k)
          sums[k] = load(channel, r, firstSum(r) + k);
        for (auto [k, value] : llvm::enumerate(reduction->ofImage(e, prepared(channel, r), sums, positions_)))
          b.storeLanes(value, partials, b.f32(), place(channel, r, k));
      }
    });
  }

  /// Positions behind `coords`, in the order of memory.
  void forEachPosition(Evaluator& e, Coords coords, llvm::function_ref<void(Coords)> body) {
    auto dim = static_cast<int64_t>(coords.size());
    if (dim == type_.getRank() - 1) return body(coords);
    LaneBuilder& b = e.builder();
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
    LaneBuilder& b = e.builder();
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
                            b.constant(b.lanesOf(b.f32()), Evaluator::kEmptySum));
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
          b.storeLanes(value, partials, b.f32(), b.add(channel.index, b.index(placeOf(r, k))));
      }
  }

  using AddPosition = llvm::function_ref<void(Coords, int64_t, llvm::SmallVectorImpl<Value>&)>;

  /// Calls `add(position, u, sums)` for every position behind `coords`; `u` counts the positions of a line modulo
  /// `steps`.
  SmallVector<Value> overPositions(Evaluator& e, Coords coords, int64_t steps, SmallVector<Value> sums,
                                   AddPosition add) {
    LaneBuilder& b = e.builder();
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
    LaneBuilder& b = e.builder();
    int64_t rank = type_.getRank();
    Coords at{row};
    for (int64_t dim = 1; dim < rank - 1; ++dim)
      at.push_back(e.fixedCoord(0));
    at.push_back(channel);
    if (rank == 2) return e.at(operand, at);
    int64_t line = type_.getDimSize(rank - 2);
    Value none = b.constant(b.lanesOf(b.f32()), Evaluator::kEmptySum);
    Value sum = e.loop(b.index(0), b.index(line), 1, none, [&](Value index, ValueRange sums) {
                   at[rank - 2] = e.coord(index);
                   return SmallVector<Value>{b.add(sums[0], e.at(operand, at))};
                 }).getResult(0);
    return b.div(sum, b.constant(sum.getType(), double(std::max<int64_t>(line, 1))));
  }

  /// Channel vectors [from, to): the images' numbers in order, then the results.
  void combine(Evaluator& e, KernelFrame& frame, Value partials, Value from, Value to) {
    LaneBuilder& b = e.builder();
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
          return b.loadLanes(partials, b.f32(), at);
        };
        Value images = validRows(e, reduction->valid(), e.rows());
        SmallVector<Value> results = reduction->combine(e, channel, images, positions_, load);
        for (auto [result, value] : llvm::zip_equal(reduction->op()->getResults(), results))
          e.define(result, {channel}, value);
      }
      // All values before any is stored: a result may lie where an operand does.
      auto yielded = yieldedValues(kernel_);
      SmallVector<Value> values;
      for (Value value : yielded)
        values.push_back(e.at(value, {channel}));
      for (auto [i, value] : llvm::enumerate(values))
        e.store(value, pointers[i], tensorTypeOf(yielded[i]), {channel});
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
