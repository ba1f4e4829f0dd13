// RUN: tailor-opt %s --split-input-file --tailor-accumulate-gradients --verify-diagnostics | FileCheck %s

// Two micro-batches of 4 rows. Each gives its share of the loss; what is made of the gradients is made once.
// CHECK-LABEL: tailor.program @mean
// CHECK:         tailor.body @loss.part({{.*}}%share: tensor<f32>)
// CHECK:           %[[MEAN:.+]] = tailor.softmax_cross_entropy {{.*}}reduction(batch_mean)
// CHECK:           %[[SHARE:.+]] = tailor.mul %[[MEAN]], %share
// CHECK:           tailor.return %[[SHARE]]
// CHECK-NOT:     tailor.body @loss(
// CHECK:         tailor.entry @train_step kind(step) batch(8)
// CHECK-NOT:       accumulate
// CHECK:           %[[X:[^ ]+]] = tailor.input "numeric" : tensor<8x5xf32>
// CHECK:           %[[X0:.+]] = tailor.slice %[[X]] from([0, 0]) to([4, 5])
// CHECK:           %[[X1:.+]] = tailor.slice %[[X]] from([4, 0]) to([8, 5])
// CHECK:           %[[L0:[^ ]+]], %[[G0:[^ ]+]] = tailor.value_and_grad @loss.part(%{{[^ ]+}}, %[[X0]],
// CHECK:           %[[L1:[^ ]+]], %[[G1:[^ ]+]] = tailor.value_and_grad @loss.part(%{{[^ ]+}}, %[[X1]],
// CHECK:           %[[SUM:.+]]:2 = tailor.call @loss.part.sum(%[[L0]], %[[L1]], %[[G0]], %[[G1]])
// CHECK:           tailor.exp %[[SUM]]#1
// CHECK:           tailor.report "loss", %[[SUM]]#0
tailor.program @mean {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<3x5xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.body @loss(%w: tensor<3x5xf32>, %x: tensor<4x5xf32>, %y: tensor<4xi32>, %valid: tensor<i32>) -> tensor<f32> {
    %z = tailor.dot %x, %w contract([1] x [1]) : (tensor<4x5xf32>, tensor<3x5xf32>) -> tensor<4x3xf32>
    %loss = tailor.softmax_cross_entropy %z, %y : tensor<4xi32> valid(%valid : tensor<i32>) reduction(batch_mean) : tensor<4x3xf32> -> tensor<f32>
    tailor.return %loss : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(4) accumulate(2) {
    %w = tailor.load @net::@w : tensor<3x5xf32>
    %x = tailor.input "numeric" : tensor<4x5xf32>
    %y = tailor.input "label" : tensor<4xi32>
    %valid = tailor.control_read @valid : tensor<i32>
    %loss, %g = tailor.value_and_grad @loss(%w, %x, %y, %valid) wrt([0])
        : (tensor<3x5xf32>, tensor<4x5xf32>, tensor<4xi32>, tensor<i32>) -> (tensor<f32>, tensor<3x5xf32>)
    %new = tailor.exp %g : tensor<3x5xf32>
    tailor.report "loss", %loss : tensor<f32>
    tailor.store %new, @net::@w : tensor<3x5xf32>
  }
}

// -----

// A mean by weights: the sum of one micro-batch, divided by the weights of both.
// CHECK-LABEL: tailor.program @by_weights
// CHECK:         tailor.body @loss.part({{.*}}%share: tensor<f32>, %factor0: tensor<f32>)
// CHECK:           %[[SUM:.+]] = tailor.softmax_cross_entropy {{.*}}reduction(sum)
// CHECK:           tailor.mul %[[SUM]], %factor0
// CHECK:         tailor.body @loss.part.totals
// CHECK-NOT:       tailor.dot
// CHECK:           tailor.reduce_sum
// CHECK:         tailor.entry @train_step
// CHECK:           tailor.call @loss.part.totals
// CHECK:           tailor.call @loss.part.totals
// CHECK:           tailor.value_and_grad @loss.part
tailor.program @by_weights {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<3x5xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.body @loss(%w: tensor<3x5xf32>, %x: tensor<4x5xf32>, %y: tensor<4xi32>, %t: tensor<3xf32>, %valid: tensor<i32>) -> tensor<f32> {
    %z = tailor.dot %x, %w contract([1] x [1]) : (tensor<4x5xf32>, tensor<3x5xf32>) -> tensor<4x3xf32>
    %loss = tailor.softmax_cross_entropy %z, %y : tensor<4xi32> weights(%t : tensor<3xf32>) valid(%valid : tensor<i32>) reduction(weighted_mean) : tensor<4x3xf32> -> tensor<f32>
    tailor.return %loss : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(4) accumulate(2) {
    %w = tailor.load @net::@w : tensor<3x5xf32>
    %x = tailor.input "numeric" : tensor<4x5xf32>
    %y = tailor.input "label" : tensor<4xi32>
    %t = tailor.constant dense<[1.0, 2.0, 4.0]> : tensor<3xf32>
    %valid = tailor.control_read @valid : tensor<i32>
    %loss, %g = tailor.value_and_grad @loss(%w, %x, %y, %t, %valid) wrt([0])
        : (tensor<3x5xf32>, tensor<4x5xf32>, tensor<4xi32>, tensor<3xf32>, tensor<i32>) -> (tensor<f32>, tensor<3x5xf32>)
    tailor.report "loss", %loss : tensor<f32>
    tailor.store %g, @net::@w : tensor<3x5xf32>
  }
}

// -----

// Running statistics move with every micro-batch, in order.
// CHECK-LABEL: tailor.program @batch_norm
// CHECK:         tailor.entry @train_step
// CHECK:           %[[OLD:.+]] = tailor.load @bn::@mean
// CHECK:           %[[FIRST:[^ ]+]]:3, %{{.+}} = tailor.value_and_grad @loss.part({{.*}}%[[OLD]], %{{[^,]+}}, %{{[^,]+}}, %{{[^,]+}}) wrt
// CHECK:           %[[SECOND:[^ ]+]]:3, %{{.+}} = tailor.value_and_grad @loss.part({{.*}}%[[FIRST]]#1, %[[FIRST]]#2, %{{[^,]+}}, %{{[^,]+}}) wrt
// CHECK:           tailor.store %[[SECOND]]#1, @bn::@mean
tailor.program @batch_norm {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<5xf32> init(ones)
  }
  tailor.state_group @bn kind(batchnorm) {
    tailor.state @mean : tensor<5xf32> init(zeros)
    tailor.state @variance : tensor<5xf32> init(ones)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.body @loss(%w: tensor<5xf32>, %x: tensor<4x5xf32>, %y: tensor<4xi32>, %m: tensor<5xf32>, %v: tensor<5xf32>, %valid: tensor<i32>) -> (tensor<f32>, tensor<5xf32>, tensor<5xf32>) {
    %z, %mean, %inv, %var = tailor.batch_norm_train %x, %w, %w valid(%valid) epsilon(1.0e-5)
        : (tensor<4x5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<i32>) -> (tensor<4x5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>)
    %m1, %v1 = tailor.batch_norm_update_running %m, %v, %mean, %var valid(%valid) momentum(0.1) rows(4)
        : (tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<i32>) -> (tensor<5xf32>, tensor<5xf32>)
    %loss = tailor.softmax_cross_entropy %z, %y : tensor<4xi32> valid(%valid : tensor<i32>) reduction(batch_mean) : tensor<4x5xf32> -> tensor<f32>
    tailor.return %loss, %m1, %v1 : tensor<f32>, tensor<5xf32>, tensor<5xf32>
  }
  tailor.entry @train_step kind(step) batch(4) accumulate(2) {
    %w = tailor.load @net::@w : tensor<5xf32>
    %m = tailor.load @bn::@mean : tensor<5xf32>
    %v = tailor.load @bn::@variance : tensor<5xf32>
    %x = tailor.input "numeric" : tensor<4x5xf32>
    %y = tailor.input "label" : tensor<4xi32>
    %valid = tailor.control_read @valid : tensor<i32>
    %loss, %m1, %v1, %g = tailor.value_and_grad @loss(%w, %x, %y, %m, %v, %valid) wrt([0])
        : (tensor<5xf32>, tensor<4x5xf32>, tensor<4xi32>, tensor<5xf32>, tensor<5xf32>, tensor<i32>) -> (tensor<f32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>)
    tailor.report "loss", %loss : tensor<f32>
    tailor.store %g, @net::@w : tensor<5xf32>
    tailor.store %m1, @bn::@mean : tensor<5xf32>
    tailor.store %v1, @bn::@variance : tensor<5xf32>
  }
}

// -----

// A loss of all pairs of rows is no sum over micro-batches.
tailor.program @pairs {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<3x5xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.body @loss(%w: tensor<3x5xf32>, %x: tensor<4x5xf32>) -> tensor<f32> {
    %z = tailor.dot %x, %w contract([1] x [1]) : (tensor<4x5xf32>, tensor<3x5xf32>) -> tensor<4x3xf32>
    // expected-error@+2 {{gradients cannot be accumulated: 'dot' combines rows of a batch}}
    // expected-note@+1 {{run.accumulate = 1 with all rows in run.batch}}
    %pairs = tailor.dot %z, %z contract([1] x [1]) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x4xf32>
    %loss = tailor.reduce_sum %pairs dims([0, 1]) : tensor<4x4xf32> to tensor<f32>
    tailor.return %loss : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(4) accumulate(2) {
    %w = tailor.load @net::@w : tensor<3x5xf32>
    %x = tailor.input "numeric" : tensor<4x5xf32>
    // expected-note@+1 {{its gradient is taken here}}
    %loss, %g = tailor.value_and_grad @loss(%w, %x) wrt([0])
        : (tensor<3x5xf32>, tensor<4x5xf32>) -> (tensor<f32>, tensor<3x5xf32>)
    tailor.store %g, @net::@w : tensor<3x5xf32>
  }
}

// -----

// The square of a mean is not the mean of squares.
tailor.program @square_of_mean {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<5xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.body @loss(%w: tensor<5xf32>, %x: tensor<4x5xf32>, %valid: tensor<i32>) -> tensor<f32> {
    %z = tailor.dot %x, %w contract([1] x [0]) : (tensor<4x5xf32>, tensor<5xf32>) -> tensor<4xf32>
    %mean = tailor.masked_mean %z valid(%valid) : (tensor<4xf32>, tensor<i32>) -> tensor<f32>
    // expected-error@+2 {{gradients cannot be accumulated: 'square' combines rows of a batch}}
    // expected-note@+1 {{run.accumulate = 1 with all rows in run.batch}}
    %loss = tailor.square %mean : tensor<f32>
    tailor.return %loss : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(4) accumulate(2) {
    %w = tailor.load @net::@w : tensor<5xf32>
    %x = tailor.input "numeric" : tensor<4x5xf32>
    %valid = tailor.control_read @valid : tensor<i32>
    // expected-note@+1 {{its gradient is taken here}}
    %loss, %g = tailor.value_and_grad @loss(%w, %x, %valid) wrt([0])
        : (tensor<5xf32>, tensor<4x5xf32>, tensor<i32>) -> (tensor<f32>, tensor<5xf32>)
    tailor.store %g, @net::@w : tensor<5xf32>
  }
}

// -----

// What is stored must not be of one micro-batch.
tailor.program @stored_rows {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<4x5xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.entry @train_step kind(step) batch(4) accumulate(2) {
    %x = tailor.input "numeric" : tensor<4x5xf32>
    // expected-error@+2 {{gradients cannot be accumulated: 'store' keeps a value of single rows or micro-batches}}
    // expected-note@+1 {{only losses, gradients and reports}}
    tailor.store %x, @net::@w : tensor<4x5xf32>
  }
}

// -----

// A floor under a total is no guard against zero: of the parts' totals it would be another one.
tailor.program @floor {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<5xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.body @loss(%w: tensor<5xf32>, %x: tensor<4x5xf32>, %valid: tensor<i32>) -> tensor<f32> {
    %z = tailor.dot %x, %w contract([1] x [0]) : (tensor<4x5xf32>, tensor<5xf32>) -> tensor<4xf32>
    %total = tailor.reduce_sum %z dims([0]) : tensor<4xf32> to tensor<f32>
    %five = tailor.constant dense<5.0> : tensor<f32>
    // expected-error@+2 {{gradients cannot be accumulated: 'compare' combines rows of a batch}}
    // expected-note@+1 {{run.accumulate = 1 with all rows in run.batch}}
    %above = tailor.compare %total gt %five : tensor<f32>
    %divisor = tailor.where %above, %total, %five : tensor<i1>, tensor<f32>
    %loss = tailor.div %total, %divisor : tensor<f32>
    tailor.return %loss : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(4) accumulate(2) {
    %w = tailor.load @net::@w : tensor<5xf32>
    %x = tailor.input "numeric" : tensor<4x5xf32>
    %valid = tailor.control_read @valid : tensor<i32>
    // expected-note@+1 {{its gradient is taken here}}
    %loss, %g = tailor.value_and_grad @loss(%w, %x, %valid) wrt([0])
        : (tensor<5xf32>, tensor<4x5xf32>, tensor<i32>) -> (tensor<f32>, tensor<5xf32>)
    tailor.store %g, @net::@w : tensor<5xf32>
  }
}

// -----

// Nor is the number of rows: a micro-batch without any would be 0 / 0.
tailor.program @bare_count {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<5xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.body @loss(%w: tensor<5xf32>, %x: tensor<4x5xf32>, %valid: tensor<i32>) -> tensor<f32> {
    %z = tailor.dot %x, %w contract([1] x [0]) : (tensor<4x5xf32>, tensor<5xf32>) -> tensor<4xf32>
    %total = tailor.reduce_sum %z dims([0]) : tensor<4xf32> to tensor<f32>
    %rows = tailor.cast %valid : tensor<i32> to tensor<f32>
    // expected-error@+2 {{gradients cannot be accumulated: 'div' combines rows of a batch}}
    // expected-note@+1 {{run.accumulate = 1 with all rows in run.batch}}
    %loss = tailor.div %total, %rows : tensor<f32>
    tailor.return %loss : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(4) accumulate(2) {
    %w = tailor.load @net::@w : tensor<5xf32>
    %x = tailor.input "numeric" : tensor<4x5xf32>
    %valid = tailor.control_read @valid : tensor<i32>
    // expected-note@+1 {{its gradient is taken here}}
    %loss, %g = tailor.value_and_grad @loss(%w, %x, %valid) wrt([0])
        : (tensor<5xf32>, tensor<4x5xf32>, tensor<i32>) -> (tensor<f32>, tensor<5xf32>)
    tailor.store %g, @net::@w : tensor<5xf32>
  }
}

// -----

// Bytes are read and never made: what they are cast to is cut.
// CHECK-LABEL: tailor.program @bytes
// CHECK:         %[[BYTES:.+]] = tailor.input "image" : tensor<8x2x2x3xui8>
// CHECK:         %[[PIXELS:.+]] = tailor.cast %[[BYTES]] : tensor<8x2x2x3xui8> to tensor<8x2x2x3xf32>
// CHECK:         %[[X0:.+]] = tailor.slice %[[PIXELS]] from([0, 0, 0, 0]) to([4, 2, 2, 3])
// CHECK:         %[[LINES:.+]] = tailor.reshape %[[X0]] : tensor<4x2x2x3xf32> to tensor<4x12xf32>
// CHECK:         %[[X1:.+]] = tailor.slice %[[PIXELS]] from([4, 0, 0, 0]) to([8, 2, 2, 3])
// CHECK:         tailor.value_and_grad @loss.part(%{{[^ ]+}}, %[[LINES]],
tailor.program @bytes {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<12xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.body @loss(%w: tensor<12xf32>, %x: tensor<4x12xf32>, %valid: tensor<i32>) -> tensor<f32> {
    %z = tailor.dot %x, %w contract([1] x [0]) : (tensor<4x12xf32>, tensor<12xf32>) -> tensor<4xf32>
    %loss = tailor.masked_mean %z valid(%valid) : (tensor<4xf32>, tensor<i32>) -> tensor<f32>
    tailor.return %loss : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(4) accumulate(2) {
    %w = tailor.load @net::@w : tensor<12xf32>
    %bytes = tailor.input "image" : tensor<4x2x2x3xui8>
    %lines = tailor.reshape %bytes : tensor<4x2x2x3xui8> to tensor<4x12xui8>
    %x = tailor.cast %lines : tensor<4x12xui8> to tensor<4x12xf32>
    %valid = tailor.control_read @valid : tensor<i32>
    %loss, %g = tailor.value_and_grad @loss(%w, %x, %valid) wrt([0])
        : (tensor<12xf32>, tensor<4x12xf32>, tensor<i32>) -> (tensor<f32>, tensor<12xf32>)
    tailor.store %g, @net::@w : tensor<12xf32>
  }
}

// -----

// Each micro-batch makes its ops anew: more than can be compiled in some minutes are refused before they are made.
tailor.program @many {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<12xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @valid : tensor<i32> writer(host)
  }
  tailor.body @loss(%w: tensor<12xf32>, %x: tensor<4x12xf32>, %valid: tensor<i32>) -> tensor<f32> {
    %z = tailor.dot %x, %w contract([1] x [0]) : (tensor<4x12xf32>, tensor<12xf32>) -> tensor<4xf32>
    %loss = tailor.masked_mean %z valid(%valid) : (tensor<4xf32>, tensor<i32>) -> tensor<f32>
    tailor.return %loss : tensor<f32>
  }
  // expected-error@+2 {{a step of 16384 micro-batches (run.accumulate) would have about 245760 ops, 15 for each, and at most 131072 are compiled}}
  // expected-note@+1 {{a larger run.batch with at most 8738 micro-batches makes a step of as many rows}}
  tailor.entry @train_step kind(step) batch(4) accumulate(16384) {
    %w = tailor.load @net::@w : tensor<12xf32>
    %x = tailor.input "numeric" : tensor<4x12xf32>
    %valid = tailor.control_read @valid : tensor<i32>
    %loss, %g = tailor.value_and_grad @loss(%w, %x, %valid) wrt([0])
        : (tensor<12xf32>, tensor<4x12xf32>, tensor<i32>) -> (tensor<f32>, tensor<12xf32>)
    tailor.store %g, @net::@w : tensor<12xf32>
  }
}
