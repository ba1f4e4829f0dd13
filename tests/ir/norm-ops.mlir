// RUN: tailor-opt %s | tailor-opt | FileCheck %s
// RUN: tailor-opt %s --mlir-print-op-generic | tailor-opt | FileCheck %s

// CHECK-LABEL: func.func @batch_norm
func.func @batch_norm(%x: tensor<64x10xf32>, %image: tensor<2x8x8x10xf32>, %c: tensor<10xf32>, %n: tensor<i32>) {
  // CHECK-NEXT: %{{.+}}, %[[MEAN:.+]], %[[INV:.+]], %[[VAR:.+]] = tailor.batch_norm_train %arg0, %arg2, %arg2 valid(%arg3) epsilon(1.000000e-05) : (tensor<64x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<i32>) -> (tensor<64x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>)
  %y, %mean, %inv, %var = tailor.batch_norm_train %x, %c, %c valid(%n) epsilon(1.0e-5) : (tensor<64x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<i32>) -> (tensor<64x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>)
  // CHECK-NEXT: tailor.batch_norm_train %arg1, %arg2, %arg2 epsilon(1.000000e-05) :
  %0:4 = tailor.batch_norm_train %image, %c, %c epsilon(1.0e-5) : (tensor<2x8x8x10xf32>, tensor<10xf32>, tensor<10xf32>) -> (tensor<2x8x8x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>)
  // CHECK-NEXT: tailor.batch_norm_grad %arg0, %arg0, %arg2, %[[MEAN]], %[[INV]] valid(%arg3) : (tensor<64x10xf32>, tensor<64x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<i32>) -> (tensor<64x10xf32>, tensor<10xf32>, tensor<10xf32>)
  %1:3 = tailor.batch_norm_grad %x, %x, %c, %mean, %inv valid(%n) : (tensor<64x10xf32>, tensor<64x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<i32>) -> (tensor<64x10xf32>, tensor<10xf32>, tensor<10xf32>)
  // CHECK-NEXT: tailor.batch_norm_inference %arg0, %arg2, %arg2, %[[MEAN]], %[[VAR]] epsilon(1.000000e-05) :
  %2 = tailor.batch_norm_inference %x, %c, %c, %mean, %var epsilon(1.0e-5) : (tensor<64x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>) -> tensor<64x10xf32>
  // CHECK-NEXT: tailor.batch_norm_update_running %arg2, %arg2, %[[MEAN]], %[[VAR]] valid(%arg3) momentum(1.000000e-01) rows(64) : (tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<i32>) -> (tensor<10xf32>, tensor<10xf32>)
  %3:2 = tailor.batch_norm_update_running %c, %c, %mean, %var valid(%n) momentum(0.1) rows(64) : (tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<i32>) -> (tensor<10xf32>, tensor<10xf32>)
  // CHECK-NEXT: tailor.batch_norm_update_running %arg2, %arg2, %{{.+}}, %{{.+}} momentum(1.000000e-01) rows(2) row_elements(64) :
  %4:2 = tailor.batch_norm_update_running %c, %c, %0#1, %0#3 momentum(0.1) rows(2) row_elements(64) : (tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>) -> (tensor<10xf32>, tensor<10xf32>)
  return
}

// The parts of a batch norm over images.
// CHECK-LABEL: func.func @batch_norm_parts
func.func @batch_norm_parts(%x: tensor<2x8x8x10xf32>, %half: tensor<2x8x8x10xbf16>, %c: tensor<10xf32>, %n: tensor<i32>) {
  // CHECK-NEXT: %[[MEAN:.+]], %[[VAR:.+]] = tailor.batch_norm_statistics %arg0 valid(%arg3) : (tensor<2x8x8x10xf32>, tensor<i32>) -> (tensor<10xf32>, tensor<10xf32>)
  %mean, %var = tailor.batch_norm_statistics %x valid(%n) : (tensor<2x8x8x10xf32>, tensor<i32>) -> (tensor<10xf32>, tensor<10xf32>)
  // CHECK-NEXT: tailor.batch_norm_statistics %arg1 : (tensor<2x8x8x10xbf16>) -> (tensor<10xf32>, tensor<10xf32>)
  %0:2 = tailor.batch_norm_statistics %half : (tensor<2x8x8x10xbf16>) -> (tensor<10xf32>, tensor<10xf32>)
  // CHECK-NEXT: tailor.batch_norm_apply %arg0, %[[MEAN]], %arg2, %[[VAR]] valid(%arg3) : (tensor<2x8x8x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<i32>) -> tensor<2x8x8x10xf32>
  %y = tailor.batch_norm_apply %x, %mean, %c, %var valid(%n) : (tensor<2x8x8x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<i32>) -> tensor<2x8x8x10xf32>
  // CHECK-NEXT: tailor.batch_norm_grad_statistics %{{.+}}, %arg0, %[[MEAN]], %arg2 : (tensor<2x8x8x10xf32>, tensor<2x8x8x10xf32>, tensor<10xf32>, tensor<10xf32>) -> (tensor<10xf32>, tensor<10xf32>)
  %1:2 = tailor.batch_norm_grad_statistics %y, %x, %mean, %c : (tensor<2x8x8x10xf32>, tensor<2x8x8x10xf32>, tensor<10xf32>, tensor<10xf32>) -> (tensor<10xf32>, tensor<10xf32>)
  // CHECK-NEXT: tailor.batch_norm_grad_apply %{{.+}}, %arg0, %[[MEAN]], %arg2, %arg2, %arg2 valid(%arg3) :
  %2 = tailor.batch_norm_grad_apply %y, %x, %mean, %c, %c, %c valid(%n) : (tensor<2x8x8x10xf32>, tensor<2x8x8x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<i32>) -> tensor<2x8x8x10xf32>
  return
}

// Statistics of bf16 values are f32.
// CHECK-LABEL: func.func @layer_norm
func.func @layer_norm(%x: tensor<4x6x8xbf16>, %c: tensor<8xf32>) {
  // CHECK-NEXT: tailor.layer_norm %arg0, %arg1, %arg1 epsilon(1.000000e-03) : (tensor<4x6x8xbf16>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x6x8xbf16>, tensor<4x6xf32>, tensor<4x6xf32>)
  %y, %mean, %inv = tailor.layer_norm %x, %c, %c epsilon(1.0e-3) : (tensor<4x6x8xbf16>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x6x8xbf16>, tensor<4x6xf32>, tensor<4x6xf32>)
  // CHECK-NEXT: tailor.layer_norm_grad %arg0, %arg0, %arg1, %{{.+}}, %{{.+}} : (tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<8xf32>, tensor<4x6xf32>, tensor<4x6xf32>) -> (tensor<4x6x8xbf16>, tensor<8xf32>, tensor<8xf32>)
  %0:3 = tailor.layer_norm_grad %x, %x, %c, %mean, %inv : (tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<8xf32>, tensor<4x6xf32>, tensor<4x6xf32>) -> (tensor<4x6x8xbf16>, tensor<8xf32>, tensor<8xf32>)
  return
}
