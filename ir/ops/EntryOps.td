// Entry points and the only ops that touch state, control, batch inputs, metrics and outputs.
#ifndef TAILOR_ENTRY_OPS
#define TAILOR_ENTRY_OPS

include "ir/TailorBase.td"

def EntryOp : Tailor_Op<"entry", [
    IsolatedFromAbove, Symbol, SingleBlockImplicitTerminator<"YieldOp">, NoRegionArguments, HasParent<"ProgramOp">]> {
  let summary = "An entry point of the artifact: one variant of init, fit, step, eval, predict, ...";
  let description = [{
    `kind(fit)` computes tables that depend on fitted state only; it runs once when training starts. Kinds other than
    init and fit process a batch of `batch` rows. Variants of one entry share `name`; without it the symbol is the name.
    `learning_rate` names the control field that is the rate of a step's first optimizer, for the log.
    `accumulate(k)`, of a step: its text is about one of k micro-batches of `batch` rows, whose gradients are added up;
    the pass AccumulateGradients makes it a step of k * batch rows.

    ```mlir
    tailor.entry @train_step_b64 kind(step) batch(64) name("train_step") { ... }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, EntryKindAttr:$kind, OptionalAttr<I64Attr>:$batch,
                       OptionalAttr<I64Attr>:$accumulate, OptionalAttr<StrAttr>:$entry_name,
                       OptionalAttr<FlatSymbolRefAttr>:$learning_rate);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `kind` `(` custom<Word>($kind) `)` (`batch` `(` $batch^ `)`)? (`accumulate` `(` $accumulate^ `)`)?
    (`name` `(` $entry_name^ `)`)? (`learning_rate` `(` $learning_rate^ `)`)? attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "EntryKind":$kind,
                                 CArg<"std::optional<int64_t>", "std::nullopt">:$batch,
                                 CArg<"::llvm::StringRef", "{}">:$entryName)>];
  let extraClassDeclaration = [{
    /// entry_name, or the symbol when there is none.
    ::llvm::StringRef getName();
  }];
}

class EntryScopedOp<string mnemonic, list<Trait> traits = []> : Tailor_Op<mnemonic,
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>] # traits>;

def LoadOp : EntryScopedOp<"load", [NamesResults, MemoryEffects<[MemRead<StateResource>]>]> {
  let summary = "Reads a state.";
  let description = "`%w = tailor.load @net::@\"fc0.weight\" : tensor<8x64xf32>`";
  let arguments = (ins SymbolRefAttr:$state);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = "$state attr-dict `:` type($result)";
}

def StoreOp : EntryScopedOp<"store", [MemoryEffects<[MemWrite<StateResource>]>]> {
  let summary = "Writes a state; later loads in this entry see the new value.";
  let description = "`tailor.store %w, @net::@\"fc0.weight\" : tensor<8x64xf32>`";
  let arguments = (ins AnyTailorTensor:$value, SymbolRefAttr:$state);
  let assemblyFormat = "$value `,` $state attr-dict `:` type($value)";
}

def ControlReadOp : EntryScopedOp<"control_read", [NamesResults, Pure]> {
  let summary = "Reads a field of the current control row, which does not change while an entry runs.";
  let arguments = (ins FlatSymbolRefAttr:$field);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = "$field attr-dict `:` type($result)";
}

def InputOp : Tailor_Op<"input", [NamesResults, Pure]> {
  let summary = "A batch input, read from the current slot.";
  let description = [{
    Names and types: numeric [N, D] f32, category [N, C] i32, image [N, H, W, C] ui8 (or f32, where it is no bytes), label [N] i32, index [N] i32,
    row_weight [N] f32. Rows from the valid count on are zero.
  }];
  let arguments = (ins StrAttr:$input);
  let results = (outs PassedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def ReportOp : Tailor_Op<"report", [MemoryEffects<[MemWrite<MetricsResource>]>]> {
  let summary = "Writes a scalar to the current metrics row.";
  let arguments = (ins StrAttr:$metric, 0DTensorOf<[F32, BF16, F64, I32]>:$value);
  let assemblyFormat = "$metric `,` $value attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def OutputOp : Tailor_Op<"output", [MemoryEffects<[MemWrite<OutputResource>]>]> {
  let summary = "Hands a value of an eval, predict or features entry to the host, e.g. logits.";
  let arguments = (ins StrAttr:$output, AnyTailorTensor:$value);
  let assemblyFormat = "$output `,` $value attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def YieldOp : Tailor_Op<"yield", [Pure, Terminator,
    ParentOneOf<["EntryOp", "RepeatOp", "FusedOp", "KernelOp"]>]> {
  let summary = "Ends an entry, a repeat, a fused group or a kernel.";
  let arguments = (ins Variadic<PassedTensor>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{}]>];
}

#endif // TAILOR_ENTRY_OPS
