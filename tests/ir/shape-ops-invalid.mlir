// RUN: tailor-opt %s --split-input-file --verify-diagnostics

func.func @f(%v: tensor<6xf32>) {
  // expected-error @+1 {{expects one result dimension per operand dimension: dims has 2 entries but the operand has 1 dimensions}}
  %0 = tailor.broadcast %v dims([0, 1]) : tensor<6xf32> to tensor<4x6xf32>
  return
}

// -----

func.func @f(%v: tensor<6xf32>) {
  // expected-error @+1 {{dims names dimension 2 of a value with 2 dimensions}}
  %0 = tailor.broadcast %v dims([2]) : tensor<6xf32> to tensor<4x6xf32>
  return
}

// -----

func.func @f(%v: tensor<6x6xf32>) {
  // expected-error @+1 {{dims names dimension 0 twice}}
  %0 = tailor.broadcast %v dims([0, 0]) : tensor<6x6xf32> to tensor<6x6xf32>
  return
}

// -----

func.func @f(%v: tensor<6x4xf32>) {
  // expected-error @+1 {{expects increasing dims}}
  %0 = tailor.broadcast %v dims([1, 0]) : tensor<6x4xf32> to tensor<4x6xf32>
  return
}

// -----

func.func @f(%v: tensor<5xf32>) {
  // expected-error @+1 {{operand dimension 0 has size 5 but result dimension 1 has size 6}}
  %0 = tailor.broadcast %v dims([1]) : tensor<5xf32> to tensor<4x6xf32>
  return
}

// -----

func.func @f(%v: tensor<5xf32>) {
  // expected-error @+1 {{cannot make 2x3 (6 elements) of 5 (5 elements)}}
  %0 = tailor.reshape %v : tensor<5xf32> to tensor<2x3xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{expects a permutation of the operand's 2 dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.transpose %x permutation([1, 1]) : tensor<4x6xf32> to tensor<6x4xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{inferred type(s) 'tensor<6x4xf32>' are incompatible with return type(s) of operation 'tensor<4x6xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.transpose %x permutation([1, 0]) : tensor<4x6xf32> to tensor<4x6xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{from has 1 entries but the operand has 2 dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.slice %x from([0]) to([4, 6]) by([1, 1]) : tensor<4x6xf32> to tensor<4x6xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{expects strides of at least 1, got 0 in dimension 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.slice %x from([0, 0]) to([4, 6]) by([1, 0]) : tensor<4x6xf32> to tensor<4x6xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{slice from 2 to 7 is not inside dimension 1 of size 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.slice %x from([0, 2]) to([4, 7]) by([1, 1]) : tensor<4x6xf32> to tensor<4x5xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+2 {{expects padding of at least 0, got low -1, high 0, interior 0 in dimension 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.pad %x low([-1]) high([0]) interior([0]) : tensor<4xf32> to tensor<3xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>, %y: tensor<5x6xf32>) {
  // expected-error @+2 {{input 1 is 'tensor<5x6xf32>', which does not fit input 0, 'tensor<4x6xf32>', along dimension 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.concat %x, %y dim(1) : (tensor<4x6xf32>, tensor<5x6xf32>) -> tensor<4x12xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+2 {{joins dimension 2 of values with 2 dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tailor.concat %x dim(2) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @f() {
  // expected-error @+2 {{expects at least one input}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "tailor.concat"() <{dim = 0 : i64}> : () -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4x6xf32>) {
  // expected-error @+1 {{rolls dimension 2 of a value with 2 dimensions}}
  %0 = tailor.roll %x shift(1) dim(2) : tensor<4x6xf32>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{counts along dimension -1 of a result with 1 dimensions}}
  %0 = tailor.iota dim(-1) : tensor<4xi32>
  return
}
