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
    The loop's own fields have no `from`: valid (tensor<i32>), slot (tensor<i32>), rng (tensor<4xi32>: seed low, seed
    high, epoch, draw position of row 0), step (tensor<i32>). `value(0.5)` is a constant. Else `from` says how the host
    evaluates the field before a step, with f = run option `key` and P = `options`:

    | from | value |
    |---|---|
    | `option` | f, the same for the whole stage |
    | `schedule` | f times the factor of the schedule under P (`P.name`, `P.warmup_epochs`, ...) |
    | `average_decay` | min(f, (1 + t) / (10 + t)) after t updates while `P.warmup`, else f |
    | `epoch_row` | tensor<i32>: how many entries of the list f are at most the epoch (0-based) |
    | `fraction_row` | the same with entries that are fractions of the epochs there will be; of epochs if option f_epoch is set |
    | `random_uniform` | a draw in [0, 1), anew for every step |
    | `random_beta` | a draw from Beta(f, f), anew for every step |

    ```mlir
    tailor.control_field @lr : tensor<f32> writer(host) from(schedule) key("optimizer.lr") options("schedule")
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyTailorTensor>:$type, ControlWriterAttr:$writer,
                       OptionalAttr<FieldSourceAttr>:$source, OptionalAttr<StrAttr>:$key,
                       OptionalAttr<StrAttr>:$options_prefix, OptionalAttr<F64Attr>:$value);
  let assemblyFormat = [{
    $sym_name `:` $type `writer` `(` custom<Word>($writer) `)` (`from` `(` custom<Word>($source)^ `)`)?
    (`key` `(` $key^ `)`)? (`options` `(` $options_prefix^ `)`)? (`value` `(` $value^ `)`)? attr-dict
  }];
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::RankedTensorType":$type,
                                 CArg<"ControlWriter", "ControlWriter::Host">:$writer)>];
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
  let summary = "One stage: which entry runs, on which samples, changing what when it begins.";
  let description = [{
    `entry` names a step entry; `fit` and `eval` the entries run when the stage begins and for evaluation and
    predictions. Each names an entry or the entry_name its batch variants share. What a stage trains is what its entry
    stores; how long it runs, how it draws rows and what else is its own are options under `stage.<name>.`.

    `continues`: the clock of schedules and the best epoch go on from the stage before; else they start anew.
    `copies`: pairs [from, to] of groups with the same states, run when the stage begins; then the groups of
    `initialises` get their first value.

    ```mlir
    tailor.stage @main entry(@train_step) eval(@eval) copies([[@net, @generator]]) initialises([@net, @sgd])
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$entry, OptionalAttr<FlatSymbolRefAttr>:$fit,
                       OptionalAttr<FlatSymbolRefAttr>:$eval, UnitAttr:$continues,
                       OptionalAttr<ArrayAttr>:$copies,
                       OptionalAttr<TypedArrayAttrBase<SymbolRefAttr, "state groups">>:$initialises);
  let assemblyFormat = [{
    $sym_name `entry` `(` $entry `)` (`fit` `(` $fit^ `)`)? (`eval` `(` $eval^ `)`)?
    (`continues` $continues^)? (`copies` `(` $copies^ `)`)?
    (`initialises` `(` $initialises^ `)`)? attr-dict
  }];
  let hasVerifier = 1;
}

#endif // TAILOR_PROGRAM_OPS
