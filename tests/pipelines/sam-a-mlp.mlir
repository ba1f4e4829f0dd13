// The training program of a small MLP under SAM-A with class-conditional smoothing, as the frontend records it: the
// ascent gradient of the loss weighted by the ascent table, a perturbed copy of the weights, the descent gradient of the
// plain loss there, one update of weights, velocity and average.
//
// RUN: tailor-opt %s | FileCheck %s --check-prefix=TRACED
// RUN: tailor compile %s --target cpu:x86-64-v3 --emit fused | FileCheck %s --check-prefix=FUSED
// RUN: tailor compile %s --target cpu:x86-64-v3 --emit planned | FileCheck %s --check-prefix=PLANNED

// One body, two calls, two tables: that is SAM-A.
// TRACED:       tailor.body @loss(
// TRACED:       tailor.entry @train_step kind({{ ?}}step)
// TRACED-COUNT-2: tailor.value_and_grad @loss
// TRACED-NOT:   tailor.value_and_grad

// Still one body, differentiated and fused once.
// FUSED-COUNT-1: tailor.body
// FUSED-NOT:     tailor.body
// FUSED-COUNT-2: tailor.call @loss.vjp
// FUSED-NOT:     tailor.call

// Weights, velocity and average are states that the update writes in place; w' and g are two regions of the arena.
// PLANNED:      tailor.launch @sgd_update_ema_update_{{.*}}buffers([#tailor.buffer<state, 0, 512>, #tailor.buffer<state, 704, 64>
tailor.program @sam_a {
  tailor.state_group @net kind(net) trainable {
    tailor.state @"fc0.weight" : tensor<8x16xf32> init(uniform(0.35))
    tailor.state @"fc0.bias" : tensor<16xf32> init(uniform(0.35)) no_decay
    tailor.state @"head.weight" : tensor<16x3xf32> init(uniform(0.25))
    tailor.state @"head.bias" : tensor<3xf32> init(zeros) no_decay
  }
  tailor.state_group @sgd kind(optimizer) {
    tailor.state @"fc0.weight" : tensor<8x16xf32> init(zeros)
    tailor.state @"fc0.bias" : tensor<16xf32> init(zeros)
    tailor.state @"head.weight" : tensor<16x3xf32> init(zeros)
    tailor.state @"head.bias" : tensor<3xf32> init(zeros)
  }
  tailor.state_group @ema kind(ema) {
    tailor.state @"fc0.weight" : tensor<8x16xf32> init(copy_of(@net::@"fc0.weight"))
    tailor.state @"fc0.bias" : tensor<16xf32> init(copy_of(@net::@"fc0.bias"))
    tailor.state @"head.weight" : tensor<16x3xf32> init(copy_of(@net::@"head.weight"))
    tailor.state @"head.bias" : tensor<3xf32> init(copy_of(@net::@"head.bias"))
  }
  tailor.state_group @fitted kind(fitted) {
    tailor.state @class_counts : tensor<3xf32> init(ones)
    tailor.state @ascent_table : tensor<3xf32> init(ones)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
    tailor.control_field @slot : tensor<i32> writer(host)
    tailor.control_field @step : tensor<i32> writer(host)
    tailor.control_field @rng : tensor<4xi32> writer(host)
    tailor.control_field @lr : tensor<f32> writer(host) {value = 1.0e-1 : f64}
    tailor.control_field @momentum : tensor<f32> writer(host) {value = 9.0e-1 : f64}
    tailor.control_field @weight_decay : tensor<f32> writer(host) {value = 1.0e-3 : f64}
    tailor.control_field @rho : tensor<f32> writer(host) {value = 5.0e-2 : f64}
    tailor.control_field @ema_decay : tensor<f32> writer(host) {value = 9.9e-1 : f64}
  }
  tailor.body @loss(%w0: tensor<8x16xf32>, %b0: tensor<16xf32>, %w1: tensor<16x3xf32>, %b1: tensor<3xf32>,
                    %x: tensor<32x8xf32>, %labels: tensor<32xi32>, %valid: tensor<i32>, %table: tensor<3xf32>)
      -> tensor<f32> {
    %z0 = tailor.dot %x, %w0 contract([1] x [0]) {op_id = 0 : i64} : (tensor<32x8xf32>, tensor<8x16xf32>) -> tensor<32x16xf32>
    %bb0 = tailor.broadcast %b0 dims([1]) {op_id = 1 : i64} : tensor<16xf32> to tensor<32x16xf32>
    %a0 = tailor.add %z0, %bb0 {op_id = 2 : i64} : tensor<32x16xf32>
    %h0 = tailor.relu %a0 {op_id = 3 : i64} : tensor<32x16xf32>
    %z1 = tailor.dot %h0, %w1 contract([1] x [0]) {op_id = 4 : i64} : (tensor<32x16xf32>, tensor<16x3xf32>) -> tensor<32x3xf32>
    %bb1 = tailor.broadcast %b1 dims([1]) {op_id = 5 : i64} : tensor<3xf32> to tensor<32x3xf32>
    %logits = tailor.add %z1, %bb1 {op_id = 6 : i64} : tensor<32x3xf32>
    %loss = tailor.softmax_cross_entropy %logits, %labels : tensor<32xi32> weights(%table : tensor<3xf32>)
        valid(%valid : tensor<i32>) reduction(weighted_mean) {op_id = 7 : i64} : tensor<32x3xf32> -> tensor<f32>
    tailor.return %loss : tensor<f32>
  }
  tailor.entry @fit kind(fit) {
    %counts = tailor.load @fitted::@class_counts : tensor<3xf32>
    %largest = tailor.reduce_max %counts dims([0]) {op_id = 8 : i64} : tensor<3xf32> to tensor<f32>
    %spread = tailor.broadcast %largest dims([]) {op_id = 9 : i64} : tensor<f32> to tensor<3xf32>
    %inv_max = tailor.div %spread, %counts {op_id = 10 : i64} : tensor<3xf32>
    tailor.store %inv_max, @fitted::@ascent_table : tensor<3xf32>
  }
  tailor.entry @train_step kind(step) batch(32) {
    %w0 = tailor.load @net::@"fc0.weight" : tensor<8x16xf32>
    %b0 = tailor.load @net::@"fc0.bias" : tensor<16xf32>
    %w1 = tailor.load @net::@"head.weight" : tensor<16x3xf32>
    %b1 = tailor.load @net::@"head.bias" : tensor<3xf32>
    %v0 = tailor.load @sgd::@"fc0.weight" : tensor<8x16xf32>
    %v1 = tailor.load @sgd::@"fc0.bias" : tensor<16xf32>
    %v2 = tailor.load @sgd::@"head.weight" : tensor<16x3xf32>
    %v3 = tailor.load @sgd::@"head.bias" : tensor<3xf32>
    %e0 = tailor.load @ema::@"fc0.weight" : tensor<8x16xf32>
    %e1 = tailor.load @ema::@"fc0.bias" : tensor<16xf32>
    %e2 = tailor.load @ema::@"head.weight" : tensor<16x3xf32>
    %e3 = tailor.load @ema::@"head.bias" : tensor<3xf32>
    %ascent_table = tailor.load @fitted::@ascent_table : tensor<3xf32>
    %descent_table = tailor.constant dense<1.0> : tensor<3xf32>
    %x = tailor.input "numeric" : tensor<32x8xf32>
    %labels = tailor.input "label" : tensor<32xi32>
    %valid = tailor.control_read @valid : tensor<i32>
    %lr = tailor.control_read @lr : tensor<f32>
    %momentum = tailor.control_read @momentum : tensor<f32>
    %weight_decay = tailor.control_read @weight_decay : tensor<f32>
    %rho = tailor.control_read @rho : tensor<f32>
    %ema_decay = tailor.control_read @ema_decay : tensor<f32>

    %ascent_loss, %g:4 = tailor.value_and_grad @loss(%w0, %b0, %w1, %b1, %x, %labels, %valid, %ascent_table) wrt([0, 1, 2, 3])
        {op_id = 11 : i64}
        : (tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>, tensor<32x8xf32>, tensor<32xi32>, tensor<i32>, tensor<3xf32>)
        -> (tensor<f32>, tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>)
    %norm = tailor.global_norm %g#0, %g#1, %g#2, %g#3 {op_id = 12 : i64}
        : (tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>) -> tensor<f32>
    %up:4 = tailor.sam.perturb params(%w0, %b0, %w1, %b1) grads(%g#0, %g#1, %g#2, %g#3) norm(%norm) radius(%rho)
        {op_id = 13 : i64}
        : (tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>, tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>, tensor<f32>, tensor<f32>)
        -> (tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>)
    %loss, %d:4 = tailor.value_and_grad @loss(%up#0, %up#1, %up#2, %up#3, %x, %labels, %valid, %descent_table) wrt([0, 1, 2, 3])
        {op_id = 14 : i64}
        : (tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>, tensor<32x8xf32>, tensor<32xi32>, tensor<i32>, tensor<3xf32>)
        -> (tensor<f32>, tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>)
    %new:8 = tailor.sgd_update params(%w0, %b0, %w1, %b1) grads(%d#0, %d#1, %d#2, %d#3) velocity(%v0, %v1, %v2, %v3)
        lr(%lr) momentum(%momentum) weight_decay(%weight_decay) valid(%valid) decayed([true, false, true, false])
        {op_id = 15 : i64, resultSegmentSizes = array<i32: 4, 4>}
        : (tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>, tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>, tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>)
        -> (tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>, tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>)
    %average:4 = tailor.ema_update averages(%e0, %e1, %e2, %e3) values(%new#0, %new#1, %new#2, %new#3) decay(%ema_decay)
        valid(%valid) {op_id = 16 : i64}
        : (tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>, tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>, tensor<f32>, tensor<i32>)
        -> (tensor<8x16xf32>, tensor<16xf32>, tensor<16x3xf32>, tensor<3xf32>)
    tailor.store %new#0, @net::@"fc0.weight" : tensor<8x16xf32>
    tailor.store %new#1, @net::@"fc0.bias" : tensor<16xf32>
    tailor.store %new#2, @net::@"head.weight" : tensor<16x3xf32>
    tailor.store %new#3, @net::@"head.bias" : tensor<3xf32>
    tailor.store %new#4, @sgd::@"fc0.weight" : tensor<8x16xf32>
    tailor.store %new#5, @sgd::@"fc0.bias" : tensor<16xf32>
    tailor.store %new#6, @sgd::@"head.weight" : tensor<16x3xf32>
    tailor.store %new#7, @sgd::@"head.bias" : tensor<3xf32>
    tailor.store %average#0, @ema::@"fc0.weight" : tensor<8x16xf32>
    tailor.store %average#1, @ema::@"fc0.bias" : tensor<16xf32>
    tailor.store %average#2, @ema::@"head.weight" : tensor<16x3xf32>
    tailor.store %average#3, @ema::@"head.bias" : tensor<3xf32>
    tailor.report "loss", %loss : tensor<f32>
    tailor.report "ascent_loss", %ascent_loss : tensor<f32>
  }
  tailor.entry @eval_step kind(eval) batch(64) {
    %w0 = tailor.load @ema::@"fc0.weight" : tensor<8x16xf32>
    %b0 = tailor.load @ema::@"fc0.bias" : tensor<16xf32>
    %w1 = tailor.load @ema::@"head.weight" : tensor<16x3xf32>
    %b1 = tailor.load @ema::@"head.bias" : tensor<3xf32>
    %x = tailor.input "numeric" : tensor<64x8xf32>
    %z0 = tailor.dot %x, %w0 contract([1] x [0]) {op_id = 17 : i64} : (tensor<64x8xf32>, tensor<8x16xf32>) -> tensor<64x16xf32>
    %bb0 = tailor.broadcast %b0 dims([1]) {op_id = 18 : i64} : tensor<16xf32> to tensor<64x16xf32>
    %a0 = tailor.add %z0, %bb0 {op_id = 19 : i64} : tensor<64x16xf32>
    %h0 = tailor.relu %a0 {op_id = 20 : i64} : tensor<64x16xf32>
    %z1 = tailor.dot %h0, %w1 contract([1] x [0]) {op_id = 21 : i64} : (tensor<64x16xf32>, tensor<16x3xf32>) -> tensor<64x3xf32>
    %bb1 = tailor.broadcast %b1 dims([1]) {op_id = 22 : i64} : tensor<3xf32> to tensor<64x3xf32>
    %logits = tailor.add %z1, %bb1 {op_id = 23 : i64} : tensor<64x3xf32>
    tailor.output "logits", %logits : tensor<64x3xf32>
  }
  tailor.stage_plan {
    tailor.stage @main entry(@train_step)
  }
}
