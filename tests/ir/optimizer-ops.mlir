// RUN: tailor-opt %s | tailor-opt | FileCheck %s
// RUN: tailor-opt %s --mlir-print-op-generic | tailor-opt | FileCheck %s

// CHECK-LABEL: func.func @optimizers
func.func @optimizers(%w: tensor<8x4xf32>, %b: tensor<4xf32>, %s: tensor<f32>, %t: tensor<i32>) {
  // CHECK-NEXT: tailor.global_norm %arg0, %arg1 : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<f32>
  %0 = tailor.global_norm %w, %b : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<f32>
  // CHECK-NEXT: tailor.global_norm %arg0, %arg1 weighted_by(%arg0, %arg1) : (tensor<8x4xf32>, tensor<4xf32>, tensor<8x4xf32>, tensor<4xf32>) -> tensor<f32>
  %1 = tailor.global_norm %w, %b weighted_by(%w, %b) : (tensor<8x4xf32>, tensor<4xf32>, tensor<8x4xf32>, tensor<4xf32>) -> tensor<f32>
  // CHECK-NEXT: tailor.sam.perturb params(%arg0) grads(%arg0) norm(%{{.+}}) radius(%arg2) adaptive : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<f32>, tensor<f32>) -> tensor<8x4xf32>
  %2 = tailor.sam.perturb params(%w) grads(%w) norm(%0) radius(%s) adaptive : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<f32>, tensor<f32>) -> tensor<8x4xf32>
  // CHECK-NEXT: tailor.sgd_update params(%arg0) grads(%arg0) lr(%arg2) weight_decay(%arg2) decayed([true]) : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<f32>, tensor<f32>) -> (tensor<8x4xf32>)
  %3 = tailor.sgd_update params(%w) grads(%w) lr(%s) weight_decay(%s) decayed([true]) : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<f32>, tensor<f32>) -> (tensor<8x4xf32>)
  // CHECK-NEXT: tailor.sgd_update params(%arg1) grads(%arg1) velocity(%arg1) lr(%arg2) momentum(%arg2) weight_decay(%arg2) valid(%arg3) decayed([false]) nesterov :
  %4:2 = tailor.sgd_update params(%b) grads(%b) velocity(%b) lr(%s) momentum(%s) weight_decay(%s) valid(%t) decayed([false]) nesterov : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<4xf32>), (tensor<4xf32>)
  // CHECK-NEXT: tailor.adamw_update params(%arg0, %arg1) grads(%arg0, %arg1) first_moments(%arg0, %arg1) second_moments(%arg0, %arg1) lr(%arg2) beta1(%arg2) beta2(%arg2) epsilon(%arg2) weight_decay(%arg2) step(%arg3) valid(%arg3) decayed([true, false]) :
  %5:6 = tailor.adamw_update params(%w, %b) grads(%w, %b) first_moments(%w, %b) second_moments(%w, %b) lr(%s) beta1(%s) beta2(%s) epsilon(%s) weight_decay(%s) step(%t) valid(%t) decayed([true, false]) : (tensor<8x4xf32>, tensor<4xf32>, tensor<8x4xf32>, tensor<4xf32>, tensor<8x4xf32>, tensor<4xf32>, tensor<8x4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>, tensor<i32>) -> (tensor<8x4xf32>, tensor<4xf32>), (tensor<8x4xf32>, tensor<4xf32>), (tensor<8x4xf32>, tensor<4xf32>)
  // CHECK-NEXT: tailor.sgd_update params(%arg0, %arg1) grads(%arg0, %arg1) lr(%arg2, %arg2) weight_decay(%arg2, %arg2) decayed([true, true]) segments([1, 0]) :
  %7:2 = tailor.sgd_update params(%w, %b) grads(%w, %b) lr(%s, %s) weight_decay(%s, %s) decayed([true, true]) segments([1, 0]) : (tensor<8x4xf32>, tensor<4xf32>, tensor<8x4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<8x4xf32>, tensor<4xf32>)
  // CHECK-NEXT: tailor.ema_update averages(%arg1) values(%arg1) decay(%arg2) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %6 = tailor.ema_update averages(%b) values(%b) decay(%s) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return
}
