// RUN: tailor-opt %s | tailor-opt | FileCheck %s
// RUN: tailor-opt %s --mlir-print-op-generic | tailor-opt | FileCheck %s

// CHECK-LABEL: func.func @index
func.func @index(%table: tensor<10x4xf32>, %w: tensor<10xf32>, %label: tensor<64xi32>, %pair: tensor<64x2xi64>, %z: tensor<64x10xf32>) {
  // CHECK-NEXT: %[[ROWS:.+]] = tailor.take %arg0, %arg2 : (tensor<10x4xf32>, tensor<64xi32>) -> tensor<64x4xf32>
  %0 = tailor.take %table, %label : (tensor<10x4xf32>, tensor<64xi32>) -> tensor<64x4xf32>
  // CHECK-NEXT: tailor.take %arg1, %arg3 : (tensor<10xf32>, tensor<64x2xi64>) -> tensor<64x2xf32>
  %1 = tailor.take %w, %pair : (tensor<10xf32>, tensor<64x2xi64>) -> tensor<64x2xf32>
  // CHECK-NEXT: tailor.take_along %arg4, %arg2 : (tensor<64x10xf32>, tensor<64xi32>) -> tensor<64xf32>
  %2 = tailor.take_along %z, %label : (tensor<64x10xf32>, tensor<64xi32>) -> tensor<64xf32>
  // CHECK-NEXT: tailor.scatter_add %arg0, %arg2, %[[ROWS]] : (tensor<10x4xf32>, tensor<64xi32>, tensor<64x4xf32>) -> tensor<10x4xf32>
  %3 = tailor.scatter_add %table, %label, %0 : (tensor<10x4xf32>, tensor<64xi32>, tensor<64x4xf32>) -> tensor<10x4xf32>
  // CHECK-NEXT: tailor.one_hot %arg2 : tensor<64xi32> to tensor<64x10xf32>
  %4 = tailor.one_hot %label : tensor<64xi32> to tensor<64x10xf32>
  return
}
