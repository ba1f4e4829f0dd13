// tailor-opt: reads .mlir, runs passes, writes .mlir. For people who work on the IR.

#include "ir/Tailor.h"
#include "passes/Passes.h"
#include "passes/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char** argv) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::BuiltinDialect, mlir::func::FuncDialect, tailor::ir::TailorDialect>();
  mlir::registerTransformsPasses();
  tailor::passes::registerTailorPasses();
  tailor::passes::registerPipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Tailor's optimizer driver\n", registry));
}
