// RUN: tailor-opt %s | tailor-opt | FileCheck %s
// RUN: tailor-opt %s --mlir-print-op-generic | tailor-opt | FileCheck %s

// CHECK-LABEL: func.func @reductions
func.func @reductions(%x: tensor<4x6xf32>, %y: tensor<2x4x6xf32>, %i: tensor<4x6xi32>, %n: tensor<i32>) {
  // CHECK-NEXT: tailor.reduce_sum %arg0 dims([1]) : tensor<4x6xf32> to tensor<4xf32>
  %0 = tailor.reduce_sum %x dims([1]) : tensor<4x6xf32> to tensor<4xf32>
  // CHECK-NEXT: tailor.reduce_sum %arg1 dims([0, 2]) : tensor<2x4x6xf32> to tensor<4xf32>
  %1 = tailor.reduce_sum %y dims([0, 2]) : tensor<2x4x6xf32> to tensor<4xf32>
  // CHECK-NEXT: tailor.reduce_mean %arg0 dims([0, 1]) : tensor<4x6xf32> to tensor<f32>
  %2 = tailor.reduce_mean %x dims([0, 1]) : tensor<4x6xf32> to tensor<f32>
  // CHECK-NEXT: tailor.reduce_max %arg2 dims([0]) : tensor<4x6xi32> to tensor<6xi32>
  %3 = tailor.reduce_max %i dims([0]) : tensor<4x6xi32> to tensor<6xi32>
  // CHECK-NEXT: tailor.reduce_min %arg0 dims([0]) : tensor<4x6xf32> to tensor<6xf32>
  %4 = tailor.reduce_min %x dims([0]) : tensor<4x6xf32> to tensor<6xf32>
  // CHECK-NEXT: tailor.argmax %arg0 dim(1) : tensor<4x6xf32> to tensor<4xi32>
  %5 = tailor.argmax %x dim(1) : tensor<4x6xf32> to tensor<4xi32>
  // CHECK-NEXT: tailor.sort_perm %arg0 dim(0) : tensor<4x6xf32> to tensor<4x6xi32>
  %6 = tailor.sort_perm %x dim(0) : tensor<4x6xf32> to tensor<4x6xi32>
  // CHECK-NEXT: tailor.sort_perm %arg0 dim(1) descending : tensor<4x6xf32> to tensor<4x6xi32>
  %7 = tailor.sort_perm %x dim(1) descending : tensor<4x6xf32> to tensor<4x6xi32>
  // CHECK-NEXT: tailor.logsumexp %arg0 dim(1) : tensor<4x6xf32> to tensor<4xf32>
  %8 = tailor.logsumexp %x dim(1) : tensor<4x6xf32> to tensor<4xf32>
  // CHECK-NEXT: tailor.softmax %arg0 dim(1) : tensor<4x6xf32>
  %9 = tailor.softmax %x dim(1) : tensor<4x6xf32>
  // CHECK-NEXT: tailor.log_softmax %arg1 dim(2) : tensor<2x4x6xf32>
  %10 = tailor.log_softmax %y dim(2) : tensor<2x4x6xf32>
  // CHECK-NEXT: tailor.l2_normalize %arg0 dim(0) : tensor<4x6xf32>
  %11 = tailor.l2_normalize %x dim(0) : tensor<4x6xf32>
  // CHECK-NEXT: tailor.l2_normalize %arg0 dim(0) epsilon(1.000000e-03) : tensor<4x6xf32>
  %12 = tailor.l2_normalize %x dim(0) epsilon(1.0e-3) : tensor<4x6xf32>
  // CHECK-NEXT: tailor.masked_mean %arg0 valid(%arg3) : (tensor<4x6xf32>, tensor<i32>) -> tensor<6xf32>
  %13 = tailor.masked_mean %x valid(%n) : (tensor<4x6xf32>, tensor<i32>) -> tensor<6xf32>
  return
}
