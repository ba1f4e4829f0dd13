// RUN: tailor-opt %s | tailor-opt | FileCheck %s
// RUN: tailor-opt %s --mlir-print-op-generic | tailor-opt | FileCheck %s

// CHECK-LABEL: func.func @shapes
func.func @shapes(%x: tensor<4x6xf32>, %v: tensor<6xf32>, %c: tensor<4x1xf32>, %s: tensor<f32>, %n: tensor<i32>) {
  // CHECK-NEXT: tailor.broadcast %arg1 dims([1]) : tensor<6xf32> to tensor<4x6xf32>
  %0 = tailor.broadcast %v dims([1]) : tensor<6xf32> to tensor<4x6xf32>
  // CHECK-NEXT: tailor.broadcast %arg2 dims([0, 1]) : tensor<4x1xf32> to tensor<4x6xf32>
  %1 = tailor.broadcast %c dims([0, 1]) : tensor<4x1xf32> to tensor<4x6xf32>
  // CHECK-NEXT: tailor.broadcast %arg3 dims([]) : tensor<f32> to tensor<4x6xf32>
  %2 = tailor.broadcast %s dims([]) : tensor<f32> to tensor<4x6xf32>
  // CHECK-NEXT: tailor.reshape %arg0 : tensor<4x6xf32> to tensor<2x12xf32>
  %3 = tailor.reshape %x : tensor<4x6xf32> to tensor<2x12xf32>
  // CHECK-NEXT: tailor.transpose %arg0 permutation([1, 0]) : tensor<4x6xf32> to tensor<6x4xf32>
  %4 = tailor.transpose %x permutation([1, 0]) : tensor<4x6xf32> to tensor<6x4xf32>
  // CHECK-NEXT: tailor.slice %arg0 from([1, 0]) to([4, 6]) by([2, 3]) : tensor<4x6xf32> to tensor<2x2xf32>
  %5 = tailor.slice %x from([1, 0]) to([4, 6]) by([2, 3]) : tensor<4x6xf32> to tensor<2x2xf32>
  // CHECK-NEXT: tailor.pad %{{.+}} low([1, 0]) high([0, 2]) interior([1, 2]) : tensor<2x2xf32> to tensor<4x6xf32>
  %6 = tailor.pad %5 low([1, 0]) high([0, 2]) interior([1, 2]) : tensor<2x2xf32> to tensor<4x6xf32>
  // CHECK-NEXT: tailor.pad %arg1 low([0]) high([1]) interior([0]) value(1.000000e+00) : tensor<6xf32> to tensor<7xf32>
  %7 = tailor.pad %v low([0]) high([1]) interior([0]) value(1.0) : tensor<6xf32> to tensor<7xf32>
  // CHECK-NEXT: tailor.concat %arg0, %arg2 dim(1) : (tensor<4x6xf32>, tensor<4x1xf32>) -> tensor<4x7xf32>
  %8 = tailor.concat %x, %c dim(1) : (tensor<4x6xf32>, tensor<4x1xf32>) -> tensor<4x7xf32>
  // CHECK-NEXT: tailor.roll %arg0 shift(-1) dim(0) : tensor<4x6xf32>
  %9 = tailor.roll %x shift(-1) dim(0) : tensor<4x6xf32>
  // CHECK-NEXT: tailor.iota dim(1) : tensor<4x6xi32>
  %10 = tailor.iota dim(1) : tensor<4x6xi32>
  // CHECK-NEXT: tailor.row_mask %arg4 : tensor<i32> to tensor<4xi1>
  %11 = tailor.row_mask %n : tensor<i32> to tensor<4xi1>
  return
}
