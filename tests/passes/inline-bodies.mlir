// RUN: tailor-opt %s --split-input-file --tailor-inline-bodies --verify-diagnostics | FileCheck %s
// RUN: tailor-opt %s --split-input-file --tailor-inline-bodies=trivial=true --verify-diagnostics | FileCheck %s --check-prefix=TRIVIAL

// Each call gets its own ops; what both calls compute from the same values is computed once, unless the pass is off.
// CHECK-LABEL: tailor.program @two_calls
// CHECK-NOT:     tailor.body
// CHECK:         tailor.entry
// CHECK-COUNT-1: tailor.exp
// CHECK-COUNT-2: tailor.mul
// CHECK-NOT:     tailor.{{exp|mul|call}}
// TRIVIAL-LABEL: tailor.program @two_calls
// TRIVIAL-COUNT-2: tailor.exp
tailor.program @two_calls {
  tailor.body @inner(%x: tensor<f32>) -> tensor<f32> {
    %e = tailor.exp %x {op_id = 1 : i64} : tensor<f32>
    tailor.return %e : tensor<f32>
  }
  tailor.body @outer(%w: tensor<f32>, %x: tensor<f32>) -> tensor<f32> {
    %e = tailor.call @inner(%x) : (tensor<f32>) -> tensor<f32>
    %p = tailor.mul %w, %e {op_id = 2 : i64} : tensor<f32>
    tailor.return %p : tensor<f32>
  }
  tailor.control { tailor.control_field @a : tensor<f32> writer(host) tailor.control_field @b : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %a = tailor.control_read @a : tensor<f32>
    %b = tailor.control_read @b : tensor<f32>
    %p = tailor.call @outer(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %q = tailor.call @outer(%p, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    tailor.report "q", %q : tensor<f32>
    tailor.yield
  }
}

// -----

tailor.program @not_differentiated {
  tailor.body @f(%x: tensor<f32>) -> tensor<f32> {
    tailor.return %x : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %c = tailor.constant dense<2.0> : tensor<f32>
    // expected-error@+1 {{must be differentiated before bodies are inlined}}
    %v, %g = tailor.value_and_grad @f(%c) wrt([0]) : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
    tailor.yield
  }
}

// -----

tailor.program @recursive {
  tailor.body @f(%x: tensor<f32>) -> tensor<f32> {
    // expected-error@+1 {{calls 'f' recursively}}
    %y = tailor.call @f(%x) : (tensor<f32>) -> tensor<f32>
    tailor.return %y : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %c = tailor.constant dense<2.0> : tensor<f32>
    %v = tailor.call @f(%c) : (tensor<f32>) -> tensor<f32>
    tailor.report "v", %v : tensor<f32>
    tailor.yield
  }
}
