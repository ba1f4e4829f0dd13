// RUN: tailor-opt %s | tailor-opt | FileCheck %s
// RUN: tailor-opt %s --mlir-print-op-generic | tailor-opt | FileCheck %s

// CHECK-LABEL: func.func @dot
func.func @dot(%x: tensor<64x8xf32>, %w: tensor<8x10xf32>, %q: tensor<2x5x8xbf16>, %k: tensor<2x7x8xbf16>) {
  // CHECK-NEXT: tailor.dot %arg0, %arg1 contract([1] x [0]) : (tensor<64x8xf32>, tensor<8x10xf32>) -> tensor<64x10xf32>
  %0 = tailor.dot %x, %w contract([1] x [0]) : (tensor<64x8xf32>, tensor<8x10xf32>) -> tensor<64x10xf32>
  // CHECK-NEXT: tailor.dot %arg2, %arg3 batch([0] x [0]) contract([2] x [2]) : (tensor<2x5x8xbf16>, tensor<2x7x8xbf16>) -> tensor<2x5x7xbf16>
  %1 = tailor.dot %q, %k batch([0] x [0]) contract([2] x [2]) : (tensor<2x5x8xbf16>, tensor<2x7x8xbf16>) -> tensor<2x5x7xbf16>
  // bf16 operands may give f32.
  // CHECK-NEXT: tailor.dot %arg2, %arg3 contract([0, 2] x [0, 2]) : (tensor<2x5x8xbf16>, tensor<2x7x8xbf16>) -> tensor<5x7xf32>
  %2 = tailor.dot %q, %k contract([0, 2] x [0, 2]) : (tensor<2x5x8xbf16>, tensor<2x7x8xbf16>) -> tensor<5x7xf32>
  // CHECK-NEXT: tailor.dot %arg0, %arg0 contract([] x []) : (tensor<64x8xf32>, tensor<64x8xf32>) -> tensor<64x8x64x8xf32>
  %3 = tailor.dot %x, %x contract([] x []) : (tensor<64x8xf32>, tensor<64x8xf32>) -> tensor<64x8x64x8xf32>
  return
}
