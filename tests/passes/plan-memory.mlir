// RUN: tailor-opt %s --split-input-file --tailor-form-kernels --tailor-plan-memory | FileCheck %s
// RUN: tailor-opt %s --split-input-file --tailor-form-kernels --tailor-plan-memory=trivial=true \
// RUN:   | FileCheck %s --check-prefix=TRIVIAL

// Weights are updated where they are. Gradients and perturbed weights lie at the distances of the weights, each tensor
// padded to 64 bytes, the decayed one first although it comes second. The gradients of ascent and descent share a
// region: one is gone before the other is made.
// CHECK-LABEL: tailor.program @two_steps
// CHECK-SAME:    arena = 256 : i64
// CHECK:         tailor.state @bias {{.*}}#tailor.buffer<state, 64, 16>
// CHECK:         tailor.state @weight {{.*}}#tailor.buffer<state, 0, 48>
// CHECK:         tailor.entry @train_step
// CHECK:           tailor.launch @map_4_{{.*}}buffers([#tailor.buffer<arena, 64, 16>])
// CHECK:           tailor.launch @map_3x4_{{.*}}buffers([#tailor.buffer<arena, 0, 48>])
// CHECK:           tailor.launch @global_norm_{{.*}}buffers([#tailor.buffer<metrics, 0, 4>])
// CHECK:           tailor.launch @sam_perturb_{{.*}}buffers([#tailor.buffer<arena, 192, 16>, #tailor.buffer<arena, 128, 48>])
// CHECK:           tailor.launch @map_4_{{.*}}buffers([#tailor.buffer<arena, 64, 16>])
// CHECK:           tailor.launch @map_3x4_{{.*}}buffers([#tailor.buffer<arena, 0, 48>])
// CHECK:           tailor.launch @sgd_update_{{.*}}buffers([#tailor.buffer<state, 64, 16>, #tailor.buffer<state, 0, 48>])

// Off: every value has memory of its own and the states are written by copies.
// TRIVIAL-LABEL: tailor.program @two_steps
// TRIVIAL:         tailor.launch @sgd_update_{{.*}}buffers([#tailor.buffer<arena, {{[0-9]+}}, 16>, #tailor.buffer<arena, {{[0-9]+}}, 48>])
tailor.program @two_steps {
  tailor.state_group @net kind(net) trainable {
    tailor.state @bias : tensor<4xf32> init(zeros) no_decay
    tailor.state @weight : tensor<3x4xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @lr : tensor<f32> writer(host)
  }
  tailor.entry @train_step kind(step) batch(8) {
    %b = tailor.load @net::@bias : tensor<4xf32>
    %w = tailor.load @net::@weight : tensor<3x4xf32>
    %lr = tailor.control_read @lr : tensor<f32>
    %gb = tailor.exp %b : tensor<4xf32>
    %gw = tailor.exp %w : tensor<3x4xf32>
    %norm = tailor.global_norm %gb, %gw : (tensor<4xf32>, tensor<3x4xf32>) -> tensor<f32>
    %ub, %uw = tailor.sam.perturb params(%b, %w) grads(%gb, %gw) norm(%norm) radius(%lr)
        : (tensor<4xf32>, tensor<3x4xf32>, tensor<4xf32>, tensor<3x4xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<3x4xf32>)
    %db = tailor.tanh %ub : tensor<4xf32>
    %dw = tailor.tanh %uw : tensor<3x4xf32>
    %b1, %w1 = tailor.sgd_update params(%b, %w) grads(%db, %dw) lr(%lr) weight_decay(%lr) decayed([false, true])
        {resultSegmentSizes = array<i32: 2, 0>}
        : (tensor<4xf32>, tensor<3x4xf32>, tensor<4xf32>, tensor<3x4xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<3x4xf32>)
    tailor.store %b1, @net::@bias : tensor<4xf32>
    tailor.store %w1, @net::@weight : tensor<3x4xf32>
    tailor.report "norm", %norm : tensor<f32>
  }
}

// -----

// The old value is read after the new one is there: it is copied before, and the new one is written by the store.
// CHECK-LABEL: tailor.program @old_value_needed
// CHECK:         tailor.entry @train_step
// CHECK:           tailor.launch {{.*}}buffers([#tailor.buffer<arena, {{[0-9]+}}, 32>])
// CHECK:           tailor.launch {{.*}}buffers([#tailor.buffer<state, 64, 32>])
tailor.program @old_value_needed {
  tailor.state_group @net kind(net) trainable {
    tailor.state @v : tensor<8xf32> init(zeros)
    tailor.state @change : tensor<8xf32> init(zeros)
  }
  tailor.entry @train_step kind(step) batch(8) {
    %v = tailor.load @net::@v : tensor<8xf32>
    %new = tailor.exp %v : tensor<8xf32>
    %change = tailor.sub %new, %v : tensor<8xf32>
    tailor.store %new, @net::@v : tensor<8xf32>
    tailor.store %change, @net::@change : tensor<8xf32>
  }
}

// -----

// Lane by lane a value may replace the state it is made from; a reduction may not.
// CHECK-LABEL: tailor.program @lanewise
// CHECK:           tailor.launch @map_{{.*}}buffers([#tailor.buffer<state, 0, 32>])
// CHECK:           tailor.launch {{.*}}buffers([#tailor.buffer<arena, {{[0-9]+}}, 32>])
tailor.program @lanewise {
  tailor.state_group @net kind(net) trainable {
    tailor.state @a : tensor<8xf32> init(zeros)
    tailor.state @b : tensor<1x8xf32> init(zeros)
  }
  tailor.entry @train_step kind(step) batch(1) {
    %a = tailor.load @net::@a : tensor<8xf32>
    %half = tailor.constant dense<0.5> : tensor<8xf32>
    %new = tailor.mul %a, %half : tensor<8xf32>
    tailor.store %new, @net::@a : tensor<8xf32>
    %b = tailor.load @net::@b : tensor<1x8xf32>
    %p = tailor.softmax %b dim(1) : tensor<1x8xf32>
    tailor.store %p, @net::@b : tensor<1x8xf32>
  }
}

// -----

// Values whose lives do not touch share the arena; with the pass off they do not.
// CHECK-LABEL: tailor.program @chain
// CHECK-SAME:    arena = 512 : i64
// TRIVIAL-LABEL: tailor.program @chain
// TRIVIAL-SAME:    arena = 1280 : i64
tailor.program @chain {
  tailor.entry @value kind(eval) batch(8) {
    %x = tailor.input "numeric" : tensor<8x8xf32>
    %a = tailor.exp %x : tensor<8x8xf32>
    %b = tailor.tanh %a : tensor<8x8xf32>
    %c = tailor.exp %b : tensor<8x8xf32>
    %d = tailor.tanh %c : tensor<8x8xf32>
    tailor.output "y", %d : tensor<8x8xf32>
  }
}

// -----

// The old weights are still read when the new ones are in place: both tensors of the role are copied, side by side.
// CHECK-LABEL: tailor.program @read_later
// CHECK:         tailor.load @net::@w {{.*}}#tailor.buffer<arena, 0, 16>
// CHECK:         tailor.load @net::@b {{.*}}#tailor.buffer<arena, 64, 16>
tailor.program @read_later {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<4xf32> init(zeros)
    tailor.state @b : tensor<4xf32> init(zeros)
  }
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    %w = tailor.load @net::@w : tensor<4xf32>
    %b = tailor.load @net::@b : tensor<4xf32>
    %gw = tailor.exp %w : tensor<4xf32>
    %gb = tailor.exp %b : tensor<4xf32>
    %n = tailor.neg %gw : tensor<4xf32>
    tailor.store %n, @net::@w : tensor<4xf32>
    %w1, %b1 = tailor.sgd_update params(%w, %b) grads(%gw, %gb) lr(%lr) weight_decay(%lr) decayed([true, true])
        : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
    tailor.store %b1, @net::@b : tensor<4xf32>
    tailor.yield
  }
}

// -----

// One tensor twice in a role of loads: the role is a region beside the state.
// CHECK-LABEL: tailor.program @twice
// CHECK:         tailor.reshape %w {{.*}}#tailor.buffer<arena, 0, 16>
// CHECK:         tailor.reshape %w {{.*}}#tailor.buffer<arena, 64, 16>
// CHECK:         tailor.launch @sgd_update_{{.*}}buffers([#tailor.buffer<state, 0, 16>, #tailor.buffer<state, 64, 16>])
tailor.program @twice {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<4xf32> init(zeros)
    tailor.state @b : tensor<4xf32> init(zeros)
  }
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    %w = tailor.load @net::@w : tensor<4xf32>
    %b = tailor.load @net::@b : tensor<4xf32>
    %w1, %b1 = tailor.sgd_update params(%w, %b) grads(%w, %w) lr(%lr) weight_decay(%lr) decayed([true, true])
        : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
    tailor.store %w1, @net::@w : tensor<4xf32>
    tailor.store %b1, @net::@b : tensor<4xf32>
    tailor.yield
  }
}

// -----

// One gradient of two parameters (a bias before and one behind a sum) in a norm and in an update: both read the same copy,
// so that the lanes of one are those of the other.
// CHECK-LABEL: tailor.program @twice_in_two_launches
// CHECK:         %[[GRAD:.+]] = tailor.launch @k
// CHECK:         %[[COPY:.+]] = tailor.reshape %[[GRAD]]
// CHECK:         tailor.launch @global_norm_{{[^(]*}}(%[[GRAD]], %[[COPY]])
// CHECK-NOT:     tailor.reshape
// CHECK:         tailor.launch @sgd_update_{{[^(]*}}(%w, %b, %[[GRAD]], %[[COPY]],
tailor.program @twice_in_two_launches {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<4xf32> init(zeros)
    tailor.state @b : tensor<4xf32> init(zeros)
  }
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    %w = tailor.load @net::@w : tensor<4xf32>
    %b = tailor.load @net::@b : tensor<4xf32>
    %g = tailor.launch @k(%w) : (tensor<4xf32>) -> tensor<4xf32>
    %norm = tailor.global_norm %g, %g : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
    %w1, %b1 = tailor.sgd_update params(%w, %b) grads(%g, %g) lr(%norm) weight_decay(%lr) decayed([true, true])
        : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
    tailor.store %w1, @net::@w : tensor<4xf32>
    tailor.store %b1, @net::@b : tensor<4xf32>
    tailor.yield
  }
  tailor.kernel @k kind(map) (%x: tensor<4xf32>) -> tensor<4xf32> {
    %y = tailor.exp %x : tensor<4xf32>
    tailor.yield %y : tensor<4xf32>
  }
}

// -----

// Segments lie one after the other, whatever the order of the parameters; what does not decay lies last in its segment.
// CHECK-LABEL: tailor.program @segments
// CHECK:         tailor.state @a {{.*}}#tailor.buffer<state, 64, 16>
// CHECK:         tailor.state @b {{.*}}#tailor.buffer<state, 0, 16>
// CHECK:         tailor.state @c {{.*}}#tailor.buffer<state, 192, 16>
// CHECK:         tailor.state @d {{.*}}#tailor.buffer<state, 128, 16>
tailor.program @segments {
  tailor.state_group @net kind(net) trainable {
    tailor.state @a : tensor<4xf32> init(zeros)
    tailor.state @b : tensor<4xf32> init(zeros)
    tailor.state @c : tensor<4xf32> init(zeros)
    tailor.state @d : tensor<4xf32> init(zeros)
  }
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    %a = tailor.load @net::@a : tensor<4xf32>
    %b = tailor.load @net::@b : tensor<4xf32>
    %c = tailor.load @net::@c : tensor<4xf32>
    %d = tailor.load @net::@d : tensor<4xf32>
    %a1, %b1, %c1, %d1 = tailor.sgd_update params(%a, %b, %c, %d) grads(%a, %b, %c, %d) lr(%lr, %lr)
        weight_decay(%lr, %lr) decayed([false, true, false, true]) segments([0, 0, 1, 1])
        : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
    tailor.store %a1, @net::@a : tensor<4xf32>
    tailor.store %b1, @net::@b : tensor<4xf32>
    tailor.store %c1, @net::@c : tensor<4xf32>
    tailor.store %d1, @net::@d : tensor<4xf32>
    tailor.yield
  }
}

// -----

// A set in a set in a set, in an order that tears the middle one apart: it has a common order all the same.
// CHECK-LABEL: tailor.program @nested
// CHECK:         tailor.state @a {{.*}}#tailor.buffer<state, 0, 16>
// CHECK:         tailor.state @b {{.*}}#tailor.buffer<state, 128, 16>
// CHECK:         tailor.state @c {{.*}}#tailor.buffer<state, 64, 16>
tailor.program @nested {
  tailor.state_group @net kind(net) trainable {
    tailor.state @a : tensor<4xf32> init(zeros)
    tailor.state @b : tensor<4xf32> init(zeros)
    tailor.state @c : tensor<4xf32> init(zeros)
  }
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    %a = tailor.load @net::@a : tensor<4xf32>
    %b = tailor.load @net::@b : tensor<4xf32>
    %c = tailor.load @net::@c : tensor<4xf32>
    %all = tailor.global_norm %a, %b, %c : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
    %two = tailor.global_norm %a, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
    %one = tailor.global_norm %a : (tensor<4xf32>) -> tensor<f32>
    tailor.report "all", %all : tensor<f32>
    tailor.report "two", %two : tensor<f32>
    tailor.report "one", %one : tensor<f32>
    tailor.yield
  }
}

// -----

// What a launch needs beside operands and results lives during that launch: the second launch has it where the first
// had it, and nobody shares it with an operand or result of its own launch. Off: everything apart.
// CHECK-LABEL: tailor.program @temporaries
// CHECK-SAME:    arena = 384 : i64
// CHECK:           %[[A:.+]] = tailor.launch @k(%{{.+}}) buffers([#tailor.buffer<arena, 320, 64>]) temporaries([#tailor.buffer<arena, 0, 256>])
// CHECK:           tailor.launch @k(%[[A]]) buffers([#tailor.buffer<arena, 256, 64>]) temporaries([#tailor.buffer<arena, 0, 256>])
// TRIVIAL-LABEL: tailor.program @temporaries
// TRIVIAL-SAME:    arena = 704 : i64
tailor.program @temporaries {
  tailor.entry @value kind(eval) batch(4) {
    %x = tailor.input "numeric" : tensor<4x4xf32>
    %a = tailor.launch @k(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %b = tailor.launch @k(%a) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    tailor.output "y", %b : tensor<4x4xf32>
  }
  tailor.kernel @k kind(map) (%x: tensor<4x4xf32>) -> tensor<4x4xf32>
      attributes {temporaries = [#tailor.temporary<"partial sums", 256>]} {
    %y = tailor.exp %x : tensor<4x4xf32>
    tailor.yield %y : tensor<4x4xf32>
  }
}
