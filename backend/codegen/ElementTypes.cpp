#include "backend/codegen/ElementTypes.h"

#include "ir/Tailor.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace tailor::backend {

bool hasCodeForElements(mlir::Operation* op, llvm::StringRef target, std::string& reason) {
  auto fits = [&](mlir::Type type) {
    mlir::Type element = mlir::getElementTypeOrSelf(type);
    if (element.isF32() || element.isInteger(1) || element.isInteger(32) || element.isInteger(64))
      return true;
    llvm::raw_string_ostream out(reason);
    if (element.isBF16())
      out << "computes with bf16, which target " << target << " only stores: cast it to f32";
    else
      out << "element type " << element << " is not available for target " << target << " yet";
    return false;
  };
  if (mlir::isa<ir::CastOp>(op)) {
    auto isStorage = [&](mlir::Type type) { return mlir::getElementTypeOrSelf(type).isBF16(); };
    if (isStorage(op->getOperand(0).getType())) return fits(op->getResult(0).getType());
    if (isStorage(op->getResult(0).getType())) return fits(op->getOperand(0).getType());
  }
  auto isRead = [&](mlir::Type type) {
    return mlir::getElementTypeOrSelf(type).isUnsignedInteger(8) || fits(type);
  };
  return llvm::all_of(op->getOperandTypes(), isRead) && llvm::all_of(op->getResultTypes(), fits);
}

} // namespace tailor::backend
