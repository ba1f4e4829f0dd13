// RUN: tailor-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @over_nothing
// CHECK-SAME:    %[[X:.+]]: tensor<4xf32>
// CHECK-NEXT:    return %[[X]], %[[X]], %[[X]], %[[X]]
func.func @over_nothing(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = tailor.reduce_sum %x dims([]) : tensor<4xf32> to tensor<4xf32>
  %1 = tailor.reduce_mean %x dims([]) : tensor<4xf32> to tensor<4xf32>
  %2 = tailor.reduce_max %x dims([]) : tensor<4xf32> to tensor<4xf32>
  %3 = tailor.reduce_min %x dims([]) : tensor<4xf32> to tensor<4xf32>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
