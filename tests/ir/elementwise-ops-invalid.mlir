// RUN: tailor-opt %s --split-input-file --verify-diagnostics

// expected-note @+1 {{prior use here}}
func.func @f(%a: tensor<4xf32>, %b: tensor<5xf32>) {
  // expected-error @+1 {{use of value '%b' expects different type than prior uses: 'tensor<4xf32>' vs 'tensor<5xf32>'}}
  %0 = tailor.add %a, %b : tensor<4xf32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %b: tensor<5xf32>) {
  // expected-error @+1 {{requires the same type for all operands and results}}
  %0 = "tailor.add"(%a, %b) : (tensor<4xf32>, tensor<5xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%a: tensor<4xi32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of 32-bit float or bfloat16 type or 64-bit float values, but got 'tensor<4xi32>'}}
  %0 = tailor.exp %a : tensor<4xi32>
  return
}

// -----

func.func @f(%a: tensor<4xf16>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of 32-bit float or bfloat16 type or 64-bit float or 32-bit signless integer or 64-bit signless integer values, but got 'tensor<4xf16>'}}
  %0 = tailor.neg %a : tensor<4xf16>
  return
}

// -----

func.func @f(%m: tensor<4xi1>, %a: tensor<5xf32>) {
  // expected-error @+1 {{all of {condition, result} have same shape}}
  %0 = tailor.where %m, %a, %a : tensor<4xi1>, tensor<5xf32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>) {
  // expected-error @+1 {{requires the same shape for all operands and results}}
  %0 = tailor.cast %a : tensor<4xf32> to tensor<5xf64>
  return
}

// -----

func.func @f(%a: tensor<4xf32>) {
  // expected-error @+1 {{expects low <= high, got 2.0}}
  %0 = tailor.clamp %a from 2.0 to 1.0 : tensor<4xf32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{unknown word 'less', expected one of eq, ne, lt, le, gt, ge}}
  %0 = tailor.compare %a less %b : tensor<4xf32>
  return
}
