// Types, traits and base classes shared by the families under ir/ops.
#ifndef TAILOR_BASE
#define TAILOR_BASE

include "ir/TailorAttrs.td"
include "ir/TailorInterfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// --- types
def FloatTensor : RankedTensorOf<[F32, BF16, F64]>;
def IntTensor : RankedTensorOf<[I32, I64]>;
def NumberTensor : RankedTensorOf<[F32, BF16, F64, I32, I64]>;
def BoolTensor : RankedTensorOf<[I1]>;
def AnyTailorTensor : RankedTensorOf<[F32, BF16, F64, I32, I64, I1]>;
// What only holds or passes on values, images in bytes among them.
def PassedTensor : RankedTensorOf<[F32, BF16, F64, I32, I64, I1, UI8]>;
def FloatScalar : 0DTensorOf<[F32, BF16, F64]>;
def I32Scalar : 0DTensorOf<[I32]>;
def FloatVector : 1DTensorOf<[F32, BF16, F64]>;
def FloatMatrix : 2DTensorOf<[F32, BF16, F64]>;
def FloatImages : 4DTensorOf<[F32, BF16, F64]>;
def I32Vector : 1DTensorOf<[I32]>;
class I32Words<int n> : Type<And<[RankedTensorOf<[I32]>.predicate,
    CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).getShape() == ::llvm::ArrayRef<int64_t>({" # n # "})">]>,
    "tensor of " # n # " i32 words", "::mlir::RankedTensorType">;
def RngKey : I32Words<8>;
def RngState : I32Words<4>;

// --- traits (ir/Traits.h)
// Lanewise: every operand and result has the same shape, result[i] depends on operand[i] only. Pure.
def Lanewise : NativeOpTrait<"Elementwise"> { let cppNamespace = "::tailor::ir"; }
// Evaluated by a polynomial of some thirty instructions an element, while other lanewise ops take one to three.
def Transcendental : NativeOpTrait<"Transcendental"> { let cppNamespace = "::tailor::ir"; }
// Result depends on a Philox key: equal ops may only be merged if their keys are equal values.
def RandomOp : NativeOpTrait<"RandomOp"> { let cppNamespace = "::tailor::ir"; }

class FusionClassTrait<string fusion_class>
    : ParamNativeOpTrait<"FusesAs", "::tailor::ir::FusionClass::" # fusion_class> {
  let cppNamespace = "::tailor::ir";
}
// FusionOpInterface with one class for all instances of the op.
class FusesAs<string fusion_class> : TraitList<[FusionOpInterface, FusionClassTrait<fusion_class>]>;

def Differentiable : DeclareOpInterfaceMethods<DifferentiableOpInterface>;
def DifferentiableSome : DeclareOpInterfaceMethods<DifferentiableOpInterface, ["hasOperandGradient"]>;
def Decomposable : DeclareOpInterfaceMethods<DecomposableOpInterface>;
def FusesByAttributes : DeclareOpInterfaceMethods<FusionOpInterface>;
def MultiTensorOp : DeclareOpInterfaceMethods<MultiTensorOpInterface>;
def ParameterUpdateOp : DeclareOpInterfaceMethods<MultiTensorOpInterface,
    ["isParameterUpdate", "isDecayed", "getSegment", "getNumSegments"]>;
defvar InfersType = InferTypeOpAdaptor;
// Also takes a wider result (f32 from bf16).
defvar InfersWideType = InferTypeOpAdaptorWithIsCompatible;
def NamesResults : DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>;
def NamesArguments : DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>;

// --- effects
def StateResource : Resource<"::tailor::ir::StateResource">;
def MetricsResource : Resource<"::tailor::ir::MetricsResource">;
def OutputResource : Resource<"::tailor::ir::OutputResource">;

// --- base classes
class Tailor_Op<string mnemonic, list<Trait> traits = []> : Op<TailorDialect, mnemonic, traits>;
class PureOp<string mnemonic, list<Trait> traits = []> : Tailor_Op<mnemonic, [Pure] # traits>;

#endif // TAILOR_BASE
