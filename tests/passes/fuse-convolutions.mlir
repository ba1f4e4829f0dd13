// RUN: tailor-opt %s --split-input-file --tailor-fuse-convolutions | FileCheck %s
// RUN: tailor-opt %s --split-input-file --tailor-fuse-convolutions -o /dev/null \
// RUN:   --remarks-filter=tailor --remark-format=emitRemark --verify-diagnostics

// Training, forward: the norm needs the statistics of all images, so it goes into the loads of the next convolution.
// CHECK-LABEL: tailor.body @forward
// CHECK:         %[[C:.+]] = tailor.conv2d
// CHECK-NEXT:    %[[MEAN:.+]], %{{.+}} = tailor.batch_norm_statistics %[[C]]
// CHECK-NEXT:    %[[Y:.+]] = tailor.fused convolution (%{{.+}} = %[[C]] : tensor<8x4x4x16xf32>, %{{.+}} = %[[MEAN]]
// CHECK-NEXT:      tailor.batch_norm_apply
// CHECK-NEXT:      tailor.relu
// CHECK-NEXT:      tailor.conv2d
// CHECK-NEXT:      tailor.yield
// CHECK:         tailor.return %[[Y]]
tailor.program @p {
  tailor.body @forward(%x: tensor<8x4x4x16xf32>, %conv1.weight: tensor<16x16x3x3xf32>, %norm.bias: tensor<16xf32>, %f: tensor<16xf32>, %conv2.weight: tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32> {
    %c = tailor.conv2d %x, %conv1.weight strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    %mean, %var = tailor.batch_norm_statistics %c : (tensor<8x4x4x16xf32>) -> (tensor<16xf32>, tensor<16xf32>)
    // expected-remark@+1 {{norm, conv2: batch_norm_apply and relu in the loads of conv2d, in forward}}
    %n = tailor.batch_norm_apply %c, %mean, %f, %norm.bias : (tensor<8x4x4x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<8x4x4x16xf32>
    %h = tailor.relu %n : tensor<8x4x4x16xf32>
    %y = tailor.conv2d %h, %conv2.weight strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    tailor.return %y : tensor<8x4x4x16xf32>
  }
}

// -----

// Inference: norm, shortcut and activation are in the stores, where each element is computed once. The result is read by
// two convolutions.
// CHECK-LABEL: tailor.body @inference
// CHECK-NEXT:    %[[H:.+]] = tailor.fused convolution
// CHECK-NEXT:      tailor.conv2d
// CHECK-NEXT:      tailor.batch_norm_apply
// CHECK-NEXT:      tailor.add
// CHECK-NEXT:      tailor.relu
// CHECK-NEXT:      tailor.yield
// CHECK:         tailor.conv2d %[[H]]
// CHECK-NEXT:    tailor.conv2d %[[H]]
tailor.program @p {
  tailor.body @inference(%x: tensor<8x4x4x16xf32>, %w: tensor<16x16x3x3xf32>, %v: tensor<16xf32>, %r: tensor<8x4x4x16xf32>) -> (tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>) {
    // expected-remark@+1 {{batch_norm_apply, add and relu in the stores of conv2d}}
    %c = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    %n = tailor.batch_norm_apply %c, %v, %v, %v : (tensor<8x4x4x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<8x4x4x16xf32>
    %s = tailor.add %n, %r : tensor<8x4x4x16xf32>
    %h = tailor.relu %s : tensor<8x4x4x16xf32>
    %y = tailor.conv2d %h, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    %z = tailor.conv2d %h, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    tailor.return %y, %z : tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>
  }
}

// -----

// Backward: the mask and the gradient of the norm are computed from two images in the loads of both gradients, the mask
// before the sums as well. The forward's norm and activation are computed again, in the loads of the weight gradient too.
// CHECK-LABEL: tailor.body @backward
// CHECK-NEXT:    %[[SUMS:.+]]:2 = tailor.fused channels
// CHECK-NEXT:      tailor.batch_norm_apply
// CHECK-NEXT:      tailor.relu
// CHECK-NEXT:      tailor.constant
// CHECK-NEXT:      tailor.compare
// CHECK-NEXT:      tailor.where
// CHECK-NEXT:      tailor.batch_norm_grad_statistics
// CHECK-NEXT:      tailor.yield
// CHECK:         tailor.fused convolution
// CHECK-NEXT:      tailor.batch_norm_apply
// CHECK-NEXT:      tailor.relu
// CHECK-NEXT:      tailor.constant
// CHECK-NEXT:      tailor.compare
// CHECK-NEXT:      tailor.where
// CHECK-NEXT:      tailor.batch_norm_grad_apply
// CHECK-NEXT:      tailor.conv2d_data_grad
// CHECK-NEXT:      tailor.yield
// CHECK:         tailor.fused convolution
// CHECK:           tailor.batch_norm_grad_apply
// CHECK-NEXT:      tailor.conv2d_weight_grad
tailor.program @p {
  tailor.body @backward(%x: tensor<8x4x4x16xf32>, %c: tensor<8x4x4x16xf32>, %dh: tensor<8x4x4x16xf32>, %w: tensor<16x16x3x3xf32>, %v: tensor<16xf32>) -> (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) {
    // expected-remark@+3 {{in the loads of batch_norm_grad_statistics}}
    // expected-remark@+2 {{relu, compare, where and batch_norm_grad_apply in the loads of conv2d_data_grad}}
    // expected-remark@+1 {{in the loads of conv2d_weight_grad}}
    %n = tailor.batch_norm_apply %c, %v, %v, %v {op_id = 2 : i64} : (tensor<8x4x4x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<8x4x4x16xf32>
    %h = tailor.relu %n {op_id = 3 : i64} : tensor<8x4x4x16xf32>
    %zero = tailor.constant dense<0.0> : tensor<8x4x4x16xf32>
    %on = tailor.compare %h ne %zero {vjp_of = 3 : i64} : tensor<8x4x4x16xf32>
    %dn = tailor.where %on, %dh, %zero {vjp_of = 3 : i64} : tensor<8x4x4x16xi1>, tensor<8x4x4x16xf32>
    %ds, %db = tailor.batch_norm_grad_statistics %dn, %c, %v, %v {vjp_of = 2 : i64} : (tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<16xf32>, tensor<16xf32>) -> (tensor<16xf32>, tensor<16xf32>)
    %dc = tailor.batch_norm_grad_apply %dn, %c, %v, %v, %ds, %db {vjp_of = 2 : i64} : (tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<8x4x4x16xf32>
    %dx = tailor.conv2d_data_grad %dc, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) {vjp_of = 5 : i64} : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    %dw = tailor.conv2d_weight_grad %x, %dc strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) {vjp_of = 5 : i64} : (tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>) -> tensor<16x16x3x3xf32>
    tailor.return %dx, %dw : tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>
  }
}

// -----

// The gradient of a residual sum: the data gradient that is one of its terms adds the other and masks in its stores; the
// sums and both gradients before it read one image instead of three.
// CHECK-LABEL: tailor.body @residual_backward
// CHECK-NEXT:    %[[DS:.+]] = tailor.fused convolution
// CHECK-NEXT:      tailor.conv2d_data_grad
// CHECK:           tailor.add
// CHECK-NEXT:      tailor.where
// CHECK-NEXT:      tailor.yield
// CHECK:         tailor.batch_norm_grad_statistics %[[DS]]
tailor.program @p {
  tailor.body @residual_backward(%x: tensor<8x4x4x16xf32>, %c: tensor<8x4x4x16xf32>, %r: tensor<8x4x4x16xf32>, %dy: tensor<8x4x4x16xf32>, %dr: tensor<8x4x4x16xf32>, %w: tensor<16x16x3x3xf32>, %v: tensor<16xf32>) -> (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>, tensor<8x4x4x16xf32>) {
    %zero = tailor.constant dense<0.0> : tensor<8x4x4x16xf32>
    // expected-remark@+1 {{compare, add and where in the stores of conv2d_data_grad}}
    %d = tailor.conv2d_data_grad %dy, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) {vjp_of = 5 : i64} : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    %sum = tailor.add %d, %dr {vjp_of = 4 : i64} : tensor<8x4x4x16xf32>
    %on = tailor.compare %r ne %zero {vjp_of = 3 : i64} : tensor<8x4x4x16xf32>
    %ds = tailor.where %on, %sum, %zero {vjp_of = 3 : i64} : tensor<8x4x4x16xi1>, tensor<8x4x4x16xf32>
    %dg, %db = tailor.batch_norm_grad_statistics %ds, %c, %v, %v {vjp_of = 2 : i64} : (tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<16xf32>, tensor<16xf32>) -> (tensor<16xf32>, tensor<16xf32>)
    // expected-remark@+2 {{batch_norm_grad_apply in the loads of conv2d_data_grad}}
    // expected-remark@+1 {{batch_norm_grad_apply in the loads of conv2d_weight_grad}}
    %dc = tailor.batch_norm_grad_apply %ds, %c, %v, %v, %dg, %db {vjp_of = 2 : i64} : (tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<8x4x4x16xf32>
    %dx = tailor.conv2d_data_grad %dc, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) {vjp_of = 5 : i64} : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    %dw = tailor.conv2d_weight_grad %x, %dc strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) {vjp_of = 5 : i64} : (tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>) -> tensor<16x16x3x3xf32>
    tailor.return %dx, %dw, %ds : tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>, tensor<8x4x4x16xf32>
  }
}

// -----

// A residual sum behind a norm in training: four kernels would read two images each, so it is written, and every chain
// ends here. What makes it stays for the elementwise fusion.
// CHECK-LABEL: tailor.body @residual
// CHECK-NOT:     tailor.fused
tailor.program @p {
  tailor.body @residual(%x: tensor<8x4x4x16xf32>, %r: tensor<8x4x4x16xf32>, %w: tensor<16x16x3x3xf32>, %v: tensor<16xf32>) -> (tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>) {
    %c = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    %mean, %var = tailor.batch_norm_statistics %c : (tensor<8x4x4x16xf32>) -> (tensor<16xf32>, tensor<16xf32>)
    %n = tailor.batch_norm_apply %c, %mean, %var, %v : (tensor<8x4x4x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<8x4x4x16xf32>
    %s = tailor.add %n, %r : tensor<8x4x4x16xf32>
    // expected-remark@+1 {{'relu' is written to memory: 4 kernels read it, and each would read all that it is made from}}
    %h = tailor.relu %s : tensor<8x4x4x16xf32>
    %y0 = tailor.conv2d %h, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    %y1 = tailor.conv2d %h, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    %y2 = tailor.conv2d %h, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    %y3 = tailor.conv2d %h, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    tailor.return %y0, %y1, %y2, %y3 : tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>
  }
}

// -----

// Written because somebody reads it as a whole; a polynomial is not computed again.
// CHECK-LABEL: tailor.body @written
// CHECK-NOT:     tailor.fused
tailor.program @p {
  tailor.body @written(%c: tensor<8x4x4x16xf32>, %w: tensor<16x16x3x3xf32>, %v: tensor<16xf32>) -> (tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>) {
    // expected-remark@+1 {{'batch_norm_apply' is written to memory: 'return' reads it there}}
    %n = tailor.batch_norm_apply %c, %v, %v, %v : (tensor<8x4x4x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<8x4x4x16xf32>
    %y = tailor.conv2d %n, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    %e = tailor.sigmoid %c : tensor<8x4x4x16xf32>
    %z = tailor.conv2d %e, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    %u = tailor.conv2d %e, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    tailor.return %n, %y, %z, %u : tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>
  }
}

// -----

// A weight that is computed is written: only images are read element by element.
// CHECK-LABEL: tailor.body @weight
// CHECK-NOT:     tailor.fused
tailor.program @p {
  tailor.body @weight(%x: tensor<8x4x4x16xf32>, %w: tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32> {
    // expected-remark@+1 {{'square' is written to memory: 'conv2d' reads it there}}
    %q = tailor.square %w : tensor<16x16x3x3xf32>
    %y = tailor.conv2d %x, %q strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    tailor.return %y : tensor<8x4x4x16xf32>
  }
}

// -----

// Two convolutions would wait for each other: one of the sums has a kernel of its own.
// CHECK-LABEL: tailor.body @cycle
// CHECK:         tailor.fused convolution
// CHECK-NOT:     tailor.fused
tailor.program @p {
  tailor.body @cycle(%x: tensor<8x4x4x16xf32>, %w: tensor<16x16x3x3xf32>) -> (tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>) {
    %a = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    // expected-remark@+1 {{relu and add in the stores of conv2d}}
    %b = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    %m = tailor.relu %b : tensor<8x4x4x16xf32>
    %u = tailor.sigmoid %a : tensor<8x4x4x16xf32>
    %s = tailor.add %b, %u : tensor<8x4x4x16xf32>
    // expected-remark@+1 {{cycle}}
    %t = tailor.add %a, %m : tensor<8x4x4x16xf32>
    tailor.return %m, %s, %t : tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>, tensor<8x4x4x16xf32>
  }
}

// -----

// An option-A shortcut: every second position, zero channels around. The sum behind it takes both into its loads.
// CHECK-LABEL: tailor.body @shortcut
// CHECK:         %[[H:.+]] = tailor.fused map
// CHECK-NEXT:      tailor.batch_norm_apply
// CHECK-NEXT:      tailor.slice
// CHECK-NEXT:      tailor.pad
// CHECK-NEXT:      tailor.add
// CHECK-NEXT:      tailor.relu
// CHECK-NEXT:      tailor.yield
// CHECK:         tailor.return %[[H]]
tailor.program @p {
  tailor.body @shortcut(%r: tensor<8x8x8x8xf32>, %c: tensor<8x4x4x16xf32>, %v: tensor<16xf32>) -> tensor<8x4x4x16xf32> {
    // expected-remark@+1 {{batch_norm_apply, slice, pad, add and relu in one map kernel}}
    %n = tailor.batch_norm_apply %c, %v, %v, %v : (tensor<8x4x4x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<8x4x4x16xf32>
    %mean, %var = tailor.batch_norm_statistics %c : (tensor<8x4x4x16xf32>) -> (tensor<16xf32>, tensor<16xf32>)
    %s = tailor.slice %r from([0, 0, 0, 0]) to([8, 8, 8, 8]) by([1, 2, 2, 1]) : tensor<8x8x8x8xf32> to tensor<8x4x4x8xf32>
    %p = tailor.pad %s low([0, 0, 0, 4]) high([0, 0, 0, 4]) interior([0, 0, 0, 0]) : tensor<8x4x4x8xf32> to tensor<8x4x4x16xf32>
    %a = tailor.add %n, %p : tensor<8x4x4x16xf32>
    // expected-remark@+1 {{'relu' is written to memory: 'return' reads it there}}
    %h = tailor.relu %a : tensor<8x4x4x16xf32>
    tailor.return %h : tensor<8x4x4x16xf32>
  }
}

// -----

// Its gradient is computed in the stores of the data gradient that it is added to.
// CHECK-LABEL: tailor.body @shortcut_backward
// CHECK-NEXT:    %[[D:.+]] = tailor.fused convolution
// CHECK-NEXT:      tailor.conv2d_data_grad
// CHECK-NEXT:      tailor.slice
// CHECK-NEXT:      tailor.pad
// CHECK-NEXT:      tailor.add
// CHECK-NEXT:      tailor.yield
// CHECK:         tailor.return %[[D]]
tailor.program @p {
  tailor.body @shortcut_backward(%dh: tensor<8x4x4x16xf32>, %dy: tensor<8x4x4x16xf32>, %w: tensor<16x8x3x3xf32>) -> tensor<8x8x8x8xf32> {
    %s = tailor.slice %dh from([0, 0, 0, 4]) to([8, 4, 4, 12]) by([1, 1, 1, 1]) {vjp_of = 3 : i64} : tensor<8x4x4x16xf32> to tensor<8x4x4x8xf32>
    %p = tailor.pad %s low([0, 0, 0, 0]) high([0, 1, 1, 0]) interior([0, 1, 1, 0]) {vjp_of = 2 : i64} : tensor<8x4x4x8xf32> to tensor<8x8x8x8xf32>
    // expected-remark@+1 {{slice, pad and add in the stores of conv2d_data_grad}}
    %d = tailor.conv2d_data_grad %dy, %w strides([2, 2]) padding([1, 1, 1, 1]) dilation([1, 1]) {vjp_of = 5 : i64} : (tensor<8x4x4x16xf32>, tensor<16x8x3x3xf32>) -> tensor<8x8x8x8xf32>
    %sum = tailor.add %p, %d {vjp_of = 4 : i64} : tensor<8x8x8x8xf32>
    tailor.return %sum : tensor<8x8x8x8xf32>
  }
}

// -----

// What is read at another position of the convolution's result cannot be computed in its stores.
// CHECK-LABEL: tailor.body @moved_result
// CHECK-NEXT:    tailor.conv2d
// CHECK-NEXT:    tailor.fused map
// CHECK-NEXT:      tailor.slice
// CHECK-NEXT:      tailor.pad
// CHECK-NEXT:      tailor.add
tailor.program @p {
  tailor.body @moved_result(%x: tensor<8x4x4x16xf32>, %w: tensor<16x16x3x3xf32>, %r: tensor<8x4x4x16xf32>) -> tensor<8x4x4x16xf32> {
    %c = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x16xf32>, tensor<16x16x3x3xf32>) -> tensor<8x4x4x16xf32>
    // expected-remark@+1 {{slice, pad and add in one map kernel}}
    %s = tailor.slice %c from([0, 1, 0, 0]) to([8, 4, 4, 16]) by([1, 1, 1, 1]) : tensor<8x4x4x16xf32> to tensor<8x3x4x16xf32>
    %p = tailor.pad %s low([0, 0, 0, 0]) high([0, 1, 0, 0]) interior([0, 0, 0, 0]) : tensor<8x3x4x16xf32> to tensor<8x4x4x16xf32>
    // expected-remark@+1 {{'add' is written to memory: 'return' reads it there}}
    %a = tailor.add %p, %r : tensor<8x4x4x16xf32>
    tailor.return %a : tensor<8x4x4x16xf32>
  }
}

// -----

// Channels joined in the loads of the convolution that reads them.
// CHECK-LABEL: tailor.body @joined
// CHECK-NEXT:    tailor.fused convolution
// CHECK-NEXT:      tailor.concat
// CHECK-NEXT:      tailor.relu
// CHECK-NEXT:      tailor.conv2d
tailor.program @p {
  tailor.body @joined(%x: tensor<8x4x4x16xf32>, %r: tensor<8x4x4x3xf32>, %w: tensor<16x19x3x3xf32>) -> tensor<8x4x4x16xf32> {
    // expected-remark@+1 {{concat and relu in the loads of conv2d}}
    %j = tailor.concat %x, %r dim(3) : (tensor<8x4x4x16xf32>, tensor<8x4x4x3xf32>) -> tensor<8x4x4x19xf32>
    %h = tailor.relu %j : tensor<8x4x4x19xf32>
    %c = tailor.conv2d %h, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x4x4x19xf32>, tensor<16x19x3x3xf32>) -> tensor<8x4x4x16xf32>
    tailor.return %c : tensor<8x4x4x16xf32>
  }
}

// -----

// Arithmetic on the channels goes behind the statistics it is made of, with its constants and what only it reads (%t), and the
// running statistics. What others read as well (%o) stays where it is.
// CHECK-LABEL: tailor.body @vectors
// CHECK-NEXT:    %[[O:.*]] = tailor.mul %{{.*}}, %{{.*}} : tensor<16xf32>
// CHECK-NEXT:    %[[F:.*]]:5 = tailor.fused channels
// CHECK-NEXT:      tailor.batch_norm_statistics
// CHECK-NEXT:      tailor.constant
// CHECK-NEXT:      tailor.add
// CHECK-NEXT:      tailor.rsqrt
// CHECK-NEXT:      tailor.neg
// CHECK-NEXT:      tailor.mul
// CHECK-NEXT:      tailor.mul
// CHECK-NEXT:      tailor.batch_norm_update_running
// CHECK-NEXT:      tailor.yield
// CHECK-NEXT:    }
// CHECK-NEXT:    tailor.return %[[F]]#0, %[[F]]#1, %[[F]]#2, %[[F]]#3, %[[F]]#4, %[[O]]
tailor.program @p {
  tailor.body @vectors(%x: tensor<8x4x4x16xf32>, %s: tensor<16xf32>, %rm: tensor<16xf32>, %rv: tensor<16xf32>)
      -> (tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) {
    // expected-remark@+1 {{add, rsqrt, neg, mul and batch_norm_update_running behind batch_norm_statistics}}
    %m, %v = tailor.batch_norm_statistics %x : (tensor<8x4x4x16xf32>) -> (tensor<16xf32>, tensor<16xf32>)
    %e = tailor.constant dense<1.0e-5> : tensor<16xf32>
    %a = tailor.add %v, %e : tensor<16xf32>
    %i = tailor.rsqrt %a : tensor<16xf32>
    %t = tailor.neg %s : tensor<16xf32>
    %o = tailor.mul %s, %s : tensor<16xf32>
    %p = tailor.mul %i, %t : tensor<16xf32>
    %f = tailor.mul %p, %o : tensor<16xf32>
    %nm, %nv = tailor.batch_norm_update_running %rm, %rv, %m, %v momentum(0.1) rows(8) row_elements(16)
      : (tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> (tensor<16xf32>, tensor<16xf32>)
    tailor.return %m, %i, %f, %nm, %nv, %o : tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>
  }
}
