// RUN: tailor-opt %s | tailor-opt | FileCheck %s
// RUN: tailor-opt %s --mlir-print-op-generic | tailor-opt | FileCheck %s

// The whole of SAM-A: one body, called at w with the ascent table and at w + e with the descent table.

// CHECK-LABEL: tailor.program @sam_a {
tailor.program @sam_a {
  // CHECK-NEXT: tailor.state_group @net kind(net) trainable {
  // CHECK-NEXT:   tailor.state @fc.weight : tensor<8x10xf32> init(uniform(3.535000e-01))
  // CHECK-NEXT:   tailor.state @fc.bias : tensor<10xf32> init(zeros) no_decay
  // CHECK-NEXT: }
  tailor.state_group @net kind(net) trainable {
    tailor.state @"fc.weight" : tensor<8x10xf32> init(uniform(0.3535))
    tailor.state @"fc.bias" : tensor<10xf32> init(zeros) no_decay
  }
  // CHECK-NEXT: tailor.state_group @sgd kind(optimizer) {
  tailor.state_group @sgd kind(optimizer) {
    tailor.state @"fc.weight" : tensor<8x10xf32> init(zeros)
    tailor.state @"fc.bias" : tensor<10xf32> init(zeros)
  }
  // CHECK: tailor.state @fc.weight : tensor<8x10xf32> init(copy_of(@net::@fc.weight))
  tailor.state_group @ema kind(ema) {
    tailor.state @"fc.weight" : tensor<8x10xf32> init(copy_of(@net::@"fc.weight"))
    tailor.state @"fc.bias" : tensor<10xf32> init(copy_of(@net::@"fc.bias"))
  }
  // CHECK: tailor.state_group @fitted kind(fitted) {
  tailor.state_group @fitted kind(fitted) {
    tailor.state @class_counts : tensor<10xf32> init(ones)
    tailor.state @ascent_table : tensor<10xf32> init(constant(1.0))
    tailor.state @noise : tensor<10xf32> init(normal(0.1))
    tailor.state @clipped_noise : tensor<10xf32> init(truncated_normal(0.1))
  }
  // CHECK: tailor.control {
  // CHECK-NEXT: tailor.control_field @lr : tensor<f32> writer(host) from(schedule) key("optimizer.lr") options("schedule")
  // CHECK-NEXT: tailor.control_field @tau : tensor<f32> writer(host) value(1.000000e+00)
  // CHECK: tailor.control_field @ema_decay : tensor<f32> writer(host) from(average_decay) key("method.ema.decay") options("method.ema")
  // CHECK-NEXT: tailor.control_field @drw : tensor<i32> writer(host) from(fraction_row) key("control.drw")
  // CHECK-NEXT: tailor.control_field @lam : tensor<f32> writer(host) from(random_beta) key("control.lam")
  // CHECK-NEXT: tailor.control_field @corner : tensor<f32> writer(host) from(random_uniform)
  // CHECK: tailor.control_field @step : tensor<i32> writer(device)
  tailor.control {
    tailor.control_field @lr : tensor<f32> writer(host) from(schedule) key("optimizer.lr") options("schedule")
    tailor.control_field @tau : tensor<f32> writer(host) value(1.0)
    tailor.control_field @rho : tensor<f32> writer(host) from(option) key("method.sam-a.rho")
    tailor.control_field @momentum : tensor<f32> writer(host) from(option) key("optimizer.momentum")
    tailor.control_field @weight_decay : tensor<f32> writer(host) from(option) key("optimizer.weight_decay")
    tailor.control_field @ema_decay : tensor<f32> writer(host) from(average_decay) key("method.ema.decay") options("method.ema")
    tailor.control_field @drw : tensor<i32> writer(host) from(fraction_row) key("control.drw")
    tailor.control_field @lam : tensor<f32> writer(host) from(random_beta) key("control.lam")
    tailor.control_field @corner : tensor<f32> writer(host) from(random_uniform)
    tailor.control_field @valid : tensor<i32> writer(host)
    tailor.control_field @rng : tensor<4xi32> writer(host)
    tailor.control_field @step : tensor<i32> writer(device)
  }

  // CHECK: tailor.body @loss(%fc.weight: tensor<8x10xf32>, %fc.bias: tensor<10xf32>, %numeric: tensor<64x8xf32>, %label: tensor<64xi32>, %class_table: tensor<10xf32>, %valid: tensor<i32>) -> tensor<f32> {
  // CHECK-NEXT: %[[PRODUCT:.+]] = tailor.dot %numeric, %fc.weight contract([1] x [0]) : (tensor<64x8xf32>, tensor<8x10xf32>) -> tensor<64x10xf32>
  tailor.body @loss(%fc.weight: tensor<8x10xf32>, %fc.bias: tensor<10xf32>, %numeric: tensor<64x8xf32>,
                    %label: tensor<64xi32>, %class_table: tensor<10xf32>, %valid: tensor<i32>) -> tensor<f32> {
    %product = tailor.dot %numeric, %fc.weight contract([1] x [0]) : (tensor<64x8xf32>, tensor<8x10xf32>) -> tensor<64x10xf32>
    %bias = tailor.broadcast %fc.bias dims([1]) : tensor<10xf32> to tensor<64x10xf32>
    %logits = tailor.add %product, %bias : tensor<64x10xf32>
    // CHECK: tailor.softmax_cross_entropy %{{.+}}, %label : tensor<64xi32> weights(%class_table : tensor<10xf32>) valid(%valid : tensor<i32>) reduction(weighted_mean) : tensor<64x10xf32> -> tensor<f32>
    %loss = tailor.softmax_cross_entropy %logits, %label : tensor<64xi32> weights(%class_table : tensor<10xf32>)
        valid(%valid : tensor<i32>) reduction(weighted_mean) : tensor<64x10xf32> -> tensor<f32>
    tailor.return %loss : tensor<f32>
  }

  // CHECK: tailor.body @logits(%weight: tensor<8x10xf32>, %numeric: tensor<64x8xf32>) -> tensor<64x10xf32> attributes {tailor.note = "no bias"} {
  tailor.body @logits(%weight: tensor<8x10xf32>, %numeric: tensor<64x8xf32>) -> tensor<64x10xf32>
      attributes {tailor.note = "no bias"} {
    %z = tailor.dot %numeric, %weight contract([1] x [0]) : (tensor<64x8xf32>, tensor<8x10xf32>) -> tensor<64x10xf32>
    tailor.return %z : tensor<64x10xf32>
  }

  // CHECK: tailor.entry @fit kind(fit) {
  tailor.entry @fit kind(fit) {
    %counts = tailor.load @fitted::@class_counts : tensor<10xf32>
    %table = tailor.reciprocal %counts : tensor<10xf32>
    // CHECK: tailor.store %{{.+}}, @fitted::@ascent_table : tensor<10xf32>
    tailor.store %table, @fitted::@ascent_table : tensor<10xf32>
  }

  // CHECK: tailor.entry @train_step_b64 kind(step) batch(64) name("train_step") learning_rate(@lr) {
  tailor.entry @train_step_b64 kind(step) batch(64) name("train_step") learning_rate(@lr) {
    // Names follow what is loaded, read and computed.
    // CHECK-NEXT: %fc.weight = tailor.load @net::@fc.weight : tensor<8x10xf32>
    // CHECK-NEXT: %fc.bias = tailor.load @net::@fc.bias : tensor<10xf32>
    %0 = tailor.load @net::@"fc.weight" : tensor<8x10xf32>
    %1 = tailor.load @net::@"fc.bias" : tensor<10xf32>
    // CHECK-NEXT: %numeric = tailor.input "numeric" : tensor<64x8xf32>
    %2 = tailor.input "numeric" : tensor<64x8xf32>
    %3 = tailor.input "label" : tensor<64xi32>
    // CHECK: %ascent_table = tailor.load @fitted::@ascent_table : tensor<10xf32>
    %4 = tailor.load @fitted::@ascent_table : tensor<10xf32>
    %5 = tailor.constant dense<1.0> : tensor<10xf32>
    // CHECK: %valid = tailor.control_read @valid : tensor<i32>
    %6 = tailor.control_read @valid : tensor<i32>
    %7 = tailor.control_read @rho : tensor<f32>
    // CHECK: %loss, %d_fc.weight, %d_fc.bias = tailor.value_and_grad @loss(%fc.weight, %fc.bias, %numeric, %label, %ascent_table, %valid) wrt([0, 1]) : (tensor<8x10xf32>, tensor<10xf32>, tensor<64x8xf32>, tensor<64xi32>, tensor<10xf32>, tensor<i32>) -> (tensor<f32>, tensor<8x10xf32>, tensor<10xf32>)
    %8:3 = tailor.value_and_grad @loss(%0, %1, %2, %3, %4, %6) wrt([0, 1]) : (tensor<8x10xf32>, tensor<10xf32>, tensor<64x8xf32>, tensor<64xi32>, tensor<10xf32>, tensor<i32>) -> (tensor<f32>, tensor<8x10xf32>, tensor<10xf32>)
    %9 = tailor.global_norm %8#1, %8#2 : (tensor<8x10xf32>, tensor<10xf32>) -> tensor<f32>
    // CHECK: %fc.weight_up, %fc.bias_up = tailor.sam.perturb params(%fc.weight, %fc.bias) grads(%d_fc.weight, %d_fc.bias) norm(%{{.+}}) radius(%rho) :
    %10:2 = tailor.sam.perturb params(%0, %1) grads(%8#1, %8#2) norm(%9) radius(%7) : (tensor<8x10xf32>, tensor<10xf32>, tensor<8x10xf32>, tensor<10xf32>, tensor<f32>, tensor<f32>) -> (tensor<8x10xf32>, tensor<10xf32>)
    // CHECK: %loss_{{[0-9]+}}, %d_fc.weight_up, %d_fc.bias_up = tailor.value_and_grad @loss(%fc.weight_up, %fc.bias_up,
    %11:3 = tailor.value_and_grad @loss(%10#0, %10#1, %2, %3, %5, %6) wrt([0, 1]) : (tensor<8x10xf32>, tensor<10xf32>, tensor<64x8xf32>, tensor<64xi32>, tensor<10xf32>, tensor<i32>) -> (tensor<f32>, tensor<8x10xf32>, tensor<10xf32>)
    %12 = tailor.load @sgd::@"fc.weight" : tensor<8x10xf32>
    %13 = tailor.load @sgd::@"fc.bias" : tensor<10xf32>
    %14 = tailor.control_read @lr : tensor<f32>
    %15 = tailor.control_read @momentum : tensor<f32>
    %16 = tailor.control_read @weight_decay : tensor<f32>
    // CHECK: %fc.weight_new, %fc.bias_new, %fc.weight_velocity, %fc.bias_velocity = tailor.sgd_update params(%fc.weight, %fc.bias) grads(%d_fc.weight_up, %d_fc.bias_up) velocity({{.*}}) lr(%lr) momentum(%momentum) weight_decay(%weight_decay) valid(%valid) decayed([true, false]) :
    %17:4 = tailor.sgd_update params(%0, %1) grads(%11#1, %11#2) velocity(%12, %13) lr(%14) momentum(%15) weight_decay(%16) valid(%6) decayed([true, false]) : (tensor<8x10xf32>, tensor<10xf32>, tensor<8x10xf32>, tensor<10xf32>, tensor<8x10xf32>, tensor<10xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<8x10xf32>, tensor<10xf32>), (tensor<8x10xf32>, tensor<10xf32>)
    tailor.store %17#0, @net::@"fc.weight" : tensor<8x10xf32>
    tailor.store %17#1, @net::@"fc.bias" : tensor<10xf32>
    tailor.store %17#2, @sgd::@"fc.weight" : tensor<8x10xf32>
    tailor.store %17#3, @sgd::@"fc.bias" : tensor<10xf32>
    // CHECK: tailor.report "loss", %loss{{.*}} : tensor<f32>
    tailor.report "loss", %11#0 : tensor<f32>
  }

  // CHECK: tailor.entry @eval kind(eval) batch(64) {
  tailor.entry @eval kind(eval) batch(64) {
    %0 = tailor.load @ema::@"fc.weight" : tensor<8x10xf32>
    %1 = tailor.input "numeric" : tensor<64x8xf32>
    // CHECK: %logits = tailor.call @logits(%fc.weight, %numeric) : (tensor<8x10xf32>, tensor<64x8xf32>) -> tensor<64x10xf32>
    %2 = tailor.call @logits(%0, %1) : (tensor<8x10xf32>, tensor<64x8xf32>) -> tensor<64x10xf32>
    // CHECK-NEXT: tailor.output "logits", %logits : tensor<64x10xf32>
    tailor.output "logits", %2 : tensor<64x10xf32>
  }

  // CHECK: tailor.stage_plan {
  // CHECK-NEXT: tailor.stage @warm entry(@train_step)
  // CHECK-NEXT: tailor.stage @main entry(@train_step_b64) fit(@fit) eval(@eval) continues copies({{\[\[}}@ema, @net]]) initialises([@sgd])
  tailor.stage_plan {
    tailor.stage @warm entry(@train_step)
    tailor.stage @main entry(@train_step_b64) fit(@fit) eval(@eval) continues
        copies([[@ema, @net]]) initialises([@sgd])
  }
}

// CHECK-LABEL: func.func @repeat
func.func @repeat(%x0: tensor<4xf32>, %step: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: %[[X:.+]] = tailor.repeat 10 iteration(%[[I:.+]]) carry(%[[XK:.+]] = %arg0 : tensor<4xf32>) {
  // CHECK:   tailor.yield %{{.+}} : tensor<4xf32>
  %x = tailor.repeat 10 iteration(%i) carry(%xk = %x0 : tensor<4xf32>) {
    %k = tailor.cast %i : tensor<i32> to tensor<f32>
    %b = tailor.broadcast %k dims([]) : tensor<f32> to tensor<4xf32>
    %d = tailor.mul %step, %b : tensor<4xf32>
    %next = tailor.sub %xk, %d : tensor<4xf32>
    tailor.yield %next : tensor<4xf32>
  }
  // CHECK: tailor.stop_gradient %[[X]] : tensor<4xf32>
  %y = tailor.stop_gradient %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
