// RUN: tailor-opt %s --split-input-file --tailor-fuse-norm-activation | FileCheck %s
// RUN: tailor-opt %s --split-input-file --tailor-fuse-norm-activation -o /dev/null \
// RUN:   --remarks-filter=tailor --remark-format=emitRemark --verify-diagnostics

// Forward: statistics, normalisation, residual and activation in one column kernel. The normalised value is not
// stored; the bias before it stays with its matrix product.
// CHECK-LABEL: tailor.body @forward
// CHECK:         tailor.dot
// CHECK:         tailor.add
// CHECK:         %[[F:.+]]:3 = tailor.fused columns
// CHECK:           tailor.batch_norm_train
// CHECK-NEXT:      tailor.add
// CHECK-NEXT:      tailor.relu
// CHECK-NEXT:      tailor.yield
// CHECK:         tailor.return
tailor.program @p {
  tailor.body @forward(%x: tensor<8x4xf32>, %w: tensor<3x4xf32>, %b: tensor<3xf32>, %norm.weight: tensor<3xf32>, %norm.bias: tensor<3xf32>, %r: tensor<8x3xf32>) -> (tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>) {
    %z = tailor.dot %x, %w contract([1] x [1]) : (tensor<8x4xf32>, tensor<3x4xf32>) -> tensor<8x3xf32>
    %bb = tailor.broadcast %b dims([1]) : tensor<3xf32> to tensor<8x3xf32>
    %a = tailor.add %z, %bb : tensor<8x3xf32>
    // expected-remark@+1 {{norm: normalisation and 2 neighbouring ops in one pass over the columns, in forward}}
    %y, %mean, %inv, %var = tailor.batch_norm_train %a, %norm.weight, %norm.bias epsilon(1.0e-5) : (tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
    %s = tailor.add %y, %r : tensor<8x3xf32>
    %h = tailor.relu %s : tensor<8x3xf32>
    tailor.return %h, %mean, %var : tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>
  }
}

// -----

// Backward: the activation gradient is part of the column kernel, not of the matrix product before it.
// CHECK-LABEL: tailor.body @backward
// CHECK:         tailor.dot
// CHECK:         tailor.fused columns
// CHECK:           tailor.compare
// CHECK:           tailor.where
// CHECK:           tailor.batch_norm_grad
tailor.program @p {
  tailor.body @backward(%d: tensor<8x2xf32>, %w: tensor<2x3xf32>, %h: tensor<8x3xf32>, %a: tensor<8x3xf32>, %g: tensor<3xf32>, %mean: tensor<3xf32>, %inv: tensor<3xf32>) -> (tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>) {
    %dh = tailor.dot %d, %w contract([1] x [0]) {vjp_of = 3 : i64} : (tensor<8x2xf32>, tensor<2x3xf32>) -> tensor<8x3xf32>
    %zero = tailor.constant dense<0.0> : tensor<8x3xf32>
    // expected-remark@+1 {{columns}}
    %on = tailor.compare %h gt %zero {vjp_of = 2 : i64} : tensor<8x3xf32>
    %dy = tailor.where %on, %dh, %zero {vjp_of = 2 : i64} : tensor<8x3xi1>, tensor<8x3xf32>
    %dx, %dg, %do = tailor.batch_norm_grad %dy, %a, %g, %mean, %inv {vjp_of = 1 : i64} : (tensor<8x3xf32>, tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>)
    tailor.return %dx, %dg, %do : tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>
  }
}

// -----

// Not fused: images have channels, not columns.
// CHECK-LABEL: tailor.body @images
// CHECK-NOT:     tailor.fused
tailor.program @p {
  tailor.body @images(%x: tensor<8x2x2x3xf32>, %g: tensor<3xf32>, %o: tensor<3xf32>) -> tensor<8x2x2x3xf32> {
    // expected-remark@+1 {{not-a-matrix}}
    %y, %mean, %inv, %var = tailor.batch_norm_train %x, %g, %o epsilon(1.0e-5) : (tensor<8x2x2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<8x2x2x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
    %h = tailor.relu %y : tensor<8x2x2x3xf32>
    tailor.return %h : tensor<8x2x2x3xf32>
  }
}

// -----

// Not fused: the residual is computed from the normalised value by another kernel.
// CHECK-LABEL: tailor.body @cycle
// CHECK-NOT:     tailor.fused
tailor.program @p {
  tailor.body @cycle(%x: tensor<8x3xf32>, %w: tensor<3x3xf32>, %g: tensor<3xf32>, %o: tensor<3xf32>) -> tensor<8x3xf32> {
    // expected-remark@+1 {{cycle}}
    %y, %mean, %inv, %var = tailor.batch_norm_train %x, %g, %o epsilon(1.0e-5) : (tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<8x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
    %z = tailor.dot %y, %w contract([1] x [0]) : (tensor<8x3xf32>, tensor<3x3xf32>) -> tensor<8x3xf32>
    %s = tailor.add %y, %z : tensor<8x3xf32>
    tailor.return %s : tensor<8x3xf32>
  }
}
