// RUN: tailor-opt %s --split-input-file --tailor-accumulate-gradients --remarks-filter=tailor --remark-format=emitRemark \
// RUN:   --verify-diagnostics | FileCheck %s

// What is reported is that of the whole batch: sums are added, of maxima and minima the largest and the least remain, in a
// body that is differentiated as outside of it. A loss that is a sum is said to grow.
// CHECK-LABEL: tailor.program @extremes
// CHECK:         tailor.entry @train_step kind(step) batch(8)
// CHECK:           %[[M0:.+]] = tailor.reduce_max %{{.+}} dims([0, 1])
// CHECK:           %[[M1:.+]] = tailor.reduce_max %{{.+}} dims([0, 1])
// CHECK:           %[[MAX:.+]] = tailor.max %[[M0]], %[[M1]] : tensor<f32>
// CHECK:           %[[A:[^ ]+]]:2, %{{[^ ]+}} = tailor.value_and_grad @loss.part
// CHECK:           %[[B:[^ ]+]]:2, %{{[^ ]+}} = tailor.value_and_grad @loss.part
// CHECK:           %[[MIN:.+]] = tailor.min %[[A]]#1, %[[B]]#1 : tensor<f32>
// CHECK:           tailor.report "highest", %[[MAX]]
// CHECK:           tailor.report "lowest", %[[MIN]]
tailor.program @extremes {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<5xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.body @loss(%w: tensor<5xf32>, %x: tensor<4x5xf32>) -> (tensor<f32>, tensor<f32>) {
    %z = tailor.dot %x, %w contract([1] x [0]) : (tensor<4x5xf32>, tensor<5xf32>) -> tensor<4xf32>
    %sum = tailor.reduce_sum %z dims([0]) : tensor<4xf32> to tensor<f32>
    %rows = tailor.constant dense<4.0> : tensor<f32>
    %loss = tailor.div %sum, %rows : tensor<f32>
    %least = tailor.reduce_min %z dims([0]) : tensor<4xf32> to tensor<f32>
    tailor.return %loss, %least : tensor<f32>, tensor<f32>
  }
  // expected-remark@+1 {{the gradients of 2 micro-batches of 4 rows make one step of 8 rows}}
  tailor.entry @train_step kind(step) batch(4) accumulate(2) {
    %w = tailor.load @net::@w : tensor<5xf32>
    %x = tailor.input "numeric" : tensor<4x5xf32>
    %highest = tailor.reduce_max %x dims([0, 1]) : tensor<4x5xf32> to tensor<f32>
    // expected-remark@+1 {{the loss is a sum over rows, not a mean: it and its gradients grow with the rows of a step, which are 2 x 4}}
    %loss:2, %g = tailor.value_and_grad @loss(%w, %x) wrt([0])
        : (tensor<5xf32>, tensor<4x5xf32>) -> (tensor<f32>, tensor<f32>, tensor<5xf32>)
    tailor.report "highest", %highest : tensor<f32>
    tailor.report "lowest", %loss#1 : tensor<f32>
    tailor.store %g, @net::@w : tensor<5xf32>
  }
}

// -----

// The exponential of a mean is no mean: a report of it over micro-batches would be another number.
tailor.program @perplexity {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<5xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.body @loss(%w: tensor<5xf32>, %x: tensor<4x5xf32>, %valid: tensor<i32>) -> (tensor<f32>, tensor<f32>) {
    %z = tailor.dot %x, %w contract([1] x [0]) : (tensor<4x5xf32>, tensor<5xf32>) -> tensor<4xf32>
    %loss = tailor.masked_mean %z valid(%valid) : (tensor<4xf32>, tensor<i32>) -> tensor<f32>
    %perplexity = tailor.exp %loss : tensor<f32>
    tailor.return %loss, %perplexity : tensor<f32>, tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(4) accumulate(2) {
    %w = tailor.load @net::@w : tensor<5xf32>
    %x = tailor.input "numeric" : tensor<4x5xf32>
    %valid = tailor.control_read @valid : tensor<i32>
    %loss:2, %g = tailor.value_and_grad @loss(%w, %x, %valid) wrt([0])
        : (tensor<5xf32>, tensor<4x5xf32>, tensor<i32>) -> (tensor<f32>, tensor<f32>, tensor<5xf32>)
    // expected-error@+2 {{gradients cannot be accumulated: report 'perplexity' is neither a sum, a mean, a maximum nor a minimum over the rows}}
    // expected-note@+1 {{run.accumulate = 1 reports it}}
    tailor.report "perplexity", %loss#1 : tensor<f32>
    tailor.store %g, @net::@w : tensor<5xf32>
  }
}

// -----

// "Is it not 0" of the largest value is not the largest of the answers of the parts: only rounding keeps the order.
tailor.program @wraps {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<5xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.body @loss(%w: tensor<5xf32>, %x: tensor<4x5xf32>, %valid: tensor<i32>) -> (tensor<f32>, tensor<f32>) {
    %z = tailor.dot %x, %w contract([1] x [0]) : (tensor<4x5xf32>, tensor<5xf32>) -> tensor<4xf32>
    %loss = tailor.masked_mean %z valid(%valid) : (tensor<4xf32>, tensor<i32>) -> tensor<f32>
    %largest = tailor.reduce_max %z dims([0]) : tensor<4xf32> to tensor<f32>
    %some = tailor.cast %largest : tensor<f32> to tensor<i1>
    %some_number = tailor.cast %some : tensor<i1> to tensor<f32>
    tailor.return %loss, %some_number : tensor<f32>, tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(4) accumulate(2) {
    %w = tailor.load @net::@w : tensor<5xf32>
    %x = tailor.input "numeric" : tensor<4x5xf32>
    %valid = tailor.control_read @valid : tensor<i32>
    %loss:2, %g = tailor.value_and_grad @loss(%w, %x, %valid) wrt([0])
        : (tensor<5xf32>, tensor<4x5xf32>, tensor<i32>) -> (tensor<f32>, tensor<f32>, tensor<5xf32>)
    // expected-error@+2 {{gradients cannot be accumulated: report 'some' is neither a sum, a mean, a maximum nor a minimum over the rows}}
    // expected-note@+1 {{run.accumulate = 1 reports it}}
    tailor.report "some", %loss#1 : tensor<f32>
    tailor.store %g, @net::@w : tensor<5xf32>
  }
}

// -----

// Half precision of a maximum is the maximum in half precision.
// CHECK-LABEL: tailor.program @rounds
// CHECK:           tailor.max %{{.+}}#1, %{{.+}}#1 : tensor<f32>
tailor.program @rounds {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<5xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.body @loss(%w: tensor<5xf32>, %x: tensor<4x5xf32>, %valid: tensor<i32>) -> (tensor<f32>, tensor<f32>) {
    %z = tailor.dot %x, %w contract([1] x [0]) : (tensor<4x5xf32>, tensor<5xf32>) -> tensor<4xf32>
    %loss = tailor.masked_mean %z valid(%valid) : (tensor<4xf32>, tensor<i32>) -> tensor<f32>
    %largest = tailor.reduce_max %z dims([0]) : tensor<4xf32> to tensor<f32>
    %half = tailor.cast %largest : tensor<f32> to tensor<bf16>
    %rounded = tailor.cast %half : tensor<bf16> to tensor<f32>
    tailor.return %loss, %rounded : tensor<f32>, tensor<f32>
  }
  // expected-remark@+1 {{the gradients of 2 micro-batches of 4 rows make one step of 8 rows}}
  tailor.entry @train_step kind(step) batch(4) accumulate(2) {
    %w = tailor.load @net::@w : tensor<5xf32>
    %x = tailor.input "numeric" : tensor<4x5xf32>
    %valid = tailor.control_read @valid : tensor<i32>
    %loss:2, %g = tailor.value_and_grad @loss(%w, %x, %valid) wrt([0])
        : (tensor<5xf32>, tensor<4x5xf32>, tensor<i32>) -> (tensor<f32>, tensor<f32>, tensor<5xf32>)
    tailor.report "rounded", %loss#1 : tensor<f32>
    tailor.store %g, @net::@w : tensor<5xf32>
  }
}
