// RUN: tailor-opt %s --split-input-file --tailor-fuse-loss-backward | FileCheck %s
// RUN: tailor-opt %s --split-input-file --tailor-fuse-loss-backward -o /dev/null \
// RUN:   --remarks-filter=tailor --remark-format=emitRemark --verify-diagnostics

// One op reads the logits; what the incoming gradient is made of moves up to it.
// CHECK-LABEL: tailor.body @joined
// CHECK-SAME:    (%[[Z:.+]]: tensor<8x3xf32>, %[[Y:.+]]: tensor<8xi32>, %[[T:.+]]: tensor<3xf32>)
// CHECK:         %[[ONE:.+]] = tailor.constant
// CHECK-NEXT:    %[[L:.+]], %[[DZ:.+]] = tailor.softmax_cross_entropy_with_grad %[[ONE]], %[[Z]], %[[Y]]
// CHECK-SAME:      weights(%[[T]]
// CHECK-NEXT:    tailor.return %[[L]], %[[DZ]]
tailor.program @p {
  tailor.body @joined(%z: tensor<8x3xf32>, %y: tensor<8xi32>, %t: tensor<3xf32>) -> (tensor<f32>, tensor<8x3xf32>) {
    // expected-remark@+1 {{loss-with-gradient}}
    %l = tailor.softmax_cross_entropy %z, %y : tensor<8xi32> weights(%t : tensor<3xf32>) reduction(batch_mean) {op_id = 1 : i64} : tensor<8x3xf32> -> tensor<f32>
    %one = tailor.constant dense<1.0> : tensor<f32>
    %dz = tailor.softmax_cross_entropy_grad %one, %z, %y : tensor<8xi32> weights(%t : tensor<3xf32>) reduction(batch_mean) : (tensor<f32>, tensor<8x3xf32>) -> tensor<8x3xf32>
    tailor.return %l, %dz : tensor<f32>, tensor<8x3xf32>
  }
}

// -----

// Not joined: other reduction.
// CHECK-LABEL: tailor.body @other_options
// CHECK:         tailor.softmax_cross_entropy %
// CHECK:         tailor.softmax_cross_entropy_grad
tailor.program @p {
  tailor.body @other_options(%z: tensor<8x3xf32>, %y: tensor<8xi32>) -> (tensor<f32>, tensor<8x3xf32>) {
    %one = tailor.constant dense<1.0> : tensor<f32>
    %l = tailor.softmax_cross_entropy %z, %y : tensor<8xi32> reduction(sum) : tensor<8x3xf32> -> tensor<f32>
    %dz = tailor.softmax_cross_entropy_grad %one, %z, %y : tensor<8xi32> reduction(batch_mean) : (tensor<f32>, tensor<8x3xf32>) -> tensor<8x3xf32>
    tailor.return %l, %dz : tensor<f32>, tensor<8x3xf32>
  }
}

// -----

// Not joined: the incoming gradient needs the loss.
// CHECK-LABEL: tailor.body @gradient_needs_loss
// CHECK:         tailor.softmax_cross_entropy_grad
tailor.program @p {
  tailor.body @gradient_needs_loss(%z: tensor<8x3xf32>, %y: tensor<8xi32>) -> (tensor<f32>, tensor<8x3xf32>) {
    // expected-remark@+1 {{gradient-needs-loss}}
    %l = tailor.softmax_cross_entropy %z, %y : tensor<8xi32> reduction(sum) : tensor<8x3xf32> -> tensor<f32>
    %two = tailor.square %l : tensor<f32>
    %dz = tailor.softmax_cross_entropy_grad %two, %z, %y : tensor<8xi32> reduction(sum) : (tensor<f32>, tensor<8x3xf32>) -> tensor<8x3xf32>
    tailor.return %l, %dz : tensor<f32>, tensor<8x3xf32>
  }
}

// -----

// The sigmoid pair.
// CHECK-LABEL: tailor.body @sigmoid
// CHECK:         tailor.sigmoid_cross_entropy_with_grad
// CHECK-NOT:     tailor.sigmoid_cross_entropy_grad
tailor.program @p {
  tailor.body @sigmoid(%z: tensor<8xf32>, %y: tensor<8xi32>) -> (tensor<f32>, tensor<8xf32>) {
    %one = tailor.constant dense<1.0> : tensor<f32>
    // expected-remark@+1 {{loss-with-gradient}}
    %l = tailor.sigmoid_cross_entropy %z, %y : tensor<8xi32> reduction(batch_mean) : tensor<8xf32> -> tensor<f32>
    %dz = tailor.sigmoid_cross_entropy_grad %one, %z, %y : tensor<8xi32> reduction(batch_mean) : (tensor<f32>, tensor<8xf32>) -> tensor<8xf32>
    tailor.return %l, %dz : tensor<f32>, tensor<8xf32>
  }
}
