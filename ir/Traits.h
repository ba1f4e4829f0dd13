#pragma once

#include "ir/Fusion.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace tailor::ir {

/// True for ranked tensors of f32, bf16 or f64.
bool isFloatTensor(mlir::Type type);

/// One role of a multi-tensor op: `name` as its assembly says it, values [begin, begin + getNumTensors()) of
/// the op's operands or results.
struct TensorRole {
  llvm::StringRef name;
  unsigned begin;
};

/// All operands and results have one shape; result[i] depends on operand[i] only.
template <typename ConcreteOp>
class Elementwise : public mlir::OpTrait::TraitBase<ConcreteOp, Elementwise> {};

/// Evaluated by a polynomial of some thirty instructions an element: worth storing rather than computing again.
template <typename ConcreteOp>
class Transcendental : public mlir::OpTrait::TraitBase<ConcreteOp, Transcendental> {};

/// A draw: its value is fixed by its Philox key, so two draws are equal only if their keys are.
template <typename ConcreteOp> class RandomOp : public mlir::OpTrait::TraitBase<ConcreteOp, RandomOp> {};

/// Implements FusionOpInterface with one class for all instances of the op.
template <FusionClass fusionClass> struct FusesAs {
  template <typename ConcreteOp> class Impl : public mlir::OpTrait::TraitBase<ConcreteOp, Impl> {
  public:
    FusionClass getFusionClass() { return fusionClass; }
  };
};

/// What tailor.load and tailor.store touch.
struct StateResource : public mlir::SideEffects::Resource::Base<StateResource> {
  llvm::StringRef getName() final { return "tailor.state"; }
};
/// What tailor.report writes.
struct MetricsResource : public mlir::SideEffects::Resource::Base<MetricsResource> {
  llvm::StringRef getName() final { return "tailor.metrics"; }
};
/// What tailor.output writes.
struct OutputResource : public mlir::SideEffects::Resource::Base<OutputResource> {
  llvm::StringRef getName() final { return "tailor.output"; }
};

} // namespace tailor::ir
