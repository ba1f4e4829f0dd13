// The class-aware losses (methods.md section 2) and their gradients.
#ifndef TAILOR_LOSS_OPS
#define TAILOR_LOSS_OPS

include "ir/TailorBase.td"

// Operands and attributes shared by the three softmax_cross_entropy ops, and how they are written.
defvar softmax_loss_arguments = (ins
  FloatMatrix:$logits, Optional<I32Vector>:$labels, Optional<I32Vector>:$mix_labels, Optional<FloatVector>:$mix_lambda,
  Optional<FloatMatrix>:$targets, Optional<FloatVector>:$class_weights, Optional<FloatVector>:$smoothing,
  Optional<FloatVector>:$margin, Optional<FloatVector>:$bias, Optional<I32Scalar>:$valid,
  OptionalAttr<F64Attr>:$focal_gamma, UnitAttr:$focal_of_weighted, DefaultValuedAttr<F64Attr, "1.0">:$scale,
  ReductionAttr:$reduction);
defvar softmax_loss_words = [{
  $logits (`,` $labels^ `:` type($labels))?
  (`mix` `(` $mix_labels^ `,` $mix_lambda `:` type($mix_labels) `,` type($mix_lambda) `)`)?
  (`soft` `(` $targets^ `:` type($targets) `)`)?
  (`weights` `(` $class_weights^ `:` type($class_weights) `)`)?
  (`smoothing` `(` $smoothing^ `:` type($smoothing) `)`)?
  (`margin` `(` $margin^ `:` type($margin) `)`)?
  (`bias` `(` $bias^ `:` type($bias) `)`)?
  (`valid` `(` $valid^ `:` type($valid) `)`)?
  (`focal` `(` $focal_gamma^ (`of_weighted` $focal_of_weighted^)? `)`)?
  (`scale` `(` $scale^ `)`)?
  `reduction` `(` custom<Word>($reduction) `)` attr-dict
}];

def SoftmaxCrossEntropyOp : PureOp<"softmax_cross_entropy", [
    AttrSizedOperandSegments, DifferentiableSome, Decomposable, FusesAs<"Loss">]> {
  let summary = "Cross-entropy between logits and class labels, with per-class tables.";
  let description = [{
    For a row with logits z [K] and label y:
      u = scale * (z + bias - margin[y] * onehot(y)),  P = softmax(u),
      q = (1 - smoothing[y]) * onehot(y) + smoothing[y] / K,
      row loss = class_weights[y] * sum_k q_k * (1 - P_k)^focal_gamma * (-log P_k), hard labels without smoothing being
      the case q = onehot(y); with `of_weighted`: v = class_weights[y] * sum_k q_k * (-log P_k),
      row loss = (1 - e^-v)^focal_gamma * v.
    `mix(labels_b, lambda)`: lambda * (row loss of labels) + (1 - lambda) * (row loss of labels_b); weights likewise.
    `soft(targets)` [N, K] instead of labels: q_k = class_weights[k] * targets[k] and no weight in front; no smoothing,
    margin or mix, and no weighted_mean.
    `valid`: rows from it on have loss 0 and logits gradient 0. Reductions: none [N]; batch_mean Z = valid rows;
    weighted_mean Z = sum of the rows' weights; sum. Z = 0 gives loss 0 and gradient 0.
    Gradient with respect to logits and bias; the other tables are constants. Sums and logarithms are in f32 at least;
    the loss is f32, f64 for f64 logits.

    ```mlir
    %loss = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> weights(%w : tensor<10xf32>)
        reduction(weighted_mean) : tensor<64x10xf32> -> tensor<f32>
    ```
  }];
  let arguments = softmax_loss_arguments;
  let results = (outs FloatTensor:$loss);
  let assemblyFormat = !strconcat(softmax_loss_words, "`:` type($logits) `->` type($loss)");
  let hasVerifier = 1;
}

def SoftmaxCrossEntropyGradOp : PureOp<"softmax_cross_entropy_grad", [AttrSizedOperandSegments, FusesAs<"Loss">]> {
  let summary = "loss_grad times the gradient of softmax_cross_entropy with respect to the logits.";
  let description = "loss_grad: the loss' type. Same operands and attributes after it.";
  let arguments = !con((ins FloatTensor:$loss_grad), softmax_loss_arguments);
  let results = (outs FloatMatrix:$logits_grad);
  let assemblyFormat = !strconcat("$loss_grad `,` ", softmax_loss_words, [{
    `:` `(` type($loss_grad) `,` type($logits) `)` `->` type($logits_grad)
  }]);
  let hasVerifier = 1;
  let builders = [
    // The gradient op of `loss`, same operands and attributes.
    OpBuilder<(ins "SoftmaxCrossEntropyOp":$loss, "::mlir::Value":$lossGrad)>
  ];
}

def SoftmaxCrossEntropyWithGradOp : PureOp<"softmax_cross_entropy_with_grad", [
    AttrSizedOperandSegments, FusesAs<"Loss">]> {
  let summary = "Loss and loss_grad times its gradient with respect to the logits, from one softmax.";
  let arguments = !con((ins FloatTensor:$loss_grad), softmax_loss_arguments);
  let results = (outs FloatTensor:$loss, FloatMatrix:$logits_grad);
  let assemblyFormat = !strconcat("$loss_grad `,` ", softmax_loss_words, [{
    `:` `(` type($loss_grad) `,` type($logits) `)` `->` `(` type($loss) `,` type($logits_grad) `)`
  }]);
  let hasVerifier = 1;
  let builders = [
    // Replaces `loss` and its gradient op.
    OpBuilder<(ins "SoftmaxCrossEntropyOp":$loss, "::mlir::Value":$lossGrad)>
  ];
}

defvar sigmoid_loss_arguments = (ins
  FloatVector:$logits, Optional<I32Vector>:$labels, Optional<I32Vector>:$mix_labels, Optional<FloatVector>:$mix_lambda,
  Optional<FloatVector>:$targets, Optional<FloatVector>:$class_weights, Optional<FloatVector>:$smoothing,
  Optional<I32Scalar>:$valid, ReductionAttr:$reduction);
defvar sigmoid_loss_words = [{
  $logits (`,` $labels^ `:` type($labels))?
  (`mix` `(` $mix_labels^ `,` $mix_lambda `:` type($mix_labels) `,` type($mix_lambda) `)`)?
  (`soft` `(` $targets^ `:` type($targets) `)`)?
  (`weights` `(` $class_weights^ `:` type($class_weights) `)`)?
  (`smoothing` `(` $smoothing^ `:` type($smoothing) `)`)?
  (`valid` `(` $valid^ `:` type($valid) `)`)?
  `reduction` `(` custom<Word>($reduction) `)` attr-dict
}];

def SigmoidCrossEntropyOp : PureOp<"sigmoid_cross_entropy", [
    AttrSizedOperandSegments, DifferentiableSome, Decomposable, FusesAs<"Loss">]> {
  let summary = "Binary cross-entropy of one logit per row, K = 2.";
  let description = [{
    For a row with logit z and label y in {0, 1}: t = (y == 1) * (1 - smoothing[y]) + smoothing[y] / 2,
    row loss = class_weights[y] * (t * softplus(-z) + (1 - t) * softplus(z)), softplus(x) = max(x, 0) + log1p(e^-|x|).
    `soft(targets)` [N]: row loss = class_weights[1] * t * softplus(-z) + class_weights[0] * (1 - t) * softplus(z) with
    t = targets; no smoothing or mix, and no weighted_mean. mix, valid and
    reductions as softmax_cross_entropy. Gradient with respect to logits only.
  }];
  let arguments = sigmoid_loss_arguments;
  let results = (outs FloatTensor:$loss);
  let assemblyFormat = !strconcat(sigmoid_loss_words, "`:` type($logits) `->` type($loss)");
  let hasVerifier = 1;
}

def SigmoidCrossEntropyGradOp : PureOp<"sigmoid_cross_entropy_grad", [AttrSizedOperandSegments, FusesAs<"Loss">]> {
  let summary = "loss_grad times the gradient of sigmoid_cross_entropy with respect to the logits.";
  let arguments = !con((ins FloatTensor:$loss_grad), sigmoid_loss_arguments);
  let results = (outs FloatVector:$logits_grad);
  let assemblyFormat = !strconcat("$loss_grad `,` ", sigmoid_loss_words, [{
    `:` `(` type($loss_grad) `,` type($logits) `)` `->` type($logits_grad)
  }]);
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "SigmoidCrossEntropyOp":$loss, "::mlir::Value":$lossGrad)>];
}

def SigmoidCrossEntropyWithGradOp : PureOp<"sigmoid_cross_entropy_with_grad", [
    AttrSizedOperandSegments, FusesAs<"Loss">]> {
  let summary = "Loss and loss_grad times its gradient with respect to the logits, in one pass.";
  let arguments = !con((ins FloatTensor:$loss_grad), sigmoid_loss_arguments);
  let results = (outs FloatTensor:$loss, FloatVector:$logits_grad);
  let assemblyFormat = !strconcat("$loss_grad `,` ", sigmoid_loss_words, [{
    `:` `(` type($loss_grad) `,` type($logits) `)` `->` `(` type($loss) `,` type($logits_grad) `)`
  }]);
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "SigmoidCrossEntropyOp":$loss, "::mlir::Value":$lossGrad)>];
}

#endif // TAILOR_LOSS_OPS
