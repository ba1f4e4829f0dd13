// Table look-ups and their gradients. An index outside the table is an error of the data, found when the data set is
// opened; ops assume indices in range.
#ifndef TAILOR_INDEX_OPS
#define TAILOR_INDEX_OPS

include "ir/TailorBase.td"

def TakeOp : PureOp<"take", [InfersType, FusesAs<"Map">, Differentiable]> {
  let summary = "Rows of a table: result[i...] = table[index[i...]].";
  let description = "table [K, ...], index [...] gives index shape followed by the table's other dimensions.";
  let arguments = (ins AnyTailorTensor:$table, IntTensor:$index);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = "$table `,` $index attr-dict `:` functional-type(operands, $result)";
}

def TakeAlongOp : PureOp<"take_along", [InfersType, FusesAs<"Map">, Differentiable]> {
  let summary = "One column per row: result[n] = operand[n, index[n]].";
  let description = "operand [N..., K], index [N...] gives [N...].";
  let arguments = (ins AnyTailorTensor:$operand, IntTensor:$index);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = "$operand `,` $index attr-dict `:` functional-type(operands, $result)";
}

def ScatterAddOp : PureOp<"scatter_add", [InfersType, Differentiable]> {
  let summary = "The table plus updates[i...] added to row index[i...].";
  let description = [{
    table [K, ...], index [...], updates: index shape followed by the table's other dimensions. Deterministic: the
    updates of a row are added in increasing position.
  }];
  let arguments = (ins NumberTensor:$table, IntTensor:$index, NumberTensor:$updates);
  let results = (outs NumberTensor:$result);
  let assemblyFormat = "$table `,` $index `,` $updates attr-dict `:` functional-type(operands, $result)";
}

def OneHotOp : PureOp<"one_hot", [FusesAs<"Map">]> {
  let summary = "result[n..., k] = (index[n...] == k); K is read off the result type.";
  let arguments = (ins IntTensor:$index);
  let results = (outs NumberTensor:$result);
  let assemblyFormat = "$index attr-dict `:` type($index) `to` type($result)";
  let hasVerifier = 1;
}

#endif // TAILOR_INDEX_OPS
