// RUN: tailor-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<64x8xf32>, %w: tensor<9x10xf32>) {
  // expected-error @+2 {{contract pairs dimension 1 of lhs (size 8) with dimension 0 of rhs (size 9)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.dot %x, %w contract([1] x [0]) : (tensor<64x8xf32>, tensor<9x10xf32>) -> tensor<64x10xf32>
  return
}

// -----

func.func @f(%x: tensor<64x8xf32>, %w: tensor<8x10xf32>) {
  // expected-error @+2 {{contract pairs dimensions 2 and 0 but lhs has 2 and rhs 2 dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.dot %x, %w contract([2] x [0]) : (tensor<64x8xf32>, tensor<8x10xf32>) -> tensor<64x10xf32>
  return
}

// -----

func.func @f(%x: tensor<64x8xf32>, %w: tensor<8x10xf32>) {
  // expected-error @+2 {{batch names 1 dimensions of lhs but 0 of rhs}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.dot %x, %w batch([0] x []) contract([1] x [0]) : (tensor<64x8xf32>, tensor<8x10xf32>) -> tensor<64x10xf32>
  return
}

// -----

func.func @f(%x: tensor<8x8xf32>) {
  // expected-error @+2 {{names a dimension twice in batch and contract}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.dot %x, %x batch([0] x [0]) contract([0] x [1]) : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return
}

// -----

func.func @f(%x: tensor<64x8xf32>, %w: tensor<8x10xbf16>) {
  // expected-error @+2 {{expects one element type, got 'f32' and 'bf16'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.dot %x, %w contract([1] x [0]) : (tensor<64x8xf32>, tensor<8x10xbf16>) -> tensor<64x10xf32>
  return
}

// -----

func.func @f(%x: tensor<64x8xf32>, %w: tensor<8x10xf32>) {
  // expected-error @+2 {{inferred type(s) 'tensor<64x10xf32>' are incompatible with return type(s) of operation 'tensor<10x64xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.dot %x, %w contract([1] x [0]) : (tensor<64x8xf32>, tensor<8x10xf32>) -> tensor<10x64xf32>
  return
}

// -----

// Narrowing is a cast, not a dot.
func.func @f(%x: tensor<64x8xf32>, %w: tensor<8x10xf32>) {
  // expected-error @+2 {{are incompatible with return type(s) of operation 'tensor<64x10xbf16>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.dot %x, %w contract([1] x [0]) : (tensor<64x8xf32>, tensor<8x10xf32>) -> tensor<64x10xbf16>
  return
}
