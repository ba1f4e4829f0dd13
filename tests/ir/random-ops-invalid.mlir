// RUN: tailor-opt %s --split-input-file --verify-diagnostics

func.func @f(%r: tensor<4xi32>, %p: tensor<i32>) {
  // expected-error @+1 {{expects an op id of 32 bits, got -1}}
  %0 = tailor.rng_key %r pass(%p) op(-1) : (tensor<4xi32>, tensor<i32>) -> tensor<8xi32>
  return
}

// -----

func.func @f(%r: tensor<4xi32>, %p: tensor<i32>) {
  // expected-error @+1 {{expects a stream of 32 bits, got 4294967296}}
  %0 = tailor.rng_key %r pass(%p) op(1) stream(4294967296) : (tensor<4xi32>, tensor<i32>) -> tensor<8xi32>
  return
}

// -----

func.func @f(%r: tensor<4xi32>, %p: tensor<i32>) {
  // expected-error @+1 {{expects a view of at most 255, got 256}}
  %0 = tailor.rng_key %r pass(%p) op(1) view(256) : (tensor<4xi32>, tensor<i32>) -> tensor<8xi32>
  return
}

// -----

func.func @f(%r: tensor<3xi32>, %p: tensor<i32>) {
  // expected-error @+1 {{operand #0 must be tensor of 4 i32 words, but got 'tensor<3xi32>'}}
  %0 = tailor.rng_key %r pass(%p) op(1) : (tensor<3xi32>, tensor<i32>) -> tensor<8xi32>
  return
}

// -----

func.func @f(%k: tensor<8xi32>) {
  // expected-error @+1 {{expects from < to, got 1.0}}
  %0 = tailor.random_uniform %k from(1.0) : tensor<8xi32> -> tensor<4xf32>
  return
}

// -----

func.func @f(%k: tensor<8xi32>) {
  // expected-error @+1 {{draws rows; a scalar draw is a [1] tensor reshaped}}
  %0 = tailor.random_uniform %k : tensor<8xi32> -> tensor<f32>
  return
}

// -----

func.func @f(%k: tensor<8xi32>) {
  // expected-error @+1 {{expects std of at least 0, got -1.0}}
  %0 = tailor.random_normal %k std(-1.0) : tensor<8xi32> -> tensor<4xf32>
  return
}

// -----

func.func @f(%k: tensor<8xi32>) {
  // expected-error @+1 {{expects a probability in [0, 1], got 1.5}}
  %0 = tailor.bernoulli %k probability(1.5) : tensor<8xi32> -> tensor<4xi1>
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %m: tensor<4xi1>) {
  // expected-error @+1 {{expects a rate in [0, 1), got 1.0}}
  %0 = tailor.dropout %x mask(%m) rate(1.0) : tensor<4xi1>, tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %m: tensor<5xi1>) {
  // expected-error @+1 {{failed to verify that all of {mask, result} have same shape}}
  %0 = tailor.dropout %x mask(%m) rate(0.5) : tensor<5xi1>, tensor<4xf32>
  return
}
