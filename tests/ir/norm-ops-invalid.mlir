// RUN: tailor-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<64x10xf32>, %c: tensor<9xf32>, %d: tensor<10xf32>) {
  // expected-error @+2 {{expects one scale per channel: the input has 10 channels but scale has 9 entries}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = tailor.batch_norm_train %x, %c, %d epsilon(1.0e-5) : (tensor<64x10xf32>, tensor<9xf32>, tensor<10xf32>) -> (tensor<64x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>)
  return
}

// -----

func.func @f(%x: tensor<10xf32>, %c: tensor<10xf32>) {
  // expected-error @+2 {{expects an input of at least 2 dimensions, got 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = tailor.batch_norm_train %x, %c, %c epsilon(1.0e-5) : (tensor<10xf32>, tensor<10xf32>, tensor<10xf32>) -> (tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>)
  return
}

// -----

func.func @f(%g: tensor<64x9xf32>, %x: tensor<64x10xf32>, %c: tensor<10xf32>) {
  // expected-error @+2 {{expects a result gradient of the input's shape 64x10, got 64x9}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:3 = tailor.batch_norm_grad %g, %x, %c, %c, %c : (tensor<64x9xf32>, tensor<64x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>) -> (tensor<64x10xf32>, tensor<10xf32>, tensor<10xf32>)
  return
}

// -----

func.func @f(%x: tensor<64x10xf32>, %c: tensor<10xf32>, %v: tensor<11xf32>) {
  // expected-error @+2 {{expects one variance per channel: the input has 10 channels but variance has 11 entries}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.batch_norm_inference %x, %c, %c, %c, %v epsilon(1.0e-5) : (tensor<64x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<11xf32>) -> tensor<64x10xf32>
  return
}

// -----

func.func @f(%c: tensor<10xf32>) {
  // expected-error @+1 {{expects momentum in [0, 1], got 1.5}}
  %0:2 = tailor.batch_norm_update_running %c, %c, %c, %c momentum(1.5) rows(64) : (tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>) -> (tensor<10xf32>, tensor<10xf32>)
  return
}

// -----

func.func @f(%c: tensor<10xf32>) {
  // expected-error @+1 {{expects at least 1 row, got 0}}
  %0:2 = tailor.batch_norm_update_running %c, %c, %c, %c momentum(0.1) rows(0) : (tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>) -> (tensor<10xf32>, tensor<10xf32>)
  return
}

// -----

func.func @f(%c: tensor<10xf32>) {
  // expected-error @+1 {{expects at least 1 element per row, got 0}}
  %0:2 = tailor.batch_norm_update_running %c, %c, %c, %c momentum(0.1) rows(64) row_elements(0) : (tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>) -> (tensor<10xf32>, tensor<10xf32>)
  return
}

// -----

func.func @f(%c: tensor<10xf32>, %d: tensor<11xf32>) {
  // expected-error @+2 {{expects one mean per channel: the input has 10 channels but mean has 11 entries}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = tailor.batch_norm_update_running %c, %c, %d, %c momentum(0.1) rows(64) : (tensor<10xf32>, tensor<10xf32>, tensor<11xf32>, tensor<10xf32>) -> (tensor<10xf32>, tensor<10xf32>)
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %c: tensor<7xf32>) {
  // expected-error @+2 {{expects one scale per channel: the input has 8 channels but scale has 7 entries}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:3 = tailor.layer_norm %x, %c, %c epsilon(1.0e-6) : (tensor<4x8xf32>, tensor<7xf32>, tensor<7xf32>) -> (tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %c: tensor<8xf32>, %m: tensor<5xf32>) {
  // expected-error @+2 {{expects mean and inv_std of shape 4, got 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:3 = tailor.layer_norm_grad %x, %x, %c, %m, %m : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<8xf32>, tensor<5xf32>, tensor<5xf32>) -> (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @f(%x: tensor<10xf32>) {
  // expected-error @+2 {{expects an input of at least 2 dimensions, got 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = tailor.batch_norm_statistics %x : (tensor<10xf32>) -> (tensor<10xf32>, tensor<10xf32>)
  return
}

// -----

func.func @f(%x: tensor<2x3x3x10xf32>, %c: tensor<10xf32>, %d: tensor<9xf32>) {
  // expected-error @+2 {{expects one factor per channel: the input has 10 channels but factor has 9 entries}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.batch_norm_apply %x, %c, %d, %c : (tensor<2x3x3x10xf32>, tensor<10xf32>, tensor<9xf32>, tensor<10xf32>) -> tensor<2x3x3x10xf32>
  return
}

// -----

func.func @f(%g: tensor<2x3x4x10xf32>, %x: tensor<2x3x3x10xf32>, %c: tensor<10xf32>) {
  // expected-error @+2 {{expects a result gradient of the input's shape 2x3x3x10, got 2x3x4x10}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = tailor.batch_norm_grad_statistics %g, %x, %c, %c : (tensor<2x3x4x10xf32>, tensor<2x3x3x10xf32>, tensor<10xf32>, tensor<10xf32>) -> (tensor<10xf32>, tensor<10xf32>)
  return
}

// -----

func.func @f(%x: tensor<2x3x3x10xf32>, %c: tensor<10xf32>, %d: tensor<9xf32>) {
  // expected-error @+2 {{expects one offset per channel: the input has 10 channels but offset has 9 entries}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.batch_norm_grad_apply %x, %x, %c, %c, %c, %d : (tensor<2x3x3x10xf32>, tensor<2x3x3x10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<10xf32>, tensor<9xf32>) -> tensor<2x3x3x10xf32>
  return
}
