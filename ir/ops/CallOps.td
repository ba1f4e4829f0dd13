// Bodies (pure functions) and the ways to run them.
#ifndef TAILOR_CALL_OPS
#define TAILOR_CALL_OPS

include "ir/TailorBase.td"

def BodyOp : Tailor_Op<"body", [
    IsolatedFromAbove, FunctionOpInterface, NamesArguments, SingleBlock, HasParent<"ProgramOp">]> {
  let summary = "A pure function: (parameters, buffers, batch, tables, ...) -> (loss, new buffers, metrics, ...).";
  let description = [{
    The first result of a body used by value_and_grad is the scalar loss. A body reads and writes nothing but its
    arguments and results. Arguments print under the names in `arg_names` (parameter names, mostly).

    ```mlir
    tailor.body @loss(%weight: tensor<8x10xf32>, %x: tensor<64x8xf32>, %labels: tensor<64xi32>) -> tensor<f32> {
      ...
      tailor.return %loss : tensor<f32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<StrArrayAttr>:$arg_names,
                       OptionalAttr<DictArrayAttr>:$arg_attrs, OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [
    // Adds the entry block with its arguments (at the op's location); names may be empty.
    OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::FunctionType":$type,
                   CArg<"::llvm::ArrayRef<::llvm::StringRef>", "{}">:$argNames)>
  ];
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region* getCallableRegion() { return &getBody(); }
    ::mlir::Block& getBlock() { return getBody().front(); }
    ReturnOp getReturn();
  }];
}

def ReturnOp : Tailor_Op<"return", [Pure, Terminator, HasParent<"BodyOp">]> {
  let summary = "Ends a body with its results.";
  let arguments = (ins Variadic<PassedTensor>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let hasVerifier = 1;
}

def CallOp : PureOp<"call", [DeclareOpInterfaceMethods<SymbolUserOpInterface>, NamesResults]> {
  let summary = "Runs a body.";
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<PassedTensor>:$arguments);
  let results = (outs Variadic<PassedTensor>:$results);
  let assemblyFormat = "$callee `(` $arguments `)` attr-dict `:` functional-type($arguments, $results)";
  let builders = [OpBuilder<(ins "BodyOp":$body, "::mlir::ValueRange":$arguments)>];
}

def ValueAndGradOp : PureOp<"value_and_grad", [DeclareOpInterfaceMethods<SymbolUserOpInterface>, NamesResults]> {
  let summary = "Runs a body and differentiates its first result.";
  let description = [{
    Results: those of the body, then d(first result) / d(argument i) for each i in `wrt`, of that argument's type.
    Lives until the pass Differentiate.

    ```mlir
    %loss, %grad = tailor.value_and_grad @loss(%w, %x, %y) wrt([0]) : (...) -> (tensor<f32>, tensor<8x10xf32>)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<PassedTensor>:$arguments, DenseI64ArrayAttr:$wrt);
  let results = (outs Variadic<PassedTensor>:$results);
  let assemblyFormat = [{
    $callee `(` $arguments `)` `wrt` `(` $wrt `)` attr-dict `:` functional-type($arguments, $results)
  }];
  let builders = [OpBuilder<(ins "BodyOp":$body, "::mlir::ValueRange":$arguments, "::llvm::ArrayRef<int64_t>":$wrt)>];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Results of the body itself.
    ::mlir::ResultRange getValues() { return getResults().drop_back(getWrt().size()); }
    /// One gradient per entry of wrt.
    ::mlir::ResultRange getGradients() { return getResults().take_back(getWrt().size()); }
  }];
}

def RepeatOp : Tailor_Op<"repeat", [
    SingleBlockImplicitTerminator<"YieldOp">, RecursiveMemoryEffects, RecursivelySpeculatable]> {
  let summary = "Runs its region a fixed number of times, carrying values.";
  let description = [{
    The region's first argument is the iteration (tensor<i32>, from 0), the others the carried values; it may use
    values from outside. Has no derivative.

    ```mlir
    %x = tailor.repeat 10 iteration(%i) carry(%x_k = %x0 : tensor<64x8xf32>) { ... tailor.yield %x_next : ... }
    ```
  }];
  let arguments = (ins I64Attr:$count, Variadic<PassedTensor>:$initial);
  let results = (outs Variadic<PassedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "int64_t":$count, "::mlir::ValueRange":$initial)>];
  let extraClassDeclaration = [{
    ::mlir::Block& getBlock() { return getBody().front(); }
    ::mlir::BlockArgument getIteration() { return getBlock().getArgument(0); }
    ::mlir::Block::BlockArgListType getCarried() { return getBlock().getArguments().drop_front(); }
  }];
}

def StopGradientOp : PureOp<"stop_gradient", [Lanewise, FusesAs<"Elementwise">, SameOperandsAndResultType,
    DifferentiableSome]> {
  let summary = "Its operand; no gradient flows through.";
  let arguments = (ins AnyTailorTensor:$operand);
  let results = (outs AnyTailorTensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
  let hasFolder = 1;
}

def AllReduceOp : PureOp<"all_reduce"> {
  let summary = "Reserved: the sum over data-parallel replicas. The verifier refuses it today.";
  let arguments = (ins Variadic<FloatTensor>:$inputs);
  let results = (outs Variadic<FloatTensor>:$results);
  let assemblyFormat = "$inputs attr-dict `:` functional-type($inputs, $results)";
  let hasVerifier = 1;
}

#endif // TAILOR_CALL_OPS
