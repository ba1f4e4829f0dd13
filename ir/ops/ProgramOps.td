// What a program declares: state, control fields, the stage plan.
#ifndef TAILOR_PROGRAM_OPS
#define TAILOR_PROGRAM_OPS

include "ir/TailorBase.td"

def ProgramOp : Tailor_Op<"program", [IsolatedFromAbove, SymbolTable, Symbol, NoTerminator, SingleBlock, NoRegionArguments]> {
  let summary = "A training program: everything an artifact is made of.";
  let description = [{
    Holds state groups, at most one control block, bodies, entries, at most one stage plan, and (after FormKernels)
    kernels. Nothing else.

    ```mlir
    tailor.program @sam_a {
      tailor.state_group @net kind(net) trainable { ... }
      tailor.control { ... }
      tailor.body @loss(...) -> tensor<f32> { ... }
      tailor.entry @train_step kind(step) batch(64) { ... }
      tailor.stage_plan { ... }
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name)>];
  let extraClassDeclaration = [{
    /// The control block, or null.
    ControlOp getControl();
    /// The stage plan, or null.
    StagePlanOp getStagePlan();
    /// @group::@state, or null.
    StateOp lookupState(::mlir::SymbolRefAttr name);
  }];
}

def StateGroupOp : Tailor_Op<"state_group", [
    IsolatedFromAbove, SymbolTable, Symbol, NoTerminator, SingleBlock, NoRegionArguments, HasParent<"ProgramOp">]> {
  let summary = "States that are initialised, trained, saved and exchanged together.";
  let description = [{
    `trainable` marks groups whose states may be stored by a step entry as the result of an optimizer op.

    ```mlir
    tailor.state_group @net kind(net) trainable {
      tailor.state @"fc0.weight" : tensor<8x64xf32> init(uniform(0.35))
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, GroupKindAttr:$kind, UnitAttr:$trainable);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `kind` `(` custom<Word>($kind) `)` (`trainable` $trainable^)? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "GroupKind":$kind, CArg<"bool", "false">:$trainable)>];
}

def StateOp : Tailor_Op<"state", [Symbol, HasParent<"StateGroupOp">]> {
  let summary = "One named tensor of a state group.";
  let description = [{
    The name is the checkpoint key. `no_decay`: weight decay leaves it alone (norm scales and biases under
    `decay_filter = no_norm_bias`); PlanMemory puts decayed states first.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyTailorTensor>:$type, InitAttr:$init,
                       UnitAttr:$no_decay);
  let assemblyFormat = [{
    $sym_name `:` $type `init` `(` custom<InitRule>($init) `)` (`no_decay` $no_decay^)? attr-dict
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::RankedTensorType":$type, "InitAttr":$init,
                                 CArg<"bool", "false">:$noDecay)>];
  let skipDefaultBuilders = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() { return ::llvm::cast<::mlir::RankedTensorType>(getType()); }
    StateGroupOp getGroup();
  }];
}

def ControlOp : Tailor_Op<"control", [
    IsolatedFromAbove, SymbolTable, NoTerminator, SingleBlock, NoRegionArguments, HasParent<"ProgramOp">]> {
  let summary = "The fields of one row of the control ring: every scalar that changes between steps.";
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins)>];
}

def ControlFieldOp : Tailor_Op<"control_field", [Symbol, HasParent<"ControlOp">]> {
  let summary = "One field of the control block.";
  let description = [{
    `tailor.control_field @lr : tensor<f32> writer(host)`. Well-known fields: lr, valid (tensor<i32>), slot
    (tensor<i32>), rng (tensor<4xi32>: seed low, seed high, epoch, draw position of row 0), step (tensor<i32>).
    `key("optimizer.lr")`: the run option (and its schedule) a host field is filled from; `value(0.5)`: a constant
    the program gave instead.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyTailorTensor>:$type, ControlWriterAttr:$writer,
                       OptionalAttr<StrAttr>:$key, OptionalAttr<F64Attr>:$value);
  let assemblyFormat = [{
    $sym_name `:` $type `writer` `(` custom<Word>($writer) `)` (`key` `(` $key^ `)`)? (`value` `(` $value^ `)`)? attr-dict
  }];
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::RankedTensorType":$type,
                                 CArg<"ControlWriter", "ControlWriter::Host">:$writer,
                                 CArg<"::llvm::StringRef", "{}">:$key,
                                 CArg<"std::optional<double>", "std::nullopt">:$value)>];
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() { return ::llvm::cast<::mlir::RankedTensorType>(getType()); }
  }];
}

def StagePlanOp : Tailor_Op<"stage_plan", [
    IsolatedFromAbove, SymbolTable, NoTerminator, SingleBlock, NoRegionArguments, HasParent<"ProgramOp">]> {
  let summary = "The stages of training, run in order. Plain ERM is the plan with one stage.";
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins)>];
}

def StageOp : Tailor_Op<"stage", [Symbol, HasParent<"StagePlanOp">]> {
  let summary = "One stage: which entry runs, on which samples, for how long, changing what.";
  let description = [{
    `entry` names a step entry; `fit`, `eval` and `predict` the entries run when the stage begins, for evaluation and
    for outputs. Each names an entry or the entry_name its batch variants share. Exactly one of `epochs` and `steps`,
    or neither when the length is a run option. `class_table`: row of the class tables selected in this stage.
    `trains`: groups or states that are updated (all trainable groups when absent). `initialises`: groups given their
    first value when the stage begins. `slots`: what happens to optimizer groups then.

    ```mlir
    tailor.stage @main entry(@train_step) eval(@eval) sampler("uniform") epochs(300) trains([@net]) slots(keep)
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$entry, OptionalAttr<FlatSymbolRefAttr>:$fit,
                       OptionalAttr<FlatSymbolRefAttr>:$eval, OptionalAttr<FlatSymbolRefAttr>:$predict,
                       StrAttr:$sampler, OptionalAttr<I64Attr>:$epochs, OptionalAttr<I64Attr>:$steps,
                       DefaultValuedAttr<I64Attr, "0">:$class_table,
                       OptionalAttr<TypedArrayAttrBase<SymbolRefAttr, "state groups or states">>:$trains,
                       OptionalAttr<TypedArrayAttrBase<SymbolRefAttr, "state groups">>:$initialises,
                       SlotPolicyAttr:$slots);
  let assemblyFormat = [{
    $sym_name `entry` `(` $entry `)` (`fit` `(` $fit^ `)`)? (`eval` `(` $eval^ `)`)? (`predict` `(` $predict^ `)`)?
    `sampler` `(` $sampler `)` (`epochs` `(` $epochs^ `)`)? (`steps` `(` $steps^ `)`)?
    (`class_table` `(` $class_table^ `)`)? (`trains` `(` $trains^ `)`)? (`initialises` `(` $initialises^ `)`)?
    `slots` `(` custom<Word>($slots) `)` attr-dict
  }];
  let hasVerifier = 1;
}

#endif // TAILOR_PROGRAM_OPS
