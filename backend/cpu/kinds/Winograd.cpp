#include "backend/cpu/kinds/Winograd.h"

#include "backend/cpu/kinds/WinogradPlan.h"
#include "backend/cpu/kinds/WinogradTiles.h"
#include "backend/cpu/kinds/WinogradWeightGradient.h"
#include "backend/cpu/vector/TransposeBlock.h"

namespace tailor::backend {

using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;
using mlir::arith::CmpIPredicate;

const WinogradForm* winogradForm(const ConvolutionProblem& problem, ConvolutionAlgorithm algorithm) {
  using Pair = std::array<int64_t, 2>;
  auto fits = [](const Pair& padding) {
    return padding[0] >= 0 && padding[0] <= 2 && padding[1] >= 0 && padding[1] <= 2;
  };
  if (problem.kernel != Pair{3, 3} || problem.dilation != Pair{1, 1} || problem.groups != 1 ||
      !fits(problem.paddingLow) || !fits(problem.paddingHigh))
    return nullptr;
  switch (algorithm) {
  case ConvolutionAlgorithm::winograd4x4:
    return problem.strides == Pair{1, 1} ? &winograd4x4() : nullptr;
  case ConvolutionAlgorithm::winograd2x2:
    return problem.strides == Pair{1, 1} ? &winograd2x2() : nullptr;
  case ConvolutionAlgorithm::winogradStride2:
    // The padding says which of the numbers meet the middle weight.
    if (problem.strides != Pair{2, 2} || problem.paddingLow != Pair{1, 1}) return nullptr;
    return problem.product == ConvolutionProduct::dataGradient ? &winogradStride2DataGradient()
                                                               : &winogradStride2();
  case ConvolutionAlgorithm::implicitGemm:
  case ConvolutionAlgorithm::depthwise:
  case ConvolutionAlgorithm::grouped:
    return nullptr;
  }
  return nullptr;
}

namespace {

constexpr int64_t kTaps = 9;
constexpr int64_t kLineBytes = 64, kLineElements = kLineBytes / int64_t(sizeof(float));

SmallVector<Value> none() {
  return {};
}

/// M = V U for every point of a block of tiles and outputs.
class PlaneProducts {
public:
  PlaneProducts(VectorBuilder& b, const WinogradPlan& plan, const WinogradForm& form)
      : b_(b), plan_(plan), form_(form), lanes_(b.lanes()) {}

  /// Panels [firstPanel, lastPanel) of `weights`; the first is at column 0 of `products`. `beside(point)` is emitted
  /// before the products of each point.
  void emit(Value inputs, Value weights, Value products, Value tiles, Value firstPanel, Value lastPanel,
            llvm::function_ref<void(Value)> beside) {
    bool narrow = plan_.lastVectors < plan_.tile.vectors;
    Value full = narrow ? b_.min(lastPanel, b_.index(plan_.panels - 1)) : lastPanel;
    b_.loop(b_.index(0), b_.index(form_.points()), 1, {}, [&](Value point, ValueRange) {
      beside(point);
      Value v = at(inputs, b_.mul(point, b_.index(plan_.inputStride())));
      Value u = at(weights, b_.mul(form_.weightPlane(b_, point), b_.index(plan_.weightStride())));
      Value m = at(products, b_.mul(point, b_.index(plan_.productStride())));
      auto panelOf = [&](Value panel, unsigned vectors) {
        emitPanel(v, at(u, b_.mul(panel, b_.index(plan_.channels * plan_.panelWidth()))),
                  at(m, b_.mul(b_.sub(panel, firstPanel), b_.index(plan_.panelWidth()))), tiles, vectors);
      };
      if (!narrow || plan_.panels > 1)
        b_.loop(firstPanel, full, 1, {}, [&](Value panel, ValueRange) {
          panelOf(panel, plan_.tile.vectors);
          return none();
        });
      if (narrow)
        b_.ifThen(b_.compare(CmpIPredicate::eq, lastPanel, b_.index(plan_.panels)),
                  [&] { panelOf(b_.index(plan_.panels - 1), unsigned(plan_.lastVectors)); });
      return none();
    });
  }

private:
  Value at(Value base, Value elements) { return b_.elementPointer(base, b_.f32(), elements); }

  /// All tiles of one panel, in chains of channels; the first chain stores what the others add to.
  void emitPanel(Value v, Value u, Value m, Value tiles, unsigned vectors) {
    int64_t chain = plan_.chainChannels, whole = plan_.channels / chain * chain;
    if (chain == plan_.channels) return emitTiles(v, u, m, tiles, vectors, chain, {});
    auto emitChain = [&](Value channel, int64_t length, Value isFirst) {
      emitTiles(at(v, channel), at(u, b_.mul(channel, b_.index(vectors * lanes_))), m, tiles, vectors, length,
                isFirst);
    };
    b_.loop(b_.index(0), b_.index(whole), chain, {}, [&](Value channel, ValueRange) {
      emitChain(channel, chain, b_.compare(CmpIPredicate::eq, channel, b_.index(0)));
      return none();
    });
    if (whole < plan_.channels) emitChain(b_.index(whole), plan_.channels - whole, b_.constant(b_.i1(), 0));
  }

  /// The tallest register tile while it fits, then halves of it.
  void emitTiles(Value v, Value u, Value m, Value tiles, unsigned vectors, int64_t chain, Value isFirst) {
    Value tile = b_.index(0);
    for (unsigned rows = plan_.tile.rows; rows > 0; rows = nextTileRows(rows)) {
      Value covered = b_.mul(divideDown(b_, b_.sub(tiles, tile), rows), b_.index(rows));
      Value end = b_.add(tile, covered);
      b_.loop(tile, end, rows, {}, [&](Value first, ValueRange) {
        emitTile(at(v, b_.mul(first, b_.index(plan_.paddedChannels))), u,
                 at(m, b_.mul(first, b_.index(plan_.blockWidth()))), rows, vectors, chain, isFirst);
        return none();
      });
      tile = end;
    }
  }

  void emitTile(Value v, Value u, Value m, unsigned rows, unsigned vectors, int64_t chain, Value isFirst) {
    // A loop of four channels has few enough instructions beside its multiplications.
    constexpr int64_t kUnroll = 4;
    SmallVector<Value> carried(rows * vectors, b_.constant(b_.lanesOf(b_.f32()), 0));
    auto channel = [&](Value v, Value u, int64_t offset, ValueRange sums) {
      SmallVector<Value> columns, next;
      for (unsigned j = 0; j < vectors; ++j)
        columns.push_back(b_.loadLanes(u, b_.f32(), b_.index((offset * vectors + j) * lanes_)));
      for (unsigned i = 0; i < rows; ++i) {
        Value broadcast =
            b_.splat(b_.load(v, b_.f32(), b_.index(int64_t(i) * plan_.paddedChannels + offset)));
        for (unsigned j = 0; j < vectors; ++j)
          next.push_back(b_.fma(broadcast, columns[j], sums[i * vectors + j]));
      }
      return next;
    };
    int64_t full = chain / kUnroll * kUnroll;
    carried.push_back(v);
    carried.push_back(u);
    auto loop = b_.loop(b_.index(0), b_.index(full), kUnroll, carried, [&](Value, ValueRange args) {
      Value v = args[rows * vectors], u = args[rows * vectors + 1];
      SmallVector<Value> sums(args.drop_back(2));
      for (int64_t offset = 0; offset < kUnroll; ++offset)
        sums = channel(v, u, offset, sums);
      sums.push_back(at(v, b_.index(kUnroll)));
      sums.push_back(at(u, b_.index(kUnroll * vectors * lanes_)));
      return sums;
    });
    SmallVector<Value> sums(loop.getResults().drop_back(2));
    Value restV = loop.getResult(rows * vectors), restU = loop.getResult(rows * vectors + 1);
    for (int64_t offset = 0; offset < chain - full; ++offset)
      sums = channel(restV, restU, offset, sums);
    storeTile(b_, sums, m, vectors, plan_.blockWidth(), isFirst);
  }

  VectorBuilder& b_;
  const WinogradPlan& plan_;
  const WinogradForm& form_;
  int64_t lanes_;
};

/// One kernel of a forward product or a data gradient.
class Winograd {
public:
  Winograd(KernelContext& context, const ConvolutionOp& conv, const WinogradForm& form)
      : context_(context), conv_(conv), form_(form), plan_(planWinograd(conv.problem, form, context.target)) {
  }

  mlir::LogicalResult emit() {
    KernelInfo& info = context_.info;
    info.rows = tensorTypeOf(conv_.result()).getDimSize(0);
    info.units = {1, 1};
    info.prepareSymbol = context_.prepareSymbol;
    info.prepareUnits = {vectorsOfOutputs(), 0};
    uint64_t weightBytes = form_.weightPlanes() * plan_.weightStride() * sizeof(float);
    info.temporaries.push_back({"transformed weights", {1, 0}, weightBytes});
    info.prepareBytes = weightBytes + conv_.problem.weights() * sizeof(float);
    int64_t lanes = plan_.lanes;
    bufferElements_ = tiles().bufferElements(lanes);
    inputElements_ = form_.points() * plan_.inputStride();
    productElements_ = form_.points() * plan_.productStride();
    info.scratchBytes =
        std::max(bufferElements_ + inputElements_ + productElements_, weightBufferElements()) * sizeof(float);
    if (mlir::failed(emitLaunch())) return mlir::failure();
    return emitPrepare();
  }

private:
  int64_t vectorsOfOutputs() const { return plan_.paddedOutputs() / plan_.lanes; }

  WinogradTiles tiles() const {
    WinogradTiles tiles;
    bool forward = conv_.problem.product == ConvolutionProduct::forward;
    tiles.tensor = forward ? conv_.image() : conv_.outputGrad();
    tiles.height = plan_.input[0];
    tiles.width = plan_.input[1];
    tiles.channels = {plan_.channels};
    tiles.top = plan_.top;
    tiles.left = plan_.left;
    tiles.tileRows = plan_.tileRows;
    tiles.tileColumns = plan_.tileColumns;
    tiles.step = form_.step;
    tiles.transform = form_.input;
    return tiles;
  }

  // --- prepare

  /// Elements of the scratch of prepare: weights of one vector of channels and one of outputs.
  int64_t weightBufferElements() const { return kTaps * plan_.lanes * plan_.lanes; }

  mlir::LogicalResult emitPrepare() {
    KernelFrame frame(context_.module, context_.prepareSymbol, context_.kernel, context_.target);
    VectorBuilder& b = frame.b();
    Evaluator e(b, true);
    bindOperands(e, frame, context_.kernel);
    int64_t slot = firstExtraSlot(context_.kernel), lanes = plan_.lanes;
    Value weights = frame.buffer(slot), buffer = frame.buffer(slot + 1);
    int64_t panelVectors = plan_.tile.vectors, full = plan_.outputs / lanes, rest = plan_.outputs % lanes;
    e.loop(frame.begin, frame.end, 1, {}, [&](Value vector, ValueRange) {
      Value panel = divideDown(b, vector, panelVectors);
      Value inPanel = b.mul(b.sub(vector, b.mul(panel, b.index(panelVectors))), b.index(lanes));
      Value width = b.index(plan_.panelWidth());
      if (plan_.lastVectors < panelVectors)
        width = b.select(b.compare(CmpIPredicate::eq, panel, b.index(plan_.panels - 1)),
                         b.index(plan_.lastVectors * lanes), width);
      Value base = b.elementPointer(
          weights, b.f32(), b.add(inPanel, b.mul(panel, b.index(plan_.channels * plan_.panelWidth()))));
      auto target = [&](Value channel) { return b.elementPointer(base, b.f32(), b.mul(channel, width)); };
      whereWithin(e, vector, 0, full, 0, vectorsOfOutputs(),
                  [&] { transformWeights(e, frame, vector, lanes, buffer, target); });
      whereWithin(e, vector, full, full + (rest > 0), 0, vectorsOfOutputs(),
                  [&] { transformWeights(e, frame, vector, rest, buffer, target); });
      return none();
    });
    frame.finish();
    return mlir::failure(e.failed());
  }

  /// Weights of all channels and one vector of outputs, of which `outputs` exist.
  void transformWeights(Evaluator& e, KernelFrame& frame, Value vector, int64_t outputs, Value buffer,
                        llvm::function_ref<Value(Value channel)> target) {
    VectorBuilder& b = frame.b();
    Value first = b.mul(vector, b.index(plan_.lanes));
    auto transform = [&](Value channel, llvm::function_ref<Value(int64_t, int64_t)> weightAt) {
      Value to = target(channel);
      for (auto [point, value] : llvm::enumerate(form_.weight.applyTwice(b, weightAt)))
        b.store(value, to, b.index(int64_t(point) * plan_.weightStride()));
    };
    if (!isInMemory(conv_.weight())) {
      Coord output = e.laneCoord(first, outputs < plan_.lanes ? b.prefixMask(outputs) : Value());
      e.loop(b.index(0), b.index(plan_.channels), 1, {}, [&](Value c, ValueRange) {
        Coord channel = e.coord(c);
        transform(c, [&](int64_t i, int64_t j) { return weight(e, output, channel, i, j); });
        return none();
      });
      return;
    }
    Value source = frame.buffer(mlir::cast<mlir::BlockArgument>(conv_.weight()).getArgNumber());
    bool forward = conv_.problem.product == ConvolutionProduct::forward;
    // Forward: taps of several channels lie behind one another for each output. Data gradient: those of one channel do,
    // output by output.
    int64_t step = forward ? plan_.lanes : 1;
    auto piece = [&](Value c, int64_t channels) {
      Value place = forward ? b.add(b.mul(first, b.index(plan_.channels * kTaps)), b.mul(c, b.index(kTaps)))
                            : b.mul(b.add(b.mul(c, b.index(plan_.outputs)), first), b.index(kTaps));
      TransposedMemory memory{b.elementPointer(source, b.f32(), place), buffer,
                              forward ? plan_.channels * kTaps : kTaps, plan_.lanes};
      // A loop: written out, these transposes would be a third of the code of a small ResNet.
      int64_t whole = kTaps * channels / plan_.lanes * plan_.lanes;
      if (whole > 0)
        b.loop(b.index(0), b.index(whole), plan_.lanes, {}, [&](Value at, ValueRange) {
          transposeBlock(b, memory, at, outputs, plan_.lanes);
          return none();
        });
      if (whole < kTaps * channels)
        transposeBlock(b, memory, b.index(whole), outputs, kTaps * channels - whole);
      b.loop(b.index(0), b.index(channels), 1, {}, [&](Value channel, ValueRange) {
        Value taps = b.elementPointer(buffer, b.f32(), b.mul(channel, b.index(kTaps * plan_.lanes)));
        transform(b.add(c, channel), [&](int64_t i, int64_t j) {
          int64_t tap = forward ? i * 3 + j : kTaps - 1 - (i * 3 + j);
          return b.loadLanes(taps, b.f32(), b.index(tap * plan_.lanes));
        });
        return none();
      });
    };
    int64_t full = plan_.channels / step * step;
    if (full > 0)
      b.loop(b.index(0), b.index(full), step, {}, [&](Value c, ValueRange) {
        piece(c, step);
        return none();
      });
    if (full < plan_.channels) piece(b.index(full), plan_.channels - full);
  }

  /// The weight from `channel`, read, to `output`, made; the data gradient turns the kernel by half a turn.
  Value weight(Evaluator& e, const Coord& output, const Coord& channel, int64_t i, int64_t j) {
    if (conv_.problem.product == ConvolutionProduct::forward)
      return e.at(conv_.weight(), {output, channel, e.fixedCoord(i), e.fixedCoord(j)});
    return e.at(conv_.weight(), {channel, output, e.fixedCoord(2 - i), e.fixedCoord(2 - j)});
  }

  // --- launch

  mlir::LogicalResult emitLaunch() {
    KernelFrame frame(context_.module, context_.symbol, context_.kernel, context_.target);
    VectorBuilder& b = frame.b();
    Evaluator e(b, true);
    bindOperands(e, frame, context_.kernel);
    int64_t slot = firstExtraSlot(context_.kernel);
    Value weights = frame.buffer(slot), buffer = frame.buffer(slot + 1);
    Value inputs = b.elementPointer(buffer, b.f32(), b.index(bufferElements_));
    Value products = b.elementPointer(inputs, b.f32(), b.index(inputElements_));
    WinogradTiles tiles = this->tiles();
    clearTileBuffer(b, tiles, buffer);
    Value first = b.mul(frame.begin, b.index(plan_.tileRows)),
          last = b.mul(frame.end, b.index(plan_.tileRows));
    e.loop(first, last, plan_.blockRows, {}, [&](Value from, ValueRange) {
      Value rows = b.min(b.sub(last, from), b.index(plan_.blockRows));
      e.loop(b.index(0), rows, 1, {}, [&](Value row, ValueRange) {
        auto [image, tileRow] = placeOf(b, b.add(from, row));
        Value offset = b.mul(row, b.index(plan_.tileColumns * plan_.paddedChannels));
        emitTileRow(b, e, tiles, image, tileRow, buffer,
                    {b.elementPointer(inputs, b.f32(), offset), plan_.inputStride(), plan_.paddedChannels});
        return none();
      });
      PlaneProducts product(b, plan_, form_);
      Value numTiles = b.mul(rows, b.index(plan_.tileColumns));
      e.loop(b.index(0), b.index(plan_.panels), plan_.blockPanels, {}, [&](Value panel, ValueRange) {
        Value lastPanel = b.min(b.add(panel, b.index(plan_.blockPanels)), b.index(plan_.panels));
        product.emit(inputs, weights, products, numTiles, panel, lastPanel,
                     [&](Value point) { prefetchBlock(e, frame, from, point); });
        e.loop(b.index(0), rows, 1, {}, [&](Value row, ValueRange) {
          auto [image, tileRow] = placeOf(b, b.add(from, row));
          Value offset = b.mul(row, b.index(plan_.tileColumns * plan_.blockWidth()));
          emitOutputs(e, frame, b.elementPointer(products, b.f32(), offset), image, tileRow, panel,
                      lastPanel);
          return none();
        });
        return none();
      });
      return none();
    });
    frame.finish();
    return mlir::failure(e.failed());
  }

  std::pair<Value, Value> placeOf(VectorBuilder& b, Value row) {
    Value image = divideDown(b, row, plan_.tileRows);
    return {image, b.sub(row, b.mul(image, b.index(plan_.tileRows)))};
  }

  /// One tile row of the result, panels [panel, lastPanel).
  void emitOutputs(Evaluator& e, KernelFrame& frame, Value products, Value image, Value tileRow, Value panel,
                   Value lastPanel) {
    VectorBuilder& b = frame.b();
    int64_t m = form_.outputs, fullRows = plan_.output[0] / m, restRows = plan_.output[0] % m;
    Coords at{e.coord(image)};
    for (int64_t i = 0; i < m; ++i)
      at.push_back(e.coord(b.add(b.mul(tileRow, b.index(m)), b.index(i))));
    ChannelWindow window{plan_.outputs, b.mul(panel, b.index(plan_.panelWidth())),
                         b.min(b.mul(lastPanel, b.index(plan_.panelWidth())), b.index(plan_.outputs))};
    if (plan_.blockPanels == plan_.panels) window = {plan_.outputs};
    forEachChannelVector(e, window, [&](const Coord& output, Value first) {
      Value source = b.elementPointer(products, b.f32(), first);
      whereWithin(e, tileRow, 0, fullRows, 0, plan_.tileRows,
                  [&] { emitTiles(e, frame, source, at, output, m); });
      whereWithin(e, tileRow, fullRows, fullRows + (restRows > 0), 0, plan_.tileRows,
                  [&] { emitTiles(e, frame, source, at, output, restRows); });
    });
  }

  /// All tiles of a row, one vector of outputs, the first `rows` rows of each tile.
  void emitTiles(Evaluator& e, KernelFrame& frame, Value source, llvm::ArrayRef<Coord> place,
                 const Coord& output, int64_t rows) {
    VectorBuilder& b = frame.b();
    int64_t m = form_.outputs, full = plan_.output[1] / m, rest = plan_.output[1] % m;
    auto tile = [&](Value column, int64_t columns) {
      if (!prefetchesBlocks())
        prefetchTile(e, frame, place, output, b.add(column, b.index(1)), rows, columns);
      Value from = b.elementPointer(source, b.f32(), b.mul(column, b.index(plan_.blockWidth())));
      SmallVector<Value> results = form_.output.applyTwice(b, [&](int64_t i, int64_t j) {
        return b.loadLanes(from, b.f32(), b.index((i * form_.pointsOfDim() + j) * plan_.productStride()));
      });
      Coords columnCoords;
      for (int64_t j = 0; j < columns; ++j)
        columnCoords.push_back(e.coord(b.add(b.mul(column, b.index(m)), b.index(j))));
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j)
          storeConvolution(e, frame, context_.kernel, conv_,
                           {place[0], place[1 + i], columnCoords[j], output}, results[i * m + j]);
    };
    if (full > 0)
      e.loop(b.index(0), b.index(full), 1, {}, [&](Value column, ValueRange) {
        tile(column, m);
        return none();
      });
    if (rest > 0) tile(b.index(full), rest);
  }

  /// Lines of each image that the stores of a block of tile rows touch: rows of images, one behind the other.
  int64_t blockLines() const {
    return ceilDiv(plan_.blockRows * form_.outputs * plan_.output[1] * plan_.outputs, kLineElements);
  }

  /// True if the stores of a block are asked for while its products are computed, which need no memory: where there
  /// is one block of outputs and what the stores touch stays in the second-level cache beside the planes.
  bool prefetchesBlocks() const {
    constexpr int64_t kMostBytes = 192 << 10;
    int64_t images = 1;
    for (Value argument : context_.kernel.getBlock().getArguments())
      images += tensorTypeOf(argument).getShape() == tensorTypeOf(conv_.result()).getShape();
    return plan_.blockPanels == plan_.panels && blockLines() * images * kLineBytes <= kMostBytes;
  }

  /// The share of one point in that, for the block that starts at tile row `from`.
  void prefetchBlock(Evaluator& e, KernelFrame& frame, Value from, Value point) {
    if (!prefetchesBlocks()) return;
    VectorBuilder& b = frame.b();
    int64_t share = ceilDiv(blockLines(), form_.points());
    e.region([&] {
      auto [image, tileRow] = placeOf(b, from);
      Coord n = e.coord(image), y = e.coord(b.mul(tileRow, b.index(form_.outputs))), x = e.fixedCoord(0);
      Value first = b.mul(point, b.index(share));
      e.loop(first, b.add(first, b.index(share)), 1, {}, [&](Value line, ValueRange) {
        Coord element = e.laneCoord(b.mul(line, b.index(kLineElements)));
        prefetchConvolution(e, frame, context_.kernel, conv_, {n, y, x, element});
        return none();
      });
    });
  }

  /// Asks for what the stores of a tile write and what is computed in them reads.
  void prefetchTile(Evaluator& e, KernelFrame& frame, llvm::ArrayRef<Coord> place, const Coord& output,
                    Value tileColumn, int64_t rows, int64_t columns) {
    VectorBuilder& b = frame.b();
    for (int64_t j = 0; j < columns; ++j) {
      Coord column = e.coord(b.add(b.mul(tileColumn, b.index(form_.outputs)), b.index(j)));
      for (int64_t i = 0; i < rows; ++i)
        prefetchConvolution(e, frame, context_.kernel, conv_, {place[0], place[1 + i], column, output});
    }
  }

  KernelContext& context_;
  const ConvolutionOp& conv_;
  const WinogradForm& form_;
  WinogradPlan plan_;
  int64_t bufferElements_ = 0, inputElements_ = 0, productElements_ = 0;
};

} // namespace

mlir::LogicalResult emitWinograd(KernelContext& context, const ConvolutionOp& conv,
                                 const WinogradForm& form) {
  if (conv.problem.product == ConvolutionProduct::weightGradient)
    return emitWinogradWeightGradient(context, conv, form);
  return Winograd(context, conv, form).emit();
}

} // namespace tailor::backend
