// RUN: tailor-opt %s --split-input-file --verify-diagnostics

func.func @f() {
  // expected-error @+1 {{expects at least one tensor}}
  %0 = tailor.global_norm : () -> tensor<f32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>) {
  // expected-error @+1 {{expects as many weights as tensors: 2 tensors but 1 weights}}
  %0 = tailor.global_norm %a, %a weighted_by(%a) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %b: tensor<5xf32>) {
  // expected-error @+1 {{tensors 0 is 4 but weights 0 is 5}}
  %0 = tailor.global_norm %a weighted_by(%b) : (tensor<4xf32>, tensor<5xf32>) -> tensor<f32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expects as many grads as params: 2 params but 1 grads}}
  %0:2 = tailor.sam.perturb params(%a, %a) grads(%a) norm(%s) radius(%s) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %b: tensor<5xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{params 0 is 4 but grads 0 is 5}}
  %0 = tailor.sam.perturb params(%a) grads(%b) norm(%s) radius(%s) : (tensor<4xf32>, tensor<5xf32>, tensor<f32>, tensor<f32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{params 0 is 'tensor<4xf32>' but its replacement is 'tensor<5xf32>'}}
  %0 = tailor.sam.perturb params(%a) grads(%a) norm(%s) radius(%s) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>) -> tensor<5xf32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expects epsilon > 0, got 0.0}}
  %0 = tailor.sam.perturb params(%a) grads(%a) norm(%s) radius(%s) epsilon(0.0) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expects one decay flag per parameter: 1 params but 2 flags}}
  %0 = tailor.sgd_update params(%a) grads(%a) lr(%s) weight_decay(%s) decayed([true, false]) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>)
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expects velocity and momentum together}}
  %0:2 = tailor.sgd_update params(%a) grads(%a) velocity(%a) lr(%s) weight_decay(%s) decayed([true]) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>), (tensor<4xf32>)
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{has nesterov without momentum}}
  %0 = tailor.sgd_update params(%a) grads(%a) lr(%s) weight_decay(%s) decayed([true]) nesterov : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>)
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %b: tensor<5xf32>, %s: tensor<f32>, %t: tensor<i32>) {
  // expected-error @+1 {{params 0 is 4 but second_moments 0 is 5}}
  %0:3 = tailor.adamw_update params(%a) grads(%a) first_moments(%a) second_moments(%b) lr(%s) beta1(%s) beta2(%s) epsilon(%s) weight_decay(%s) step(%t) decayed([true]) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<5xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<4xf32>), (tensor<4xf32>), (tensor<5xf32>)
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expects as many values as averages: 1 averages but 2 values}}
  %0 = tailor.ema_update averages(%a) values(%a, %a) decay(%s) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{has 2 learning rates but 1 weight decays}}
  %0:2 = tailor.sgd_update params(%a, %b) grads(%a, %b) lr(%s, %s) weight_decay(%s) decayed([true, true]) segments([0, 1]) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expects one learning rate without segments, got 2}}
  %0:2 = tailor.sgd_update params(%a, %b) grads(%a, %b) lr(%s, %s) weight_decay(%s, %s) decayed([true, true]) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expects one segment per parameter: 2 params but 3 segments}}
  %0:2 = tailor.sgd_update params(%a, %b) grads(%a, %b) lr(%s, %s) weight_decay(%s, %s) decayed([true, true]) segments([0, 1, 1]) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{has segment 2 but 2 learning rates}}
  %0:2 = tailor.sgd_update params(%a, %b) grads(%a, %b) lr(%s, %s) weight_decay(%s, %s) decayed([true, true]) segments([0, 2]) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{has no parameter in segment 1}}
  %0:2 = tailor.sgd_update params(%a, %b) grads(%a, %b) lr(%s, %s) weight_decay(%s, %s) decayed([true, true]) segments([0, 0]) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}
