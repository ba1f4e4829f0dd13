// Enumerations (printed as words) and attributes.
#ifndef TAILOR_ATTRS
#define TAILOR_ATTRS

include "ir/TailorDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class Words<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::tailor::ir";
  let genSpecializedAttr = 0;
}
class Word<string text, int value, string symbol> : I32EnumAttrCase<symbol, value, text>;
class WordAttr<EnumInfo words, string mnemonic> : EnumAttr<TailorDialect, words, mnemonic>;

def GroupKind : Words<"GroupKind", "what a state group holds", [
  Word<"net", 0, "Net">, Word<"projector", 1, "Projector">, Word<"generator", 2, "Generator">,
  Word<"optimizer", 3, "Optimizer">, Word<"ema", 4, "Ema">, Word<"batchnorm", 5, "BatchNorm">,
  Word<"fitted", 6, "Fitted">]>;
def GroupKindAttr : WordAttr<GroupKind, "group_kind">;

def EntryKind : Words<"EntryKind", "what an entry point is for", [
  Word<"init", 0, "Init">, Word<"fit", 1, "Fit">, Word<"step", 2, "Step">, Word<"eval", 3, "Eval">,
  Word<"predict", 4, "Predict">, Word<"features", 5, "Features">,
  Word<"batchnorm_recompute", 6, "BatchNormRecompute">]>;
def EntryKindAttr : WordAttr<EntryKind, "entry_kind">;

def ControlWriter : Words<"ControlWriter", "who writes a control field", [
  Word<"host", 0, "Host">, Word<"device", 1, "Device">]>;
def ControlWriterAttr : WordAttr<ControlWriter, "control_writer">;

def FieldSource : Words<"FieldSource", "what the host evaluates a control field from", [
  Word<"option", 0, "Option">, Word<"schedule", 1, "Schedule">, Word<"average_decay", 2, "AverageDecay">,
  Word<"epoch_row", 3, "EpochRow">, Word<"fraction_row", 4, "FractionRow">,
  Word<"random_uniform", 5, "RandomUniform">, Word<"random_beta", 6, "RandomBeta">]>;
def FieldSourceAttr : WordAttr<FieldSource, "field_source">;

// architecture.md section 5.
def FusionKind : Words<"FusionKind", "what a fusion group may contain", [
  Word<"map", 0, "Map">, Word<"rows", 1, "Rows">, Word<"columns", 2, "Columns">, Word<"gemm", 3, "Gemm">,
  Word<"multi_tensor", 4, "MultiTensor">, Word<"scalar", 5, "Scalar">, Word<"single", 6, "Single">,
  Word<"channels", 7, "Channels">, Word<"convolution", 8, "Convolution">,
  Word<"horizontal", 9, "Horizontal">]>;
def FusionKindAttr : WordAttr<FusionKind, "fusion_kind">;

def MemorySpace : Words<"MemorySpace", "where a planned buffer lives (architecture.md section 6)", [
  Word<"state", 0, "State">, Word<"arena", 1, "Arena">, Word<"control", 2, "Control">,
  Word<"metrics", 3, "Metrics">, Word<"slot", 4, "Slot">, Word<"constant", 5, "Constant">]>;
def MemorySpaceAttr : WordAttr<MemorySpace, "memory_space">;

def Direction : Words<"Direction", "relation of a comparison", [
  Word<"eq", 0, "Eq">, Word<"ne", 1, "Ne">, Word<"lt", 2, "Lt">, Word<"le", 3, "Le">, Word<"gt", 4, "Gt">,
  Word<"ge", 5, "Ge">]>;
def DirectionAttr : WordAttr<Direction, "direction">;

def GeluForm : Words<"GeluForm", "which GELU", [Word<"erf", 0, "Erf">, Word<"tanh", 1, "Tanh">]>;
def GeluFormAttr : WordAttr<GeluForm, "gelu_form">;

// Z of methods.md section 2: none keeps one loss per row; batch_mean Z = valid rows; weighted_mean Z = sum of the
// rows' weights; sum Z = 1.
def Reduction : Words<"Reduction", "how row losses become one number", [
  Word<"none", 0, "None">, Word<"batch_mean", 1, "BatchMean">, Word<"weighted_mean", 2, "WeightedMean">,
  Word<"sum", 3, "Sum">]>;
def ReductionAttr : WordAttr<Reduction, "reduction">;

def InitRule : Words<"InitRule", "how a state gets its first value", [
  Word<"zeros", 0, "Zeros">, Word<"ones", 1, "Ones">, Word<"constant", 2, "Constant">,
  Word<"uniform", 3, "Uniform">, Word<"normal", 4, "Normal">, Word<"truncated_normal", 5, "TruncatedNormal">,
  Word<"copy_of", 6, "CopyOf">]>;

class Tailor_Attr<string name, string attr_mnemonic> : AttrDef<TailorDialect, name> {
  let mnemonic = attr_mnemonic;
}

def InitAttr : Tailor_Attr<"Init", "init"> {
  let summary = "The init rule of a state.";
  let description = [{
    `zeros`, `ones`, `constant(v)`: every element 0, 1, v.
    `uniform(bound)`: uniform in [-bound, bound). `normal(std)`: mean 0. `truncated_normal(std)`: mean 0, redrawn
    outside two standard deviations.
    `copy_of(@group::@state)`: the first value of another state (an EMA starts as a copy).
    Alone it prints as `#tailor.init<uniform(0.125)>`, in tailor.state as `init(uniform(0.125))`.
  }];
  let parameters = (ins
    "InitRule":$rule,
    APFloatParameter<"v, bound or std; 0 where the rule takes none">:$value,
    OptionalParameter<"::mlir::SymbolRefAttr">:$source);
  let builders = [
    AttrBuilder<(ins "InitRule":$rule, CArg<"double", "0.0">:$value), [{
      return $_get($_ctxt, rule, ::llvm::APFloat(value), ::mlir::SymbolRefAttr());
    }]>,
    AttrBuilder<(ins "::mlir::SymbolRefAttr":$source), [{
      return $_get($_ctxt, InitRule::CopyOf, ::llvm::APFloat(0.0), source);
    }]>
  ];
  let extraClassDeclaration = [{
    double getNumber() const { return getValue().convertToDouble(); }
  }];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def BufferAttr : Tailor_Attr<"Buffer", "buffer"> {
  let summary = "Where a value lives after PlanMemory.";
  let description = "Space, offset and size in bytes: `#tailor.buffer<arena, 1024, 256>`.";
  let parameters = (ins EnumParameter<MemorySpace>:$space, "int64_t":$offset, "int64_t":$bytes);
  let assemblyFormat = "`<` $space `,` $offset `,` $bytes `>`";
  let genVerifyDecl = 1;
}

def TemporaryAttr : Tailor_Attr<"Temporary", "temporary"> {
  let summary = "Memory that the launches of a kernel need beside operands and results.";
  let description = [{
    What for, and its size in bytes: `#tailor.temporary<"partial sums", 256>`. Alive during a launch, with what
    prepares and what combines it.
  }];
  let parameters = (ins StringRefParameter<>:$purpose, "int64_t":$bytes);
  let assemblyFormat = "`<` $purpose `,` $bytes `>`";
  let genVerifyDecl = 1;
}

def GridAttr : Tailor_Attr<"Grid", "grid"> {
  let summary = "The threads of a launch on a GPU.";
  let description = [{
    Blocks, threads of a block, and how many blocks a multiprocessor has threads for, and registers where the code asks for a number:
    `#tailor.grid<blocks = 64, threads = 256, resident = 2>`.
  }];
  let parameters = (ins "int64_t":$blocks, "int64_t":$threads, "int64_t":$resident);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // TAILOR_ATTRS
