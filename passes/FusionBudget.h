// `--fuse-limit N`: only the first N fusions of a compilation are made, so that the fusion behind a wrong
// number is found by bisection. The number of fusions still allowed is an attribute of the module
// (`tailor.fuse_limit`), hence visible in every dump and kept when a dump is edited and read back.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"

namespace tailor::passes {

class FusionBudget {
public:
  /// Limits the fusions in `module` to `limit`; a negative limit means no limit.
  static void install(mlir::ModuleOp module, int64_t limit);

  explicit FusionBudget(mlir::ModuleOp module);

  /// Writes what is left back to the module.
  ~FusionBudget();

  FusionBudget(const FusionBudget&) = delete;
  FusionBudget& operator=(const FusionBudget&) = delete;

  /// True if one more fusion may be made, which is thereby counted.
  bool take();

private:
  mlir::ModuleOp module_;
  int64_t left_; ///< -1 = no limit
};

} // namespace tailor::passes
