#pragma once
/// Reductions over images and positions, [N, ..., C] -> [C], in two stages: what an image adds up, then what the images'
/// numbers give, in image order. So no bit depends on who computes which image.

#include "backend/codegen/Evaluator.h"

#include <array>
#include <memory>

namespace tailor::backend {

/// One reduction: what an image adds up per channel, and what the images' sums give.
class ChannelReduction {
public:
  static constexpr unsigned kSums = 2; ///< per channel, each from Evaluator::kEmptySum

  virtual ~ChannelReduction() = default;
  virtual mlir::Operation* op() const = 0;
  virtual mlir::Value valid() const = 0; ///< how many images count; null: all
  /// Numbers that an image stores per channel.
  virtual unsigned numStored() const = 0;

  /// Before the positions of an image: a value of the channels that every step may use, or null. `firstLineMean(operand)` is the
  /// mean of the operand over the last dimension of positions, at the first place of the others.
  virtual mlir::Value prepare(Evaluator& e, const Coord& channel,
                              llvm::function_ref<mlir::Value(mlir::Value)> firstLineMean) = 0;
  /// The sums with one position more.
  virtual std::array<mlir::Value, kSums> step(Evaluator& e, llvm::ArrayRef<Coord> at, mlir::Value prepared,
                                              std::array<mlir::Value, kSums> sums) = 0;
  /// What an image of `positions` stores, from its sums.
  virtual llvm::SmallVector<mlir::Value> ofImage(Evaluator& e, mlir::Value prepared,
                                                 std::array<mlir::Value, kSums> sums, int64_t positions) = 0;
  /// The op's results over `images` (i64, may be 0), whose stored numbers `load(image, which)` reads.
  virtual llvm::SmallVector<mlir::Value>
  combine(Evaluator& e, const Coord& channel, mlir::Value images, int64_t positions,
          llvm::function_ref<mlir::Value(mlir::Value, unsigned)> load) = 0;
};

/// The reduction of a `channels` kernel's op; null for ops of other kinds.
std::unique_ptr<ChannelReduction> channelReductionOf(mlir::Operation* op);

} // namespace tailor::backend
