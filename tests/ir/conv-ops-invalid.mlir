// RUN: tailor-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<2x8x7x4xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+2 {{expects 2 entries in strides, got 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.conv2d %x, %w strides([1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<2x8x7x4xf32>, tensor<6x4x3x3xf32>) -> tensor<2x8x7x6xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x7x4xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+2 {{expects entries of at least 0 in padding, got -1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, -1, 1]) dilation([1, 1]) : (tensor<2x8x7x4xf32>, tensor<6x4x3x3xf32>) -> tensor<2x8x7x6xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x7x4xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+2 {{expects entries of at least 1 in dilation, got 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 0]) : (tensor<2x8x7x4xf32>, tensor<6x4x3x3xf32>) -> tensor<2x8x7x6xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x7x4xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+2 {{expects groups to divide input and output channels: 4 groups, 4 input channels, 6 output channels}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) groups(4) : (tensor<2x8x7x4xf32>, tensor<6x4x3x3xf32>) -> tensor<2x8x7x6xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x7x4xf32>, %w: tensor<6x3x3x3xf32>) {
  // expected-error @+2 {{expects a weight over 4 channels (4 input channels in 1 groups), got a weight over 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<2x8x7x4xf32>, tensor<6x3x3x3xf32>) -> tensor<2x8x7x6xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x7x4xf32>, %w: tensor<6x4x3x3xf64>) {
  // expected-error @+2 {{expects one element type, got 'f32' and 'f64'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<2x8x7x4xf32>, tensor<6x4x3x3xf64>) -> tensor<2x8x7x6xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x3x4xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+2 {{width of the dilated kernel is 5 but the padded image has 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.conv2d %x, %w strides([1, 1]) padding([0, 0, 0, 0]) dilation([1, 2]) : (tensor<2x8x3x4xf32>, tensor<6x4x3x3xf32>) -> tensor<2x6x1x6xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x7x4xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+2 {{inferred type(s) 'tensor<2x8x7x6xf32>' are incompatible with return type(s) of operation 'tensor<2x6x8x7xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<2x8x7x4xf32>, tensor<6x4x3x3xf32>) -> tensor<2x6x8x7xf32>
  return
}

// -----

func.func @f(%g: tensor<2x8x7x6xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{expects an output gradient of shape 2x4x4x6, got 2x8x7x6}}
  %0 = tailor.conv2d_data_grad %g, %w strides([2, 2]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<2x8x7x6xf32>, tensor<6x4x3x3xf32>) -> tensor<2x8x7x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x7x4xf32>, %g: tensor<2x8x7x6xf32>) {
  // expected-error @+1 {{expects an output gradient of shape 2x6x5x6, got 2x8x7x6}}
  %0 = tailor.conv2d_weight_grad %x, %g strides([1, 1]) padding([0, 0, 0, 0]) dilation([1, 1]) : (tensor<2x8x7x4xf32>, tensor<2x8x7x6xf32>) -> tensor<6x4x3x3xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x7x4xf32>) {
  // expected-error @+2 {{expects padding smaller than the window, got 2 and 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.max_pool2d %x window([2, 2]) strides([2, 2]) padding([0, 2, 0, 0]) : (tensor<2x8x7x4xf32>) -> tensor<2x5x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x7x4xf32>) {
  // expected-error @+2 {{height of the window is 9 but the padded image has 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.avg_pool2d %x window([9, 2]) strides([2, 2]) padding([0, 0, 0, 0]) : (tensor<2x8x7x4xf32>) -> tensor<2x1x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x7x4xf32>) {
  // expected-error @+2 {{expects entries of at least 1 in window, got 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.avg_pool2d %x window([0, 2]) strides([2, 2]) padding([0, 0, 0, 0]) : (tensor<2x8x7x4xf32>) -> tensor<2x4x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x7x4xf32>, %g: tensor<2x4x4x4xf32>) {
  // expected-error @+1 {{expects an output gradient of shape 2x4x3x4, got 2x4x4x4}}
  %0 = tailor.max_pool2d_grad %x, %g window([2, 2]) strides([2, 2]) padding([0, 0, 0, 0]) : (tensor<2x8x7x4xf32>, tensor<2x4x4x4xf32>) -> tensor<2x8x7x4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x8x7x4xf32>, %g: tensor<2x4x3x4xf32>) {
  // expected-error @+1 {{expects a result of the input's type 'tensor<2x8x7x4xf32>', got 'tensor<2x8x6x4xf32>'}}
  %0 = tailor.max_pool2d_grad %x, %g window([2, 2]) strides([2, 2]) padding([0, 0, 0, 0]) : (tensor<2x8x7x4xf32>, tensor<2x4x3x4xf32>) -> tensor<2x8x6x4xf32>
  return
}

// -----

func.func @f(%g: tensor<2x4x4x4xf32>) {
  // expected-error @+1 {{expects an output gradient of shape 2x4x3x4, got 2x4x4x4}}
  %0 = tailor.avg_pool2d_grad %g window([2, 2]) strides([2, 2]) padding([0, 0, 0, 0]) : (tensor<2x4x4x4xf32>) -> tensor<2x8x7x4xf32>
  return
}

// -----

func.func @f(%a: tensor<1x8x8x3xf32>, %w: tensor<4x3x5x1xf32>) -> tensor<1x8x8x4xf32> {
  // expected-error @+2 {{height of the dilated kernel is more than 64 bits count}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = tailor.conv2d %a, %w strides([1, 1]) padding([0, 0, 0, 0]) dilation([4611686018427387904, 1]) : (tensor<1x8x8x3xf32>, tensor<4x3x5x1xf32>) -> tensor<1x8x8x4xf32>
  return %r : tensor<1x8x8x4xf32>
}

// -----

func.func @f(%a: tensor<1x8x8x3xf32>, %w: tensor<4x3x1x1xf32>) -> tensor<1x8x8x4xf32> {
  // expected-error @+2 {{width of the padded image is more than 64 bits count}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = tailor.conv2d %a, %w strides([1, 1]) padding([0, 0, 4611686018427387904, 4611686018427387904]) dilation([1, 1]) : (tensor<1x8x8x3xf32>, tensor<4x3x1x1xf32>) -> tensor<1x8x8x4xf32>
  return %r : tensor<1x8x8x4xf32>
}
