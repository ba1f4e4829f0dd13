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

// -----

func.func @f(%a: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+2 {{pads dimension 0 of size 3 by low 4611686018427387904, high 4611686018427387904, interior 4611686018427387904, which 64 bits cannot count}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = tailor.pad %a low([4611686018427387904]) high([4611686018427387904]) interior([4611686018427387904]) : tensor<3xf32> to tensor<3xf32>
  return %r : tensor<3xf32>
}

// -----

func.func @f(%a: tensor<9223372036854775807xi1>) -> tensor<1xi1> {
  // expected-error @+2 {{joins sizes 9223372036854775807 and 9223372036854775807, whose sum 64 bits cannot count}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = tailor.concat %a, %a dim(0) : (tensor<9223372036854775807xi1>, tensor<9223372036854775807xi1>) -> tensor<1xi1>
  return %r : tensor<1xi1>
}

// -----

func.func @f(%a: tensor<4294967296x4294967296xf32>) -> tensor<0xf32> {
  // expected-error @+1 {{has more elements than 64 bits count: 4294967296x4294967296}}
  %r = tailor.reshape %a : tensor<4294967296x4294967296xf32> to tensor<0xf32>
  return %r : tensor<0xf32>
}

// -----

func.func @f(%a: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{cannot roll by -9223372036854775808, whose opposite is no 64-bit number}}
  %r = tailor.roll %a shift(-9223372036854775808) dim(0) : tensor<3xf32>
  return %r : tensor<3xf32>
}
