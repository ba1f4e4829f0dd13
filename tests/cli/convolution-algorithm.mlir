// How a convolution is computed is said at its line, with what the other algorithms would cost.
// RUN: tailor compile %s --target cpu:x86-64-v3 --explain -o %t.tailor | FileCheck %s
// CHECK-DAG: convolution-algorithm.mlir:[[# @LINE + 8]]:{{.*}} by winograd_4x4: rejected winograd_2x2 with {{1\.[0-9]+}} times its work, implicit_gemm with {{[23]\.[0-9]+}} times its work
// CHECK-DAG: convolution-algorithm.mlir:[[# @LINE + 8]]:{{.*}} by implicit_gemm: rejected winograd_4x4_stride_2 with 0.83 times its work (winograd must save a factor 1.25)
tailor.program @net {
  tailor.control { tailor.control_field @slot : tensor<i32> writer(host) }
  tailor.state_group @net kind(net) { tailor.state @w : tensor<32x32x3x3xf32> init(uniform(0.1)) }
  tailor.entry @eval kind(eval) batch(8) {
    %x = tailor.input "image" : tensor<8x16x16x32xf32>
    %w = tailor.load @net::@w : tensor<32x32x3x3xf32>
    %y = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x16x16x32xf32>, tensor<32x32x3x3xf32>) -> tensor<8x16x16x32xf32>
    %z = tailor.conv2d %y, %w strides([2, 2]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x16x16x32xf32>, tensor<32x32x3x3xf32>) -> tensor<8x8x8x32xf32>
    tailor.output "logits", %z : tensor<8x8x8x32xf32>
  }
}
