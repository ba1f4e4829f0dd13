// RUN: tailor-opt %s -o /dev/null
// RUN: tailor-opt %s --tailor-pipeline=stop-after=planned -o /dev/null

// What the frontend emits; tests/unit/frontend/emit/emit_test.cpp holds the program.
module {
  tailor.program @test {
    tailor.state_group @net kind(net) trainable {
      tailor.state @fc0.weight : tensor<4x2xf32> init(uniform(0.70710678118654746))
      tailor.state @fc0.bias : tensor<4xf32> init(uniform(0.70710678118654746))
      tailor.state @head.weight : tensor<3x4xf32> init(uniform(5.000000e-01))
      tailor.state @head.bias : tensor<3xf32> init(uniform(5.000000e-01))
    }
    tailor.state_group @sgd kind(optimizer) {
      tailor.state @fc0.weight : tensor<4x2xf32> init(zeros)
      tailor.state @fc0.bias : tensor<4xf32> init(zeros)
      tailor.state @head.weight : tensor<3x4xf32> init(zeros)
      tailor.state @head.bias : tensor<3xf32> init(zeros)
    }
    tailor.control {
      tailor.control_field @valid : tensor<i32> writer(host)
      tailor.control_field @slot : tensor<i32> writer(host)
      tailor.control_field @step : tensor<i32> writer(host)
      tailor.control_field @rng : tensor<4xi32> writer(host)
      tailor.control_field @lr : tensor<f32> writer(host) from(schedule) key("optimizer.lr") options("schedule")
      tailor.control_field @momentum : tensor<f32> writer(host) from(option) key("optimizer.momentum")
      tailor.control_field @weight_decay : tensor<f32> writer(host) from(option) key("optimizer.weight_decay")
    }
    tailor.body @loss(%numeric: tensor<8x2xf32>, %fc0.weight: tensor<4x2xf32>, %fc0.bias: tensor<4xf32>, %head.weight: tensor<3x4xf32>, %head.bias: tensor<3xf32>, %label: tensor<8xi32>, %valid: tensor<i32>) -> tensor<f32> {
      %0 = tailor.dot %numeric, %fc0.weight contract([1] x [1]) {op_id = 7 : i64} : (tensor<8x2xf32>, tensor<4x2xf32>) -> tensor<8x4xf32>
      %1 = tailor.broadcast %fc0.bias dims([1]) {op_id = 9 : i64} : tensor<4xf32> to tensor<8x4xf32>
      %2 = tailor.add %0, %1 {op_id = 10 : i64} : tensor<8x4xf32>
      %3 = tailor.relu %2 {op_id = 11 : i64} : tensor<8x4xf32>
      %4 = tailor.dot %3, %head.weight contract([1] x [1]) {op_id = 13 : i64} : (tensor<8x4xf32>, tensor<3x4xf32>) -> tensor<8x3xf32>
      %5 = tailor.broadcast %head.bias dims([1]) {op_id = 15 : i64} : tensor<3xf32> to tensor<8x3xf32>
      %6 = tailor.add %4, %5 {op_id = 16 : i64} : tensor<8x3xf32>
      %7 = tailor.softmax_cross_entropy %6, %label : tensor<8xi32> valid(%valid : tensor<i32>) reduction(batch_mean) {op_id = 17 : i64} : tensor<8x3xf32> -> tensor<f32>
      tailor.return %7 : tensor<f32>
    }
    tailor.entry @train_step kind(step) batch(8) learning_rate(@lr) {
      %numeric = tailor.input "numeric" {op_id = 1 : i64} : tensor<8x2xf32>
      %label = tailor.input "label" {op_id = 3 : i64} : tensor<8xi32>
      %valid = tailor.control_read @valid {op_id = 5 : i64} : tensor<i32>
      %fc0.weight = tailor.load @net::@fc0.weight {op_id = 6 : i64} : tensor<4x2xf32>
      %fc0.bias = tailor.load @net::@fc0.bias {op_id = 8 : i64} : tensor<4xf32>
      %head.weight = tailor.load @net::@head.weight {op_id = 12 : i64} : tensor<3x4xf32>
      %head.bias = tailor.load @net::@head.bias {op_id = 14 : i64} : tensor<3xf32>
      %loss, %d_fc0.weight, %d_fc0.bias, %d_head.weight, %d_head.bias = tailor.value_and_grad @loss(%numeric, %fc0.weight, %fc0.bias, %head.weight, %head.bias, %label, %valid) wrt([1, 2, 3, 4]) {op_id = 18 : i64} : (tensor<8x2xf32>, tensor<4x2xf32>, tensor<4xf32>, tensor<3x4xf32>, tensor<3xf32>, tensor<8xi32>, tensor<i32>) -> (tensor<f32>, tensor<4x2xf32>, tensor<4xf32>, tensor<3x4xf32>, tensor<3xf32>)
      %lr = tailor.control_read @lr {op_id = 19 : i64} : tensor<f32>
      %momentum = tailor.control_read @momentum {op_id = 20 : i64} : tensor<f32>
      %fc0.weight_0 = tailor.load @sgd::@fc0.weight {op_id = 21 : i64} : tensor<4x2xf32>
      %fc0.bias_1 = tailor.load @sgd::@fc0.bias {op_id = 22 : i64} : tensor<4xf32>
      %head.weight_2 = tailor.load @sgd::@head.weight {op_id = 23 : i64} : tensor<3x4xf32>
      %head.bias_3 = tailor.load @sgd::@head.bias {op_id = 24 : i64} : tensor<3xf32>
      %weight_decay = tailor.control_read @weight_decay {op_id = 25 : i64} : tensor<f32>
      %fc0.weight_new, %fc0.bias_new, %head.weight_new, %head.bias_new, %fc0.weight_velocity, %fc0.bias_velocity, %head.weight_velocity, %head.bias_velocity = tailor.sgd_update params(%fc0.weight, %fc0.bias, %head.weight, %head.bias) grads(%d_fc0.weight, %d_fc0.bias, %d_head.weight, %d_head.bias) velocity(%fc0.weight_0, %fc0.bias_1, %head.weight_2, %head.bias_3) lr(%lr) momentum(%momentum) weight_decay(%weight_decay) valid(%valid) decayed([true, true, true, true]) {op_id = 26 : i64} : (tensor<4x2xf32>, tensor<4xf32>, tensor<3x4xf32>, tensor<3xf32>, tensor<4x2xf32>, tensor<4xf32>, tensor<3x4xf32>, tensor<3xf32>, tensor<4x2xf32>, tensor<4xf32>, tensor<3x4xf32>, tensor<3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<4x2xf32>, tensor<4xf32>, tensor<3x4xf32>, tensor<3xf32>), (tensor<4x2xf32>, tensor<4xf32>, tensor<3x4xf32>, tensor<3xf32>)
      tailor.report "loss", %loss : tensor<f32>
      tailor.store %fc0.weight_new, @net::@fc0.weight : tensor<4x2xf32>
      tailor.store %fc0.bias_new, @net::@fc0.bias : tensor<4xf32>
      tailor.store %head.weight_new, @net::@head.weight : tensor<3x4xf32>
      tailor.store %head.bias_new, @net::@head.bias : tensor<3xf32>
      tailor.store %fc0.weight_velocity, @sgd::@fc0.weight : tensor<4x2xf32>
      tailor.store %fc0.bias_velocity, @sgd::@fc0.bias : tensor<4xf32>
      tailor.store %head.weight_velocity, @sgd::@head.weight : tensor<3x4xf32>
      tailor.store %head.bias_velocity, @sgd::@head.bias : tensor<3xf32>
    }
    tailor.entry @eval_step kind(eval) batch(16) {
      %numeric = tailor.input "numeric" {op_id = 28 : i64} : tensor<16x2xf32>
      %fc0.weight = tailor.load @net::@fc0.weight {op_id = 33 : i64} : tensor<4x2xf32>
      %0 = tailor.dot %numeric, %fc0.weight contract([1] x [1]) {op_id = 34 : i64} : (tensor<16x2xf32>, tensor<4x2xf32>) -> tensor<16x4xf32>
      %fc0.bias = tailor.load @net::@fc0.bias {op_id = 35 : i64} : tensor<4xf32>
      %1 = tailor.broadcast %fc0.bias dims([1]) {op_id = 36 : i64} : tensor<4xf32> to tensor<16x4xf32>
      %2 = tailor.add %0, %1 {op_id = 37 : i64} : tensor<16x4xf32>
      %3 = tailor.relu %2 {op_id = 38 : i64} : tensor<16x4xf32>
      %head.weight = tailor.load @net::@head.weight {op_id = 39 : i64} : tensor<3x4xf32>
      %4 = tailor.dot %3, %head.weight contract([1] x [1]) {op_id = 40 : i64} : (tensor<16x4xf32>, tensor<3x4xf32>) -> tensor<16x3xf32>
      %head.bias = tailor.load @net::@head.bias {op_id = 41 : i64} : tensor<3xf32>
      %5 = tailor.broadcast %head.bias dims([1]) {op_id = 42 : i64} : tensor<3xf32> to tensor<16x3xf32>
      %6 = tailor.add %4, %5 {op_id = 43 : i64} : tensor<16x3xf32>
      tailor.output "logits", %6 : tensor<16x3xf32>
    }
    tailor.stage_plan {
      tailor.stage @main entry(@train_step) eval(@eval_step) initialises([@net, @sgd])
    }
  }
}
