// RUN: tailor-opt %s --split-input-file --tailor-differentiate --verify-diagnostics

// No derivative exists on the path.
tailor.program @no_rule {
  // expected-note@+1 {{while differentiating 'f.vjp'}}
  tailor.body @f(%a: tensor<4xf32>) -> tensor<f32> {
    // expected-error@+1 {{has no derivative, but the loss depends on a trained value through it}}
    %r = tailor.repeat 3 iteration(%i) carry(%k = %a : tensor<4xf32>) {
      %n = tailor.exp %k : tensor<4xf32>
      tailor.yield %n : tensor<4xf32>
    }
    %s = tailor.reduce_sum %r dims([0]) : tensor<4xf32> to tensor<f32>
    tailor.return %s : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %c = tailor.constant dense<2.0> : tensor<4xf32>
    %v, %g = tailor.value_and_grad @f(%c) wrt([0]) : (tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>)
    tailor.report "v", %v : tensor<f32>
    tailor.yield
  }
}

// -----

// A class table that depends on a weight.
tailor.program @trained_table {
  tailor.body @f(%z: tensor<4x3xf32>, %w: tensor<3xf32>, %y: tensor<4xi32>) -> tensor<f32> {
    // expected-error@+1 {{has no gradient for operand 2, which depends on a trained value}}
    %l = tailor.softmax_cross_entropy %z, %y : tensor<4xi32> weights(%w : tensor<3xf32>) reduction(batch_mean) : tensor<4x3xf32> -> tensor<f32>
    tailor.return %l : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(4) {
    %z = tailor.constant dense<2.0> : tensor<4x3xf32>
    %w = tailor.constant dense<2.0> : tensor<3xf32>
    %y = tailor.input "label" : tensor<4xi32>
    %v, %g = tailor.value_and_grad @f(%z, %w, %y) wrt([1]) : (tensor<4x3xf32>, tensor<3xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<3xf32>)
    tailor.report "v", %v : tensor<f32>
    tailor.yield
  }
}

// -----

tailor.program @recursive {
  tailor.body @f(%a: tensor<f32>) -> tensor<f32> {
    // expected-error@+1 {{calls 'f' recursively}}
    %b = tailor.call @f(%a) : (tensor<f32>) -> tensor<f32>
    tailor.return %b : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %c = tailor.constant dense<2.0> : tensor<f32>
    %v, %g = tailor.value_and_grad @f(%c) wrt([0]) : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
    tailor.report "v", %v : tensor<f32>
    tailor.yield
  }
}

// -----

// The region of a repeat reads a trained value from outside.
tailor.program @captured {
  // expected-note@+1 {{while differentiating 'f.vjp'}}
  tailor.body @f(%w: tensor<4xf32>, %x: tensor<4xf32>) -> tensor<f32> {
    // expected-error@+1 {{has no derivative, but the loss depends on a trained value through it}}
    %r = tailor.repeat 3 iteration(%i) carry(%k = %x : tensor<4xf32>) {
      %n = tailor.mul %k, %w : tensor<4xf32>
      tailor.yield %n : tensor<4xf32>
    }
    %s = tailor.reduce_sum %r dims([0]) : tensor<4xf32> to tensor<f32>
    tailor.return %s : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %c = tailor.constant dense<2.0> : tensor<4xf32>
    %v, %g = tailor.value_and_grad @f(%c, %c) wrt([0]) : (tensor<4xf32>, tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>)
    tailor.report "v", %v : tensor<f32>
    tailor.yield
  }
}
