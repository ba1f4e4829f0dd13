// RUN: tailor-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @no_dropout
// CHECK-SAME:    %[[X:[^:]+]]: tensor<4xf32>
// CHECK-NEXT:    return %[[X]]
func.func @no_dropout(%x: tensor<4xf32>, %key: tensor<8xi32>) -> tensor<4xf32> {
  %0 = tailor.dropout %x key(%key : tensor<8xi32>) rate(0.0) : tensor<4xf32>
  return %0 : tensor<4xf32>
}
