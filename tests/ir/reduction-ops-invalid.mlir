// RUN: tailor-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{'tailor.reduce_sum' op reduces dimension 2 of a value with 2 dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.reduce_sum %x dims([2]) : tensor<4x6xf32> to tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{reduces dimension 1 twice}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.reduce_max %x dims([1, 1]) : tensor<4x6xf32> to tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<6xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.reduce_mean %x dims([1]) : tensor<4x6xf32> to tensor<6xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{reduces dimension -1 of a value with 2 dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.argmax %x dim(-1) : tensor<4x6xf32> to tensor<4xi32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{sorts dimension 2 of a value with 2 dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.sort_perm %x dim(2) : tensor<4x6xf32> to tensor<4x6xi32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+1 {{works along dimension 2 of a value with 2 dimensions}}
  %0 = tailor.softmax %x dim(2) : tensor<4x6xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+1 {{works along dimension -1 of a value with 2 dimensions}}
  %0 = tailor.log_softmax %x dim(-1) : tensor<4x6xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+1 {{expects epsilon > 0, got 0.0}}
  %0 = tailor.l2_normalize %x dim(1) epsilon(0.0) : tensor<4x6xf32>
  return
}

// -----

func.func @f(%x: tensor<f32>, %n: tensor<i32>) {
  // expected-error @+2 {{reduces dimension 0 of a value with 0 dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.masked_mean %x valid(%n) : (tensor<f32>, tensor<i32>) -> tensor<f32>
  return
}
