// RUN: tailor-opt %s --split-input-file --tailor-merge-equal-ops | FileCheck %s

// Ids, provenance and lines do not count.
// CHECK-LABEL: tailor.body @written_twice
// CHECK-NEXT:    %[[A:.+]] = tailor.log %{{.+}} {op_id = 1 : i64}
// CHECK-NEXT:    tailor.add %[[A]], %[[A]]
tailor.program @p {
  tailor.body @written_twice(%x: tensor<4xf32>) -> tensor<4xf32> {
    %a = tailor.log %x {op_id = 1 : i64} : tensor<4xf32>
    %b = tailor.log %x {op_id = 2 : i64, vjp_of = 7 : i64} : tensor<4xf32>
    %c = tailor.add %a, %b : tensor<4xf32>
    tailor.return %c : tensor<4xf32>
  }
}

// -----

// Options do count, and so do the ids inside keys: two dropout layers draw different numbers.
// CHECK-LABEL: tailor.body @different
// CHECK-COUNT-2: tailor.clamp
// CHECK-COUNT-2: tailor.rng_key
// CHECK-COUNT-2: tailor.bernoulli
tailor.program @p {
  tailor.body @different(%x: tensor<4xf32>, %rng: tensor<4xi32>, %pass: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %a = tailor.clamp %x from 0.0 to 1.0 : tensor<4xf32>
    %b = tailor.clamp %x from 0.0 to 2.0 : tensor<4xf32>
    %k1 = tailor.rng_key %rng pass(%pass) op(3) : (tensor<4xi32>, tensor<i32>) -> tensor<8xi32>
    %k2 = tailor.rng_key %rng pass(%pass) op(4) : (tensor<4xi32>, tensor<i32>) -> tensor<8xi32>
    %m1 = tailor.bernoulli %k1 probability(0.9) : tensor<8xi32> -> tensor<4xi1>
    %m2 = tailor.bernoulli %k2 probability(0.9) : tensor<8xi32> -> tensor<4xi1>
    %d1 = tailor.dropout %a mask(%m1) rate(0.1) : tensor<4xi1>, tensor<4xf32>
    %d2 = tailor.dropout %a mask(%m2) rate(0.1) : tensor<4xi1>, tensor<4xf32>
    %e = tailor.add %d1, %d2 : tensor<4xf32>
    tailor.return %e, %b : tensor<4xf32>, tensor<4xf32>
  }
}
