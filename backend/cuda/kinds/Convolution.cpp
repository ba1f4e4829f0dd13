// Convolutions as tiled products, whatever their strides, paddings, dilation and groups: what stands before them is computed as
// their operands are read, what stands behind as the result is written.
//
//   product          lines                 columns            depth                        parts
//   forward          positions of y        channels of y      taps, channels of x          groups
//   data gradient    positions of x        channels of x      taps, channels of y          groups
//   weight gradient  channels of y         taps, channels     positions of y in a share    groups x shares of the images
//
// A tap in the padding, or between the strides of a data gradient, adds 0. The shares of a weight gradient are partial sums, which
// a second function adds in their order.
#include "backend/codegen/ConvolutionProblem.h"
#include "backend/codegen/EvaluateOps.h"
#include "backend/cuda/kinds/TiledProduct.h"
#include "ir/Algorithm.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <numeric>

namespace tailor::backend::cuda {

using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

namespace {

/// Blocks that the shares of a weight gradient aim at: two for each multiprocessor of a large GPU.
constexpr int64_t kWantedBlocks = 264;

class ConvolutionEmitter {
public:
  ConvolutionEmitter(KernelContext& context, ConvolutionOp conv)
      : context_(context), kernel_(context.kernel), conv_(conv), p_(conv_.problem) {
    Value images = conv.image() ? conv.image() : conv.outputGrad();
    images_ = tensorTypeOf(images).getDimSize(0);
  }

  mlir::LogicalResult emit() {
    context_.info.flops += 2 * uint64_t(images_) * uint64_t(p_.productsPerImage());
    if (p_.groups > 1 && p_.groupOutputs() < 16)
      context_.info.slow = "a tile has 32 channels, its groups have " + std::to_string(p_.groupOutputs());
    return p_.product == ConvolutionProduct::weightGradient ? emitWeightGradient() : emitGather();
  }

private:
  Factors factors() const {
    SmallVector<Value> operands;
    for (Value operand : {conv_.image(), conv_.weight(), conv_.outputGrad()})
      if (operand) operands.push_back(operand);
    return factorsOf(operands);
  }

  /// A position in images of `size`: image, row, column.
  struct Position {
    Value image, row, column;
  };
  Position positionOf(LaneBuilder& b, Value number, std::array<int64_t, 2> size) {
    auto [image, within] = split(b, number, size[0] * size[1]);
    auto [row, column] = split(b, within, size[1]);
    return {image, row, column};
  }
  /// A tap and what is counted inside of it.
  struct Tap {
    Value row, column, inner;
  };
  Tap tapOf(LaneBuilder& b, Value number, int64_t inner) {
    auto [tap, rest] = split(b, number, inner);
    auto [row, column] = split(b, tap, p_.kernel[1]);
    return {row, column, rest};
  }
  /// Quotient and rest of an i64 that fits 32 bits.
  std::pair<Value, Value> split(LaneBuilder& b, Value a, int64_t by) {
    if (by == 1) return {a, b.index(0)};
    auto [quotient, rest] = divideWithRest(b, b.convert(a, b.i32()), by);
    return {b.convert(quotient, b.i64()), b.convert(rest, b.i64())};
  }

  /// Where a tap of y's position reads x along an axis, and whether it is there.
  std::pair<Value, Value> sourceOf(LaneBuilder& b, int axis, Value position, Value tap) {
    Value at = b.add(b.mul(position, b.index(p_.strides[axis])),
                     b.sub(b.mul(tap, b.index(p_.dilation[axis])), b.index(p_.paddingLow[axis])));
    return clamped(b, at, p_.image[axis]);
  }
  /// Which position of y reaches x's position through a tap along an axis, and whether one does.
  std::pair<Value, Value> reachedFrom(LaneBuilder& b, int axis, Value position, Value tap) {
    Value distance =
        b.sub(b.add(position, b.index(p_.paddingLow[axis])), b.mul(tap, b.index(p_.dilation[axis])));
    if (p_.strides[axis] == 1) return clamped(b, distance, p_.output[axis]);
    Value notBefore = b.compare(CmpIPredicate::sge, distance, b.index(0));
    auto [quotient, rest] = split(b, b.max(distance, b.index(0)), p_.strides[axis]);
    auto [at, inside] = clamped(b, quotient, p_.output[axis]);
    return {at, b.bitAnd(b.bitAnd(notBefore, inside), b.compare(CmpIPredicate::eq, rest, b.index(0)))};
  }
  std::pair<Value, Value> clamped(LaneBuilder& b, Value at, int64_t size) {
    Value inside = b.bitAnd(b.compare(CmpIPredicate::sge, at, b.index(0)),
                            b.compare(CmpIPredicate::slt, at, b.index(size)));
    return {b.min(b.max(at, b.index(0)), b.index(size - 1)), inside};
  }

  /// An image operand at a position, 0 where it is not there; computed as it is read.
  Value imageAt(Evaluator& e, Value tensor, Value image, std::pair<Value, Value> row,
                std::pair<Value, Value> column, Value channel) {
    LaneBuilder& b = e.builder();
    Coord at[4] = {e.coord(image), e.coord(row.first), e.coord(column.first), e.coord(channel)};
    Value value = e.at(tensor, at);
    return b.select(b.bitAnd(row.second, column.second), value, b.zeroLike(value));
  }
  Value weightAt(LaneBuilder& b, Value memory, mlir::Type element, Value output, Value channel,
                 const Tap& tap) {
    // [output][channel][tap]
    Value at = b.add(b.mul(output, b.index(p_.groupChannels())), channel);
    at = b.add(b.mul(at, b.index(p_.kernel[0])), tap.row);
    at = b.add(b.mul(at, b.index(p_.kernel[1])), tap.column);
    Value value = b.load(memory, element, at);
    return isRoundedToTf32(conv_.weight()) ? b.roundToTf32(value) : value;
  }

  mlir::LogicalResult emitGather() {
    const bool forward = p_.product == ConvolutionProduct::forward;
    const std::array<int64_t, 2> target = forward ? p_.output : p_.image;
    const int64_t own = forward ? p_.groupOutputs() : p_.groupChannels();
    const int64_t other = forward ? p_.groupChannels() : p_.groupOutputs();
    const int64_t lines = images_ * target[0] * target[1], depth = p_.taps() * other;
    if (lines == 0 || own == 0 || depth == 0)
      return context_.kernel.emitError("has no elements to add up on target cuda");
    TiledProduct product(lines, own, depth, p_.groups, factors());
    mlir::FailureOr<int64_t> blocks = blocksFor(context_, product.blocks() * kThreads, kThreads);
    if (mlir::failed(blocks) || mlir::failed(blocksFor(context_, lines, 1)) ||
        mlir::failed(blocksFor(context_, depth, 1)))
      return mlir::failure();
    KernelFrame frame(context_, "", *blocks, kThreads);
    ThreadBuilder b(frame.opBuilder, frame.loc(), frame.entry());
    Evaluator e(b, true);
    bindOperands(e, frame, kernel_);
    Value stored = operandInMemory(conv_.weight()), weight = e.memoryOf(stored);
    Value source = forward ? conv_.image() : conv_.outputGrad();
    Value group;
    TiledOperand lhs{[&](Value line, Value at) {
      Position position = positionOf(b, line, target);
      Tap tap = tapOf(b, at, other);
      Value channel = b.add(b.mul(group, b.index(other)), tap.inner);
      auto along = [&](int axis, Value place, Value tapPlace) {
        return forward ? sourceOf(b, axis, place, tapPlace) : reachedFrom(b, axis, place, tapPlace);
      };
      return imageAt(e, source, position.image, along(0, position.row, tap.row),
                     along(1, position.column, tap.column), channel);
    }};
    TiledOperand rhs{[&](Value column, Value at) {
      Tap tap = tapOf(b, at, other);
      // Weights of a group: the outputs are counted over all groups, the channels within one.
      Value output = b.add(b.mul(group, b.index(p_.groupOutputs())), forward ? column : tap.inner);
      return weightAt(b, weight, tensorTypeOf(stored).getElementType(), output, forward ? tap.inner : column,
                      tap);
    }};
    SmallVector<ResultGroup> groups = groupResults(kernel_);
    product.emit(
        frame, e, [&](Value part) { group = part; }, lhs, rhs,
        [&](Value line, Value column, Value mask, Value sums) {
          Position position = positionOf(b, line, target);
          Value channel = b.add(b.mul(group, b.index(own)), column);
          Coord at[4] = {e.coord(position.image), e.coord(position.row), e.coord(position.column),
                         e.laneCoord(channel, mask, std::gcd(int64_t(ThreadBuilder::kLanes), own))};
          e.define(conv_.result(), at, sums);
          for (const ResultGroup& results : groups)
            storeAt(e, frame, kernel_, results, at);
        });
    frame.finish();
    return mlir::failure(e.failed());
  }

  mlir::LogicalResult emitWeightGradient() {
    if (yieldedValues(kernel_) != ValueRange(conv_.result()))
      return conv_.op->emitOpError(
          "internal error: nothing can be computed in the stores of a weight gradient");
    const int64_t positions = p_.output[0] * p_.output[1], columns = p_.taps() * p_.groupChannels();
    const int64_t lines = p_.groupOutputs(), elements = p_.weights();
    if (images_ * positions == 0 || elements == 0)
      return context_.kernel.emitError("has no elements to add up on target cuda");
    // As many shares of whole images as fill the device, of equal numbers of images: by the shapes alone.
    const int64_t blocksOfOne = TiledProduct(lines, columns, positions, p_.groups, factors()).blocks();
    const int64_t wanted = std::clamp<int64_t>((kWantedBlocks + blocksOfOne - 1) / blocksOfOne, 1, images_);
    const int64_t imagesOfShare = (images_ + wanted - 1) / wanted,
                  shares = (images_ + imagesOfShare - 1) / imagesOfShare;
    TiledProduct product(lines, columns, imagesOfShare * positions, p_.groups * shares, factors());
    context_.info.temporaries.push_back({"partial sums", uint64_t(shares * elements) * sizeof(float)});
    mlir::FailureOr<int64_t> blocks = blocksFor(context_, product.blocks() * kThreads, kThreads);
    if (mlir::failed(blocks) || mlir::failed(blocksFor(context_, images_ * positions, 1)))
      return mlir::failure();

    KernelFrame frame(context_, "", *blocks, kThreads);
    ThreadBuilder b(frame.opBuilder, frame.loc(), frame.entry());
    Evaluator e(b, true);
    bindOperands(e, frame, kernel_);
    Value group, share, firstImage;
    // The image of a position of the share; the last share may have fewer.
    auto imageOf = [&](const Position& position) {
      Value image = b.add(firstImage, position.image);
      return std::pair{b.min(image, b.index(images_ - 1)),
                       b.compare(CmpIPredicate::slt, image, b.index(images_))};
    };
    Value always = b.constant(b.i1(), 1);
    TiledOperand lhs{[&](Value line, Value at) {
                       Position position = positionOf(b, at, p_.output);
                       auto [image, exists] = imageOf(position);
                       Value channel = b.add(b.mul(group, b.index(lines)), line);
                       return imageAt(e, conv_.outputGrad(), image, {position.row, exists},
                                      {position.column, always}, channel);
                     },
                     /*linesContiguous=*/true};
    TiledOperand rhs{[&](Value column, Value at) {
                       Position position = positionOf(b, at, p_.output);
                       auto [image, exists] = imageOf(position);
                       Tap tap = tapOf(b, column, p_.groupChannels());
                       Value channel = b.add(b.mul(group, b.index(p_.groupChannels())), tap.inner);
                       auto row = sourceOf(b, 0, position.row, tap.row);
                       return imageAt(e, conv_.image(), image, {row.first, b.bitAnd(row.second, exists)},
                                      sourceOf(b, 1, position.column, tap.column), channel);
                     },
                     /*linesContiguous=*/true};
    product.emit(
        frame, e,
        [&](Value part) {
          auto [quotient, rest] = split(b, part, p_.groups);
          share = quotient, group = rest;
          firstImage = b.mul(share, b.index(imagesOfShare));
        },
        lhs, rhs,
        [&](Value line, Value column, Value mask, Value sums) {
          // [share][output][tap][channel]
          Value output = b.add(b.mul(group, b.index(lines)), line);
          Value at = b.add(b.mul(b.add(b.mul(share, b.index(p_.outputs)), output), b.index(columns)), column);
          b.storeLanes(sums, frame.temporary(0), b.f32(), at, mask,
                       std::gcd(int64_t(ThreadBuilder::kLanes), columns));
        });
    Value tile = b.add(b.mul(b.convert(group, b.i32()), b.constant(b.i32(), double(product.tilesPerPart()))),
                       product.tile());
    frame.inLastBlock(e, tile, p_.groups * product.tilesPerPart(), shares, [&] {
      product.forEachOwn(e, [&](Value line, Value column, Value mask) {
        Value output = b.add(b.mul(group, b.index(lines)), line);
        Value first = b.add(b.mul(output, b.index(columns)), column);
        auto sums = b.loop(b.index(0), b.index(shares), 1, b.constant(b.lanesOf(b.f32()), 0),
                           [&](Value each, ValueRange sums) {
                             Value at = b.add(b.mul(each, b.index(elements)), first);
                             return SmallVector<Value>{b.add(
                                 sums[0], b.loadLanes(frame.temporary(0), b.f32(), at, mask,
                                                      std::gcd(int64_t(ThreadBuilder::kLanes), columns)))};
                           });
        storeWeights(b, frame, sums.getResult(0), output, column, columns);
      });
    });
    frame.finish();
    return mlir::failure(e.failed());
  }

  /// Four neighbours of [output][tap][channel] at their places in [output][channel][tap].
  void storeWeights(ThreadBuilder& b, KernelFrame& frame, Value sums, Value output, Value column,
                    int64_t columns) {
    for (int64_t lane = 0; lane < ThreadBuilder::kLanes; ++lane) {
      Value own = b.add(column, b.index(lane));
      auto store = [&] {
        auto [tap, channel] = split(b, own, p_.groupChannels());
        Value at =
            b.add(b.mul(b.add(b.mul(output, b.index(p_.groupChannels())), channel), b.index(p_.taps())), tap);
        b.store(mlir::vector::ExtractOp::create(b.builder(), b.loc(), sums, lane),
                frame.pointer(resultSlot(kernel_, 0)), b.f32(), at);
      };
      if (columns % ThreadBuilder::kLanes == 0)
        store();
      else
        b.ifThen(b.compare(CmpIPredicate::slt, own, b.index(columns)), store);
    }
  }

  KernelContext& context_;
  ir::KernelOp kernel_;
  ConvolutionOp conv_;
  const ConvolutionProblem& p_;
  int64_t images_ = 0;
};

ConvolutionOp convolutionIn(ir::KernelOp kernel) {
  for (mlir::Operation& op : kernel.getBlock())
    if (std::optional<ConvolutionOp> conv = convolutionOf(&op)) return *conv;
  return {};
}

mlir::LogicalResult emit(KernelContext& context) {
  mlir::Operation* op = convolutionIn(context.kernel).op;
  auto wanted = op->getAttrOfType<mlir::StringAttr>(ir::kAlgorithm);
  if (wanted && wanted.getValue() != kTilesAlgorithm)
    return op->emitOpError() << "asks for the unknown algorithm '" << wanted.getValue()
                             << "'; it can be computed by " << kTilesAlgorithm << ", " << kCudnnAlgorithm;
  return ConvolutionEmitter(context, convolutionIn(context.kernel)).emit();
}

bool fits(ir::KernelOp kernel) {
  return convolutionIn(kernel).op;
}

} // namespace

extern const KernelKind kConvolution{"convolution", fits, emit};

} // namespace tailor::backend::cuda
