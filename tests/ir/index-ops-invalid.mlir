// RUN: tailor-opt %s --split-input-file --verify-diagnostics

func.func @f(%table: tensor<f32>, %label: tensor<64xi32>) {
  // expected-error @+2 {{expects a table of at least one dimension}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.take %table, %label : (tensor<f32>, tensor<64xi32>) -> tensor<64xf32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %label: tensor<32xi32>) {
  // expected-error @+2 {{expects one index per row: the operand is 64x10 but the index is 32}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.take_along %z, %label : (tensor<64x10xf32>, tensor<32xi32>) -> tensor<32xf32>
  return
}

// -----

func.func @f(%table: tensor<10x4xf32>, %label: tensor<64xi32>, %u: tensor<64x5xf32>) {
  // expected-error @+2 {{expects updates of shape 64x4 and type 'f32', got 'tensor<64x5xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.scatter_add %table, %label, %u : (tensor<10x4xf32>, tensor<64xi32>, tensor<64x5xf32>) -> tensor<10x4xf32>
  return
}

// -----

func.func @f(%table: tensor<f32>, %label: tensor<64xi32>, %u: tensor<64xf32>) {
  // expected-error @+2 {{expects a table of at least one dimension}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.scatter_add %table, %label, %u : (tensor<f32>, tensor<64xi32>, tensor<64xf32>) -> tensor<f32>
  return
}

// -----

func.func @f(%label: tensor<64xi32>) {
  // expected-error @+1 {{expects the index shape and then the classes: the index is 64 but the result is 32x10}}
  %0 = tailor.one_hot %label : tensor<64xi32> to tensor<32x10xf32>
  return
}
