// RUN: tailor-opt %s --split-input-file --tailor-hoist-fitted | FileCheck %s
// RUN: tailor-opt %s --split-input-file --tailor-hoist-fitted -o /dev/null \
// RUN:   --remarks-filter=tailor --remark-format=emitRemark --verify-diagnostics

// The class table is computed in the fit entry and loaded by both variants of the step; so is the logarithm that the
// body takes of it. What depends on a control field stays.
// CHECK-LABEL: tailor.program @tables
// CHECK:         tailor.state @counts
// CHECK:         tailor.state @derived0 : tensor<3xf32> init(zeros)
// CHECK:         tailor.body @loss(%{{.+}}: tensor<3xf32>, %{{.+}}: tensor<f32>, %[[LOG:.+]]: tensor<3xf32>)
// CHECK-NOT:       tailor.log
// CHECK:           tailor.mul %[[LOG]]
// CHECK-LABEL: tailor.entry @step8
// CHECK:         %[[D:.+]] = tailor.load @fitted::@derived{{.}}
// CHECK-NOT:     tailor.{{reciprocal|log}}
// CHECK-LABEL: tailor.entry @step4
// CHECK-NOT:     tailor.{{reciprocal|log}}
// CHECK-LABEL: tailor.entry @fit kind({{ ?}}fit)
// CHECK:         tailor.load @fitted::@counts
// CHECK-COUNT-1: tailor.reciprocal
// CHECK-COUNT-1: tailor.log
// CHECK-NOT:     tailor.{{reciprocal|log}}
tailor.program @tables {
  tailor.state_group @fitted kind(fitted) { tailor.state @counts : tensor<3xf32> init(zeros) }
  tailor.control { tailor.control_field @tau : tensor<f32> writer(host) }
  tailor.body @loss(%t: tensor<3xf32>, %tau: tensor<f32>) -> tensor<f32> {
    // expected-remark@+2 {{lifted}}
    // expected-remark@+1 {{hoisted}}
    %l = tailor.log %t : tensor<3xf32>
    %tt = tailor.broadcast %tau dims([]) : tensor<f32> to tensor<3xf32>
    %b = tailor.mul %l, %tt : tensor<3xf32>
    %s = tailor.reduce_sum %b dims([0]) : tensor<3xf32> to tensor<f32>
    tailor.return %s : tensor<f32>
  }
  tailor.entry @step8 kind(step) batch(8) name("train_step") {
    %n = tailor.load @fitted::@counts : tensor<3xf32>
    // expected-remark@+1 {{hoisted}}
    %t = tailor.reciprocal %n : tensor<3xf32>
    %tau = tailor.control_read @tau : tensor<f32>
    %v = tailor.call @loss(%t, %tau) : (tensor<3xf32>, tensor<f32>) -> tensor<f32>
    tailor.report "v", %v : tensor<f32>
    tailor.yield
  }
  tailor.entry @step4 kind(step) batch(4) name("train_step") {
    %n = tailor.load @fitted::@counts : tensor<3xf32>
    // expected-remark@+1 {{hoisted}}
    %t = tailor.reciprocal %n : tensor<3xf32>
    %tau = tailor.control_read @tau : tensor<f32>
    %v = tailor.call @loss(%t, %tau) : (tensor<3xf32>, tensor<f32>) -> tensor<f32>
    tailor.report "v", %v : tensor<f32>
    tailor.yield
  }
}

// -----

// Not moved: the step writes this state; a net is not fitted state.
// CHECK-LABEL: tailor.program @changing
// CHECK-NOT:     derived
// CHECK-NOT:     kind({{ ?}}fit)
tailor.program @changing {
  tailor.state_group @fitted kind(fitted) { tailor.state @mean : tensor<3xf32> init(zeros) }
  tailor.state_group @net kind(net) trainable { tailor.state @w : tensor<3xf32> init(zeros) }
  tailor.entry @train_step kind(step) batch(8) {
    %n = tailor.load @fitted::@mean : tensor<3xf32>
    %t = tailor.reciprocal %n : tensor<3xf32>
    tailor.store %t, @fitted::@mean : tensor<3xf32>
    %w = tailor.load @net::@w : tensor<3xf32>
    %u = tailor.exp %w : tensor<3xf32>
    tailor.store %u, @net::@w : tensor<3xf32>
    tailor.yield
  }
}

// -----

// A comparison is no state: it stays in the step, and reads the counts that it is made of there.
// CHECK-LABEL: tailor.program @flags
// CHECK-NOT:     derived
// CHECK-LABEL: tailor.entry @step
// CHECK:         tailor.load @fitted::@counts
// CHECK:         tailor.compare
// CHECK-NEXT:    tailor.where
tailor.program @flags {
  tailor.state_group @fitted kind(fitted) { tailor.state @counts : tensor<4xf32> init(zeros) }
  tailor.state_group @net kind(net) { tailor.state @w : tensor<4xf32> init(zeros) }
  tailor.entry @step kind(step) batch(8) {
    %c = tailor.load @fitted::@counts : tensor<4xf32>
    %w = tailor.load @net::@w : tensor<4xf32>
    %five = tailor.constant dense<5.0> : tensor<4xf32>
    %few = tailor.compare %c lt %five : tensor<4xf32>
    %kept = tailor.where %few, %w, %five : tensor<4xi1>, tensor<4xf32>
    tailor.store %kept, @net::@w : tensor<4xf32>
    tailor.yield
  }
}
