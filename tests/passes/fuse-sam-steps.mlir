// RUN: tailor-opt %s --split-input-file --tailor-fuse-sam-steps | FileCheck %s
// RUN: tailor-opt %s --split-input-file --tailor-fuse-sam-steps -o /dev/null \
// RUN:   --remarks-filter=tailor --remark-format=emitRemark --verify-diagnostics

// w + g * (rho / (norm + 1e-12)) per tensor, with a hand-written norm: one norm and one perturbed write.
// CHECK-LABEL: tailor.program @by_hand
// CHECK:         %[[NORM:.+]] = tailor.global_norm %[[G0:.+]], %[[G1:.+]] :
// CHECK-NOT:     tailor.mul
// CHECK:         tailor.sam.perturb params(%{{.+}}, %{{.+}}) grads(%[[G0]], %[[G1]]) norm(%[[NORM]]) radius(%{{.+}})
// CHECK-NOT:     tailor.mul
tailor.program @by_hand {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<4x3xf32> init(zeros)
    tailor.state @b : tensor<3xf32> init(zeros)
  }
  tailor.control { tailor.control_field @rho : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %w = tailor.load @net::@w : tensor<4x3xf32>
    %b = tailor.load @net::@b : tensor<3xf32>
    %rho = tailor.control_read @rho : tensor<f32>
    %gw = tailor.exp %w : tensor<4x3xf32>
    %gb = tailor.exp %b : tensor<3xf32>
    %sw = tailor.square %gw : tensor<4x3xf32>
    %nw = tailor.reduce_sum %sw dims([0, 1]) : tensor<4x3xf32> to tensor<f32>
    %sb = tailor.mul %gb, %gb : tensor<3xf32>
    %nb = tailor.reduce_sum %sb dims([0]) : tensor<3xf32> to tensor<f32>
    %n2 = tailor.add %nw, %nb : tensor<f32>
    // expected-remark@+1 {{global-norm}}
    %n = tailor.sqrt %n2 : tensor<f32>
    %eps = tailor.constant dense<1.0e-12> : tensor<f32>
    %d = tailor.add %n, %eps : tensor<f32>
    %s = tailor.div %rho, %d : tensor<f32>
    %s_w = tailor.broadcast %s dims([]) : tensor<f32> to tensor<4x3xf32>
    %s_b = tailor.broadcast %s dims([]) : tensor<f32> to tensor<3xf32>
    %e_w = tailor.mul %gw, %s_w : tensor<4x3xf32>
    %e_b = tailor.mul %s_b, %gb : tensor<3xf32>
    // expected-remark@+1 {{perturbed-write}}
    %w1 = tailor.add %w, %e_w : tensor<4x3xf32>
    %b1 = tailor.add %e_b, %b : tensor<3xf32>
    tailor.store %w1, @net::@w : tensor<4x3xf32>
    tailor.store %b1, @net::@b : tensor<3xf32>
    tailor.yield
  }
}

// -----

// Not fused: a tensor of the norm is not perturbed.
// CHECK-LABEL: tailor.program @other_tensors
// CHECK-NOT:     tailor.sam.perturb
tailor.program @other_tensors {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<4x3xf32> init(zeros)
    tailor.state @b : tensor<3xf32> init(zeros)
  }
  tailor.control { tailor.control_field @rho : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %w = tailor.load @net::@w : tensor<4x3xf32>
    %b = tailor.load @net::@b : tensor<3xf32>
    %rho = tailor.control_read @rho : tensor<f32>
    %gw = tailor.exp %w : tensor<4x3xf32>
    %gb = tailor.exp %b : tensor<3xf32>
    %n = tailor.global_norm %gw, %gb : (tensor<4x3xf32>, tensor<3xf32>) -> tensor<f32>
    %eps = tailor.constant dense<1.0e-12> : tensor<f32>
    %d = tailor.add %n, %eps : tensor<f32>
    // expected-remark@+1 {{norm-over-other-tensors}}
    %s = tailor.div %rho, %d : tensor<f32>
    %s_w = tailor.broadcast %s dims([]) : tensor<f32> to tensor<4x3xf32>
    %e_w = tailor.mul %gw, %s_w : tensor<4x3xf32>
    %w1 = tailor.add %w, %e_w : tensor<4x3xf32>
    tailor.store %w1, @net::@w : tensor<4x3xf32>
    tailor.yield
  }
}

// -----

// Update and average of the same tensors in one kernel, although the state is stored and loaded in between.
// CHECK-LABEL: tailor.program @update_and_average
// CHECK:         %[[F:.+]]:3 = tailor.fused multi_tensor
// CHECK:           %[[P:.+]]:2 = tailor.sgd_update
// CHECK:           tailor.ema_update averages(%{{.+}}) values(%[[P]]#0)
tailor.program @update_and_average {
  tailor.state_group @net kind(net) trainable { tailor.state @w : tensor<4xf32> init(zeros) }
  tailor.state_group @sgd kind(optimizer) { tailor.state @v : tensor<4xf32> init(zeros) }
  tailor.state_group @ema kind(ema) { tailor.state @w : tensor<4xf32> init(copy_of(@net::@w)) }
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    %w = tailor.load @net::@w : tensor<4xf32>
    %v = tailor.load @sgd::@v : tensor<4xf32>
    %g = tailor.exp %w : tensor<4xf32>
    // expected-remark@+1 {{update-with-average}}
    %w1, %v1 = "tailor.sgd_update"(%w, %g, %v, %lr, %lr, %lr) <{decayed = array<i1: true>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0>, resultSegmentSizes = array<i32: 1, 1>}> : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
    tailor.store %w1, @net::@w : tensor<4xf32>
    tailor.store %v1, @sgd::@v : tensor<4xf32>
    %a = tailor.load @ema::@w : tensor<4xf32>
    %a1 = tailor.ema_update averages(%a) values(%w1) decay(%lr) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    tailor.store %a1, @ema::@w : tensor<4xf32>
    tailor.yield
  }
}

// -----

// Not fused: a group has each input once, but the tensor plays two roles.
// CHECK-LABEL: tailor.program @two_roles
// CHECK-NOT:     tailor.fused
tailor.program @two_roles {
  tailor.state_group @net kind(net) trainable { tailor.state @w : tensor<4xf32> init(zeros) }
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    %w = tailor.load @net::@w : tensor<4xf32>
    %g = tailor.exp %w : tensor<4xf32>
    // expected-remark@+1 {{tensor-twice}}
    %w1 = tailor.sgd_update params(%w) grads(%g) lr(%lr) weight_decay(%lr) decayed([true]) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>)
    %a1 = tailor.ema_update averages(%w) values(%w1) decay(%lr) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    tailor.store %a1, @net::@w : tensor<4xf32>
  }
}

// -----

// Not fused: the average waits for something computed from the new weights.
// CHECK-LABEL: tailor.program @used_in_between
// CHECK-NOT:     tailor.fused
tailor.program @used_in_between {
  tailor.state_group @net kind(net) trainable { tailor.state @w : tensor<f32> init(zeros) }
  tailor.state_group @ema kind(ema) { tailor.state @w : tensor<f32> init(copy_of(@net::@w)) }
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    %w = tailor.load @net::@w : tensor<f32>
    %a = tailor.load @ema::@w : tensor<f32>
    // expected-remark@+1 {{used-in-between}}
    %w1 = "tailor.sgd_update"(%w, %w, %lr, %lr) <{decayed = array<i1: true>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 0, 1, 0>, resultSegmentSizes = array<i32: 1, 0>}> : (tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>)
    %decay = tailor.sigmoid %w1 : tensor<f32>
    %a1 = tailor.ema_update averages(%a) values(%w1) decay(%decay) : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<f32>
    tailor.store %w1, @net::@w : tensor<f32>
    tailor.store %a1, @ema::@w : tensor<f32>
    tailor.yield
  }
}

// -----

// Not fused: the average covers another list.
// CHECK-LABEL: tailor.program @other_list
// CHECK-NOT:     tailor.fused
tailor.program @other_list {
  tailor.state_group @net kind(net) trainable { tailor.state @w : tensor<f32> init(zeros) tailor.state @b : tensor<f32> init(zeros) }
  tailor.state_group @ema kind(ema) { tailor.state @w : tensor<f32> init(copy_of(@net::@w)) }
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    %w = tailor.load @net::@w : tensor<f32>
    %b = tailor.load @net::@b : tensor<f32>
    %a = tailor.load @ema::@w : tensor<f32>
    // expected-remark@+1 {{average-of-other-tensors}}
    %w1, %b1 = "tailor.sgd_update"(%w, %b, %w, %b, %lr, %lr) <{decayed = array<i1: true, false>, operandSegmentSizes = array<i32: 2, 2, 0, 1, 0, 1, 0>, resultSegmentSizes = array<i32: 2, 0>}> : (tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
    %a1 = tailor.ema_update averages(%a) values(%w1) decay(%lr) : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<f32>
    tailor.store %w1, @net::@w : tensor<f32>
    tailor.store %b1, @net::@b : tensor<f32>
    tailor.store %a1, @ema::@w : tensor<f32>
    tailor.yield
  }
}
