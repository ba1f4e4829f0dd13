// What a pass may ask an op. Passes never keep lists of op names.
#ifndef TAILOR_INTERFACES
#define TAILOR_INTERFACES

include "mlir/IR/OpBase.td"

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::tailor::ir";
  let description = [{
    The reverse-mode rule of an op, kept beside the op. The pass Differentiate calls it; the rule only builds ops
    (locations come from the builder, op_id and vjp_of from the pass).
  }];
  let methods = [
    InterfaceMethod<[{
      Builds the product of the cotangents with the Jacobian.
      `cotangents`: one per result, of the result's type; a null Value means zero. At least one is not null.
      `needed`: one per operand; a rule builds nothing for an operand nobody asks for. Never set for an operand
      whose hasOperandGradient is false.
      `operandCotangents`: on return one per operand, of the operand's type; null means zero.
      Fails after emitting an error on this op when the derivative is not supported.
    }], "::llvm::LogicalResult", "buildVjp", (ins
      "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$cotangents, "::llvm::ArrayRef<bool>":$needed,
      "::llvm::SmallVectorImpl<::mlir::Value> &":$operandCotangents)>,
    InterfaceMethod<[{
      True if a gradient flows to this operand. False for integer and i1 operands (labels, keys, valid counts) and
      for floating-point operands the op declares constant (class tables, batch statistics of an inference norm).
      A float operand without gradient that depends on a differentiated argument is an error in the user's program
      unless it goes through stop_gradient.
    }], "bool", "hasOperandGradient", (ins "unsigned":$operandIndex), [{}], [{
      return ::tailor::ir::isFloatTensor($_op->getOperand(operandIndex).getType());
    }]>
  ];
}

def DecomposableOpInterface : OpInterface<"DecomposableOpInterface"> {
  let cppNamespace = "::tailor::ir";
  let description = [{
    An op that stands for many (a loss, a norm) and whose gradient op has no derivative of its own. Where a gradient is
    differentiated again, Differentiate puts what it stands for in its place first; those ops have derivatives of every
    order.
  }];
  let methods = [
    InterfaceMethod<[{
      Builds ops that all have derivatives and computes the same: one value per result, of its type. What the op says
      about padding and empty batches holds for the value, the gradient and its derivative.
    }], "::llvm::SmallVector<::mlir::Value>", "decompose", (ins "::mlir::OpBuilder &":$builder)>
  ];
}

def FusionOpInterface : OpInterface<"FusionOpInterface"> {
  let cppNamespace = "::tailor::ir";
  let description = [{
    What an op is to the fusion passes (ir/Fusion.h: FusionClass). Ops without this interface are FusionClass::Other.
    Which classes a fused region of a kind may hold is one table: ir::fitsKind.
  }];
  let methods = [
    InterfaceMethod<"The class; may depend on the op's attributes and shapes.",
      "::tailor::ir::FusionClass", "getFusionClass">
  ];
}

def MultiTensorOpInterface : OpInterface<"MultiTensorOpInterface"> {
  let cppNamespace = "::tailor::ir";
  let description = [{
    An optimizer op over lists of tensors: a few roles (params, grads, velocity, ...), each one tensor per
    parameter, in one order. After layout each role is one contiguous region and the op one flat loop.
  }];
  let methods = [
    InterfaceMethod<"The operand roles, each a contiguous run of operands; scalars are not among them.",
      "::llvm::SmallVector<::tailor::ir::TensorRole>", "getOperandRoles">,
    InterfaceMethod<"The result roles; empty for a norm.",
      "::llvm::SmallVector<::tailor::ir::TensorRole>", "getResultRoles">,
    InterfaceMethod<"Number of tensors in each role.", "unsigned", "getNumTensors">,
    InterfaceMethod<"True for the step of an optimizer: its first operand role are the parameters, its second their "
                    "gradients, the others its slots; its first result role are the new parameters, the others the "
                    "new slots.",
      "bool", "isParameterUpdate", (ins), [{}], [{ return false; }]>,
    InterfaceMethod<"True if weight decay acts on the i-th tensor.", "bool", "isDecayed", (ins "unsigned":$index),
      [{}], [{ return false; }]>,
    InterfaceMethod<"Which of the op's segments the i-th tensor is in: tensors of one segment share their scalars.",
      "unsigned", "getSegment", (ins "unsigned":$index), [{}], [{ return 0; }]>,
    InterfaceMethod<"Number of segments.", "unsigned", "getNumSegments", (ins), [{}], [{ return 1; }]>
  ];
}

#endif // TAILOR_INTERFACES
