#include "ir/ops/Support.h"

#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;

namespace tailor::ir {

static LogicalResult verifyNotEmpty(Operation* op, ValueRange tensors) {
  if (!tensors.empty()) return success();
  return op->emitOpError("expects at least one tensor");
}

/// Results have the types of the tensors they replace.
static LogicalResult verifyReplaces(Operation* op, StringRef role, TypeRange before, TypeRange after) {
  if (before.size() != after.size())
    return op->emitOpError("replaces ") << before.size() << " " << role << " by " << after.size();
  for (auto [index, types] : llvm::enumerate(llvm::zip_equal(before, after)))
    if (std::get<0>(types) != std::get<1>(types))
      return op->emitOpError() << role << " " << index << " is " << std::get<0>(types)
                               << " but its replacement is " << std::get<1>(types);
  return success();
}

static LogicalResult verifyDecayFlags(Operation* op, ArrayRef<bool> decayed, size_t numParams) {
  if (decayed.size() == numParams) return success();
  return op->emitOpError("expects one decay flag per parameter: ")
         << numParams << " params but " << decayed.size() << " flags";
}

/// One scalar of each kind per segment; without `segments` there is one.
static LogicalResult verifySegments(Operation* op, std::optional<ArrayRef<int32_t>> segments,
                                    size_t numParams, size_t numRates, size_t numDecays) {
  if (numRates != numDecays)
    return op->emitOpError("has ") << numRates << " learning rates but " << numDecays << " weight decays";
  if (!segments) {
    if (numRates == 1) return success();
    return op->emitOpError("expects one learning rate without segments, got ") << numRates;
  }
  if (segments->size() != numParams)
    return op->emitOpError("expects one segment per parameter: ")
           << numParams << " params but " << segments->size() << " segments";
  llvm::SmallBitVector seen(numRates);
  for (int32_t segment : *segments) {
    if (segment < 0 || static_cast<size_t>(segment) >= numRates)
      return op->emitOpError("has segment ") << segment << " but " << numRates << " learning rates";
    seen.set(segment);
  }
  if (seen.all()) return success();
  return op->emitOpError("has no parameter in segment ") << seen.find_first_unset();
}

static unsigned segmentOf(std::optional<ArrayRef<int32_t>> segments, unsigned index) {
  return segments ? (*segments)[index] : 0;
}

/// `<name of the state>_<suffix>` for results that replace loaded states.
static void nameAfter(ResultRange results, ValueRange sources, StringRef suffix,
                      OpAsmSetValueNameFn setName) {
  for (auto [result, source] : llvm::zip(results, sources)) {
    std::string name = valueName(source);
    if (!name.empty()) setName(result, name + suffix.str());
  }
}

// --- global_norm

LogicalResult GlobalNormOp::inferReturnTypes(MLIRContext* context, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type>& types) {
  bool isWide =
      llvm::any_of(adaptor.getTensors(), [](Value v) { return tensorType(v).getElementType().isF64(); });
  types.push_back(
      RankedTensorType::get({}, isWide ? Type(Float64Type::get(context)) : Float32Type::get(context)));
  return success();
}

LogicalResult GlobalNormOp::verify() {
  if (failed(verifyNotEmpty(*this, getTensors()))) return failure();
  if (getWeights().empty()) return success();
  return verifySameShapes(*this, "tensors", getTensors().getTypes(), "weights", getWeights().getTypes());
}

SmallVector<TensorRole> GlobalNormOp::getOperandRoles() {
  SmallVector<TensorRole> roles{{"tensors", 0}};
  if (!getWeights().empty()) roles.push_back({"weights", getNumTensors()});
  return roles;
}
SmallVector<TensorRole> GlobalNormOp::getResultRoles() {
  return {};
}
unsigned GlobalNormOp::getNumTensors() {
  return getTensors().size();
}

// --- sam.perturb

void SamPerturbOp::build(OpBuilder& builder, OperationState& state, ValueRange params, ValueRange grads,
                         Value norm, Value radius, bool adaptive) {
  build(builder, state, TypeRange(params), params, grads, norm, radius, adaptive, llvm::APFloat(1e-12));
}

LogicalResult SamPerturbOp::verify() {
  if (failed(verifyNotEmpty(*this, getParams()))) return failure();
  if (!(getEpsilon().convertToDouble() > 0.0))
    return emitOpError("expects epsilon > 0, got ") << getEpsilon().convertToDouble();
  if (failed(verifySameShapes(*this, "params", getParams().getTypes(), "grads", getGrads().getTypes())))
    return failure();
  return verifyReplaces(*this, "params", getParams().getTypes(), getPerturbed().getTypes());
}

void SamPerturbOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameAfter(getPerturbed(), getParams(), "_up", setName);
}

SmallVector<TensorRole> SamPerturbOp::getOperandRoles() {
  return {{"params", 0}, {"grads", getNumTensors()}};
}
SmallVector<TensorRole> SamPerturbOp::getResultRoles() {
  return {{"perturbed", 0}};
}
unsigned SamPerturbOp::getNumTensors() {
  return getParams().size();
}

// --- sgd_update

void SgdUpdateOp::build(OpBuilder& builder, OperationState& state, ValueRange params, ValueRange grads,
                        ValueRange velocity, Value lr, Value momentum, Value weightDecay, Value valid,
                        ArrayRef<bool> decayed, bool nesterov) {
  build(builder, state, TypeRange(params), TypeRange(velocity), params, grads, velocity, lr, momentum,
        weightDecay, valid, decayed, DenseI32ArrayAttr(), nesterov);
}

LogicalResult SgdUpdateOp::verify() {
  if (failed(verifyNotEmpty(*this, getParams())) ||
      failed(verifySameShapes(*this, "params", getParams().getTypes(), "grads", getGrads().getTypes())) ||
      failed(verifyDecayFlags(*this, getDecayed(), getParams().size())) ||
      failed(
          verifySegments(*this, getSegments(), getParams().size(), getLr().size(), getWeightDecay().size())))
    return failure();
  if (getVelocity().empty() != !getMomentum()) return emitOpError("expects velocity and momentum together");
  if (getNesterov() && !getMomentum()) return emitOpError("has nesterov without momentum");
  if (!getVelocity().empty() &&
      failed(verifySameShapes(*this, "params", getParams().getTypes(), "velocity", getVelocity().getTypes())))
    return failure();
  if (failed(verifyReplaces(*this, "params", getParams().getTypes(), getNewParams().getTypes())))
    return failure();
  return verifyReplaces(*this, "velocity", getVelocity().getTypes(), getNewVelocity().getTypes());
}

void SgdUpdateOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameAfter(getNewParams(), getParams(), "_new", setName);
  nameAfter(getNewVelocity(), getParams(), "_velocity", setName);
}

SmallVector<TensorRole> SgdUpdateOp::getOperandRoles() {
  unsigned n = getNumTensors();
  SmallVector<TensorRole> roles{{"params", 0}, {"grads", n}};
  if (!getVelocity().empty()) roles.push_back({"velocity", 2 * n});
  return roles;
}
SmallVector<TensorRole> SgdUpdateOp::getResultRoles() {
  SmallVector<TensorRole> roles{{"new_params", 0}};
  if (!getVelocity().empty()) roles.push_back({"new_velocity", getNumTensors()});
  return roles;
}
unsigned SgdUpdateOp::getNumTensors() {
  return getParams().size();
}
bool SgdUpdateOp::isParameterUpdate() {
  return true;
}
bool SgdUpdateOp::isDecayed(unsigned index) {
  return getDecayed()[index];
}
unsigned SgdUpdateOp::getSegment(unsigned index) {
  return segmentOf(getSegments(), index);
}
unsigned SgdUpdateOp::getNumSegments() {
  return getLr().size();
}

// --- adamw_update

void AdamwUpdateOp::build(OpBuilder& builder, OperationState& state, ValueRange params, ValueRange grads,
                          ValueRange firstMoments, ValueRange secondMoments, Value lr, Value beta1,
                          Value beta2, Value epsilon, Value weightDecay, Value step, Value valid,
                          ArrayRef<bool> decayed) {
  build(builder, state, TypeRange(params), TypeRange(firstMoments), TypeRange(secondMoments), params, grads,
        firstMoments, secondMoments, lr, beta1, beta2, epsilon, weightDecay, step, valid, decayed,
        DenseI32ArrayAttr());
}

LogicalResult AdamwUpdateOp::verify() {
  TypeRange params = getParams().getTypes();
  if (failed(verifyNotEmpty(*this, getParams())) ||
      failed(verifySameShapes(*this, "params", params, "grads", getGrads().getTypes())) ||
      failed(verifySameShapes(*this, "params", params, "first_moments", getFirstMoments().getTypes())) ||
      failed(verifySameShapes(*this, "params", params, "second_moments", getSecondMoments().getTypes())) ||
      failed(verifyDecayFlags(*this, getDecayed(), getParams().size())) ||
      failed(
          verifySegments(*this, getSegments(), getParams().size(), getLr().size(), getWeightDecay().size())))
    return failure();
  return success(succeeded(verifyReplaces(*this, "params", params, getNewParams().getTypes())) &&
                 succeeded(verifyReplaces(*this, "first_moments", getFirstMoments().getTypes(),
                                          getNewFirstMoments().getTypes())) &&
                 succeeded(verifyReplaces(*this, "second_moments", getSecondMoments().getTypes(),
                                          getNewSecondMoments().getTypes())));
}

void AdamwUpdateOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameAfter(getNewParams(), getParams(), "_new", setName);
  nameAfter(getNewFirstMoments(), getParams(), "_first", setName);
  nameAfter(getNewSecondMoments(), getParams(), "_second", setName);
}

SmallVector<TensorRole> AdamwUpdateOp::getOperandRoles() {
  unsigned n = getNumTensors();
  return {{"params", 0}, {"grads", n}, {"first_moments", 2 * n}, {"second_moments", 3 * n}};
}
SmallVector<TensorRole> AdamwUpdateOp::getResultRoles() {
  unsigned n = getNumTensors();
  return {{"new_params", 0}, {"new_first_moments", n}, {"new_second_moments", 2 * n}};
}
unsigned AdamwUpdateOp::getNumTensors() {
  return getParams().size();
}
bool AdamwUpdateOp::isParameterUpdate() {
  return true;
}
bool AdamwUpdateOp::isDecayed(unsigned index) {
  return getDecayed()[index];
}
unsigned AdamwUpdateOp::getSegment(unsigned index) {
  return segmentOf(getSegments(), index);
}
unsigned AdamwUpdateOp::getNumSegments() {
  return getLr().size();
}

// --- ema_update

void EmaUpdateOp::build(OpBuilder& builder, OperationState& state, ValueRange averages, ValueRange values,
                        Value decay, Value valid) {
  build(builder, state, TypeRange(averages), averages, values, decay, valid);
}

LogicalResult EmaUpdateOp::verify() {
  if (failed(verifyNotEmpty(*this, getAverages())) ||
      failed(verifySameShapes(*this, "averages", getAverages().getTypes(), "values", getValues().getTypes())))
    return failure();
  return verifyReplaces(*this, "averages", getAverages().getTypes(), getNewAverages().getTypes());
}

void EmaUpdateOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  nameAfter(getNewAverages(), getAverages(), "_ema", setName);
}

SmallVector<TensorRole> EmaUpdateOp::getOperandRoles() {
  return {{"averages", 0}, {"values", getNumTensors()}};
}
SmallVector<TensorRole> EmaUpdateOp::getResultRoles() {
  return {{"new_averages", 0}};
}
unsigned EmaUpdateOp::getNumTensors() {
  return getAverages().size();
}

} // namespace tailor::ir
