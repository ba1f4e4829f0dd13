#ifndef TAILOR_LINEAR_ALGEBRA_OPS
#define TAILOR_LINEAR_ALGEBRA_OPS

include "ir/TailorBase.td"

def DotOp : PureOp<"dot", [InfersWideType, FusesAs<"Contraction">, Differentiable]> {
  let summary = "Sums products over contracting dimensions, keeping batch dimensions.";
  let description = [{
    Result dimensions: batch (in the order given), then the other dimensions of lhs, then those of rhs. bf16 operands
    may give a bf16 or f32 result; sums are in f32 at least.

    ```mlir
    %y = tailor.dot %x, %w contract([1] x [0]) : (tensor<64x8xf32>, tensor<8x10xf32>) -> tensor<64x10xf32>
    %a = tailor.dot %q, %k batch([0] x [0]) contract([2] x [2]) : ...
    ```
  }];
  let arguments = (ins FloatTensor:$lhs, FloatTensor:$rhs,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$lhs_batch,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$rhs_batch,
                       DenseI64ArrayAttr:$lhs_contract, DenseI64ArrayAttr:$rhs_contract);
  let results = (outs FloatTensor:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs (`batch` `(` $lhs_batch^ `x` $rhs_batch `)`)? `contract` `(` $lhs_contract `x` $rhs_contract `)`
    attr-dict `:` functional-type(operands, $result)
  }];
  let builders = [
    // No batch dimensions.
    OpBuilder<(ins "::mlir::Value":$lhs, "::mlir::Value":$rhs, "::llvm::ArrayRef<int64_t>":$lhsContract,
                   "::llvm::ArrayRef<int64_t>":$rhsContract)>
  ];
  let extraClassDeclaration = [{
    /// Dimensions of an operand that are neither batch nor contracting, in order.
    ::llvm::SmallVector<int64_t> getLhsFree();
    ::llvm::SmallVector<int64_t> getRhsFree();
  }];
}

#endif // TAILOR_LINEAR_ALGEBRA_OPS
