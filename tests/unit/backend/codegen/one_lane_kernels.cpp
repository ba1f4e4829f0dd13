#include "tests/unit/backend/codegen/one_lane_kernels.h"

#include "backend/codegen/ChannelReduction.h"
#include "backend/codegen/EvaluateOps.h"
#include "backend/codegen/LaneRules.h"
#include "backend/codegen/MultiTensorEvaluator.h"
#include "backend/codegen/Order.h"
#include "backend/codegen/RowTotal.h"
#include "ir/Fusion.h"
#include "tests/unit/backend/codegen/one_lane_builder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace tailor::backend::testing {

using llvm::ArrayRef;
using llvm::SmallVector;
using mlir::RankedTensorType;
using mlir::Value;
using mlir::ValueRange;
namespace LLVM = mlir::LLVM;

namespace {

/// Positions that a loop along the lanes goes in steps of, so that its last steps lie behind the end.
constexpr int64_t kWarp = 4;

SmallVector<Value> none() {
  return {};
}

class OneLaneKernel {
public:
  OneLaneKernel(OneLaneBuilder& b, ir::KernelOp kernel, Value buffers)
      : b_(b), kernel_(kernel), e_(b, lanesPassThrough(kernel) && !looksAcrossRowLosses(kernel)) {
    int64_t slot = 0;
    for (mlir::BlockArgument argument : kernel.getBlock().getArguments())
      e_.bind(argument, b.loadAddress(buffers, slot++));
    for (Value result : kernel.getBlock().getTerminator()->getOperands())
      results_.push_back({result, b.loadAddress(buffers, slot++)});
  }

  bool emit() {
    mlir::Operation& first = kernel_.getBlock().front();
    if (auto norm = mlir::dyn_cast<ir::GlobalNormOp>(first)) {
      emitNorm(norm);
    } else if (auto multi = mlir::dyn_cast<ir::MultiTensorOpInterface>(first)) {
      emitUpdate(multi);
    } else if (auto sort = mlir::dyn_cast<ir::SortPermOp>(first)) {
      emitSort(sort);
    } else if (auto permutation = mlir::dyn_cast<ir::RandomPermutationOp>(first)) {
      emitPermutation(permutation);
    } else {
      reduceChannels();
      reduceRows();
      for (auto& [result, memory] : results_)
        storeAll(result, memory, tensorTypeOf(result), {});
    }
    return !e_.failed();
  }

private:
  /// True if an op takes rows one by one.
  bool takesRowsOneByOne() {
    return llvm::any_of(kernel_.getBlock(), [](mlir::Operation& op) {
      ir::FusionClass found = ir::fusionClassOf(&op);
      return found == ir::FusionClass::RowReduction || found == ir::FusionClass::FullReduction ||
             found == ir::FusionClass::Loss || found == ir::FusionClass::LayerNorm;
    });
  }

  void storeAll(Value result, Value memory, RankedTensorType type, Coords coords) {
    auto dim = static_cast<int64_t>(coords.size()), rank = type.getRank();
    if (dim == rank) return e_.store(e_.at(result, coords), memory, type, coords);
    int64_t size = type.getDimSize(dim);
    bool lanes = e_.useLanes() && dim + 1 == rank && !(rank == 1 && takesRowsOneByOne());
    int64_t stop = lanes ? (size + kWarp - 1) / kWarp * kWarp : size;
    e_.loop(b_.index(0), b_.index(stop), 1, {}, [&](Value index, ValueRange) {
      Coords inner = coords;
      inner.push_back(lanes ? e_.laneCoord(index, b_.prefixMask(b_.sub(b_.index(size), index)))
                            : e_.coord(index));
      storeAll(result, memory, type, inner);
      return none();
    });
  }

  /// Sums over rows, row by row.
  void reduceRows() {
    std::optional<SmallVector<mlir::OpResult>> results = sumsOverRows(kernel_);
    if (!results) return;
    for (mlir::OpResult result : *results) {
      std::optional<RowTotal> total = rowTotalOf(e_, result);
      if (!total) continue;
      auto hasRows = [](Value operand) { return tensorTypeOf(operand).getRank() > 0; };
      Value rows = e_.extent(*llvm::find_if(result.getOwner()->getOperands(), hasRows), 0);
      Value sum = e_.loop(b_.index(0), rows, 1, b_.constant(b_.f32(), 0), [&](Value row, ValueRange sums) {
                      return SmallVector<Value>{b_.add(sums[0], total->share(e_.coord(row)))};
                    }).getResult(0);
      e_.define(result, {}, total->finish(sum));
    }
  }

  /// Statistics of images and their positions: what each image adds up goes into memory, then the images are combined.
  void reduceChannels() {
    for (mlir::Operation& op : kernel_.getBlock()) {
      std::unique_ptr<ChannelReduction> reduction = channelReductionOf(&op);
      if (!reduction) continue;
      RankedTensorType type = tensorTypeOf(op.getOperand(0));
      int64_t channels = type.getShape().back(), rank = type.getRank(), positions = 1;
      for (int64_t size : type.getShape().drop_front().drop_back())
        positions *= size;
      int64_t numbers = reduction->numStored() * channels;
      auto pointer = LLVM::LLVMPointerType::get(b_.builder().getContext());
      Value partials = LLVM::AllocaOp::create(b_.builder(), b_.loc(), pointer, b_.f32(),
                                              b_.index(numbers * type.getDimSize(0)));
      Value images = validRows(e_, reduction->valid(), b_.index(type.getDimSize(0)));
      auto place = [&](Value image, unsigned which, Value channel) {
        return b_.add(b_.mul(image, b_.index(numbers)), b_.add(b_.index(which * channels), channel));
      };
      e_.loop(b_.index(0), images, 1, {}, [&](Value image, ValueRange) {
        Coord row = e_.coord(image);
        e_.loop(b_.index(0), b_.index(channels), 1, {}, [&](Value c, ValueRange) {
          Coord channel = e_.laneCoord(c);
          Value prepared = reduction->prepare(
              e_, channel, [&](Value operand) { return firstLineMean(operand, row, channel); });
          SmallVector<Value> sums(ChannelReduction::kSums, b_.constant(b_.f32(), Evaluator::kEmptySum));
          std::function<SmallVector<Value>(Coords, SmallVector<Value>)> nest =
              [&](Coords at, SmallVector<Value> before) {
                auto dim = static_cast<int64_t>(at.size());
                if (dim + 1 == rank) {
                  at.push_back(channel);
                  auto next = reduction->step(e_, at, prepared, {before[0], before[1]});
                  return SmallVector<Value>(next.begin(), next.end());
                }
                auto loop = e_.loop(b_.index(0), b_.index(type.getDimSize(dim)), 1, before,
                                    [&](Value index, ValueRange carried) {
                                      Coords inner = at;
                                      inner.push_back(e_.coord(index));
                                      return nest(inner, SmallVector<Value>(carried));
                                    });
                return SmallVector<Value>(loop.getResults());
              };
          sums = nest({row}, sums);
          for (auto [which, value] : llvm::enumerate(
                   reduction->ofImage(e_, prepared, {sums[0], sums[1]}, std::max<int64_t>(positions, 1))))
            b_.storeLanes(value, partials, b_.f32(), place(image, unsigned(which), c));
          return none();
        });
        return none();
      });
      // The results are asked for at channels that are not known here: they go through memory too.
      for (mlir::OpResult result : op.getResults())
        e_.bind(result,
                LLVM::AllocaOp::create(b_.builder(), b_.loc(), pointer, b_.f32(), b_.index(channels)));
      e_.loop(b_.index(0), b_.index(channels), 1, {}, [&](Value c, ValueRange) {
        Coord channel = e_.laneCoord(c);
        auto load = [&](Value image, unsigned which) {
          return b_.loadLanes(partials, b_.f32(), place(image, which, c));
        };
        SmallVector<Value> values =
            reduction->combine(e_, channel, images, std::max<int64_t>(positions, 1), load);
        for (auto [result, value] : llvm::zip_equal(op.getResults(), values))
          b_.storeLanes(value, e_.memoryOf(result), b_.f32(), c);
        return none();
      });
    }
  }

  Value firstLineMean(Value operand, const Coord& row, const Coord& channel) {
    RankedTensorType type = tensorTypeOf(operand);
    int64_t rank = type.getRank();
    Coords at{row};
    for (int64_t dim = 1; dim < rank - 1; ++dim)
      at.push_back(e_.fixedCoord(0));
    at.push_back(channel);
    if (rank == 2) return e_.at(operand, at);
    int64_t line = type.getDimSize(rank - 2);
    Value sum = e_.loop(b_.index(0), b_.index(line), 1, b_.constant(b_.f32(), Evaluator::kEmptySum),
                        [&](Value index, ValueRange sums) {
                          at[rank - 2] = e_.coord(index);
                          return SmallVector<Value>{b_.add(sums[0], e_.at(operand, at))};
                        })
                    .getResult(0);
    return b_.div(sum, b_.constant(b_.f32(), double(line)));
  }

  void emitNorm(ir::GlobalNormOp norm) {
    MultiTensorEvaluator ops(e_, kernel_);
    Value sum = b_.constant(b_.f32(), 0);
    for (auto [i, tensor] : llvm::enumerate(norm.getTensors())) {
      ops.bind(norm.getTensors().front(), e_.memoryOf(tensor));
      if (!norm.getWeights().empty()) ops.bind(norm.getWeights().front(), e_.memoryOf(norm.getWeights()[i]));
      auto loop = b_.loop(b_.index(0), b_.index(tensorTypeOf(tensor).getNumElements()), 1, sum,
                          [&](Value index, ValueRange sums) {
                            ops.setIndex(index);
                            return SmallVector<Value>{ops.addSquare(norm, sums[0])};
                          });
      sum = loop.getResult(0);
    }
    b_.store(b_.sqrt(sum), results_[0].second, b_.f32(), b_.index(0));
  }

  /// Of one tensor a role, which decays.
  void emitUpdate(ir::MultiTensorOpInterface multi) {
    MultiTensorEvaluator ops(e_, kernel_);
    for (Value argument : kernel_.getBlock().getArguments())
      ops.bind(argument, e_.memoryOf(argument));
    ops.prepare();
    int64_t elements = tensorTypeOf(multi->getOperand(0)).getNumElements();
    e_.loop(b_.index(0), b_.index(elements), 1, {}, [&](Value index, ValueRange) {
      ops.setIndex(index);
      ops.evaluate(/*decays=*/true);
      for (auto& [result, memory] : results_)
        b_.storeLanes(ops.at(result), memory, tensorTypeOf(result).getElementType(), index);
      return none();
    });
  }

  /// Along the last dimension.
  void emitSort(ir::SortPermOp op) {
    RankedTensorType type = tensorTypeOf(op.getOperand());
    Value source = e_.memoryOf(op.getOperand()), count = b_.index(type.getShape().back());
    int64_t lines = type.getNumElements() / type.getShape().back();
    e_.loop(b_.index(0), b_.index(lines), 1, {}, [&](Value line, ValueRange) {
      Value base = b_.mul(line, count);
      auto load = [&](Value i) { return b_.load(source, type.getElementType(), b_.add(base, i)); };
      e_.loop(b_.index(0), count, 1, {}, [&](Value i, ValueRange) {
        Value rank = rankOf(e_, count, [&](Value j) {
          return sortsBefore(b_, op, {load(j), j}, {load(i), i});
        });
        b_.store(b_.convert(i, b_.i32()), results_[0].second, b_.i32(), b_.add(base, rank));
        return none();
      });
      return none();
    });
  }

  /// The valid rows by what is drawn for them, the others where they are.
  void emitPermutation(ir::RandomPermutationOp op) {
    Value count = b_.index(tensorTypeOf(op.getResult()).getDimSize(0));
    Value valid = validRows(e_, op.getValid(), count);
    auto store = [&](Value i, Value rank) {
      b_.store(b_.convert(i, b_.i32()), results_[0].second, b_.i32(), rank);
      return none();
    };
    e_.loop(b_.index(0), valid, 1, {}, [&](Value i, ValueRange) {
      return store(
          i, rankOf(e_, valid, [&](Value j) {
            return permutesBefore(b_, {permutationWord(e_, op, j), j}, {permutationWord(e_, op, i), i});
          }));
    });
    e_.loop(valid, count, 1, {}, [&](Value i, ValueRange) { return store(i, i); });
  }

  OneLaneBuilder& b_;
  ir::KernelOp kernel_;
  Evaluator e_;
  SmallVector<std::pair<Value, Value>> results_; // value, memory
};

} // namespace

mlir::FailureOr<KernelInfo> emitOneLaneKernel(ir::KernelOp kernel, mlir::ModuleOp module,
                                              llvm::StringRef symbol, const CpuTarget&) {
  mlir::OpBuilder builder(module.getContext());
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  mlir::Type i64 = builder.getI64Type();
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(module.getContext()), {pointer, pointer, i64, i64});
  builder.setInsertionPointToEnd(module.getBody());
  auto function = LLVM::LLVMFuncOp::create(builder, kernel.getLoc(), symbol, type);
  mlir::Block* entry = function.addEntryBlock(builder);
  builder.setInsertionPointToStart(entry);
  OneLaneBuilder b(builder, kernel.getLoc(), entry);
  bool done = OneLaneKernel(b, kernel, entry->getArgument(0)).emit();
  LLVM::ReturnOp::create(builder, kernel.getLoc(), mlir::ValueRange());
  if (!done) return mlir::failure();
  mlir::WalkResult vectors = function.walk([](mlir::Operation* op) {
    bool found = llvm::any_of(op->getResultTypes(), llvm::IsaPred<mlir::VectorType>);
    return found ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance();
  });
  if (vectors.wasInterrupted()) return kernel.emitError("has vectors in the code of one lane");
  KernelInfo info;
  info.symbol = symbol.str();
  return info;
}

} // namespace tailor::backend::testing
