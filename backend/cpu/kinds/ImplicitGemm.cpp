// Forward and data gradient of any convolution as a matrix product whose left side is never written down.
//
//   target[t, n] = sum over taps and source channels k of source[t + tap, k] * packed[tap, k, n]
//
// A register tile of P neighbouring pixels x V vectors of target channels stays in registers over the whole sum; the
// source comes as scalar broadcasts straight from NHWC, the weights as vector loads from panels [tap][k][V vectors] that
// `prepare` packs once a launch. Taps in the padding are skipped: rows by run-time bounds, columns by tiles of their own
// at the edges. Sums ascend in (tap row, tap column, channel), so a pixel's bits do not depend on its tile.

#include "backend/cpu/kinds/Convolution.h"
#include "backend/cpu/kinds/ConvolutionTaps.h"

#include <tuple>

namespace tailor::backend {

using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

/// Forward or data gradient as a gather, and how it is cut into tiles.
struct GatherPlan {
  SmallVector<TapAxis> rows, columns;                         ///< one per residue of the target
  int64_t groups = 1, sourceChannels = 0, targetChannels = 0; ///< channels per group
  std::array<int64_t, 2> sourceSize{}, targetSize{};
  bool flat = false; ///< a 1 x 1 convolution whose image is one row of pixels

  unsigned pixels = 8, vectors = 2; ///< of the register tile
  int64_t panels = 1;               ///< of `vectors` vectors per group
  int64_t imagesPerUnit = 1;
};

/// True if a value depends on its pixel by what the operands hold there, never by the pixel's row and column.
bool isSameAtEveryPixel(mlir::Operation& op) {
  if (mlir::isa<ir::ConstantOp>(op)) return true; // one number; a table is an operand
  if (auto broadcast = mlir::dyn_cast<ir::BroadcastOp>(op)) {
    int64_t channel = tensorTypeOf(broadcast.getResult()).getRank() - 1;
    return llvm::all_of(broadcast.getDims(), [&](int64_t dim) { return dim == 0 || dim == channel; });
  }
  ir::FusionClass fusionClass = ir::fusionClassOf(&op);
  return fusionClass == ir::FusionClass::Elementwise || fusionClass == ir::FusionClass::ChannelMap;
}

/// The kernel computes pixel by pixel, whatever row they are in, so that all pixels of an image may be one row.
bool pixelsMayJoin(ir::KernelOp kernel, const ConvolutionOp& conv) {
  return llvm::all_of(kernel.getBlock().without_terminator(),
                      [&](mlir::Operation& op) { return &op == conv.op || isSameAtEveryPixel(op); });
}

GatherPlan planGather(ir::KernelOp kernel, const ConvolutionOp& conv, const CpuTarget& target) {
  const ConvolutionProblem& p = conv.problem;
  bool forward = p.product == ConvolutionProduct::forward;
  GatherPlan plan;
  plan.groups = p.groups;
  plan.sourceChannels = forward ? p.groupChannels() : p.groupOutputs();
  plan.targetChannels = forward ? p.groupOutputs() : p.groupChannels();
  plan.sourceSize = forward ? p.image : p.output;
  plan.targetSize = forward ? p.output : p.image;
  plan.flat = p.taps() == 1 && p.image == p.output && p.strides == std::array<int64_t, 2>{1, 1} &&
              p.paddingLow == std::array<int64_t, 2>{} && pixelsMayJoin(kernel, conv);
  if (plan.flat) {
    plan.sourceSize = {1, plan.sourceSize[0] * plan.sourceSize[1]};
    plan.targetSize = plan.sourceSize;
  }
  for (int axis = 0; axis < 2; ++axis) {
    SmallVector<TapAxis>& axes = axis == 0 ? plan.rows : plan.columns;
    if (forward)
      axes.push_back(forwardTaps(plan.sourceSize[axis], plan.targetSize[axis], p.kernel[axis],
                                 p.strides[axis], p.paddingLow[axis], p.dilation[axis]));
    else
      axes = dataGradientTaps(plan.sourceSize[axis], plan.targetSize[axis], p.kernel[axis], p.strides[axis],
                              p.paddingLow[axis], p.dilation[axis]);
  }

  // 16 accumulators of 32 registers, or 12 of 16: at least twice what hides the latency of a multiply-add. Rows shorter
  // than the tile get more vectors instead.
  bool wide = target.registers >= 32;
  int64_t vectors = std::max<int64_t>(1, ceilDiv(plan.targetChannels, target.lanes));
  int64_t longest = 1;
  for (const TapAxis& column : plan.columns)
    if (column.taps > 0) longest = std::max(longest, column.count);
  plan.vectors = static_cast<unsigned>(std::min<int64_t>(vectors, longest <= 2 ? 4 : longest == 3 ? 3 : 2));
  int64_t most = plan.vectors == 1 ? (wide ? 8 : 10) : (wide ? 8 : 6);
  plan.pixels = static_cast<unsigned>(ceilDiv(longest, ceilDiv(longest, most)));
  plan.panels = ceilDiv(vectors, plan.vectors);
  // Weights beyond what a core's own cache keeps are read from afar once per unit: several images share that. Images
  // are not so many that three threads would wait for each other.
  constexpr int64_t kKeptBytes = 512 << 10, kMostImages = 8;
  plan.imagesPerUnit =
      std::clamp<int64_t>(ceilDiv(p.weights() * int64_t(sizeof(float)), kKeptBytes), 1, kMostImages);
  return plan;
}

class Gather {
public:
  Gather(KernelContext& context, const ConvolutionOp& conv)
      : context_(context), conv_(conv), plan_(planGather(context.kernel, conv, context.target)),
        lanes_(context.target.lanes),
        source_(conv.problem.product == ConvolutionProduct::forward ? conv.image() : conv.outputGrad()) {
    for (const TapAxis& row : plan_.rows)
      for (const TapAxis& column : plan_.columns) {
        pairs_.push_back({&row, &column, taps_});
        taps_ += row.taps * column.taps;
      }
  }

  mlir::LogicalResult emit() {
    KernelInfo& info = context_.info;
    info.rows = tensorTypeOf(source_).getDimSize(0);
    info.units = {1, plan_.imagesPerUnit};
    info.prepareSymbol = context_.prepareSymbol;
    info.prepareUnits = {plan_.groups * plan_.panels, 0};
    uint64_t packedBytes =
        static_cast<uint64_t>(plan_.groups * plan_.panels * panelElements()) * sizeof(float);
    info.temporaries.push_back({"packed weights", {}, packedBytes});
    info.prepareBytes = packedBytes + static_cast<uint64_t>(conv_.problem.weights()) * sizeof(float);
    if (!isInMemory(source_))
      info.scratchBytes = static_cast<uint64_t>(plan_.imagesPerUnit * imageElements(source_)) * sizeof(float);
    if (mlir::failed(emitLaunch())) return mlir::failure();
    return emitPrepare();
  }

private:
  /// Target pixels of one residue of the rows and one of the columns, and where their taps are packed.
  struct Pair {
    const TapAxis *row, *column;
    int64_t firstTap;
  };

  int64_t width() const { return int64_t(plan_.vectors) * lanes_; }
  int64_t panelElements() const { return taps_ * plan_.sourceChannels * width(); }
  int64_t sourcePixel() const { return plan_.groups * plan_.sourceChannels; }

  // --- launch

  mlir::LogicalResult emitLaunch() {
    KernelFrame frame(context_.module, context_.symbol, context_.kernel, context_.target);
    VectorBuilder& b = frame.b();
    Evaluator e(b, true);
    frame_ = &frame, b_ = &b, e_ = &e;
    bindOperands(e, frame, context_.kernel);
    Value packed = frame.buffer(firstExtraSlot(context_.kernel));
    Value scratch = isInMemory(source_) ? Value() : frame.buffer(firstExtraSlot(context_.kernel) + 1);
    Value images = frame.size(0);
    auto none = [] { return SmallVector<Value>(); };
    e.loop(frame.begin, frame.end, 1, {}, [&](Value unit, ValueRange) {
      Value from = b.mul(unit, b.index(plan_.imagesPerUnit));
      Value to = b.min(b.add(from, b.index(plan_.imagesPerUnit)), images);
      auto panelOf = [&](Value n) {
        return b.elementPointer(scratch, b.f32(), b.mul(b.sub(n, from), b.index(imageElements(source_))));
      };
      if (scratch)
        e.loop(from, to, 1, {}, [&](Value n, ValueRange) {
          imagePointer(e, frame, source_, n, panelOf(n));
          return none();
        });
      e.loop(b.index(0), b.index(plan_.groups), 1, {}, [&](Value group, ValueRange) {
        int64_t fullPanels = plan_.targetChannels / width();
        Value first = b.mul(group, b.index(plan_.panels));
        auto panel = [&](Value number, unsigned vectors, int64_t lastLanes) {
          Value weights =
              b.elementPointer(packed, b.f32(), b.mul(b.add(first, number), b.index(panelElements())));
          Value base = b.add(b.mul(group, b.index(plan_.targetChannels)), b.mul(number, b.index(width())));
          SmallVector<Coord, 4> channels;
          for (unsigned v = 0; v < vectors; ++v)
            channels.push_back(
                e.laneCoord(b.add(base, b.index(int64_t(v) * lanes_)),
                            v + 1 == vectors && lastLanes < lanes_ ? b.prefixMask(lastLanes) : Value()));
          e.loop(from, to, 1, {}, [&](Value n, ValueRange) {
            Value image = scratch ? panelOf(n) : imagePointer(e, frame, source_, n, {});
            image = b.elementPointer(image, b.f32(), b.mul(group, b.index(plan_.sourceChannels)));
            Coord at = e.coord(n);
            for (const Pair& pair : pairs_)
              emitPair(pair, image, weights, at, channels);
            return none();
          });
        };
        if (fullPanels > 0)
          e.loop(b.index(0), b.index(fullPanels), 1, {}, [&](Value number, ValueRange) {
            panel(number, plan_.vectors, lanes_);
            return none();
          });
        if (int64_t rest = plan_.targetChannels % width())
          panel(b.index(fullPanels), static_cast<unsigned>(ceilDiv(rest, lanes_)),
                rest % lanes_ ? rest % lanes_ : lanes_);
        return none();
      });
      return none();
    });
    frame.finish();
    return mlir::failure(e.failed());
  }

  /// All pixels of one pair of residues in one image and panel.
  void emitPair(const Pair& pair, Value image, Value weights, const Coord& n,
                llvm::ArrayRef<Coord> channels) {
    const TapAxis &row = *pair.row, &column = *pair.column;
    VectorBuilder& b = *b_;
    auto none = [] { return SmallVector<Value>(); };
    e_->loop(b.index(0), b.index(row.count), 1, {}, [&](Value ty, ValueRange) {
      Coord y = e_->coord(targetPosition(b, row, ty));
      if (row.taps == 0 || column.taps == 0) { // the stride steps over these pixels
        e_->loop(b.index(0), b.index(column.count), 1, {}, [&](Value tx, ValueRange) {
          Coord x = e_->coord(targetPosition(b, column, tx));
          for (const Coord& channel : channels)
            storeConvolution(*e_, *frame_, context_.kernel, conv_, {n, y, x, channel},
                             b.constant(b.lanesOf(b.f32()), 0));
          return none();
        });
        return none();
      }
      Rows rows = rowsOf(pair, ty, image, weights);
      forEachTile(
          *e_, column, plan_.pixels, [&](const TapTile& tile) { emitTile(pair, rows, tile, n, y, channels); },
          [&](Value tx) { emitPixel(pair, rows, tx, n, y, channels); });
      return none();
    });
  }

  /// The rows of the source that the taps of one target row read.
  struct Rows {
    Value from, to; ///< taps
    Value source;   ///< of tap row 0, column 0; may lie outside of the image
    Value weights;  ///< of tap row 0
    int64_t sourceStep, weightStep;
  };

  Rows rowsOf(const Pair& pair, Value ty, Value image, Value weights) {
    VectorBuilder& b = *b_;
    Rows rows;
    int64_t rowElements = plan_.sourceSize[1] * sourcePixel();
    std::tie(rows.from, rows.to) = tapRange(b, *pair.row, ty);
    rows.source = b.mul(sourceStart(b, *pair.row, ty), b.index(rowElements));
    rows.source = b.elementPointer(image, b.f32(), rows.source);
    rows.sourceStep = pair.row->step * rowElements;
    rows.weights =
        b.elementPointer(weights, b.f32(), b.index(pair.firstTap * plan_.sourceChannels * width()));
    rows.weightStep = pair.column->taps * plan_.sourceChannels * width();
    return rows;
  }

  /// Pixels x vectors sums over all taps, then their stores.
  void emitTile(const Pair& pair, const Rows& rows, const TapTile& tile, const Coord& n, const Coord& y,
                llvm::ArrayRef<Coord> channels) {
    VectorBuilder& b = *b_;
    const TapAxis& column = *pair.column;
    unsigned vectors = channels.size();
    int64_t k = plan_.sourceChannels;
    prefetchStores(column, tile, n, y, channels);
    Value start = b.mul(sourceStart(b, column, tile.position), b.index(sourcePixel()));
    SmallVector<Value> sums = zeros(tile.pixels * vectors);
    SmallVector<bool> all(tile.pixels, true);
    auto loop = b.loop(rows.from, rows.to, 1, sums, [&](Value tap, ValueRange carried) {
      Value source =
          b.elementPointer(rows.source, b.f32(), b.add(start, b.mul(tap, b.index(rows.sourceStep))));
      Value weights = b.elementPointer(rows.weights, b.f32(), b.mul(tap, b.index(rows.weightStep)));
      SmallVector<Value> sums(carried);
      if (tile.fixed < 0 && column.step == 1 && plan_.groups == 1) {
        // The taps of a row are neighbours in memory: one sum over tap columns and channels.
        addProducts(sums, source, weights, column.taps * k, all, vectors);
      } else if (tile.fixed < 0) {
        auto taps = b.loop(b.index(0), b.index(column.taps), 1, sums, [&](Value tap, ValueRange carried) {
          SmallVector<Value> sums(carried);
          addProducts(sums,
                      b.elementPointer(source, b.f32(), b.mul(tap, b.index(column.step * sourcePixel()))),
                      b.elementPointer(weights, b.f32(), b.mul(tap, b.index(k * width()))), k, all, vectors);
          return sums;
        });
        sums.assign(taps.getResults().begin(), taps.getResults().end());
      } else {
        for (int64_t tap = 0; tap < column.taps; ++tap) {
          SmallVector<bool> reads;
          for (unsigned i = 0; i < tile.pixels; ++i)
            reads.push_back(tile.reads(column, i, tap));
          addProducts(sums, b.elementPointer(source, b.f32(), b.index(tap * column.step * sourcePixel())),
                      b.elementPointer(weights, b.f32(), b.index(tap * k * width())), k, reads, vectors);
        }
      }
      return sums;
    });
    storeSums(column, tile, n, y, channels, loop.getResults());
  }

  /// One pixel with the bounds of its taps found at run time.
  void emitPixel(const Pair& pair, const Rows& rows, Value tx, const Coord& n, const Coord& y,
                 llvm::ArrayRef<Coord> channels) {
    VectorBuilder& b = *b_;
    const TapAxis& column = *pair.column;
    int64_t k = plan_.sourceChannels;
    auto [from, to] = tapRange(b, column, tx);
    Value start = b.mul(sourceStart(b, column, tx), b.index(sourcePixel()));
    Value first = from, last = to;
    auto loop = b.loop(rows.from, rows.to, 1, zeros(channels.size()), [&](Value tapRow, ValueRange carried) {
      auto taps = b.loop(first, last, 1, carried, [&](Value tap, ValueRange carried) {
        SmallVector<Value> sums(carried);
        Value at = b.add(start, b.add(b.mul(tapRow, b.index(rows.sourceStep)),
                                      b.mul(tap, b.index(column.step * sourcePixel()))));
        Value weight = b.add(b.mul(tapRow, b.index(rows.weightStep)), b.mul(tap, b.index(k * width())));
        addProducts(sums, b.elementPointer(rows.source, b.f32(), at),
                    b.elementPointer(rows.weights, b.f32(), weight), k, {true}, channels.size());
        return sums;
      });
      return SmallVector<Value>(taps.getResults());
    });
    storeSums(column, {tx, -1, 1}, n, y, channels, loop.getResults());
  }

  SmallVector<Value> zeros(size_t count) {
    return SmallVector<Value>(count, b_->constant(b_->lanesOf(b_->f32()), 0));
  }

  /// sums[i, v] += source[i * pixel + q] * weights[q, v] for q < depth, of the pixels that read.
  void addProducts(SmallVector<Value>& sums, Value source, Value weights, int64_t depth,
                   llvm::ArrayRef<bool> reads, unsigned vectors) {
    if (llvm::none_of(reads, [](bool reads) { return reads; })) return;
    VectorBuilder& b = *b_;
    // Enough steps to hide the counting, few enough to stay in the decoded instructions.
    int64_t unroll = depth % 4 == 0 ? 4 : depth % 3 == 0 ? 3 : depth % 2 == 0 ? 2 : 1;
    int64_t pixel = plan_.columns.front().sourceStride * sourcePixel();
    SmallVector<Value> carried(sums);
    carried.push_back(source);
    carried.push_back(weights);
    auto loop = b.loop(b.index(0), b.index(depth), unroll, carried, [&](Value, ValueRange args) {
      SmallVector<Value> next(args);
      Value from = args[sums.size()], panel = args[sums.size() + 1];
      for (int64_t q = 0; q < unroll; ++q) {
        SmallVector<Value> row;
        for (unsigned v = 0; v < vectors; ++v)
          row.push_back(b.loadLanes(panel, b.f32(), b.index(q * width() + int64_t(v) * lanes_)));
        for (unsigned i = 0; i < reads.size(); ++i) {
          if (!reads[i]) continue;
          Value broadcast = b.splat(b.load(from, b.f32(), b.index(int64_t(i) * pixel + q)));
          for (unsigned v = 0; v < vectors; ++v)
            next[i * vectors + v] = b.fma(broadcast, row[v], next[i * vectors + v]);
        }
      }
      next[sums.size()] = b.elementPointer(from, b.f32(), b.index(unroll));
      next[sums.size() + 1] = b.elementPointer(panel, b.f32(), b.index(unroll * width()));
      return next;
    });
    for (size_t i = 0; i < sums.size(); ++i)
      sums[i] = loop.getResult(i);
  }

  /// What the stores of a tile touch arrives while its sums are computed.
  void prefetchStores(const TapAxis& column, const TapTile& tile, const Coord& n, const Coord& y,
                      llvm::ArrayRef<Coord> channels) {
    VectorBuilder& b = *b_;
    for (unsigned i = 0; i < tile.pixels; ++i) {
      Coord x = e_->coord(targetPosition(b, column, b.add(tile.position, b.index(i))));
      for (const Coord& channel : channels)
        prefetchConvolution(*e_, *frame_, context_.kernel, conv_, {n, y, x, channel});
    }
  }

  void storeSums(const TapAxis& column, const TapTile& tile, const Coord& n, const Coord& y,
                 llvm::ArrayRef<Coord> channels, ValueRange sums) {
    VectorBuilder& b = *b_;
    for (unsigned i = 0; i < tile.pixels; ++i) {
      Coord x = e_->coord(targetPosition(b, column, b.add(tile.position, b.index(i))));
      for (auto [v, channel] : llvm::enumerate(channels))
        storeConvolution(*e_, *frame_, context_.kernel, conv_, {n, y, x, channel},
                         sums[i * channels.size() + v]);
    }
  }

  // --- prepare

  /// packed[group, panel][pair, tap row, tap column][source channel][vector], zero behind the last target channel.
  mlir::LogicalResult emitPrepare() {
    KernelFrame frame(context_.module, context_.prepareSymbol, context_.kernel, context_.target);
    VectorBuilder& b = frame.b();
    Evaluator e(b, true);
    bindOperands(e, frame, context_.kernel);
    bool forward = conv_.problem.product == ConvolutionProduct::forward;
    Value packed = frame.buffer(firstExtraSlot(context_.kernel));
    auto none = [] { return SmallVector<Value>(); };
    bool ragged = plan_.targetChannels % width() != 0;
    e.loop(frame.begin, frame.end, 1, {}, [&](Value unit, ValueRange) {
      Value group = divideDown(b, unit, plan_.panels);
      Value panel = b.sub(unit, b.mul(group, b.index(plan_.panels)));
      Value first = b.mul(panel, b.index(width()));
      Value target = b.elementPointer(packed, b.f32(), b.mul(unit, b.index(panelElements())));
      for (const Pair& pair : pairs_) {
        const TapAxis &row = *pair.row, &column = *pair.column;
        e.loop(b.index(0), b.index(row.taps), 1, {}, [&](Value tapRow, ValueRange) {
          Coord ky = e.coord(kernelPosition(b, row, tapRow));
          e.loop(b.index(0), b.index(column.taps), 1, {}, [&](Value tap, ValueRange) {
            Coord kx = e.coord(kernelPosition(b, column, tap));
            Value place = b.add(b.add(b.mul(tapRow, b.index(column.taps)), tap), b.index(pair.firstTap));
            e.loop(b.index(0), b.index(plan_.sourceChannels), 1, {}, [&](Value k, ValueRange) {
              Value at = b.mul(b.add(b.mul(place, b.index(plan_.sourceChannels)), k), b.index(width()));
              for (unsigned v = 0; v < plan_.vectors; ++v) {
                Value channel = b.add(first, b.index(int64_t(v) * lanes_));
                Value mask = ragged ? b.prefixMask(b.sub(b.index(plan_.targetChannels), channel)) : Value();
                // OIHW: forward lanes are outputs of the group, those of the data gradient its inputs.
                Coords weight =
                    forward ? Coords{e.laneCoord(b.add(b.mul(group, b.index(plan_.targetChannels)), channel),
                                                 mask),
                                     e.coord(k), ky, kx}
                            : Coords{e.coord(b.add(b.mul(group, b.index(plan_.sourceChannels)), k)),
                                     e.laneCoord(channel, mask), ky, kx};
                b.store(e.at(conv_.weight(), weight), target, b.add(at, b.index(int64_t(v) * lanes_)));
              }
              return none();
            });
            return none();
          });
          return none();
        });
      }
      return none();
    });
    frame.finish();
    return mlir::failure(e.failed());
  }

  KernelContext& context_;
  const ConvolutionOp& conv_;
  GatherPlan plan_;
  int64_t lanes_;
  Value source_;
  SmallVector<Pair> pairs_;
  int64_t taps_ = 0;
  KernelFrame* frame_ = nullptr;
  VectorBuilder* b_ = nullptr;
  Evaluator* e_ = nullptr;
};

} // namespace

mlir::LogicalResult emitImplicitGemm(KernelContext& context, const ConvolutionOp& conv) {
  return Gather(context, conv).emit();
}

} // namespace tailor::backend
