// RUN: tailor-opt %s --split-input-file --tailor-differentiate | FileCheck %s
// RUN: tailor-opt %s --split-input-file --tailor-differentiate=trivial=true | FileCheck %s --check-prefix=TRIVIAL
// RUN: tailor-opt %s --split-input-file --tailor-differentiate -o /dev/null \
// RUN:   --remarks-filter=tailor --remark-format=emitRemark --verify-diagnostics

// One vjp body serves both calls. The data gradient of the input is not needed and not built; backward ops say whose
// gradient they are and get ids of their own.
// CHECK-LABEL: tailor.program @two_calls
// CHECK-NOT:     tailor.body @loss(
// CHECK:         tailor.body @loss.vjp(%[[W:.+]]: tensor<3x4xf32>, %[[X:.+]]: tensor<8x4xf32>, %[[Y:.+]]: tensor<8xi32>)
// CHECK:           %[[Z:.+]] = tailor.dot %[[X]], %[[W]] contract([1] x [1]) {op_id = 0 : i64}
// CHECK:           %[[L:.+]] = tailor.softmax_cross_entropy %[[Z]], %[[Y]]
// CHECK:           %[[ONE:.+]] = tailor.constant dense<1.000000e+00> : tensor<f32>
// CHECK:           %[[DZ:.+]] = tailor.softmax_cross_entropy_grad %[[ONE]], %[[Z]], %[[Y]]
// CHECK-SAME:        {op_id = 2 : i64, vjp_of = 1 : i64}
// CHECK:           %[[DW:.+]] = tailor.dot %[[DZ]], %[[X]] contract([0] x [0]) {op_id = 3 : i64, vjp_of = 0 : i64}
// CHECK-NOT:       tailor.dot
// CHECK:           tailor.return %[[L]], %[[DW]]
// CHECK-NOT:     tailor.body
// CHECK:         tailor.call @loss.vjp
// CHECK:         tailor.call @loss.vjp
// CHECK-NOT:     value_and_grad
// TRIVIAL-LABEL: tailor.program @two_calls
// TRIVIAL:         tailor.call @loss.vjp(
// TRIVIAL:         tailor.call @loss.vjp.2(
tailor.program @two_calls {
  tailor.state_group @net kind(net) trainable { tailor.state @w : tensor<3x4xf32> init(zeros) }
  tailor.body @loss(%w: tensor<3x4xf32>, %x: tensor<8x4xf32>, %y: tensor<8xi32>) -> tensor<f32> {
    %z = tailor.dot %x, %w contract([1] x [1]) {op_id = 0 : i64} : (tensor<8x4xf32>, tensor<3x4xf32>) -> tensor<8x3xf32>
    %l = tailor.softmax_cross_entropy %z, %y : tensor<8xi32> reduction(batch_mean) {op_id = 1 : i64} : tensor<8x3xf32> -> tensor<f32>
    tailor.return %l : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %w = tailor.load @net::@w : tensor<3x4xf32>
    %x = tailor.input "numeric" : tensor<8x4xf32>
    %y = tailor.input "label" : tensor<8xi32>
    %l0, %g0 = tailor.value_and_grad @loss(%w, %x, %y) wrt([0]) : (tensor<3x4xf32>, tensor<8x4xf32>, tensor<8xi32>) -> (tensor<f32>, tensor<3x4xf32>)
    %up = tailor.add %w, %g0 : tensor<3x4xf32>
    %l1, %g1 = tailor.value_and_grad @loss(%up, %x, %y) wrt([0]) : (tensor<3x4xf32>, tensor<8x4xf32>, tensor<8xi32>) -> (tensor<f32>, tensor<3x4xf32>)
    tailor.store %g1, @net::@w : tensor<3x4xf32>
    tailor.report "loss", %l0 : tensor<f32>
    tailor.yield
  }
}

// -----

// Other arguments, other vjp body; a body that is still called directly stays.
// CHECK-LABEL: tailor.program @two_lists
// CHECK:         tailor.body @square(
// CHECK:         tailor.body @square.vjp.2(%[[A:.+]]: tensor<f32>, %[[B:.+]]: tensor<f32>) -> (tensor<f32>, tensor<f32>)
// CHECK:         tailor.body @square.vjp(%{{.+}}: tensor<f32>, %{{.+}}: tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
tailor.program @two_lists {
  tailor.body @square(%a: tensor<f32>, %b: tensor<f32>) -> tensor<f32> {
    %p = tailor.mul %a, %b : tensor<f32>
    tailor.return %p : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %c = tailor.constant dense<2.0> : tensor<f32>
    %v, %ga, %gb = tailor.value_and_grad @square(%c, %c) wrt([0, 1]) : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
    %v2, %gb2 = tailor.value_and_grad @square(%c, %ga) wrt([1]) : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
    %v3 = tailor.call @square(%gb, %gb2) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    tailor.report "v", %v3 : tensor<f32>
    tailor.yield
  }
}

// -----

// Two uses of a value add up; stop_gradient ends the path through the other factor.
// CHECK-LABEL: tailor.body @f.vjp
// CHECK-SAME:    (%[[A:.+]]: tensor<f32>)
// CHECK:         %[[STOP:.+]] = tailor.stop_gradient %[[A]]
// CHECK:         %[[ONE:.+]] = tailor.constant dense<1.0
// CHECK:         %[[D1:.+]] = tailor.mul %[[ONE]], %[[STOP]]
// CHECK:         %[[SUM:.+]] = tailor.add %[[ONE]], %[[D1]]
// CHECK-NOT:     tailor.add
// CHECK:         tailor.return %{{.+}}, %[[SUM]]
tailor.program @stop {
  tailor.body @f(%a: tensor<f32>) -> tensor<f32> {
    %s = tailor.stop_gradient %a : tensor<f32>
    %p = tailor.mul %a, %s : tensor<f32>
    %q = tailor.add %p, %a : tensor<f32>
    tailor.return %q : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %c = tailor.constant dense<2.0> : tensor<f32>
    %v, %g = tailor.value_and_grad @f(%c) wrt([0]) : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
    tailor.report "g", %g : tensor<f32>
    tailor.yield
  }
}

// -----

// A call inside the body is inlined first.
// CHECK-LABEL: tailor.program @nested
// CHECK:         tailor.body @outer.vjp
// CHECK-NOT:       tailor.call
// CHECK:           tailor.return
tailor.program @nested {
  tailor.body @inner(%a: tensor<f32>) -> tensor<f32> {
    %e = tailor.exp %a : tensor<f32>
    tailor.return %e : tensor<f32>
  }
  tailor.body @outer(%a: tensor<f32>) -> tensor<f32> {
    %x = tailor.call @inner(%a) : (tensor<f32>) -> tensor<f32>
    %y = tailor.call @inner(%x) : (tensor<f32>) -> tensor<f32>
    tailor.return %y : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %c = tailor.constant dense<2.0> : tensor<f32>
    %v, %g = tailor.value_and_grad @outer(%c) wrt([0]) : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
    tailor.report "g", %g : tensor<f32>
    tailor.yield
  }
}

// -----

// CHECK-LABEL: tailor.program @unused
// CHECK:         %[[ZERO:.+]] = tailor.constant dense<0.0{{.*}}> : tensor<2xf32>
// CHECK:         tailor.return %{{.+}}, %[[ZERO]]
tailor.program @unused {
  // expected-remark@+1 {{argument 1 of 'f.vjp' does not influence the loss; its gradient is 0}}
  tailor.body @f(%a: tensor<f32>, %b: tensor<2xf32>) -> tensor<f32> {
    %p = tailor.exp %a : tensor<f32>
    tailor.return %p : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %c = tailor.constant dense<2.0> : tensor<f32>
    %d = tailor.constant dense<2.0> : tensor<2xf32>
    %v, %g = tailor.value_and_grad @f(%c, %d) wrt([1]) : (tensor<f32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
    tailor.report "v", %v : tensor<f32>
    tailor.yield
  }
}

// -----

// The gradient of @inner is differentiated again, so its loss and norm are taken apart; those of @outer stay whole. What
// an op stands for answers to its id.
// CHECK-LABEL: tailor.body @inner.vjp
// CHECK-NOT:     tailor.softmax_cross_entropy
// CHECK-NOT:     tailor.layer_norm
// CHECK:         tailor.rsqrt {{.*}}op_id = 3
// CHECK:         tailor.log_softmax {{.*}}op_id = 4
// CHECK-LABEL: tailor.body @outer.vjp
// CHECK:         tailor.softmax_cross_entropy %{{.*}} reduction(sum) {op_id = 6
// CHECK:         tailor.softmax_cross_entropy_grad
tailor.program @penalty {
  tailor.body @inner(%x: tensor<4x3xf32>, %s: tensor<3xf32>, %y: tensor<4xi32>) -> tensor<f32> {
    %n, %m, %i = tailor.layer_norm %x, %s, %s epsilon(1.0e-5) {op_id = 3 : i64}
        : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<4x3xf32>, tensor<4xf32>, tensor<4xf32>)
    %l = tailor.softmax_cross_entropy %n, %y : tensor<4xi32> reduction(batch_mean) {op_id = 4 : i64}
        : tensor<4x3xf32> -> tensor<f32>
    tailor.return %l : tensor<f32>
  }
  tailor.body @outer(%x: tensor<4x3xf32>, %s: tensor<3xf32>, %y: tensor<4xi32>) -> tensor<f32> {
    %l, %g = tailor.value_and_grad @inner(%x, %s, %y) wrt([0])
        : (tensor<4x3xf32>, tensor<3xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<4x3xf32>)
    %p = tailor.softmax_cross_entropy %g, %y : tensor<4xi32> reduction(sum) {op_id = 6 : i64}
        : tensor<4x3xf32> -> tensor<f32>
    tailor.return %p : tensor<f32>
  }
  tailor.state_group @net kind(net) trainable { tailor.state @s : tensor<3xf32> init(ones) }
  tailor.entry @step kind(step) batch(4) {
    %x = tailor.constant dense<1.0> : tensor<4x3xf32>
    %s = tailor.load @net::@s : tensor<3xf32>
    %y = tailor.input "label" : tensor<4xi32>
    %l, %g = tailor.value_and_grad @outer(%x, %s, %y) wrt([1])
        : (tensor<4x3xf32>, tensor<3xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<3xf32>)
    tailor.store %g, @net::@s : tensor<3xf32>
    tailor.yield
  }
}

// -----

// Backward drops what forward dropped: by the same mask, drawn once.
// CHECK-LABEL: tailor.program @dropped
// CHECK:         tailor.body @loss.vjp(
// CHECK:           %[[MASK:.+]] = tailor.bernoulli
// CHECK-NOT:       tailor.bernoulli
// CHECK:           tailor.dropout %{{.+}} mask(%[[MASK]]) rate(2.500000e-01)
// CHECK-NOT:       tailor.bernoulli
// CHECK:           tailor.dropout %{{.+}} mask(%[[MASK]]) rate(2.500000e-01) {{.*}}vjp_of = 1
// CHECK-NOT:       tailor.bernoulli
tailor.program @dropped {
  tailor.body @loss(%x: tensor<8x4xf32>, %key: tensor<8xi32>) -> tensor<f32> {
    %m = tailor.bernoulli %key probability(0.75) {op_id = 0 : i64} : tensor<8xi32> -> tensor<8x4xi1>
    %d = tailor.dropout %x mask(%m) rate(0.25) {op_id = 1 : i64} : tensor<8x4xi1>, tensor<8x4xf32>
    %l = tailor.reduce_sum %d dims([0, 1]) {op_id = 2 : i64} : tensor<8x4xf32> to tensor<f32>
    tailor.return %l : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %x = tailor.input "numeric" : tensor<8x4xf32>
    %key = tailor.constant dense<[3, 1, 0, 77, -5, 0, 0, 0]> : tensor<8xi32>
    %l, %g = tailor.value_and_grad @loss(%x, %key) wrt([0]) : (tensor<8x4xf32>, tensor<8xi32>) -> (tensor<f32>, tensor<8x4xf32>)
    tailor.report "loss", %l : tensor<f32>
    tailor.yield
  }
}
