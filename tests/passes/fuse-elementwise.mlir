// RUN: tailor-opt %s --split-input-file --tailor-fuse-elementwise | FileCheck %s
// RUN: tailor-opt %s --split-input-file --tailor-fuse-elementwise -o /dev/null \
// RUN:   --remarks-filter=tailor --remark-format=emitRemark --verify-diagnostics

// A layer is one kernel; only its result is stored.
// CHECK-LABEL: tailor.body @layer
// CHECK:         %[[H:.+]] = tailor.fused gemm
// CHECK:           tailor.dot
// CHECK-NEXT:      tailor.broadcast
// CHECK-NEXT:      tailor.add
// CHECK-NEXT:      %[[R:.+]] = tailor.relu
// CHECK-NEXT:      tailor.yield %[[R]] : tensor<8x3xf32>
// CHECK:         tailor.return %[[H]]
tailor.program @p {
  tailor.body @layer(%x: tensor<8x4xf32>, %w: tensor<3x4xf32>, %b: tensor<3xf32>) -> tensor<8x3xf32> {
    // expected-remark@+1 {{dot, add and relu in one gemm kernel}}
    %z = tailor.dot %x, %w contract([1] x [1]) : (tensor<8x4xf32>, tensor<3x4xf32>) -> tensor<8x3xf32>
    %bb = tailor.broadcast %b dims([1]) : tensor<3xf32> to tensor<8x3xf32>
    %a = tailor.add %z, %bb : tensor<8x3xf32>
    %h = tailor.relu %a : tensor<8x3xf32>
    tailor.return %h : tensor<8x3xf32>
  }
}

// -----

// The pre-activation is needed later: the kernel writes it beside the activation and does not read it back.
// CHECK-LABEL: tailor.body @two_results
// CHECK:         %[[F:.+]]:2 = tailor.fused gemm
// CHECK:           tailor.silu
tailor.program @p {
  tailor.body @two_results(%x: tensor<8x4xf32>, %w: tensor<3x4xf32>) -> (tensor<8x3xf32>, tensor<8x3xf32>) {
    // expected-remark@+1 {{dot and silu in one gemm kernel}}
    %z = tailor.dot %x, %w contract([1] x [1]) : (tensor<8x4xf32>, tensor<3x4xf32>) -> tensor<8x3xf32>
    %h = tailor.silu %z : tensor<8x3xf32>
    tailor.return %h, %z : tensor<8x3xf32>, tensor<8x3xf32>
  }
}

// -----

// Backward of a layer: the activation gradient joins the data gradient below it, not the forward kernel that made the
// activation; weight and bias gradients are kernels of their own, and no transpose is left.
// CHECK-LABEL: tailor.body @backward
// CHECK:         %[[H:.+]] = tailor.fused gemm
// CHECK:           tailor.relu
// CHECK-NEXT:      tailor.yield
// CHECK:         %[[D:.+]] = tailor.fused gemm
// CHECK:           tailor.dot
// CHECK:           tailor.compare
// CHECK:           tailor.where
// CHECK-NOT:     tailor.transpose
// CHECK:         tailor.dot %[[D]], %{{.+}} contract([0] x [0])
// CHECK:         tailor.reduce_sum %[[D]]
tailor.program @p {
  tailor.body @backward(%x: tensor<8x4xf32>, %w: tensor<3x4xf32>, %w1: tensor<2x3xf32>, %d: tensor<8x2xf32>) -> (tensor<8x3xf32>, tensor<3x4xf32>, tensor<3xf32>) {
    // expected-remark@+1 {{dot and relu in one gemm kernel}}
    %z = tailor.dot %x, %w contract([1] x [1]) {op_id = 0 : i64} : (tensor<8x4xf32>, tensor<3x4xf32>) -> tensor<8x3xf32>
    %h = tailor.relu %z {op_id = 1 : i64} : tensor<8x3xf32>
    %zero = tailor.constant dense<0.0> : tensor<8x3xf32>
    // expected-remark@+1 {{dot, compare and where in one gemm kernel}}
    %dh = tailor.dot %d, %w1 contract([1] x [0]) {vjp_of = 2 : i64} : (tensor<8x2xf32>, tensor<2x3xf32>) -> tensor<8x3xf32>
    %on = tailor.compare %h gt %zero {vjp_of = 1 : i64} : tensor<8x3xf32>
    %dz = tailor.where %on, %dh, %zero {vjp_of = 1 : i64} : tensor<8x3xi1>, tensor<8x3xf32>
    %t = tailor.transpose %dz permutation([1, 0]) {vjp_of = 0 : i64} : tensor<8x3xf32> to tensor<3x8xf32>
    %dw = tailor.dot %t, %x contract([1] x [0]) {vjp_of = 0 : i64} : (tensor<3x8xf32>, tensor<8x4xf32>) -> tensor<3x4xf32>
    %db = tailor.reduce_sum %dz dims([0]) {vjp_of = 0 : i64} : tensor<8x3xf32> to tensor<3xf32>
    tailor.return %h, %dw, %db : tensor<8x3xf32>, tensor<3x4xf32>, tensor<3xf32>
  }
}

// -----

// The transpose of a product is the product of the transposes.
// CHECK-LABEL: tailor.body @transposed
// CHECK-NEXT:    tailor.dot %{{.+}}, %{{.+}} contract([1] x [1]) : (tensor<3x4xf32>, tensor<8x4xf32>) -> tensor<3x8xf32>
tailor.program @p {
  tailor.body @transposed(%x: tensor<8x4xf32>, %w: tensor<3x4xf32>) -> tensor<3x8xf32> {
    %z = tailor.dot %x, %w contract([1] x [1]) : (tensor<8x4xf32>, tensor<3x4xf32>) -> tensor<8x3xf32>
    %t = tailor.transpose %z permutation([1, 0]) : tensor<8x3xf32> to tensor<3x8xf32>
    tailor.return %t : tensor<3x8xf32>
  }
}

// -----

// Two readers of one broadcast get a copy each: it is never stored.
// CHECK-LABEL: tailor.body @shared_broadcast
// CHECK:         tailor.fused gemm
// CHECK:           tailor.broadcast
// CHECK:         tailor.fused gemm
// CHECK:           tailor.broadcast
// CHECK:         tailor.return
tailor.program @p {
  tailor.body @shared_broadcast(%x: tensor<8x4xf32>, %w: tensor<4x4xf32>, %b: tensor<4xf32>) -> tensor<8x4xf32> {
    %bb = tailor.broadcast %b dims([1]) : tensor<4xf32> to tensor<8x4xf32>
    // expected-remark@+1 {{dot and add in one gemm kernel}}
    %z = tailor.dot %x, %w contract([1] x [1]) : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
    %a = tailor.add %z, %bb : tensor<8x4xf32>
    // expected-remark@+1 {{dot and add in one gemm kernel}}
    %z1 = tailor.dot %a, %w contract([1] x [1]) : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
    %a1 = tailor.add %z1, %bb : tensor<8x4xf32>
    tailor.return %a1 : tensor<8x4xf32>
  }
}

// -----

// A row reduction takes the elementwise ops before it, and what is computed per row after it.
// CHECK-LABEL: tailor.body @rows
// CHECK:         tailor.fused rows
// CHECK:           tailor.mul
// CHECK:           tailor.reduce_sum
// CHECK:           tailor.sqrt
// CHECK:           tailor.broadcast
// CHECK:           tailor.div
// CHECK-NEXT:      tailor.yield
// CHECK-NEXT:    }
// CHECK-NEXT:    tailor.return
tailor.program @p {
  tailor.body @rows(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
    // expected-remark@+1 {{mul, reduce_sum, sqrt and div in one rows kernel}}
    %q = tailor.mul %x, %x : tensor<8x4xf32>
    %s = tailor.reduce_sum %q dims([1]) : tensor<8x4xf32> to tensor<8xf32>
    %r = tailor.sqrt %s : tensor<8xf32>
    %rr = tailor.broadcast %r dims([0]) : tensor<8xf32> to tensor<8x4xf32>
    %y = tailor.div %x, %rr : tensor<8x4xf32>
    tailor.return %y : tensor<8x4xf32>
  }
}

// -----

// A vector of 8 that is a bias is not a value per row, although there are 8 rows.
// CHECK-LABEL: tailor.body @bias_of_rows_length
// CHECK:         tailor.reduce_sum
// CHECK-NOT:     tailor.reduce_sum
// CHECK:         tailor.fused map
// CHECK-NEXT:      tailor.broadcast
// CHECK-NEXT:      tailor.mul
tailor.program @p {
  tailor.body @bias_of_rows_length(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
    %s = tailor.reduce_sum %x dims([1]) : tensor<8x8xf32> to tensor<8xf32>
    %b = tailor.broadcast %s dims([1]) : tensor<8xf32> to tensor<8x8xf32>
    // expected-remark@+1 {{other-domain}}
    %y = tailor.mul %x, %b : tensor<8x8xf32>
    tailor.return %y : tensor<8x8xf32>
  }
}

// -----

// Column statistics and what they normalise.
// CHECK-LABEL: tailor.body @columns
// CHECK:         tailor.fused columns
// CHECK:           tailor.reduce_mean
// CHECK:           tailor.sub
tailor.program @p {
  tailor.body @columns(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
    // expected-remark@+1 {{reduce_mean and sub in one columns kernel}}
    %m = tailor.reduce_mean %x dims([0]) : tensor<8x4xf32> to tensor<4xf32>
    %mm = tailor.broadcast %m dims([1]) : tensor<4xf32> to tensor<8x4xf32>
    %y = tailor.sub %x, %mm : tensor<8x4xf32>
    tailor.return %y : tensor<8x4xf32>
  }
}

// -----

// Arithmetic on scalars and class tables is one unit of work.
// CHECK-LABEL: tailor.body @scalar
// CHECK:         tailor.fused scalar
// CHECK-NOT:     tailor.fused
tailor.program @p {
  tailor.body @scalar(%n: tensor<3xf32>, %tau: tensor<f32>) -> (tensor<3xf32>, tensor<f32>) {
    // expected-remark@+1 {{in one scalar kernel}}
    %s = tailor.reduce_sum %n dims([0]) : tensor<3xf32> to tensor<f32>
    %ss = tailor.broadcast %s dims([]) : tensor<f32> to tensor<3xf32>
    %p = tailor.div %n, %ss : tensor<3xf32>
    %lp = tailor.log %p : tensor<3xf32>
    %tt = tailor.broadcast %tau dims([]) : tensor<f32> to tensor<3xf32>
    %b = tailor.mul %lp, %tt : tensor<3xf32>
    %t2 = tailor.square %tau : tensor<f32>
    tailor.return %b, %t2 : tensor<3xf32>, tensor<f32>
  }
}

// -----

// Not joined: another kernel stands between.
// CHECK-LABEL: tailor.body @cycle
// CHECK:         tailor.fused gemm
// CHECK:           tailor.relu
// CHECK:         tailor.fused gemm
// CHECK:           tailor.dot
// CHECK:           tailor.add
tailor.program @p {
  tailor.body @cycle(%x: tensor<8x4xf32>, %w: tensor<4x4xf32>) -> tensor<8x4xf32> {
    // expected-remark@+1 {{dot and relu in one gemm kernel}}
    %z = tailor.dot %x, %w contract([1] x [1]) : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
    %h = tailor.relu %z : tensor<8x4xf32>
    // expected-remark@+1 {{dot and add in one gemm kernel}}
    %u = tailor.dot %h, %w contract([1] x [1]) : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
    %s = tailor.add %h, %u : tensor<8x4xf32>
    tailor.return %s : tensor<8x4xf32>
  }
}

// -----

// Not joined: the operands of a product are read as matrices, so what makes them is stored.
// CHECK-LABEL: tailor.body @before_the_product
// CHECK:         tailor.exp
// CHECK:         tailor.dot
// CHECK-NOT:     tailor.fused
tailor.program @p {
  tailor.body @before_the_product(%x: tensor<8x4xf32>, %w: tensor<3x4xf32>) -> tensor<8x3xf32> {
    %e = tailor.exp %x : tensor<8x4xf32>
    %z = tailor.dot %e, %w contract([1] x [1]) : (tensor<8x4xf32>, tensor<3x4xf32>) -> tensor<8x3xf32>
    tailor.return %z : tensor<8x3xf32>
  }
}

// -----

// Not joined: a table that is looked up is read as a whole.
// CHECK-LABEL: tailor.body @table
// CHECK:         tailor.exp
// CHECK:         tailor.take
// CHECK-NOT:     tailor.fused
tailor.program @p {
  tailor.body @table(%t: tensor<8xf32>, %y: tensor<8xi32>) -> tensor<8xf32> {
    %e = tailor.exp %t : tensor<8xf32>
    %l = tailor.take %e, %y : (tensor<8xf32>, tensor<8xi32>) -> tensor<8xf32>
    tailor.return %l : tensor<8xf32>
  }
}

// -----

// The limit on fusions.
// CHECK-LABEL: tailor.fuse_limit = 0
// CHECK-COUNT-1: tailor.fused
// CHECK-NOT:     tailor.fused
module attributes {tailor.fuse_limit = 1 : i64} {
  tailor.program @p {
    tailor.body @limited(%x: tensor<8x4xf32>, %w: tensor<4x4xf32>) -> tensor<8x4xf32> {
      // expected-remark@+1 {{dot and relu in one gemm kernel}}
      %z = tailor.dot %x, %w contract([1] x [1]) : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
      %h = tailor.relu %z : tensor<8x4xf32>
      %u = tailor.dot %h, %w contract([1] x [1]) : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
      // expected-remark@+1 {{fuse-limit}}
      %s = tailor.relu %u : tensor<8x4xf32>
      tailor.return %s : tensor<8x4xf32>
    }
  }
}

// -----

// Remarks name the layer and the body. That the bias gradient reads again what the data gradient's kernel wrote is so
// in every layer and no remark; a mean over the rows is one from 4096 bytes on, one per pair of kinds, at the reader.
// CHECK-LABEL: tailor.body @loss.vjp
// CHECK:         tailor.reduce_sum
tailor.program @p {
  tailor.body @loss.vjp(%x: tensor<64x32xf32>, %fc0.weight: tensor<16x32xf32>, %fc0.bias: tensor<16xf32>, %head.weight: tensor<4x16xf32>, %dz: tensor<64x4xf32>) -> (tensor<64x16xf32>, tensor<16xf32>) {
    // expected-remark@+1 {{fc0: dot, add and relu in one gemm kernel, in loss.vjp}}
    %z = tailor.dot %x, %fc0.weight contract([1] x [1]) {op_id = 0 : i64} : (tensor<64x32xf32>, tensor<16x32xf32>) -> tensor<64x16xf32>
    %b = tailor.broadcast %fc0.bias dims([1]) {op_id = 1 : i64} : tensor<16xf32> to tensor<64x16xf32>
    %a = tailor.add %z, %b {op_id = 2 : i64} : tensor<64x16xf32>
    %h = tailor.relu %a {op_id = 3 : i64} : tensor<64x16xf32>
    %zero = tailor.constant dense<0.0> : tensor<64x16xf32>
    // expected-remark@+1 {{head: dot, compare and where in one gemm kernel, in loss.vjp}}
    %dh = tailor.dot %dz, %head.weight contract([1] x [0]) {op_id = 10 : i64, vjp_of = 4 : i64} : (tensor<64x4xf32>, tensor<4x16xf32>) -> tensor<64x16xf32>
    %on = tailor.compare %h gt %zero {op_id = 11 : i64, vjp_of = 3 : i64} : tensor<64x16xf32>
    %da = tailor.where %on, %dh, %zero {op_id = 12 : i64, vjp_of = 3 : i64} : tensor<64x16xi1>, tensor<64x16xf32>
    %db = tailor.reduce_sum %da dims([0]) {op_id = 13 : i64, vjp_of = 1 : i64} : tensor<64x16xf32> to tensor<16xf32>
    tailor.return %h, %db : tensor<64x16xf32>, tensor<16xf32>
  }
}

// -----

// CHECK-LABEL: tailor.body @means
// CHECK:         tailor.reduce_mean
tailor.program @p {
  tailor.body @means(%x: tensor<64x32xf32>, %fc0.weight: tensor<16x32xf32>) -> (tensor<64x16xf32>, tensor<16xf32>) {
    // expected-remark@+1 {{fc0: dot and relu in one gemm kernel, in means}}
    %z = tailor.dot %x, %fc0.weight contract([1] x [1]) {op_id = 0 : i64} : (tensor<64x32xf32>, tensor<16x32xf32>) -> tensor<64x16xf32>
    %h = tailor.relu %z {op_id = 3 : i64} : tensor<64x16xf32>
    // expected-remark@+1 {{1 value made by gemm kernels is read again by columns kernels ('reduce_mean'): a gemm kernel works on blocks of rows, a sum over the rows needs them all; 4096 bytes read twice, in means}}
    %m = tailor.reduce_mean %h dims([0]) {op_id = 4 : i64} : tensor<64x16xf32> to tensor<16xf32>
    tailor.return %h, %m : tensor<64x16xf32>, tensor<16xf32>
  }
}

// -----

// A scaled gradient: the update's kernel holds the update alone, so the product is written first.
// CHECK-LABEL: tailor.body @clipped
// CHECK:         tailor.mul
// CHECK:         tailor.sgd_update
tailor.program @p {
  tailor.body @clipped(%w: tensor<64x32xf32>, %g: tensor<64x32xf32>, %scale: tensor<f32>, %lr: tensor<f32>) -> tensor<64x32xf32> {
    %s = tailor.broadcast %scale dims([]) {op_id = 0 : i64} : tensor<f32> to tensor<64x32xf32>
    // expected-remark@+1 {{1 tensor is changed by 'mul' on the way to 'sgd_update', whose kernel holds that op alone; 8192 bytes written and read once more}}
    %c = tailor.mul %g, %s {op_id = 1 : i64} : tensor<64x32xf32>
    %u = tailor.sgd_update params(%w) grads(%c) lr(%lr) weight_decay(%lr) decayed([true]) {op_id = 2 : i64}
        : (tensor<64x32xf32>, tensor<64x32xf32>, tensor<f32>, tensor<f32>) -> (tensor<64x32xf32>)
    tailor.return %u : tensor<64x32xf32>
  }
}

// -----

// Dropout is part of the layer; its mask is drawn by a kernel of its own, which uses every word of a block.
// CHECK-LABEL: tailor.body @dropped
// CHECK:         %[[M:.+]] = tailor.bernoulli
// CHECK:         tailor.fused gemm
// CHECK:           tailor.dot
// CHECK-NEXT:      tailor.relu
// CHECK-NEXT:      tailor.dropout
tailor.program @p {
  tailor.body @dropped(%x: tensor<8x4xf32>, %w: tensor<3x4xf32>, %key: tensor<8xi32>) -> tensor<8x3xf32> {
    // expected-remark@+1 {{dot, relu and dropout in one gemm kernel}}
    %z = tailor.dot %x, %w contract([1] x [1]) : (tensor<8x4xf32>, tensor<3x4xf32>) -> tensor<8x3xf32>
    %h = tailor.relu %z : tensor<8x3xf32>
    %m = tailor.bernoulli %key probability(0.9) : tensor<8xi32> -> tensor<8x3xi1>
    %d = tailor.dropout %h mask(%m) rate(0.1) : tensor<8x3xi1>, tensor<8x3xf32>
    tailor.return %d : tensor<8x3xf32>
  }
}

// -----

// One draw a row is made where it is read.
// CHECK-LABEL: tailor.body @shift
// CHECK:         tailor.fused map
// CHECK:           tailor.random_uniform
// CHECK-NEXT:      tailor.add
tailor.program @p {
  tailor.body @shift(%x: tensor<8xf32>, %key: tensor<8xi32>) -> tensor<8xf32> {
    // expected-remark@+1 {{random_uniform and add in one map kernel}}
    %u = tailor.random_uniform %key : tensor<8xi32> -> tensor<8xf32>
    %y = tailor.add %x, %u : tensor<8xf32>
    tailor.return %y : tensor<8xf32>
  }
}
