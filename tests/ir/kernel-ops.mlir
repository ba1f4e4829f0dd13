// RUN: tailor-opt %s | tailor-opt | FileCheck %s
// RUN: tailor-opt %s --mlir-print-op-generic | tailor-opt | FileCheck %s

// CHECK-LABEL: func.func @groups
func.func @groups(%x: tensor<64x32xf32>, %w: tensor<32x10xf32>, %b: tensor<10xf32>) -> tensor<10xf32> {
  // CHECK: %[[Y:.+]] = tailor.fused gemm (%[[X:.+]] = %arg0 : tensor<64x32xf32>, %[[W:.+]] = %arg1 : tensor<32x10xf32>, %[[B:.+]] = %arg2 : tensor<10xf32>) -> tensor<64x10xf32> {
  // CHECK:   tailor.yield %{{.+}} : tensor<64x10xf32>
  // CHECK-NEXT: }
  %y = tailor.fused gemm (%lhs = %x : tensor<64x32xf32>, %rhs = %w : tensor<32x10xf32>, %bias = %b : tensor<10xf32>) -> tensor<64x10xf32> {
    %p = tailor.dot %lhs, %rhs contract([1] x [0]) : (tensor<64x32xf32>, tensor<32x10xf32>) -> tensor<64x10xf32>
    %bb = tailor.broadcast %bias dims([1]) : tensor<10xf32> to tensor<64x10xf32>
    %s = tailor.add %p, %bb : tensor<64x10xf32>
    %r = tailor.relu %s : tensor<64x10xf32>
    tailor.yield %r : tensor<64x10xf32>
  }
  // CHECK: tailor.fused columns (%{{.+}} = %[[Y]] : tensor<64x10xf32>) -> tensor<10xf32> attributes {op_id = 7 : i64} {
  %z = tailor.fused columns (%g = %y : tensor<64x10xf32>) -> tensor<10xf32> attributes {op_id = 7 : i64} {
    %s = tailor.reduce_sum %g dims([0]) : tensor<64x10xf32> to tensor<10xf32>
    tailor.yield %s : tensor<10xf32>
  }
  // CHECK: tailor.fused scalar () -> tensor<f32> {
  %c = tailor.fused scalar () -> tensor<f32> {
    %one = tailor.constant dense<1.0> : tensor<f32>
    tailor.yield %one : tensor<f32>
  }
  // CHECK: tailor.fused rows
  %m = tailor.fused rows (%a = %y : tensor<64x10xf32>) -> tensor<f32> {
    %l = tailor.logsumexp %a dim(1) : tensor<64x10xf32> to tensor<64xf32>
    %s = tailor.reduce_mean %l dims([0]) : tensor<64xf32> to tensor<f32>
    tailor.yield %s : tensor<f32>
  }
  // CHECK: tailor.fused multi_tensor
  %u:3 = tailor.fused multi_tensor (%p = %z : tensor<10xf32>, %g = %b : tensor<10xf32>, %e = %b : tensor<10xf32>, %lr = %c : tensor<f32>) -> (tensor<10xf32>, tensor<10xf32>, tensor<f32>) {
    %zero = tailor.constant dense<0.0> : tensor<f32>
    %new = tailor.sgd_update params(%p) grads(%g) lr(%lr) weight_decay(%zero) decayed([true]) : (tensor<10xf32>, tensor<10xf32>, tensor<f32>, tensor<f32>) -> (tensor<10xf32>)
    %avg = tailor.ema_update averages(%e) values(%new) decay(%lr) : (tensor<10xf32>, tensor<10xf32>, tensor<f32>) -> tensor<10xf32>
    tailor.yield %new, %avg, %zero : tensor<10xf32>, tensor<10xf32>, tensor<f32>
  }
  // CHECK: tailor.fused single
  %t = tailor.fused single (%a = %y : tensor<64x10xf32>) -> tensor<10x64xf32> {
    %r = tailor.transpose %a permutation([1, 0]) : tensor<64x10xf32> to tensor<10x64xf32>
    tailor.yield %r : tensor<10x64xf32>
  }
  return %z : tensor<10xf32>
}

// CHECK-LABEL: tailor.program @kernels
tailor.program @kernels {
  // CHECK: tailor.kernel @map_64x32_1f3a kind(map) (%arg0: tensor<64x32xf32>) -> tensor<64x32xf32> {
  tailor.kernel @map_64x32_1f3a kind(map) (%x: tensor<64x32xf32>) -> tensor<64x32xf32> {
    %y = tailor.relu %x {op_id = 4 : i64} : tensor<64x32xf32>
    tailor.yield %y : tensor<64x32xf32>
  }
  // A kernel may leave the number of rows open.
  tailor.kernel @map_32_1f3b kind(map) (%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
    %y = tailor.relu %x : tensor<?x32xf32>
    tailor.yield %y : tensor<?x32xf32>
  }
  // What a launch needs beside operands and results, and where it is.
  // CHECK: tailor.kernel @rows_4096_2b07 kind(rows)
  // CHECK-SAME: attributes {temporaries = [#tailor.temporary<"partial sums", 256>]}
  tailor.kernel @rows_4096_2b07 kind(rows) (%x: tensor<64x32xf32>) -> tensor<64xf32>
      attributes {temporaries = [#tailor.temporary<"partial sums", 256>]} {
    %y = tailor.reduce_sum %x dims([1]) : tensor<64x32xf32> to tensor<64xf32>
    tailor.yield %y : tensor<64xf32>
  }
  // CHECK: attributes {grid = #tailor.grid<blocks = 10, threads = 256, resident = 2>}
  tailor.kernel @two_8c01 kind(horizontal) (%x: tensor<64x32xf32>) -> (tensor<64x32xf32>, tensor<64xf32>)
      attributes {grid = #tailor.grid<blocks = 10, threads = 256, resident = 2>} {
    // CHECK-NEXT: tailor.part @map_64x32_1f3a(%arg0) : (tensor<64x32xf32>) -> tensor<64x32xf32>
    %y = tailor.part @map_64x32_1f3a(%x) : (tensor<64x32xf32>) -> tensor<64x32xf32>
    %s = tailor.part @rows_4096_2b07(%x) : (tensor<64x32xf32>) -> tensor<64xf32>
    tailor.yield %y, %s : tensor<64x32xf32>, tensor<64xf32>
  }
  tailor.entry @eval kind(eval) batch(64) {
    %x = tailor.input "numeric" {tailor.buffer = #tailor.buffer<slot, 0, 8192>} : tensor<64x32xf32>
    // CHECK: tailor.launch @map_64x32_1f3a(%numeric) ops([4, 9]) buffers([#tailor.buffer<arena, 1024, 8192>]) : (tensor<64x32xf32>) -> tensor<64x32xf32>
    %y = tailor.launch @map_64x32_1f3a(%x) ops([4, 9]) buffers([#tailor.buffer<arena, 1024, 8192>])
        : (tensor<64x32xf32>) -> tensor<64x32xf32>
    // CHECK: tailor.launch @map_32_1f3b(%{{.+}}) : (tensor<64x32xf32>) -> tensor<64x32xf32>
    %z = tailor.launch @map_32_1f3b(%y) : (tensor<64x32xf32>) -> tensor<64x32xf32>
    // CHECK: tailor.launch @rows_4096_2b07(%{{.+}}) temporaries([#tailor.buffer<arena, 64, 256>]) : (tensor<64x32xf32>) -> tensor<64xf32>
    %s = tailor.launch @rows_4096_2b07(%z) temporaries([#tailor.buffer<arena, 64, 256>]) : (tensor<64x32xf32>) -> tensor<64xf32>
    tailor.output "logits", %z : tensor<64x32xf32>
  }
}
