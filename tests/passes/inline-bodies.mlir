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

// -----

// A group was made for all who call its body: of the second call nobody reads the running mean, so its group leaves it out, with the
// operands that only it reads.
// CHECK-LABEL: tailor.program @unread
// CHECK:         %{{.*}}:3 = tailor.fused channels
// CHECK:           batch_norm_update_running
// CHECK:         tailor.fused channels (%{{[a-z0-9]*}} = %{{[a-z0-9]*}} : tensor<8x4x4x2xf32>) -> tensor<2xf32>
// CHECK-NEXT:      tailor.batch_norm_statistics
// CHECK-NEXT:      tailor.yield
// TRIVIAL-LABEL: tailor.program @unread
// TRIVIAL-COUNT-2: batch_norm_update_running
tailor.program @unread {
  tailor.state_group @net kind(batchnorm) {
    tailor.state @mean : tensor<2xf32> init(zeros)
    tailor.state @variance : tensor<2xf32> init(ones)
  }
  tailor.body @f(%x: tensor<8x4x4x2xf32>, %rm: tensor<2xf32>, %rv: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
    %r:3 = tailor.fused channels (%a = %x : tensor<8x4x4x2xf32>, %b = %rm : tensor<2xf32>, %c = %rv : tensor<2xf32>)
        -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
      %m, %v = tailor.batch_norm_statistics %a : (tensor<8x4x4x2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
      %nm, %nv = tailor.batch_norm_update_running %b, %c, %m, %v momentum(0.1) rows(8) row_elements(16)
        : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
      tailor.yield %m, %nm, %nv : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
    }
    tailor.return %r#0, %r#1, %r#2 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %x = tailor.input "image" : tensor<8x4x4x2xf32>
    %rm = tailor.load @net::@mean : tensor<2xf32>
    %rv = tailor.load @net::@variance : tensor<2xf32>
    %a:3 = tailor.call @f(%x, %rm, %rv) : (tensor<8x4x4x2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
    %y = tailor.relu %x : tensor<8x4x4x2xf32>
    %b:3 = tailor.call @f(%y, %rm, %rv) : (tensor<8x4x4x2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
    %l = tailor.add %a#0, %b#0 : tensor<2xf32>
    %s = tailor.reduce_sum %l dims([0]) : tensor<2xf32> to tensor<f32>
    tailor.report "loss", %s : tensor<f32>
    tailor.store %a#1, @net::@mean : tensor<2xf32>
    tailor.store %a#2, @net::@variance : tensor<2xf32>
    tailor.yield
  }
}
