// RUN: tailor-opt %s | tailor-opt | FileCheck %s
// RUN: tailor-opt %s --mlir-print-op-generic | tailor-opt | FileCheck %s

// CHECK-LABEL: func.func @softmax
// CHECK-SAME:    %[[Z:[^:]+]]: tensor<64x10xf32>, %[[Y:[^:]+]]: tensor<64xi32>, %[[YB:[^:]+]]: tensor<64xi32>, %[[L:[^:]+]]: tensor<64xf32>, %[[T:[^:]+]]: tensor<10xf32>, %[[Q:[^:]+]]: tensor<64x10xf32>, %[[N:[^:]+]]: tensor<i32>
func.func @softmax(%z: tensor<64x10xf32>, %y: tensor<64xi32>, %yb: tensor<64xi32>, %lam: tensor<64xf32>, %t: tensor<10xf32>, %q: tensor<64x10xf32>, %n: tensor<i32>) {
  // CHECK-NEXT: %[[LOSS:.+]] = tailor.softmax_cross_entropy %[[Z]], %[[Y]] : tensor<64xi32> reduction(batch_mean) : tensor<64x10xf32> -> tensor<f32>
  %0 = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> reduction(batch_mean) : tensor<64x10xf32> -> tensor<f32>
  // CHECK-NEXT: tailor.softmax_cross_entropy %[[Z]], %[[Y]] : tensor<64xi32> mix(%[[YB]], %[[L]] : tensor<64xi32>, tensor<64xf32>) weights(%[[T]] : tensor<10xf32>) smoothing(%[[T]] : tensor<10xf32>) margin(%[[T]] : tensor<10xf32>) bias(%[[T]] : tensor<10xf32>) valid(%[[N]] : tensor<i32>) focal(2.000000e+00 of_weighted) scale(3.000000e+01) reduction(weighted_mean) : tensor<64x10xf32> -> tensor<f32>
  %1 = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> mix(%yb, %lam : tensor<64xi32>, tensor<64xf32>) weights(%t : tensor<10xf32>) smoothing(%t : tensor<10xf32>) margin(%t : tensor<10xf32>) bias(%t : tensor<10xf32>) valid(%n : tensor<i32>) focal(2.0 of_weighted) scale(30.0) reduction(weighted_mean) : tensor<64x10xf32> -> tensor<f32>
  // CHECK-NEXT: tailor.softmax_cross_entropy %[[Z]] soft(%[[Q]] : tensor<64x10xf32>) focal(1.000000e+00) reduction(none) : tensor<64x10xf32> -> tensor<64xf32>
  %2 = tailor.softmax_cross_entropy %z soft(%q : tensor<64x10xf32>) focal(1.0) reduction(none) : tensor<64x10xf32> -> tensor<64xf32>
  // CHECK-NEXT: tailor.softmax_cross_entropy_grad %[[LOSS]], %[[Z]], %[[Y]] : tensor<64xi32> weights(%[[T]] : tensor<10xf32>) reduction(sum) : (tensor<f32>, tensor<64x10xf32>) -> tensor<64x10xf32>
  %3 = tailor.softmax_cross_entropy_grad %0, %z, %y : tensor<64xi32> weights(%t : tensor<10xf32>) reduction(sum) : (tensor<f32>, tensor<64x10xf32>) -> tensor<64x10xf32>
  // CHECK-NEXT: %{{.+}}, %{{.+}} = tailor.softmax_cross_entropy_with_grad %[[LOSS]], %[[Z]], %[[Y]] : tensor<64xi32> valid(%[[N]] : tensor<i32>) reduction(batch_mean) : (tensor<f32>, tensor<64x10xf32>) -> (tensor<f32>, tensor<64x10xf32>)
  %4:2 = tailor.softmax_cross_entropy_with_grad %0, %z, %y : tensor<64xi32> valid(%n : tensor<i32>) reduction(batch_mean) : (tensor<f32>, tensor<64x10xf32>) -> (tensor<f32>, tensor<64x10xf32>)
  return
}

// bf16 logits give an f32 loss.
// CHECK-LABEL: func.func @sigmoid
func.func @sigmoid(%z: tensor<64xbf16>, %y: tensor<64xi32>, %t: tensor<2xf32>, %q: tensor<64xf32>, %n: tensor<i32>) {
  // CHECK-NEXT: %[[LOSS:.+]] = tailor.sigmoid_cross_entropy %arg0, %arg1 : tensor<64xi32> weights(%arg2 : tensor<2xf32>) smoothing(%arg2 : tensor<2xf32>) valid(%arg4 : tensor<i32>) reduction(weighted_mean) : tensor<64xbf16> -> tensor<f32>
  %0 = tailor.sigmoid_cross_entropy %z, %y : tensor<64xi32> weights(%t : tensor<2xf32>) smoothing(%t : tensor<2xf32>) valid(%n : tensor<i32>) reduction(weighted_mean) : tensor<64xbf16> -> tensor<f32>
  // CHECK-NEXT: tailor.sigmoid_cross_entropy %arg0, %arg1 : tensor<64xi32> mix(%arg1, %arg3 : tensor<64xi32>, tensor<64xf32>) reduction(sum) : tensor<64xbf16> -> tensor<f32>
  %1 = tailor.sigmoid_cross_entropy %z, %y : tensor<64xi32> mix(%y, %q : tensor<64xi32>, tensor<64xf32>) reduction(sum) : tensor<64xbf16> -> tensor<f32>
  // CHECK-NEXT: tailor.sigmoid_cross_entropy_grad %[[LOSS]], %arg0 soft(%arg3 : tensor<64xf32>) reduction(batch_mean) : (tensor<f32>, tensor<64xbf16>) -> tensor<64xbf16>
  %2 = tailor.sigmoid_cross_entropy_grad %0, %z soft(%q : tensor<64xf32>) reduction(batch_mean) : (tensor<f32>, tensor<64xbf16>) -> tensor<64xbf16>
  // CHECK-NEXT: tailor.sigmoid_cross_entropy_with_grad %[[LOSS]], %arg0, %arg1 : tensor<64xi32> reduction(batch_mean) : (tensor<f32>, tensor<64xbf16>) -> (tensor<f32>, tensor<64xbf16>)
  %3:2 = tailor.sigmoid_cross_entropy_with_grad %0, %z, %y : tensor<64xi32> reduction(batch_mean) : (tensor<f32>, tensor<64xbf16>) -> (tensor<f32>, tensor<64xbf16>)
  return
}
