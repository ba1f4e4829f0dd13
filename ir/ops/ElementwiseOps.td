// Lanewise ops: all operands and results have one shape.
#ifndef TAILOR_ELEMENTWISE_OPS
#define TAILOR_ELEMENTWISE_OPS

include "ir/TailorBase.td"

class LanewiseOp<string mnemonic, list<Trait> traits> : PureOp<mnemonic,
    [Lanewise, FusesAs<"Elementwise">] # traits>;

class UnaryOp<string mnemonic, string text, TypeConstraint type = FloatTensor, list<Trait> traits = []>
    : LanewiseOp<mnemonic, [SameOperandsAndResultType, Differentiable] # traits> {
  let summary = text;
  let arguments = (ins type:$operand);
  let results = (outs type:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
}

def NegOp : UnaryOp<"neg", "-x", NumberTensor> { let hasFolder = 1; }
def AbsOp : UnaryOp<"abs", "|x|; the derivative at 0 is 0", NumberTensor, [Idempotent]> { let hasFolder = 1; }
def SignOp : UnaryOp<"sign", "-1, 0 or 1 (NaN stays NaN); derivative 0", NumberTensor, [Idempotent]> { let hasFolder = 1; }
def ExpOp : UnaryOp<"exp", "e^x", FloatTensor, [Transcendental]>;
def Expm1Op : UnaryOp<"expm1", "e^x - 1, accurate near 0", FloatTensor, [Transcendental]>;
def LogOp : UnaryOp<"log", "natural logarithm", FloatTensor, [Transcendental]>;
def Log1pOp : UnaryOp<"log1p", "log(1 + x), accurate near 0", FloatTensor, [Transcendental]>;
def SqrtOp : UnaryOp<"sqrt", "square root"> { let hasFolder = 1; }
def RsqrtOp : UnaryOp<"rsqrt", "1 / sqrt(x)">;
def ReciprocalOp : UnaryOp<"reciprocal", "1 / x"> { let hasFolder = 1; }
def SquareOp : UnaryOp<"square", "x * x", NumberTensor> { let hasFolder = 1; }
def TanhOp : UnaryOp<"tanh", "hyperbolic tangent", FloatTensor, [Transcendental]>;
def SigmoidOp : UnaryOp<"sigmoid", "1 / (1 + e^-x)", FloatTensor, [Transcendental]>;
def ErfOp : UnaryOp<"erf", "error function", FloatTensor, [Transcendental]>;
def SinOp : UnaryOp<"sin", "sine", FloatTensor, [Transcendental]>;
def CosOp : UnaryOp<"cos", "cosine", FloatTensor, [Transcendental]>;
def ReluOp : UnaryOp<"relu", "max(x, 0) (NaN stays NaN); the derivative at 0 is 0", FloatTensor, [Idempotent]> {
  let hasFolder = 1;
}
def SiluOp : UnaryOp<"silu", "x * sigmoid(x)", FloatTensor, [Transcendental]>;
def GeluOp : UnaryOp<"gelu", "Gaussian error linear unit", FloatTensor, [Transcendental]> {
  let description = [{
    `erf` (default): x/2 * (1 + erf(x / sqrt 2)). `tanh`: x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))).
  }];
  let arguments = (ins FloatTensor:$operand, DefaultValuedAttr<GeluFormAttr, "GeluForm::Erf">:$form);
  let assemblyFormat = "$operand (`form` `(` custom<Word>($form)^ `)`)? attr-dict `:` type($result)";
}

def LogicalNotOp : LanewiseOp<"logical_not", [SameOperandsAndResultType, Involution]> {
  let summary = "not x";
  let arguments = (ins BoolTensor:$operand);
  let results = (outs BoolTensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
  let hasFolder = 1;
}

def IsFiniteOp : LanewiseOp<"is_finite", [InfersType]> {
  let summary = "true where x is neither infinite nor NaN";
  let arguments = (ins FloatTensor:$operand);
  let results = (outs BoolTensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand)";
}

class BinaryOp<string mnemonic, string text, TypeConstraint type = NumberTensor, list<Trait> traits = []>
    : LanewiseOp<mnemonic, [SameOperandsAndResultType] # traits> {
  let summary = text;
  let arguments = (ins type:$lhs, type:$rhs);
  let results = (outs type:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

def AddOp : BinaryOp<"add", "a + b", NumberTensor, [Commutative, Differentiable]> { let hasFolder = 1; }
def SubOp : BinaryOp<"sub", "a - b", NumberTensor, [Differentiable]> { let hasFolder = 1; }
def MulOp : BinaryOp<"mul", "a * b", NumberTensor, [Commutative, Differentiable]> { let hasFolder = 1; }
def DivOp : BinaryOp<"div", "a / b; integers truncate towards zero", NumberTensor, [Differentiable]> { let hasFolder = 1; }
def MaxOp : BinaryOp<"max", "the larger (NaN if either is); equal operands share the gradient", NumberTensor,
    [Commutative, Differentiable]> { let hasFolder = 1; }
def MinOp : BinaryOp<"min", "the smaller (NaN if either is); equal operands share the gradient", NumberTensor,
    [Commutative, Differentiable]> { let hasFolder = 1; }
def PowOp : BinaryOp<"pow", "a ^ b", FloatTensor, [Differentiable, Transcendental]> {
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}
def LogicalAndOp : BinaryOp<"logical_and", "a and b", BoolTensor, [Commutative, Idempotent]> { let hasFolder = 1; }
def LogicalOrOp : BinaryOp<"logical_or", "a or b", BoolTensor, [Commutative, Idempotent]> { let hasFolder = 1; }

def CompareOp : LanewiseOp<"compare", [SameTypeOperands, InfersType]> {
  let summary = "`%m = tailor.compare %a lt %b : tensor<64xf32>`; comparisons with NaN are false, except ne.";
  let arguments = (ins NumberTensor:$lhs, NumberTensor:$rhs, DirectionAttr:$direction);
  let results = (outs BoolTensor:$result);
  let assemblyFormat = "$lhs custom<Word>($direction) $rhs attr-dict `:` type($lhs)";
}

def WhereOp : LanewiseOp<"where", [AllTypesMatch<["on_true", "on_false", "result"]>, AllShapesMatch<["condition", "result"]>,
    Differentiable]> {
  let summary = "condition ? on_true : on_false";
  let arguments = (ins BoolTensor:$condition, AnyTailorTensor:$on_true, AnyTailorTensor:$on_false);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = "$condition `,` $on_true `,` $on_false attr-dict `:` type($condition) `,` type($result)";
  let hasFolder = 1;
}

def DropoutOp : LanewiseOp<"dropout", [AllTypesMatch<["operand", "result"]>, AllShapesMatch<["mask", "result"]>,
    Differentiable]> {
  let summary = "x / (1 - rate) where the mask is true, else 0.";
  let description = [{
    The mask is a draw that is true with probability 1 - rate (`bernoulli`). The gradient is dropout by the same mask, so
    it is drawn once: reading a byte costs less than drawing again.
  }];
  let arguments = (ins FloatTensor:$operand, BoolTensor:$mask, F64Attr:$rate);
  let results = (outs FloatTensor:$result);
  let assemblyFormat = "$operand `mask` `(` $mask `)` `rate` `(` $rate `)` attr-dict `:` type($mask) `,` type($result)";
  let hasVerifier = 1;
}

def CastOp : LanewiseOp<"cast", [SameOperandsAndResultShape, Differentiable]> {
  let summary = "Changes the element type.";
  let description = [{
    Float to float rounds to nearest even; float to integer truncates towards zero and saturates (NaN gives 0);
    i1 becomes 0 or 1; anything to i1 is x != 0. Of the bytes of an image (ui8) it is the only use; nothing becomes bytes.
  }];
  let arguments = (ins PassedTensor:$operand);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand) `to` type($result)";
  let hasFolder = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$operand, "::mlir::Type":$elementType)>];
}

def RoundTf32Op : LanewiseOp<"round_tf32", [SameOperandsAndResultType, Idempotent]> {
  let summary = "The nearest number of tf32 (8 bits of exponent, 10 of fraction), to even; what tensor cores multiply of f32.";
  let arguments = (ins FloatTensor:$operand);
  let results = (outs FloatTensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
}

def ClampOp : LanewiseOp<"clamp", [SameOperandsAndResultType, Differentiable]> {
  let summary = "min(max(x, low), high) (NaN stays NaN); derivative 1 on [low, high], else 0";
  let arguments = (ins FloatTensor:$operand, F64Attr:$low, F64Attr:$high);
  let results = (outs FloatTensor:$result);
  let assemblyFormat = "$operand `from` $low `to` $high attr-dict `:` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def ConstantOp : PureOp<"constant", [ConstantLike, FusesAs<"Leaf">, AllTypesMatch<["value", "result"]>]> {
  let summary = "`tailor.constant dense<0.5> : tensor<f32>`";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = "$value attr-dict";
  let hasFolder = 1;
  let builders = [
    // The same number everywhere, converted to the element type of `type`.
    OpBuilder<(ins "::mlir::RankedTensorType":$type, "double":$number)>
  ];
}

#endif // TAILOR_ELEMENTWISE_OPS
