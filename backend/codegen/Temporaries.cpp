#include "backend/codegen/Temporaries.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"

namespace tailor::backend {

using namespace mlir;

SmallVector<Location> linesOf(ir::KernelOp kernel, ModuleOp module) {
  SmallVector<Location> lines;
  module.walk([&](ir::LaunchOp launch) {
    if (launch.getKernel() == kernel.getSymName()) lines.push_back(launch.getLoc());
  });
  if (lines.empty()) lines.push_back(kernel.getLoc());
  return lines;
}

static FailureOr<SmallVector<Attribute>> attributesOf(ir::KernelOp kernel, ModuleOp module,
                                                      ArrayRef<NeededTemporary> needed) {
  SmallVector<Attribute> attributes;
  for (const NeededTemporary& temporary : needed) {
    auto emitAt = [&] {
      return emitError(linesOf(kernel, module).front())
             << "kernel '" << kernel.getSymName() << "' needs memory for " << temporary.purpose << ": ";
    };
    llvm::function_ref<InFlightDiagnostic()> emit = emitAt;
    auto attribute = ir::TemporaryAttr::getChecked(emit, kernel.getContext(), StringRef(temporary.purpose),
                                                   temporary.bytes);
    if (!attribute) return failure();
    attributes.push_back(attribute);
  }
  return attributes;
}

LogicalResult setTemporaries(ir::KernelOp kernel, ModuleOp module, ArrayRef<NeededTemporary> needed) {
  FailureOr<SmallVector<Attribute>> attributes = attributesOf(kernel, module, needed);
  if (failed(attributes)) return failure();
  kernel.removeTemporariesAttr();
  if (!attributes->empty()) kernel.setTemporariesAttr(ArrayAttr::get(kernel.getContext(), *attributes));
  return success();
}

LogicalResult checkTemporaries(ir::KernelOp kernel, ModuleOp planned, ArrayRef<NeededTemporary> needed,
                               StringRef target) {
  FailureOr<SmallVector<Attribute>> expected = attributesOf(kernel, planned, needed);
  if (failed(expected)) return failure();
  ArrayAttr given = kernel.getTemporaries().value_or(ArrayAttr());
  if (llvm::equal(*expected, given ? given.getValue() : ArrayRef<Attribute>())) return success();
  auto list = [&](ArrayRef<Attribute> temporaries) {
    std::string text;
    for (auto temporary : llvm::map_range(temporaries, llvm::CastTo<ir::TemporaryAttr>))
      text += (text.empty() ? "" : ", ") + std::to_string(temporary.getBytes()) + " bytes of " +
              temporary.getPurpose().str();
    return text.empty() ? "no temporaries" : text;
  };
  for (Location line : linesOf(kernel, planned))
    emitError(line) << "kernel '" << kernel.getSymName() << "' is planned with "
                    << list(given ? given.getValue() : ArrayRef<Attribute>()) << " but needs "
                    << list(*expected) << " for target " << target
                    << "; compile it from phase 'kernels' or before";
  return failure();
}

} // namespace tailor::backend
