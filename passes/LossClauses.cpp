#include "passes/LossClauses.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;

namespace tailor::passes {
namespace {

using ir::Reduction;
using ir::SoftmaxCrossEntropyOp;

int64_t numClassesOf(SoftmaxCrossEntropyOp loss) {
  return cast<RankedTensorType>(loss.getLogits().getType()).getDimSize(1);
}

Obstacle obstacle(StringRef reason, const Twine& text, const Twine& hint = "") {
  return {reason, text.str(), hint.str()};
}

} // namespace

Clause againstReading(SoftmaxCrossEntropyOp loss, Operation* reader) {
  if (llvm::all_of(loss->getUsers(), [&](Operation* user) { return user == reader; })) return std::nullopt;
  bool reduces = isa<ir::ReduceSumOp, ir::ReduceMeanOp, ir::MaskedMeanOp>(reader);
  return obstacle("loss-used-elsewhere", "the loss per row is used elsewhere",
                  reduces ? "report the reduced loss instead" : "report the loss with its factors instead");
}

Clause againstLoss(Value value, const Pick& pick) {
  auto logits = cast<RankedTensorType>(pick.logits.getType());
  auto labels = cast<RankedTensorType>(pick.labels.getType());
  auto losses = cast<RankedTensorType>(value.getType());
  if (labels.getRank() != 1 || !labels.getElementType().isInteger(32))
    return obstacle("label-type", "the labels are not one i32 per row", "cast the labels to i32");
  Type expected =
      logits.getElementType().isF64() ? logits.getElementType() : Type(Float32Type::get(value.getContext()));
  if (losses.getElementType() != expected)
    return obstacle("loss-type", "the loss would not be f32", "cast the logits to f32 first");
  return std::nullopt;
}

Obstacle againstSecondDerivative() {
  return obstacle(
      "second-derivative",
      "the gradient of this loss is differentiated again, for which the loss op would be taken apart",
      "leave it written out");
}

Clause againstWeights(SoftmaxCrossEntropyOp loss, ir::TakeOp lookup, const TrainedValues& trained) {
  auto table = cast<RankedTensorType>(lookup.getTable().getType());
  if (!loss.getLabels())
    return obstacle("soft-targets", "the loss has soft targets and no labels to look weights up by",
                    "multiply the targets by the weights");
  if (loss.getMixLabels())
    return obstacle("mixed-labels", "the rows have two labels each, and their weights belong to one",
                    "pass the table as class weights of the loss");
  if (lookup.getIndex() != loss.getLabels())
    return obstacle("other-labels", "the weights are looked up by other labels than the loss uses");
  if (table.getRank() != 1 || table.getDimSize(0) != numClassesOf(loss))
    return obstacle("table-size",
                    "the table has " + Twine(table.getDimSize(0)) + " entries for " +
                        Twine(numClassesOf(loss)) + " classes",
                    "give the table one entry per class");
  if (loss.getFocalOfWeighted())
    return obstacle("focal-of-weighted", "the focal factor sees the weights that the loss has already",
                    "multiply the weights before the focal factor is made");
  if (trained.contains(lookup.getTable()))
    return obstacle("trained-table", "the class weights are trained, so they need a gradient",
                    "pass them through stop_gradient");
  return std::nullopt;
}

Clause againstSmoothing(SoftmaxCrossEntropyOp loss, const UniformTerm& uniform) {
  StringRef option = !loss.getLabels()                      ? "soft targets"
                     : loss.getMixLabels()                  ? "mixed labels"
                     : loss.getSmoothing()                  ? "smoothing"
                     : loss.getClassWeights()               ? "class weights"
                     : loss.getFocalGamma()                 ? "a focal factor"
                     : loss.getMargin()                     ? "a margin"
                     : !loss.getScale().isExactlyValue(1.0) ? "a scale"
                                                            : "";
  if (!option.empty())
    return obstacle("smoothing-of-options", "the loss has " + option + ", which the uniform term has not",
                    "pass the smoothing to the loss as well");
  if (loss.getReduction() == Reduction::None && loss.getValid())
    return obstacle("smoothing-unmasked", "padding rows are left out of the loss but not of the uniform term",
                    "mask the sum of both");
  if (!readsSameLogits(loss, uniform.logits))
    return obstacle("other-logits", "the uniform term is taken of other logits than the loss");
  return std::nullopt;
}

Clause againstFocal(SoftmaxCrossEntropyOp loss, const FocalFactor& factor) {
  StringRef option = !loss.getLabels()      ? "soft targets"
                     : loss.getMixLabels()  ? "mixed labels"
                     : loss.getSmoothing()  ? "smoothing"
                     : loss.getFocalGamma() ? "a focal factor"
                                            : "";
  if (!option.empty())
    return obstacle("focal-of-options",
                    "the loss has " + option + ", so one factor in front of it is not its focal form",
                    "pass focal_gamma to the loss");
  return std::nullopt;
}

Clause againstMargin(SoftmaxCrossEntropyOp loss, Value source, const TrainedValues& trained) {
  if (loss.getMixLabels())
    return obstacle("mixed-labels", "the rows have two labels each, and the margin belongs to one",
                    "pass the margins to the loss");
  if (trained.contains(source))
    return obstacle("trained-table", "the margins are trained, so they need a gradient",
                    "pass them through stop_gradient");
  return std::nullopt;
}

Clause againstScale(SoftmaxCrossEntropyOp loss) {
  if (loss.getBias() || loss.getMargin())
    return obstacle("scale-before-table", "the logits are scaled before a bias or margin is added",
                    "scale the sum");
  return std::nullopt;
}

Clause againstWeightedMean(SoftmaxCrossEntropyOp loss, ir::ReduceSumOp weights) {
  if (!loss.getLabels() || loss.getMixLabels())
    return obstacle("mixed-labels", "the rows have two labels each, and the divisor sums the weights of one",
                    "use the reduction weighted_mean");
  if (cast<RankedTensorType>(weights.getOperand().getType()).getRank() != 1)
    return obstacle("other-divisor", "the divisor sums other weights than the loss has");
  Value perRow = weights.getOperand();
  if (auto [unmasked, valid] = unmask(perRow.getDefiningOp()); unmasked) {
    if (valid != loss.getValid())
      return obstacle("other-valid", "the loss and the sum of its weights leave out other rows",
                      "mask both with the same number of valid rows");
    perRow = unmasked;
  } else if (loss.getValid()) {
    return obstacle("other-valid", "the sum of the weights counts padding rows",
                    "mask the weights like the loss");
  }
  auto lookup = perRow.getDefiningOp<ir::TakeOp>();
  if (!lookup || lookup.getTable() != loss.getClassWeights() || lookup.getIndex() != loss.getLabels())
    return obstacle("other-divisor", "the divisor sums other weights than the loss has");
  return std::nullopt;
}

Clause againstMean(SoftmaxCrossEntropyOp loss, Value valid) {
  if (!loss.getValid() || loss.getValid() == valid) return std::nullopt;
  return valid ? obstacle("other-valid", "the mean is over other rows than the loss",
                          "use one number of valid rows")
               : obstacle("other-valid", "the mean counts padding rows", "use masked_mean(loss, valid)");
}

} // namespace tailor::passes
