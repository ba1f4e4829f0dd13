// Ops that move, repeat or make values by position.
#ifndef TAILOR_SHAPE_OPS
#define TAILOR_SHAPE_OPS

include "ir/TailorBase.td"

def BroadcastOp : PureOp<"broadcast", [SameOperandsAndResultElementType, FusesAs<"Leaf">, Differentiable]> {
  let summary = "Repeats a value along new dimensions and along dimensions of size 1.";
  let description = [{
    Operand dimension i becomes result dimension dims[i]; dims increase. Operand sizes equal the result's or are 1.

    ```mlir
    %b = tailor.broadcast %bias dims([1]) : tensor<10xf32> to tensor<64x10xf32>
    ```
  }];
  let arguments = (ins AnyTailorTensor:$operand, DenseI64ArrayAttr:$dims);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = "$operand `dims` `(` $dims `)` attr-dict `:` type($operand) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def ReshapeOp : PureOp<"reshape", [SameOperandsAndResultElementType, Differentiable]> {
  let summary = "The same elements in row-major order under another shape.";
  let arguments = (ins PassedTensor:$operand);
  let results = (outs PassedTensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def TransposeOp : PureOp<"transpose", [InfersType, Differentiable]> {
  let summary = "Result dimension i is operand dimension permutation[i].";
  let arguments = (ins AnyTailorTensor:$operand, DenseI64ArrayAttr:$permutation);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = "$operand `permutation` `(` $permutation `)` attr-dict `:` type($operand) `to` type($result)";
  let hasFolder = 1;
}

def SliceOp : PureOp<"slice", [InfersType, Differentiable, FusesByAttributes]> {
  let summary = "result[i] = operand[starts + i * strides], up to (not with) limits.";
  let arguments = (ins AnyTailorTensor:$operand, DenseI64ArrayAttr:$starts, DenseI64ArrayAttr:$limits,
                       DenseI64ArrayAttr:$strides);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = [{
    $operand `from` `(` $starts `)` `to` `(` $limits `)` `by` `(` $strides `)` attr-dict
    `:` type($operand) `to` type($result)
  }];
  let hasFolder = 1;
}

def PadOp : PureOp<"pad", [InfersType, Differentiable, FusesByAttributes]> {
  let summary = "Adds `low` elements before, `high` after and `interior` between the elements of each dimension.";
  let description = "The new elements are `value` (default 0). Nothing is negative.";
  let arguments = (ins AnyTailorTensor:$operand, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high,
                       DenseI64ArrayAttr:$interior, DefaultValuedAttr<F64Attr, "0.0">:$value);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = [{
    $operand `low` `(` $low `)` `high` `(` $high `)` `interior` `(` $interior `)` (`value` `(` $value^ `)`)?
    attr-dict `:` type($operand) `to` type($result)
  }];
  let hasFolder = 1;
}

def ConcatOp : PureOp<"concat", [InfersType, Differentiable, FusesByAttributes]> {
  let summary = "Joins values along one dimension.";
  let arguments = (ins Variadic<AnyTailorTensor>:$inputs, I64Attr:$dim);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = "$inputs `dim` `(` $dim `)` attr-dict `:` functional-type($inputs, $result)";
  let hasFolder = 1;
}

def RollOp : PureOp<"roll", [SameOperandsAndResultType, Differentiable]> {
  let summary = "Rotates one dimension: result[i] = operand[(i - shift) mod size].";
  let arguments = (ins AnyTailorTensor:$operand, I64Attr:$shift, I64Attr:$dim);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = "$operand `shift` `(` $shift `)` `dim` `(` $dim `)` attr-dict `:` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def IotaOp : PureOp<"iota", [FusesAs<"Leaf">]> {
  let summary = "The position along `dim`: result[..., i, ...] = i.";
  let arguments = (ins I64Attr:$dim);
  let results = (outs NumberTensor:$result);
  let assemblyFormat = "`dim` `(` $dim `)` attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def RowMaskOp : PureOp<"row_mask", [FusesAs<"Leaf">]> {
  let summary = "result[n] = n < valid: which rows of the batch are real.";
  let arguments = (ins I32Scalar:$valid);
  let results = (outs 1DTensorOf<[I1]>:$result);
  let assemblyFormat = "$valid attr-dict `:` type($valid) `to` type($result)";
}

#endif // TAILOR_SHAPE_OPS
