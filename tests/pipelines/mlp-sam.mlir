// RUN: tailor-opt %s --tailor-pipeline=stop-after=fused | FileCheck %s
// RUN: tailor-opt %s --tailor-pipeline=stop-after=fused | FileCheck %s --check-prefix=COUNT
// RUN: tailor-opt %s --tailor-pipeline=stop-after=fused | FileCheck %s --check-prefix=SUMS
// RUN: tailor-opt %s --tailor-pipeline="stop-after=fused all-off=true" | FileCheck %s --check-prefix=OFF
// RUN: tailor-opt %s --tailor-pipeline="stop-after=fused disable=fuse-sam-steps,fuse-loss-backward" | FileCheck %s --check-prefix=SOME
// RUN: tailor-opt %s --tailor-pipeline=stop-after=placed | FileCheck %s --check-prefix=PLACED
// RUN: tailor-opt %s --tailor-pipeline=stop-after=planned | FileCheck %s --check-prefix=PLANNED

// COUNT-LABEL: tailor.body @loss.vjp
// COUNT-COUNT-8: tailor.dot
// COUNT-NOT:     tailor.{{dot|transpose}}
// COUNT-LABEL: tailor.entry

// SUMS-LABEL:   tailor.body @loss.vjp
// SUMS-COUNT-3: tailor.reduce_sum
// SUMS-NOT:     tailor.reduce_sum
// SUMS-LABEL:   tailor.entry

// The step of SAM-A on a network of three layers: what it costs to run is what this list says. One body; per layer a
// forward kernel with its bias and activation, then weight gradient, bias gradient and data gradient with the mask of
// the activation below; one kernel for loss and its gradient; no transpose, no data gradient of the input.
// CHECK-LABEL: tailor.body @loss.vjp
// CHECK:         %[[H0:.+]] = tailor.fused gemm
// CHECK:           tailor.relu
// CHECK:         %[[H1:.+]] = tailor.fused gemm
// CHECK:           tailor.relu
// CHECK:         %[[Z:.+]] = tailor.fused gemm
// CHECK-NOT:       tailor.relu
// CHECK:         tailor.fused rows
// CHECK:           tailor.softmax_cross_entropy_with_grad
// CHECK:         %[[D1:.+]] = tailor.fused gemm
// CHECK:           tailor.where
// CHECK:         %[[D0:.+]] = tailor.fused gemm
// CHECK:           tailor.where
// CHECK:         tailor.return
// CHECK-LABEL: tailor.entry @train_step
// CHECK:         tailor.call @loss.vjp
// CHECK:         tailor.global_norm
// CHECK:         tailor.sam.perturb
// CHECK:         tailor.call @loss.vjp
// CHECK:         tailor.fused multi_tensor
// CHECK:           tailor.sgd_update
// CHECK:           tailor.ema_update
// CHECK-NOT:     tailor.fused

// OFF-NOT: tailor.fused
// OFF:     tailor.call @loss.vjp(
// OFF:     tailor.call @loss.vjp.2(
// OFF-NOT: tailor.fused

// SOME:     tailor.softmax_cross_entropy_grad
// SOME-NOT: tailor.fused multi_tensor

// Twice the kernels of the body, one norm, one perturbation, one update.
// PLACED-NOT:      tailor.body
// PLACED-LABEL: tailor.entry @train_step
// PLACED-COUNT-10: tailor.fused gemm
// PLACED-NOT:      tailor.fused gemm

// PLANNED: tailor.phase = "planned"
// PLANNED: tailor.launch
module {
  tailor.program @sam_a {
    tailor.state_group @net kind(net) trainable {
      tailor.state @"fc0.weight" : tensor<16x8xf32> init(uniform(0.35))
      tailor.state @"fc0.bias" : tensor<16xf32> init(zeros) no_decay
      tailor.state @"fc1.weight" : tensor<16x16xf32> init(uniform(0.25))
      tailor.state @"fc1.bias" : tensor<16xf32> init(zeros) no_decay
      tailor.state @"fc2.weight" : tensor<3x16xf32> init(uniform(0.25))
      tailor.state @"fc2.bias" : tensor<3xf32> init(zeros) no_decay
    }
    tailor.state_group @sgd kind(optimizer) {
      tailor.state @"fc0.weight" : tensor<16x8xf32> init(zeros)
      tailor.state @"fc0.bias" : tensor<16xf32> init(zeros) no_decay
      tailor.state @"fc1.weight" : tensor<16x16xf32> init(zeros)
      tailor.state @"fc1.bias" : tensor<16xf32> init(zeros) no_decay
      tailor.state @"fc2.weight" : tensor<3x16xf32> init(zeros)
      tailor.state @"fc2.bias" : tensor<3xf32> init(zeros) no_decay
    }
    tailor.state_group @ema kind(ema) {
      tailor.state @"fc0.weight" : tensor<16x8xf32> init(copy_of(@net::@"fc0.weight"))
      tailor.state @"fc0.bias" : tensor<16xf32> init(copy_of(@net::@"fc0.bias")) no_decay
      tailor.state @"fc1.weight" : tensor<16x16xf32> init(copy_of(@net::@"fc1.weight"))
      tailor.state @"fc1.bias" : tensor<16xf32> init(copy_of(@net::@"fc1.bias")) no_decay
      tailor.state @"fc2.weight" : tensor<3x16xf32> init(copy_of(@net::@"fc2.weight"))
      tailor.state @"fc2.bias" : tensor<3xf32> init(copy_of(@net::@"fc2.bias")) no_decay
    }
    tailor.state_group @fitted kind(fitted) {
      tailor.state @ascent : tensor<3xf32> init(ones)
      tailor.state @descent : tensor<3xf32> init(ones)
    }
    tailor.control {
      tailor.control_field @lr : tensor<f32> writer(host)
      tailor.control_field @rho : tensor<f32> writer(host)
      tailor.control_field @momentum : tensor<f32> writer(host)
      tailor.control_field @weight_decay : tensor<f32> writer(host)
      tailor.control_field @ema_decay : tensor<f32> writer(host)
      tailor.control_field @valid : tensor<i32> writer(host)
    }
    tailor.body @loss(%w0: tensor<16x8xf32>, %b0: tensor<16xf32>, %w1: tensor<16x16xf32>, %b1: tensor<16xf32>, %w2: tensor<3x16xf32>, %b2: tensor<3xf32>, %x: tensor<32x8xf32>, %y: tensor<32xi32>, %table: tensor<3xf32>, %valid: tensor<i32>) -> tensor<f32> {
      %z0 = tailor.dot %x, %w0 contract([1] x [1]) {op_id = 0 : i64} : (tensor<32x8xf32>, tensor<16x8xf32>) -> tensor<32x16xf32>
      %s0 = tailor.broadcast %b0 dims([1]) {op_id = 1 : i64} : tensor<16xf32> to tensor<32x16xf32>
      %a0 = tailor.add %z0, %s0 {op_id = 2 : i64} : tensor<32x16xf32>
      %h0 = tailor.relu %a0 {op_id = 3 : i64} : tensor<32x16xf32>
      %z1 = tailor.dot %h0, %w1 contract([1] x [1]) {op_id = 4 : i64} : (tensor<32x16xf32>, tensor<16x16xf32>) -> tensor<32x16xf32>
      %s1 = tailor.broadcast %b1 dims([1]) {op_id = 5 : i64} : tensor<16xf32> to tensor<32x16xf32>
      %a1 = tailor.add %z1, %s1 {op_id = 6 : i64} : tensor<32x16xf32>
      %h1 = tailor.relu %a1 {op_id = 7 : i64} : tensor<32x16xf32>
      %z2 = tailor.dot %h1, %w2 contract([1] x [1]) {op_id = 8 : i64} : (tensor<32x16xf32>, tensor<3x16xf32>) -> tensor<32x3xf32>
      %s2 = tailor.broadcast %b2 dims([1]) {op_id = 9 : i64} : tensor<3xf32> to tensor<32x3xf32>
      %a2 = tailor.add %z2, %s2 {op_id = 10 : i64} : tensor<32x3xf32>
      %lse = tailor.logsumexp %a2 dim(1) {op_id = 11 : i64} : tensor<32x3xf32> to tensor<32xf32>
      %zy = tailor.take_along %a2, %y {op_id = 12 : i64} : (tensor<32x3xf32>, tensor<32xi32>) -> tensor<32xf32>
      %nll = tailor.sub %lse, %zy {op_id = 13 : i64} : tensor<32xf32>
      %ty = tailor.take %table, %y {op_id = 14 : i64} : (tensor<3xf32>, tensor<32xi32>) -> tensor<32xf32>
      %wl = tailor.mul %ty, %nll {op_id = 15 : i64} : tensor<32xf32>
      %l = tailor.masked_mean %wl valid(%valid) {op_id = 16 : i64} : (tensor<32xf32>, tensor<i32>) -> tensor<f32>
      tailor.return %l : tensor<f32>
    }
    tailor.entry @train_step kind(step) batch(32) {
      %lr = tailor.control_read @lr : tensor<f32>
      %rho = tailor.control_read @rho : tensor<f32>
      %mu = tailor.control_read @momentum : tensor<f32>
      %wd = tailor.control_read @weight_decay : tensor<f32>
      %decay = tailor.control_read @ema_decay : tensor<f32>
      %valid = tailor.control_read @valid : tensor<i32>
      %x = tailor.input "numeric" : tensor<32x8xf32>
      %y = tailor.input "label" : tensor<32xi32>
      %ta = tailor.load @fitted::@ascent : tensor<3xf32>
      %td = tailor.load @fitted::@descent : tensor<3xf32>
      %w0 = tailor.load @net::@"fc0.weight" : tensor<16x8xf32>
      %b0 = tailor.load @net::@"fc0.bias" : tensor<16xf32>
      %w1 = tailor.load @net::@"fc1.weight" : tensor<16x16xf32>
      %b1 = tailor.load @net::@"fc1.bias" : tensor<16xf32>
      %w2 = tailor.load @net::@"fc2.weight" : tensor<3x16xf32>
      %b2 = tailor.load @net::@"fc2.bias" : tensor<3xf32>
      %la, %g0, %g1, %g2, %g3, %g4, %g5 = tailor.value_and_grad @loss(%w0, %b0, %w1, %b1, %w2, %b2, %x, %y, %ta, %valid) wrt([0, 1, 2, 3, 4, 5]) : (tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>, tensor<32x8xf32>, tensor<32xi32>, tensor<3xf32>, tensor<i32>) -> (tensor<f32>, tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>)
      %norm = tailor.global_norm %g0, %g1, %g2, %g3, %g4, %g5 : (tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>) -> tensor<f32>
      %p0, %p1, %p2, %p3, %p4, %p5 = tailor.sam.perturb params(%w0, %b0, %w1, %b1, %w2, %b2) grads(%g0, %g1, %g2, %g3, %g4, %g5) norm(%norm) radius(%rho) : (tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>, tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>, tensor<f32>, tensor<f32>) -> (tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>)
      %ld, %d0, %d1, %d2, %d3, %d4, %d5 = tailor.value_and_grad @loss(%p0, %p1, %p2, %p3, %p4, %p5, %x, %y, %td, %valid) wrt([0, 1, 2, 3, 4, 5]) : (tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>, tensor<32x8xf32>, tensor<32xi32>, tensor<3xf32>, tensor<i32>) -> (tensor<f32>, tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>)
      %v0 = tailor.load @sgd::@"fc0.weight" : tensor<16x8xf32>
      %v1 = tailor.load @sgd::@"fc0.bias" : tensor<16xf32>
      %v2 = tailor.load @sgd::@"fc1.weight" : tensor<16x16xf32>
      %v3 = tailor.load @sgd::@"fc1.bias" : tensor<16xf32>
      %v4 = tailor.load @sgd::@"fc2.weight" : tensor<3x16xf32>
      %v5 = tailor.load @sgd::@"fc2.bias" : tensor<3xf32>
      %n0, %n1, %n2, %n3, %n4, %n5, %m0, %m1, %m2, %m3, %m4, %m5 = "tailor.sgd_update"(%w0, %b0, %w1, %b1, %w2, %b2, %d0, %d1, %d2, %d3, %d4, %d5, %v0, %v1, %v2, %v3, %v4, %v5, %lr, %mu, %wd, %valid) <{decayed = array<i1: true, false, true, false, true, false>, operandSegmentSizes = array<i32: 6, 6, 6, 1, 1, 1, 1>, resultSegmentSizes = array<i32: 6, 6>}> : (tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>, tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>, tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>, tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>)
      tailor.store %n0, @net::@"fc0.weight" : tensor<16x8xf32>
      tailor.store %n1, @net::@"fc0.bias" : tensor<16xf32>
      tailor.store %n2, @net::@"fc1.weight" : tensor<16x16xf32>
      tailor.store %n3, @net::@"fc1.bias" : tensor<16xf32>
      tailor.store %n4, @net::@"fc2.weight" : tensor<3x16xf32>
      tailor.store %n5, @net::@"fc2.bias" : tensor<3xf32>
      tailor.store %m0, @sgd::@"fc0.weight" : tensor<16x8xf32>
      tailor.store %m1, @sgd::@"fc0.bias" : tensor<16xf32>
      tailor.store %m2, @sgd::@"fc1.weight" : tensor<16x16xf32>
      tailor.store %m3, @sgd::@"fc1.bias" : tensor<16xf32>
      tailor.store %m4, @sgd::@"fc2.weight" : tensor<3x16xf32>
      tailor.store %m5, @sgd::@"fc2.bias" : tensor<3xf32>
      %e0 = tailor.load @ema::@"fc0.weight" : tensor<16x8xf32>
      %e1 = tailor.load @ema::@"fc0.bias" : tensor<16xf32>
      %e2 = tailor.load @ema::@"fc1.weight" : tensor<16x16xf32>
      %e3 = tailor.load @ema::@"fc1.bias" : tensor<16xf32>
      %e4 = tailor.load @ema::@"fc2.weight" : tensor<3x16xf32>
      %e5 = tailor.load @ema::@"fc2.bias" : tensor<3xf32>
      %f0, %f1, %f2, %f3, %f4, %f5 = tailor.ema_update averages(%e0, %e1, %e2, %e3, %e4, %e5) values(%n0, %n1, %n2, %n3, %n4, %n5) decay(%decay) valid(%valid) : (tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>, tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>, tensor<f32>, tensor<i32>) -> (tensor<16x8xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<3x16xf32>, tensor<3xf32>)
      tailor.store %f0, @ema::@"fc0.weight" : tensor<16x8xf32>
      tailor.store %f1, @ema::@"fc0.bias" : tensor<16xf32>
      tailor.store %f2, @ema::@"fc1.weight" : tensor<16x16xf32>
      tailor.store %f3, @ema::@"fc1.bias" : tensor<16xf32>
      tailor.store %f4, @ema::@"fc2.weight" : tensor<3x16xf32>
      tailor.store %f5, @ema::@"fc2.bias" : tensor<3xf32>
      tailor.report "loss", %ld : tensor<f32>
      tailor.yield
    }
  }
}
