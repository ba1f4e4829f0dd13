// RUN: tailor-opt %s --split-input-file --tailor-verify-phases=phase=kernels --verify-diagnostics

tailor.program @body_left {
  // expected-error@+1 {{must be gone after phase 'fused' but the module is in phase 'kernels'}}
  tailor.body @f(%x: tensor<f32>) -> tensor<f32> {
    tailor.return %x : tensor<f32>
  }
}

// -----

tailor.program @op_left {
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    // expected-error@+1 {{must be in a kernel after phase 'placed'}}
    %e = tailor.exp %lr : tensor<f32>
    tailor.report "e", %e : tensor<f32>
    tailor.yield
  }
}

// -----

// A planted host scalar in a command.
tailor.program @scalar_in_launch {
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.kernel @scalar_1 kind(scalar) (%x: tensor<f32>) -> tensor<f32> {
    %e = tailor.exp %x : tensor<f32>
    tailor.yield %e : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    // expected-error@+1 {{carries the host value 'lr': per-step values are control fields}}
    %e = tailor.launch @scalar_1(%lr) {lr = 1.000000e-01 : f32} : (tensor<f32>) -> tensor<f32>
    tailor.report "e", %e : tensor<f32>
    tailor.yield
  }
}

// -----

tailor.program @hidden_in_launch {
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.kernel @scalar_1 kind(scalar) (%x: tensor<f32>) -> tensor<f32> {
    %e = tailor.exp %x : tensor<f32>
    tailor.yield %e : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    // expected-error@+1 {{carries the host value 'lr': per-step values are control fields}}
    %e = tailor.launch @scalar_1(%lr) {lr = [0.1]} : (tensor<f32>) -> tensor<f32>
    tailor.report "e", %e : tensor<f32>
    tailor.yield
  }
}

// -----

tailor.program @hidden_in_launch {
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.kernel @scalar_1 kind(scalar) (%x: tensor<f32>) -> tensor<f32> {
    %e = tailor.exp %x : tensor<f32>
    tailor.yield %e : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    // expected-error@+1 {{carries the host value 'lr': per-step values are control fields}}
    %e = tailor.launch @scalar_1(%lr) {lr = dense<0.1> : tensor<f32>} : (tensor<f32>) -> tensor<f32>
    tailor.report "e", %e : tensor<f32>
    tailor.yield
  }
}

// -----

tailor.program @hidden_in_launch {
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.kernel @scalar_1 kind(scalar) (%x: tensor<f32>) -> tensor<f32> {
    %e = tailor.exp %x : tensor<f32>
    tailor.yield %e : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    // expected-error@+1 {{carries the host value 'lr': per-step values are control fields}}
    %e = tailor.launch @scalar_1(%lr) {lr = {v = 0.1}} : (tensor<f32>) -> tensor<f32>
    tailor.report "e", %e : tensor<f32>
    tailor.yield
  }
}

// -----

tailor.program @hidden_in_launch {
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.kernel @scalar_1 kind(scalar) (%x: tensor<f32>) -> tensor<f32> {
    %e = tailor.exp %x : tensor<f32>
    tailor.yield %e : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    // expected-error@+1 {{carries the host value 'lr': per-step values are control fields}}
    %e = tailor.launch @scalar_1(%lr) {lr = array<f32: 0.1>} : (tensor<f32>) -> tensor<f32>
    tailor.report "e", %e : tensor<f32>
    tailor.yield
  }
}

// -----

tailor.program @open_shape {
  tailor.entry @value kind(eval) batch(4) {
    // expected-error@+1 {{has a value of type 'tensor<?x3xf32>': sizes are known when a program is compiled}}
    %x = tailor.input "numeric" : tensor<?x3xf32>
    tailor.output "x", %x : tensor<?x3xf32>
  }
}

// -----

tailor.program @huge {
  tailor.state_group @net kind(net) {
    // expected-error@+1 {{has a value of type 'tensor<1048576x1048577xf32>' of more than 1099511627776 elements}}
    tailor.state @w : tensor<1048576x1048577xf32> init(zeros)
  }
}

// -----

tailor.program @id {
  tailor.state_group @net kind(net) { tailor.state @w : tensor<4xf32> init(zeros) }
  tailor.entry @value kind(eval) batch(4) {
    // expected-error@+1 {{has the id 9223372036854775807, but ids are numbers from 0 to 1073741823}}
    %w = tailor.load @net::@w {op_id = 9223372036854775807 : i64} : tensor<4xf32>
    tailor.output "w", %w : tensor<4xf32>
  }
}
