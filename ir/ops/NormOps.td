// Batch and layer normalisation. C is the last dimension; M = number of elements per channel (valid rows times the
// dimensions between the first and the last).
#ifndef TAILOR_NORM_OPS
#define TAILOR_NORM_OPS

include "ir/TailorBase.td"

def BatchNormTrainOp : PureOp<"batch_norm_train", [InfersType, Differentiable, Decomposable, FusesAs<"BatchNorm">]> {
  let summary = "Normalises with the statistics of this batch.";
  let description = [{
    y = (x - mean) * inv_std * scale + bias, inv_std = 1 / sqrt(variance + epsilon); mean and variance (biased: / M)
    per channel over the valid rows and all dimensions between. x [N, ..., C]; scale, bias, mean, inv_std, variance
    [C]. Without `valid` all rows count. Rows from valid on do not count and their y is 0. M = 0: mean 0, variance 0.
    Results: y, mean, inv_std, variance. The gradient flows through y only; the others feed running statistics.
  }];
  let arguments = (ins FloatTensor:$input, FloatVector:$scale, FloatVector:$bias, Optional<I32Scalar>:$valid,
                       F64Attr:$epsilon);
  let results = (outs FloatTensor:$result, FloatVector:$mean, FloatVector:$inv_std, FloatVector:$variance);
  let assemblyFormat = [{
    $input `,` $scale `,` $bias (`valid` `(` $valid^ `)`)? `epsilon` `(` $epsilon `)` attr-dict
    `:` functional-type(operands, results)
  }];
}

def BatchNormGradOp : PureOp<"batch_norm_grad", [InfersType, FusesAs<"BatchNorm">]> {
  let summary = "Gradients of batch_norm_train with respect to input, scale and bias.";
  let description = [{
    With xh = (x - mean) * inv_std and sums over the valid elements of a channel:
    dbias = sum dy, dscale = sum dy * xh, dx = scale * inv_std * (dy - dbias / M - xh * dscale / M).
    dx of rows from valid on is 0. Results: dx, dscale, dbias.
  }];
  let arguments = (ins FloatTensor:$result_grad, FloatTensor:$input, FloatVector:$scale, FloatVector:$mean,
                       FloatVector:$inv_std, Optional<I32Scalar>:$valid);
  let results = (outs FloatTensor:$input_grad, FloatVector:$scale_grad, FloatVector:$bias_grad);
  let assemblyFormat = [{
    $result_grad `,` $input `,` $scale `,` $mean `,` $inv_std (`valid` `(` $valid^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
}

// The parts of a batch norm over images, made by SplitBatchNorm: the reductions end up in kernels of their own or of the
// convolution before them, the maps in the loads of whoever reads them. No derivatives: Differentiate comes first.

def BatchNormStatisticsOp : PureOp<"batch_norm_statistics", [InfersType, FusesAs<"ChannelReduction">]> {
  let summary = "Mean and biased variance of each channel over the valid rows and all dimensions between.";
  let description = [{
    As in batch_norm_train. A target computes them per row (image) about a mean of that row and combines rows in order,
    so that nothing cancels where |mean| is far above the deviation. M = 0: mean 0, variance 0. Of bf16 values they are
    f32.
  }];
  let arguments = (ins FloatTensor:$input, Optional<I32Scalar>:$valid);
  let results = (outs FloatVector:$mean, FloatVector:$variance);
  let assemblyFormat = "$input (`valid` `(` $valid^ `)`)? attr-dict `:` functional-type(operands, results)";
}

def BatchNormApplyOp : PureOp<"batch_norm_apply", [InfersType, FusesAs<"ChannelMap">]> {
  let summary = "(x - mean) * factor + bias, in this order; 0 in rows from valid on.";
  let description = "factor = inv_std * scale. x [N, ..., C]; mean, factor, bias [C].";
  let arguments = (ins FloatTensor:$input, FloatVector:$mean, FloatVector:$factor, FloatVector:$bias,
                       Optional<I32Scalar>:$valid);
  let results = (outs FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $mean `,` $factor `,` $bias (`valid` `(` $valid^ `)`)? attr-dict `:` functional-type(operands, $result)
  }];
}

def BatchNormGradStatisticsOp : PureOp<"batch_norm_grad_statistics", [InfersType, FusesAs<"ChannelReduction">]> {
  let summary = "The two sums of batch_norm_grad: dscale = sum dy * (x - mean) * inv_std, dbias = sum dy.";
  let description = "Over the valid rows and all dimensions between. dy, x [N, ..., C]; mean, inv_std [C].";
  let arguments = (ins FloatTensor:$result_grad, FloatTensor:$input, FloatVector:$mean, FloatVector:$inv_std,
                       Optional<I32Scalar>:$valid);
  let results = (outs FloatVector:$scale_grad, FloatVector:$bias_grad);
  let assemblyFormat = [{
    $result_grad `,` $input `,` $mean `,` $inv_std (`valid` `(` $valid^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
}

def BatchNormGradApplyOp : PureOp<"batch_norm_grad_apply", [InfersType, FusesAs<"ChannelMap">]> {
  let summary = "dx = factor * dy + slope * (x - mean) + offset; 0 in rows from valid on.";
  let description = [{
    With factor = scale * inv_std, slope = -factor * inv_std * dscale / M and offset = -factor * dbias / M this is the
    dx of batch_norm_grad. dy, x [N, ..., C]; the vectors [C].
  }];
  let arguments = (ins FloatTensor:$result_grad, FloatTensor:$input, FloatVector:$mean, FloatVector:$factor,
                       FloatVector:$slope, FloatVector:$offset, Optional<I32Scalar>:$valid);
  let results = (outs FloatTensor:$result);
  let assemblyFormat = [{
    $result_grad `,` $input `,` $mean `,` $factor `,` $slope `,` $offset (`valid` `(` $valid^ `)`)? attr-dict
    `:` functional-type(operands, $result)
  }];
}

def BatchNormInferenceOp : PureOp<"batch_norm_inference",
                                  [InfersType, DifferentiableSome, FusesAs<"ChannelMap">]> {
  let summary = "Normalises with given statistics: (x - mean) / sqrt(variance + epsilon) * scale + bias.";
  let description = "No gradient flows to mean and variance.";
  let arguments = (ins FloatTensor:$input, FloatVector:$scale, FloatVector:$bias, FloatVector:$mean,
                       FloatVector:$variance, F64Attr:$epsilon);
  let results = (outs FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $scale `,` $bias `,` $mean `,` $variance `epsilon` `(` $epsilon `)` attr-dict
    `:` functional-type(operands, $result)
  }];
}

def BatchNormUpdateRunningOp : PureOp<"batch_norm_update_running", [InfersType, FusesAs<"Map">]> {
  let summary = "New running statistics from those of a batch.";
  let description = [{
    new_mean = (1 - momentum) * running_mean + momentum * mean;
    new_variance = (1 - momentum) * running_variance + momentum * variance * M / (M - 1), M = rows * row_elements
    where rows is `valid` when given, else the attribute. M = 1 leaves the running variance, M = 0 both as they are.
  }];
  let arguments = (ins FloatVector:$running_mean, FloatVector:$running_variance, FloatVector:$mean,
                       FloatVector:$variance, Optional<I32Scalar>:$valid, F64Attr:$momentum, I64Attr:$rows,
                       DefaultValuedAttr<I64Attr, "1">:$row_elements);
  let results = (outs FloatVector:$new_mean, FloatVector:$new_variance);
  let assemblyFormat = [{
    $running_mean `,` $running_variance `,` $mean `,` $variance (`valid` `(` $valid^ `)`)? `momentum` `(` $momentum `)`
    `rows` `(` $rows `)` (`row_elements` `(` $row_elements^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def LayerNormOp : PureOp<"layer_norm", [InfersType, Differentiable, Decomposable, FusesAs<"LayerNorm">]> {
  let summary = "Normalises the last dimension of each row.";
  let description = [{
    y = (x - mean) * inv_std * scale + bias, biased variance. x [..., C]; scale, bias [C]; mean, inv_std [...].
    Results: y, mean, inv_std. The gradient flows through y only.
  }];
  let arguments = (ins FloatTensor:$input, FloatVector:$scale, FloatVector:$bias, F64Attr:$epsilon);
  let results = (outs FloatTensor:$result, FloatTensor:$mean, FloatTensor:$inv_std);
  let assemblyFormat = [{
    $input `,` $scale `,` $bias `epsilon` `(` $epsilon `)` attr-dict `:` functional-type(operands, results)
  }];
}

def LayerNormGradOp : PureOp<"layer_norm_grad", [InfersType, FusesAs<"LayerNorm">]> {
  let summary = "Gradients of layer_norm with respect to input, scale and bias.";
  let description = [{
    With xh = (x - mean) * inv_std and g = dy * scale: dx = inv_std * (g - mean_C(g) - xh * mean_C(g * xh)),
    dscale = sum over rows of dy * xh, dbias = sum over rows of dy. Results: dx, dscale, dbias.
  }];
  let arguments = (ins FloatTensor:$result_grad, FloatTensor:$input, FloatVector:$scale, FloatTensor:$mean,
                       FloatTensor:$inv_std);
  let results = (outs FloatTensor:$input_grad, FloatVector:$scale_grad, FloatVector:$bias_grad);
  let assemblyFormat = [{
    $result_grad `,` $input `,` $scale `,` $mean `,` $inv_std attr-dict `:` functional-type(operands, results)
  }];
}

#endif // TAILOR_NORM_OPS
