// RUN: tailor-opt %s | tailor-opt | FileCheck %s
// RUN: tailor-opt %s --mlir-print-op-generic | tailor-opt | FileCheck %s
// RUN: tailor-opt %s --cse | FileCheck %s --check-prefix=CSE

// CHECK-LABEL: func.func @draws
func.func @draws(%rng: tensor<4xi32>, %pass: tensor<i32>, %x: tensor<64x8xf32>, %n: tensor<i32>) {
  // CHECK-NEXT: %key = tailor.rng_key %arg0 pass(%arg1) op(17) : (tensor<4xi32>, tensor<i32>) -> tensor<8xi32>
  %0 = tailor.rng_key %rng pass(%pass) op(17) : (tensor<4xi32>, tensor<i32>) -> tensor<8xi32>
  // CHECK-NEXT: %key_0 = tailor.rng_key %arg0 pass(%arg1) op(17) stream(2) view(1) : (tensor<4xi32>, tensor<i32>) -> tensor<8xi32>
  %1 = tailor.rng_key %rng pass(%pass) op(17) stream(2) view(1) : (tensor<4xi32>, tensor<i32>) -> tensor<8xi32>
  // CHECK-NEXT: tailor.random_uniform %key : tensor<8xi32> -> tensor<64x8xf32>
  %2 = tailor.random_uniform %0 : tensor<8xi32> -> tensor<64x8xf32>
  // CHECK-NEXT: tailor.random_uniform %key from(-5.000000e-01) to(5.000000e-01) : tensor<8xi32> -> tensor<64x8xf32>
  %3 = tailor.random_uniform %0 from(-0.5) to(0.5) : tensor<8xi32> -> tensor<64x8xf32>
  // CHECK-NEXT: tailor.random_normal %key_0 mean(1.000000e+00) std(2.000000e+00) : tensor<8xi32> -> tensor<64xf64>
  %4 = tailor.random_normal %1 mean(1.0) std(2.0) : tensor<8xi32> -> tensor<64xf64>
  // CHECK-NEXT: tailor.bernoulli %key probability(2.500000e-01) : tensor<8xi32> -> tensor<64xi1>
  %5 = tailor.bernoulli %0 probability(0.25) : tensor<8xi32> -> tensor<64xi1>
  // CHECK-NEXT: tailor.bernoulli %key probability(9.000000e-01) : tensor<8xi32> -> tensor<64x8xi1>
  %mask = tailor.bernoulli %0 probability(0.9) : tensor<8xi32> -> tensor<64x8xi1>
  // CHECK-NEXT: tailor.dropout %arg2 mask(%{{[0-9]+}}) rate(1.000000e-01) : tensor<64x8xi1>, tensor<64x8xf32>
  %6 = tailor.dropout %x mask(%mask) rate(0.1) : tensor<64x8xi1>, tensor<64x8xf32>
  // CHECK-NEXT: tailor.random_permutation %key valid(%arg3 : tensor<i32>) : tensor<8xi32> -> tensor<64xi32>
  %7 = tailor.random_permutation %0 valid(%n : tensor<i32>) : tensor<8xi32> -> tensor<64xi32>
  return
}

// Draws of different ops stay different; a key asked for twice is one key.
// CSE-LABEL: func.func @keys
// CSE-NEXT:    tailor.rng_key %arg0 pass(%arg1) op(1)
// CSE-NEXT:    tailor.rng_key %arg0 pass(%arg1) op(2)
// CSE-NEXT:    return
func.func @keys(%rng: tensor<4xi32>, %pass: tensor<i32>) -> (tensor<8xi32>, tensor<8xi32>, tensor<8xi32>) {
  %0 = tailor.rng_key %rng pass(%pass) op(1) : (tensor<4xi32>, tensor<i32>) -> tensor<8xi32>
  %1 = tailor.rng_key %rng pass(%pass) op(2) : (tensor<4xi32>, tensor<i32>) -> tensor<8xi32>
  %2 = tailor.rng_key %rng pass(%pass) op(1) : (tensor<4xi32>, tensor<i32>) -> tensor<8xi32>
  return %0, %1, %2 : tensor<8xi32>, tensor<8xi32>, tensor<8xi32>
}
