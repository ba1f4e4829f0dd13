#pragma once

/// What the op families share: shape checks, names of values, constants of folders.

#include "ir/Tailor.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/Twine.h"

#include <optional>
#include <string>

namespace tailor::ir {

inline mlir::RankedTensorType tensorType(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}

/// Equal, or at least one is not known.
inline bool sameSize(int64_t a, int64_t b) {
  return a == b || mlir::ShapedType::isDynamic(a) || mlir::ShapedType::isDynamic(b);
}

/// Same rank and sameSize in every dimension.
bool sameShape(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);

/// A single result of the inferred shape whose elements may be wider: f32 where bf16 was inferred.
bool isSameOrWider(mlir::TypeRange inferred, mlir::TypeRange actual);

/// A size under computation; no value once something overflowed.
struct CheckedSize {
  std::optional<int64_t> value;

  CheckedSize(int64_t size) : value(size) {}
  friend CheckedSize operator+(CheckedSize a, CheckedSize b);
  friend CheckedSize operator*(CheckedSize a, CheckedSize b);
};

/// Product of the sizes, none of them dynamic.
CheckedSize numElements(llvm::ArrayRef<int64_t> shape);

/// "64x10", "scalar" for rank 0.
std::string shapeText(llvm::ArrayRef<int64_t> shape);

/// The rest of an error of inferReturnTypes, which has no op yet: "'tailor.dot' op " + the arguments.
template <typename ConcreteOp, typename... Args>
llvm::LogicalResult inferError(std::optional<mlir::Location> location, Args&&... args) {
  return mlir::emitOptionalError(location, "'", ConcreteOp::getOperationName(), "' op ",
                                 std::forward<Args>(args)...);
}

/// Dimensions are inside [0, rank) and different from each other. `what` names the list in the error.
llvm::LogicalResult checkDims(llvm::ArrayRef<int64_t> dims, int64_t rank, llvm::StringRef what,
                              llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

/// The name a value has in a dump without number: a state's, an input's, a control field's, an argument's;
/// else "". Printing a diagnostic asks for values whose op is not verified yet, so nothing is taken for granted.
std::string valueName(mlir::Value value);

/// The program an op belongs to, or null.
ProgramOp programOf(mlir::Operation* op);

/// Ops that touch state, control, inputs, metrics or outputs sit in an entry, directly or in a repeat there.
llvm::LogicalResult verifyInEntry(mlir::Operation* op);

/// The number of a constant that is the same everywhere; none for other values.
std::optional<double> splatNumber(mlir::Attribute constant);

/// An elements attribute of `type` with `number` everywhere, rounded to the element type.
mlir::DenseElementsAttr splatOf(mlir::RankedTensorType type, double number);

/// Shape checks of "a, b, ... have the same types" for lists of tensors; only shapes are compared.
llvm::LogicalResult verifySameShapes(mlir::Operation* op, llvm::StringRef firstRole, mlir::TypeRange first,
                                     llvm::StringRef secondRole, mlir::TypeRange second);

} // namespace tailor::ir
