// The dialect itself. Everything else is included by TailorOps.td.
#ifndef TAILOR_DIALECT
#define TAILOR_DIALECT

include "mlir/IR/DialectBase.td"

def TailorDialect : Dialect {
  let name = "tailor";
  let cppNamespace = "::tailor::ir";
  let summary = "A training program: state, control, bodies, entry points, stages.";
  let description = [{
    Values are builtin tensors of f32, bf16, f64, i32, i64, i1 or ui8 (the bytes of images); a scalar is a rank-0 tensor. Broadcasting is
    explicit. Activations are sample-major (dimension 0 is the batch), images NHWC; weights are canonical: linear
    [out, in], convolution OIHW.

    Any op may carry `op_id` (the number it got when traced; survives all passes) and `vjp_of` (the op_id of the
    primal op whose gradient it computes). See ir/OpIds.h.
  }];
  let hasConstantMaterializer = 1;
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

#endif // TAILOR_DIALECT
