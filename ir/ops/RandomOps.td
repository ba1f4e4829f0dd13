// Random numbers: Philox4x32-10 as defined by runtime/base/philox.h. A draw is a pure function of its key.
#ifndef TAILOR_RANDOM_OPS
#define TAILOR_RANDOM_OPS

include "ir/TailorBase.td"

// Dimension 0 of a draw is the row, and has no more elements than the batch: rows are keyed by their position in the epoch, the
// next step's begin where this batch's end, and a larger draw would share rows with them. The frontend records larger draws
// in the rows of the batch and reshapes them (frontend/ops/random.cpp); a program written as text has to do the same.
//
// One draw a row is made where it is read (FusionClass::Map). Draws of several columns have a kernel of their own, which
// uses every word of a block.
class DrawOp<string mnemonic> : PureOp<mnemonic, [RandomOp, FusesByAttributes]>;

def RngKeyOp : PureOp<"rng_key", [RandomOp, NamesResults]> {
  let summary = "The Philox key of one random op in one step.";
  let description = [{
    rng: the control field (seed low, seed high, epoch, draw position of row 0). pass: which pass of the step (0 in
    both SAM passes under same_rng); the inner iteration of a repeat goes into its upper 16 bits. Result (8 words):
    counter y = draw position of row 0, z = epoch, w = pass | view << 8; key x = seed low ^ op_id * 0x9E3779B9,
    y = seed high ^ stream * 0x85EBCA6B; 0, 0, 0. A draw adds the row to counter y and puts the
    block within the row into counter x.
  }];
  let arguments = (ins RngState:$rng, I32Scalar:$pass, I64Attr:$op_id, DefaultValuedAttr<I64Attr, "0">:$stream,
                       DefaultValuedAttr<I64Attr, "0">:$view);
  let results = (outs RngKey:$result);
  let assemblyFormat = [{
    $rng `pass` `(` $pass `)` `op` `(` $op_id `)` (`stream` `(` $stream^ `)`)? (`view` `(` $view^ `)`)? attr-dict
    `:` functional-type(operands, $result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$rng, "::mlir::Value":$pass, "int64_t":$opId,
                                 CArg<"int64_t", "0">:$stream, CArg<"int64_t", "0">:$view)>];
  let skipDefaultBuilders = 1;
  let hasVerifier = 1;
}

def RandomUniformOp : DrawOp<"random_uniform"> {
  let summary = "Uniform numbers in [low, high).";
  let arguments = (ins RngKey:$key, DefaultValuedAttr<F64Attr, "0.0">:$low, DefaultValuedAttr<F64Attr, "1.0">:$high);
  let results = (outs FloatTensor:$result);
  let assemblyFormat = [{
    $key (`from` `(` $low^ `)`)? (`to` `(` $high^ `)`)? attr-dict `:` type($key) `->` type($result)
  }];
  let hasVerifier = 1;
}

def RandomNormalOp : DrawOp<"random_normal"> {
  let summary = "Normal numbers: mean + std * Box-Muller of two words, which give two neighbours in their block.";
  let arguments = (ins RngKey:$key, DefaultValuedAttr<F64Attr, "0.0">:$mean, DefaultValuedAttr<F64Attr, "1.0">:$std);
  let results = (outs FloatTensor:$result);
  let assemblyFormat = [{
    $key (`mean` `(` $mean^ `)`)? (`std` `(` $std^ `)`)? attr-dict `:` type($key) `->` type($result)
  }];
  let hasVerifier = 1;
}

def BernoulliOp : DrawOp<"bernoulli"> {
  let summary = "true with the given probability: word < probability * 2^32.";
  let arguments = (ins RngKey:$key, F64Attr:$probability);
  let results = (outs BoolTensor:$result);
  let assemblyFormat = "$key `probability` `(` $probability `)` attr-dict `:` type($key) `->` type($result)";
  let hasVerifier = 1;
}

def RandomPermutationOp : PureOp<"random_permutation", [RandomOp]> {
  let summary = "A permutation of the batch; rows from `valid` on stay where they are.";
  let description = [{
    Row i < valid has the sort key (word of element i of row 0, i); the result lists the valid rows in that order.
  }];
  let arguments = (ins RngKey:$key, Optional<I32Scalar>:$valid);
  let results = (outs I32Vector:$result);
  let assemblyFormat = "$key (`valid` `(` $valid^ `:` type($valid) `)`)? attr-dict `:` type($key) `->` type($result)";
}

#endif // TAILOR_RANDOM_OPS
