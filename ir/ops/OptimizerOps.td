// Multi-tensor ops: one op over all parameters. Scalars that change between steps or are run options are operands.
// An update with `valid` = 0 (an empty step) returns its inputs unchanged.
#ifndef TAILOR_OPTIMIZER_OPS
#define TAILOR_OPTIMIZER_OPS

include "ir/TailorBase.td"

def GlobalNormOp : PureOp<"global_norm", [AttrSizedOperandSegments, InfersType, MultiTensorOp,
    Differentiable, FusesAs<"MultiTensor">]> {
  let summary = "sqrt of the sum of squares over all tensors jointly.";
  let description = [{
    `weighted_by(%w...)` (ASAM): the norm of |w| * tensor, one w per tensor. Sums in f32 at least; the result is f32
    (f64 for f64 tensors). The gradient of a norm of 0 is 0.
  }];
  let arguments = (ins Variadic<FloatTensor>:$tensors, Variadic<FloatTensor>:$weights);
  let results = (outs FloatScalar:$result);
  let assemblyFormat = [{
    $tensors (`weighted_by` `(` $weights^ `)`)? attr-dict `:` functional-type(operands, $result)
  }];
  let hasVerifier = 1;
}

def SamPerturbOp : PureOp<"sam.perturb", [AttrSizedOperandSegments, NamesResults, MultiTensorOp,
    FusesAs<"MultiTensor">]> {
  let summary = "The ascent step of SAM: w' = w + radius * g / (norm + epsilon).";
  let description = [{
    `adaptive` (ASAM): w' = w + radius * w^2 * g / (norm + epsilon), norm being that of |w| * g. An all-zero gradient
    gives w' = w.

    ```mlir
    %w_up = tailor.sam.perturb params(%w) grads(%g) norm(%norm) radius(%rho) : ...
    ```
  }];
  let arguments = (ins Variadic<FloatTensor>:$params, Variadic<FloatTensor>:$grads, FloatScalar:$norm,
                       FloatScalar:$radius, UnitAttr:$adaptive, DefaultValuedAttr<F64Attr, "1e-12">:$epsilon);
  let results = (outs Variadic<FloatTensor>:$perturbed);
  let assemblyFormat = [{
    `params` `(` $params `)` `grads` `(` $grads `)` `norm` `(` $norm `)` `radius` `(` $radius `)`
    (`adaptive` $adaptive^)? (`epsilon` `(` $epsilon^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$params, "::mlir::ValueRange":$grads, "::mlir::Value":$norm,
                                 "::mlir::Value":$radius, CArg<"bool", "false">:$adaptive)>];
}

def SgdUpdateOp : PureOp<"sgd_update", [AttrSizedOperandSegments, AttrSizedResultSegments, NamesResults,
    ParameterUpdateOp, FusesAs<"MultiTensor">]> {
  let summary = "SGD with momentum and L2 weight decay.";
  let description = [{
    g' = g + weight_decay * w where decayed; v' = momentum * v + g'; d = v', with `nesterov` g' + momentum * v';
    w' = w - lr * d. Without velocity: w' = w - lr * g'. Results: new params, new velocity.
    `decayed`: one flag per tensor. With `segments`, one number per tensor, tensor i takes the segments[i]-th lr and
    weight_decay: parameter groups are ranges of one launch.

    ```mlir
    %w_new, %v_new = tailor.sgd_update params(%w) grads(%g) velocity(%v) lr(%lr) momentum(%mu) weight_decay(%wd)
        decayed([true]) : ...
    %w_new, %b_new = tailor.sgd_update params(%w, %b) grads(%gw, %gb) lr(%lr, %lr_b) weight_decay(%wd, %wd_b)
        decayed([true, true]) segments([0, 1]) : ...
    ```
  }];
  let arguments = (ins Variadic<FloatTensor>:$params, Variadic<FloatTensor>:$grads, Variadic<FloatTensor>:$velocity,
                       Variadic<FloatScalar>:$lr, Optional<FloatScalar>:$momentum, Variadic<FloatScalar>:$weight_decay,
                       Optional<I32Scalar>:$valid, DenseBoolArrayAttr:$decayed,
                       OptionalAttr<DenseI32ArrayAttr>:$segments, UnitAttr:$nesterov);
  let results = (outs Variadic<FloatTensor>:$new_params, Variadic<FloatTensor>:$new_velocity);
  let assemblyFormat = [{
    `params` `(` $params `)` `grads` `(` $grads `)` (`velocity` `(` $velocity^ `)`)? `lr` `(` $lr `)`
    (`momentum` `(` $momentum^ `)`)? `weight_decay` `(` $weight_decay `)` (`valid` `(` $valid^ `)`)?
    `decayed` `(` $decayed `)` (`segments` `(` $segments^ `)`)? (`nesterov` $nesterov^)? attr-dict
    `:` `(` type(operands) `)` `->` `(` type($new_params) `)` (`,` `(` type($new_velocity)^ `)`)?
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$params, "::mlir::ValueRange":$grads,
                                 "::mlir::ValueRange":$velocity, "::mlir::Value":$lr, "::mlir::Value":$momentum,
                                 "::mlir::Value":$weightDecay, "::mlir::Value":$valid, "::llvm::ArrayRef<bool>":$decayed,
                                 CArg<"bool", "false">:$nesterov)>];
}

def AdamwUpdateOp : PureOp<"adamw_update", [AttrSizedOperandSegments, AttrSizedResultSegments, NamesResults,
    ParameterUpdateOp, FusesAs<"MultiTensor">]> {
  let summary = "AdamW: Adam with decoupled weight decay.";
  let description = [{
    t = step + 1 (step: updates done before this one). m' = beta1 * m + (1 - beta1) * g;
    s' = beta2 * s + (1 - beta2) * g^2; w' = w * (1 - lr * weight_decay) where decayed, then
    w' -= lr * (m' / (1 - beta1^t)) / (sqrt(s' / (1 - beta2^t)) + epsilon).
    `segments` as in sgd_update. Results: new params, new first moments, new second moments.
  }];
  let arguments = (ins Variadic<FloatTensor>:$params, Variadic<FloatTensor>:$grads,
                       Variadic<FloatTensor>:$first_moments, Variadic<FloatTensor>:$second_moments,
                       Variadic<FloatScalar>:$lr, FloatScalar:$beta1, FloatScalar:$beta2, FloatScalar:$epsilon,
                       Variadic<FloatScalar>:$weight_decay, I32Scalar:$step, Optional<I32Scalar>:$valid,
                       DenseBoolArrayAttr:$decayed, OptionalAttr<DenseI32ArrayAttr>:$segments);
  let results = (outs Variadic<FloatTensor>:$new_params, Variadic<FloatTensor>:$new_first_moments,
                      Variadic<FloatTensor>:$new_second_moments);
  let assemblyFormat = [{
    `params` `(` $params `)` `grads` `(` $grads `)` `first_moments` `(` $first_moments `)`
    `second_moments` `(` $second_moments `)` `lr` `(` $lr `)` `beta1` `(` $beta1 `)` `beta2` `(` $beta2 `)`
    `epsilon` `(` $epsilon `)` `weight_decay` `(` $weight_decay `)` `step` `(` $step `)` (`valid` `(` $valid^ `)`)?
    `decayed` `(` $decayed `)` (`segments` `(` $segments^ `)`)? attr-dict `:` `(` type(operands) `)`
    `->` `(` type($new_params) `)` `,` `(` type($new_first_moments) `)` `,` `(` type($new_second_moments) `)`
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$params, "::mlir::ValueRange":$grads,
                                 "::mlir::ValueRange":$firstMoments, "::mlir::ValueRange":$secondMoments,
                                 "::mlir::Value":$lr, "::mlir::Value":$beta1, "::mlir::Value":$beta2,
                                 "::mlir::Value":$epsilon, "::mlir::Value":$weightDecay, "::mlir::Value":$step,
                                 "::mlir::Value":$valid, "::llvm::ArrayRef<bool>":$decayed)>];
}

def EmaUpdateOp : PureOp<"ema_update", [AttrSizedOperandSegments, NamesResults, MultiTensorOp,
    FusesAs<"MultiTensor">]> {
  let summary = "Moving averages: decay * average + (1 - decay) * value.";
  let arguments = (ins Variadic<FloatTensor>:$averages, Variadic<FloatTensor>:$values, FloatScalar:$decay,
                       Optional<I32Scalar>:$valid);
  let results = (outs Variadic<FloatTensor>:$new_averages);
  let assemblyFormat = [{
    `averages` `(` $averages `)` `values` `(` $values `)` `decay` `(` $decay `)` (`valid` `(` $valid^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$averages, "::mlir::ValueRange":$values, "::mlir::Value":$decay,
                                 "::mlir::Value":$valid)>];
}

#endif // TAILOR_OPTIMIZER_OPS
