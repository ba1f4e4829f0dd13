// Fusion groups, and the kernels outlined from them.
#ifndef TAILOR_KERNEL_OPS
#define TAILOR_KERNEL_OPS

include "ir/TailorBase.td"

def FusedOp : PureOp<"fused", [IsolatedFromAbove, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "A fusion decision: these ops become one kernel.";
  let description = [{
    The kind says what the region may hold (architecture.md section 5; ir::fitsKind).

    ```mlir
    %y = tailor.fused map (%a = %x : tensor<64x32xf32>, %b = %bias : tensor<32xf32>) -> tensor<64x32xf32> {
      ...
      tailor.yield %r : tensor<64x32xf32>
    }
    ```
  }];
  let arguments = (ins FusionKindAttr:$kind, Variadic<PassedTensor>:$inputs);
  let results = (outs Variadic<PassedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [
    // Adds the block with one argument per input (at the input's location); no terminator.
    OpBuilder<(ins "::mlir::TypeRange":$results, "FusionKind":$kind, "::mlir::ValueRange":$inputs)>
  ];
  let extraClassDeclaration = [{
    ::mlir::Block& getBlock() { return getBody().front(); }
    YieldOp getYield();
  }];
}

def KernelOp : Tailor_Op<"kernel", [
    IsolatedFromAbove, FunctionOpInterface, SingleBlock, HasParent<"ProgramOp">]> {
  let summary = "A kernel outlined from a fused group.";
  let description = [{
    Same contents and kind as the group. The name is `<family>_<shapes>_<hash>`. `temporaries`: what a launch needs
    beside operands and results, as the target says it, in the order of its buffers; none without a target that makes
    code. `grid`: the threads of a launch, where the target is a GPU and a launch is one function.

    ```mlir
    tailor.kernel @map_64x32_1f3a kind(map) (%x: tensor<64x32xf32>) -> tensor<64x32xf32> {
      ...
      tailor.yield %r : tensor<64x32xf32>
    }
    tailor.kernel @rows_4096_2b07 kind(rows) (%x: tensor<4096xf32>) -> tensor<f32>
        attributes {temporaries = [#tailor.temporary<"partial sums", 256>]} {
      ...
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FusionKindAttr:$kind, TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<TypedArrayAttrBase<TemporaryAttr, "temporaries">>:$temporaries,
                       OptionalAttr<GridAttr>:$grid,
                       OptionalAttr<DictArrayAttr>:$arg_attrs, OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [
    // Adds the entry block with its arguments; no terminator.
    OpBuilder<(ins "::llvm::StringRef":$name, "FusionKind":$kind, "::mlir::FunctionType":$type)>
  ];
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region* getCallableRegion() { return &getBody(); }
    ::mlir::Block& getBlock() { return getBody().front(); }
    YieldOp getYield();
  }];
}

def PartOp : PureOp<"part", [DeclareOpInterfaceMethods<SymbolUserOpInterface>, HasParent<"KernelOp">]> {
  let summary = "What some blocks of a horizontal kernel do: the kernel named here.";
  let description = [{
    A kernel of kind `horizontal` holds nothing but parts, none of which reads what another makes. The blocks of its launch
    are those of its parts, one after the other.

    ```mlir
    tailor.kernel @a_with_b_8c01 kind(horizontal) (%x: tensor<64x32xf32>) -> (tensor<64x32xf32>, tensor<32xf32>) {
      %0 = tailor.part @a(%x) : (tensor<64x32xf32>) -> tensor<64x32xf32>
      %1 = tailor.part @b(%x) : (tensor<64x32xf32>) -> tensor<32xf32>
      tailor.yield %0, %1 : tensor<64x32xf32>, tensor<32xf32>
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<PassedTensor>:$inputs);
  let results = (outs Variadic<PassedTensor>:$results);
  let assemblyFormat = "$kernel `(` $inputs `)` attr-dict `:` functional-type($inputs, $results)";
  let extraClassDeclaration = [{
    KernelOp lookupKernel();
  }];
}

def LaunchOp : PureOp<"launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs a kernel.";
  let description = [{
    `op_ids`: the traced ops this launch carries out. `buffers`: after PlanMemory, one #tailor.buffer per result;
    `temporaries`: one for each of the kernel's.
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<PassedTensor>:$inputs,
                       OptionalAttr<DenseI64ArrayAttr>:$op_ids,
                       OptionalAttr<TypedArrayAttrBase<BufferAttr, "buffers">>:$buffers,
                       OptionalAttr<TypedArrayAttrBase<BufferAttr, "buffers">>:$temporaries);
  let results = (outs Variadic<PassedTensor>:$results);
  let assemblyFormat = [{
    $kernel `(` $inputs `)` (`ops` `(` $op_ids^ `)`)? (`buffers` `(` $buffers^ `)`)?
    (`temporaries` `(` $temporaries^ `)`)? attr-dict `:` functional-type($inputs, $results)
  }];
  let hasVerifier = 1;
}

#endif // TAILOR_KERNEL_OPS
