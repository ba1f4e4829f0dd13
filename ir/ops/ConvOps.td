// Convolution and pooling over NHWC images; weights OIHW. Lists: strides, dilation, window = [height, width];
// padding = [top, bottom, left, right].
#ifndef TAILOR_CONV_OPS
#define TAILOR_CONV_OPS

include "ir/TailorBase.td"

// Attributes shared by the three convolution ops, and their words.
defvar conv_attributes = (ins DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$dilation,
                              DefaultValuedAttr<I64Attr, "1">:$groups);
defvar conv_words = [{
  `strides` `(` $strides `)` `padding` `(` $padding `)` `dilation` `(` $dilation `)` (`groups` `(` $groups^ `)`)?
  attr-dict `:` functional-type(operands, $result)
}];

def Conv2dOp : PureOp<"conv2d", [InfersWideType, FusesAs<"Convolution">, Differentiable]> {
  let summary = "Two-dimensional convolution (cross-correlation).";
  let description = [{
    input [N, H, W, C], weight [O, C / groups, kh, kw] -> [N, H', W', O],
    H' = (H + top + bottom - dilation * (kh - 1) - 1) / stride + 1, W' likewise. groups = C is depthwise.
  }];
  let arguments = !con((ins FloatImages:$input, FloatImages:$weight), conv_attributes);
  let results = (outs FloatImages:$result);
  let assemblyFormat = !strconcat("$input `,` $weight ", conv_words);
}

def Conv2dDataGradOp : PureOp<"conv2d_data_grad", [FusesAs<"Convolution">, Differentiable]> {
  let summary = "Gradient of conv2d with respect to its input; the result type is the input's.";
  let arguments = !con((ins FloatImages:$output_grad, FloatImages:$weight), conv_attributes);
  let results = (outs FloatImages:$result);
  let assemblyFormat = !strconcat("$output_grad `,` $weight ", conv_words);
  let hasVerifier = 1;
}

def Conv2dWeightGradOp : PureOp<"conv2d_weight_grad", [FusesAs<"Convolution">, Differentiable]> {
  let summary = "Gradient of conv2d with respect to its weight; the result type is the weight's.";
  let arguments = !con((ins FloatImages:$input, FloatImages:$output_grad), conv_attributes);
  let results = (outs FloatImages:$result);
  let assemblyFormat = !strconcat("$input `,` $output_grad ", conv_words);
  let hasVerifier = 1;
}

defvar pool_attributes = (ins DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding,
                              UnitAttr:$ceil_mode);
defvar pool_words = [{
  `window` `(` $window `)` `strides` `(` $strides `)` `padding` `(` $padding `)` (`ceil_mode` $ceil_mode^)?
}];
defvar pool_types = " attr-dict `:` functional-type(operands, $result)";

def MaxPool2dOp : PureOp<"max_pool2d", [InfersType, Differentiable]> {
  let summary = "Largest element of each window; padding never wins.";
  let description = [{
    H' = (H + top + bottom - window) / stride + 1, rounded up with ceil_mode; then a last window that would start
    beyond H + top is left out. Padding is smaller than the window.
  }];
  let arguments = !con((ins FloatImages:$input), pool_attributes);
  let results = (outs FloatImages:$result);
  let assemblyFormat = !strconcat("$input ", pool_words, pool_types);
}

def MaxPool2dGradOp : PureOp<"max_pool2d_grad"> {
  let summary = "Gradient of max_pool2d: each window's gradient goes to its first largest element (row-major).";
  let arguments = !con((ins FloatImages:$input, FloatImages:$output_grad), pool_attributes);
  let results = (outs FloatImages:$result);
  let assemblyFormat = !strconcat("$input `,` $output_grad ", pool_words, pool_types);
  let hasVerifier = 1;
}

def AvgPool2dOp : PureOp<"avg_pool2d", [InfersType, Differentiable]> {
  let summary = "Mean of each window.";
  let description = [{
    Sizes as max_pool2d. The divisor counts the window's elements inside the image, or with count_include_pad those
    inside the padded image (what ceil_mode adds beyond the padding never counts).
  }];
  let arguments = !con((ins FloatImages:$input), pool_attributes, (ins UnitAttr:$count_include_pad));
  let results = (outs FloatImages:$result);
  let assemblyFormat = !strconcat("$input ", pool_words, "(`count_include_pad` $count_include_pad^)?", pool_types);
}

def AvgPool2dGradOp : PureOp<"avg_pool2d_grad", [Differentiable]> {
  let summary = "Gradient of avg_pool2d; the result type is the input's.";
  let arguments = !con((ins FloatImages:$output_grad), pool_attributes, (ins UnitAttr:$count_include_pad));
  let results = (outs FloatImages:$result);
  let assemblyFormat = !strconcat("$output_grad ", pool_words, "(`count_include_pad` $count_include_pad^)?", pool_types);
  let hasVerifier = 1;
}

#endif // TAILOR_CONV_OPS
