// Ops that combine the elements of some dimensions. Dimensions are counted from 0; the reduced ones disappear.
#ifndef TAILOR_REDUCTION_OPS
#define TAILOR_REDUCTION_OPS

include "ir/TailorBase.td"

class ReduceOp<string mnemonic, string text, TypeConstraint type>
    : PureOp<mnemonic, [InfersType, Differentiable, FusesByAttributes]> {
  let summary = text;
  let arguments = (ins type:$operand, DenseI64ArrayAttr:$dims);
  let results = (outs type:$result);
  let assemblyFormat = "$operand `dims` `(` $dims `)` attr-dict `:` type($operand) `to` type($result)";
  let hasFolder = 1;
}

def ReduceSumOp : ReduceOp<"reduce_sum", "Sum over `dims`.", NumberTensor>;
def ReduceMeanOp : ReduceOp<"reduce_mean", "Mean over `dims`.", FloatTensor>;
def ReduceMaxOp : ReduceOp<"reduce_max", "Maximum over `dims` (NaN if any is); equal maxima share the gradient.", NumberTensor>;
def ReduceMinOp : ReduceOp<"reduce_min", "Minimum over `dims` (NaN if any is); equal minima share the gradient.", NumberTensor>;

def ArgmaxOp : PureOp<"argmax", [InfersType, FusesByAttributes]> {
  let summary = "Position (i32) of the largest element along `dim`; the lowest position of equal ones.";
  let arguments = (ins NumberTensor:$operand, I64Attr:$dim);
  let results = (outs RankedTensorOf<[I32]>:$result);
  let assemblyFormat = "$operand `dim` `(` $dim `)` attr-dict `:` type($operand) `to` type($result)";
}

def SortPermOp : PureOp<"sort_perm", [InfersType]> {
  let summary = "Positions (i32) that sort `dim`, stable; ascending unless `descending`.";
  let arguments = (ins NumberTensor:$operand, I64Attr:$dim, UnitAttr:$descending);
  let results = (outs RankedTensorOf<[I32]>:$result);
  let assemblyFormat = [{
    $operand `dim` `(` $dim `)` (`descending` $descending^)? attr-dict `:` type($operand) `to` type($result)
  }];
}

def LogSumExpOp : PureOp<"logsumexp", [InfersType, Differentiable, FusesByAttributes]> {
  let summary = "log(sum(e^x)) along `dim`, shifted by the maximum.";
  let arguments = (ins FloatTensor:$operand, I64Attr:$dim);
  let results = (outs FloatTensor:$result);
  let assemblyFormat = "$operand `dim` `(` $dim `)` attr-dict `:` type($operand) `to` type($result)";
}

class AlongOp<string mnemonic, string text> : PureOp<mnemonic,
    [SameOperandsAndResultType, Differentiable, FusesByAttributes]> {
  let summary = text;
  let arguments = (ins FloatTensor:$operand, I64Attr:$dim);
  let results = (outs FloatTensor:$result);
  let assemblyFormat = "$operand `dim` `(` $dim `)` attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def SoftmaxOp : AlongOp<"softmax", "e^x / sum(e^x) along `dim`, shifted by the maximum.">;
def LogSoftmaxOp : AlongOp<"log_softmax", "x - logsumexp(x) along `dim`.">;
def L2NormalizeOp : AlongOp<"l2_normalize", "x / max(norm(x), epsilon), norm along `dim`."> {
  let arguments = (ins FloatTensor:$operand, I64Attr:$dim, DefaultValuedAttr<F64Attr, "1e-12">:$epsilon);
  let assemblyFormat = "$operand `dim` `(` $dim `)` (`epsilon` `(` $epsilon^ `)`)? attr-dict `:` type($result)";
}

def MaskedMeanOp : PureOp<"masked_mean", [InfersType, Differentiable, FusesByAttributes]> {
  let summary = "Mean over the first `valid` rows: sum over n < valid of x[n] / max(valid, 1).";
  let description = "x is [N, ...], the result [...]. No valid row gives 0, whatever x holds.";
  let arguments = (ins FloatTensor:$operand, I32Scalar:$valid);
  let results = (outs FloatTensor:$result);
  let assemblyFormat = "$operand `valid` `(` $valid `)` attr-dict `:` functional-type(operands, $result)";
}

#endif // TAILOR_REDUCTION_OPS
