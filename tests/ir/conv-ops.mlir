// RUN: tailor-opt %s | tailor-opt | FileCheck %s
// RUN: tailor-opt %s --mlir-print-op-generic | tailor-opt | FileCheck %s

// CHECK-LABEL: func.func @convolution
func.func @convolution(%x: tensor<2x8x7x4xf32>, %w: tensor<6x4x3x3xf32>, %d: tensor<4x1x3x2xf32>, %g: tensor<2x4x3x6xf32>) {
  // CHECK-NEXT: tailor.conv2d %arg0, %arg1 strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<2x8x7x4xf32>, tensor<6x4x3x3xf32>) -> tensor<2x8x7x6xf32>
  %0 = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<2x8x7x4xf32>, tensor<6x4x3x3xf32>) -> tensor<2x8x7x6xf32>
  // Depthwise, rectangular, dilated, padded on one side.
  // CHECK-NEXT: tailor.conv2d %arg0, %arg2 strides([2, 1]) padding([0, 1, 2, 0]) dilation([1, 2]) groups(4) : (tensor<2x8x7x4xf32>, tensor<4x1x3x2xf32>) -> tensor<2x4x7x4xf32>
  %1 = tailor.conv2d %x, %d strides([2, 1]) padding([0, 1, 2, 0]) dilation([1, 2]) groups(4) : (tensor<2x8x7x4xf32>, tensor<4x1x3x2xf32>) -> tensor<2x4x7x4xf32>
  // Stride 2 over height 8 and width 7: two input heights share one output height, so the gradient names the input's type.
  // CHECK-NEXT: tailor.conv2d_data_grad %arg3, %arg1 strides([2, 2]) padding([1, 1, 1, 0]) dilation([1, 1]) : (tensor<2x4x3x6xf32>, tensor<6x4x3x3xf32>) -> tensor<2x8x7x4xf32>
  %2 = tailor.conv2d_data_grad %g, %w strides([2, 2]) padding([1, 1, 1, 0]) dilation([1, 1]) : (tensor<2x4x3x6xf32>, tensor<6x4x3x3xf32>) -> tensor<2x8x7x4xf32>
  // CHECK-NEXT: tailor.conv2d_weight_grad %arg0, %arg3 strides([2, 2]) padding([1, 1, 1, 0]) dilation([1, 1]) : (tensor<2x8x7x4xf32>, tensor<2x4x3x6xf32>) -> tensor<6x4x3x3xf32>
  %3 = tailor.conv2d_weight_grad %x, %g strides([2, 2]) padding([1, 1, 1, 0]) dilation([1, 1]) : (tensor<2x8x7x4xf32>, tensor<2x4x3x6xf32>) -> tensor<6x4x3x3xf32>
  return
}

// CHECK-LABEL: func.func @pooling
func.func @pooling(%x: tensor<2x8x7x4xf32>, %g: tensor<2x4x3x4xf32>, %c: tensor<2x4x4x4xf32>) {
  // CHECK-NEXT: tailor.max_pool2d %arg0 window([2, 2]) strides([2, 2]) padding([0, 0, 0, 0]) : (tensor<2x8x7x4xf32>) -> tensor<2x4x3x4xf32>
  %0 = tailor.max_pool2d %x window([2, 2]) strides([2, 2]) padding([0, 0, 0, 0]) : (tensor<2x8x7x4xf32>) -> tensor<2x4x3x4xf32>
  // CHECK-NEXT: tailor.max_pool2d %arg0 window([2, 2]) strides([2, 2]) padding([0, 0, 0, 0]) ceil_mode : (tensor<2x8x7x4xf32>) -> tensor<2x4x4x4xf32>
  %1 = tailor.max_pool2d %x window([2, 2]) strides([2, 2]) padding([0, 0, 0, 0]) ceil_mode : (tensor<2x8x7x4xf32>) -> tensor<2x4x4x4xf32>
  // A last window that would see padding only is left out: width 7 + 1 + 1, window 2, stride 2 has 4 windows, not 5.
  // CHECK-NEXT: tailor.max_pool2d %arg0 window([2, 2]) strides([2, 2]) padding([0, 0, 1, 1]) ceil_mode : (tensor<2x8x7x4xf32>) -> tensor<2x4x4x4xf32>
  %2 = tailor.max_pool2d %x window([2, 2]) strides([2, 2]) padding([0, 0, 1, 1]) ceil_mode : (tensor<2x8x7x4xf32>) -> tensor<2x4x4x4xf32>
  // CHECK-NEXT: tailor.max_pool2d_grad %arg0, %arg1 window([2, 2]) strides([2, 2]) padding([0, 0, 0, 0]) : (tensor<2x8x7x4xf32>, tensor<2x4x3x4xf32>) -> tensor<2x8x7x4xf32>
  %3 = tailor.max_pool2d_grad %x, %g window([2, 2]) strides([2, 2]) padding([0, 0, 0, 0]) : (tensor<2x8x7x4xf32>, tensor<2x4x3x4xf32>) -> tensor<2x8x7x4xf32>
  // CHECK-NEXT: tailor.avg_pool2d %arg0 window([3, 3]) strides([2, 2]) padding([1, 1, 1, 1]) count_include_pad : (tensor<2x8x7x4xf32>) -> tensor<2x4x4x4xf32>
  %4 = tailor.avg_pool2d %x window([3, 3]) strides([2, 2]) padding([1, 1, 1, 1]) count_include_pad : (tensor<2x8x7x4xf32>) -> tensor<2x4x4x4xf32>
  // CHECK-NEXT: tailor.avg_pool2d_grad %arg2 window([3, 3]) strides([2, 2]) padding([1, 1, 1, 1]) : (tensor<2x4x4x4xf32>) -> tensor<2x8x7x4xf32>
  %5 = tailor.avg_pool2d_grad %c window([3, 3]) strides([2, 2]) padding([1, 1, 1, 1]) : (tensor<2x4x4x4xf32>) -> tensor<2x8x7x4xf32>
  return
}
