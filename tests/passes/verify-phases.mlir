// RUN: tailor-opt %s --split-input-file --allow-unregistered-dialect --tailor-verify-phases=phase=differentiated --verify-diagnostics | FileCheck %s
// RUN: not tailor-opt %s --split-input-file --allow-unregistered-dialect --tailor-verify-phases=phase=nowhere 2>&1 | FileCheck %s --check-prefix=NOWHERE
// NOWHERE: there is no phase 'nowhere'

// CHECK: module attributes {tailor.phase = "differentiated"}
tailor.program @fine {
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %lr = tailor.control_read @lr : tensor<f32>
    tailor.report "lr", %lr : tensor<f32>
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
    // expected-error@+1 {{must be gone after phase 'traced' but the module is in phase 'differentiated'}}
    %v, %g = tailor.value_and_grad @f(%c) wrt([0]) : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
    tailor.yield
  }
}

// -----

tailor.program @fused_too_early {
  tailor.body @f(%x: tensor<f32>) -> tensor<f32> {
    // expected-error@+1 {{appears first in phase 'fused' but the module is in phase 'differentiated'}}
    %y = tailor.fused scalar (%a = %x : tensor<f32>) -> tensor<f32> {
      %e = tailor.exp %a : tensor<f32>
      tailor.yield %e : tensor<f32>
    }
    tailor.return %y : tensor<f32>
  }
}

// -----

// A planted host scalar: a number of the builtin kind, made on the host.
tailor.program @host_scalar {
  tailor.entry @train_step kind(step) batch(8) {
    // expected-error@+1 {{makes a host scalar of type 'f32': per-step values are control fields}}
    %lr = "arith.constant"() {value = 0.1 : f32} : () -> f32
    tailor.yield
  }
}

// -----

// A control field named by an attribute would be read on the host.
tailor.program @named_field {
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %c = tailor.constant dense<2.0> : tensor<f32>
    // expected-error@+1 {{names control field 'lr' in attribute 'factor': read it with tailor.control_read}}
    %e = tailor.exp %c {factor = @lr} : tensor<f32>
    tailor.report "e", %e : tensor<f32>
    tailor.yield
  }
}

// -----

// A library call cannot read a control field.
tailor.program @library_call {
  tailor.control { tailor.control_field @m : tensor<2xf32> writer(host) }
  tailor.entry @train_step kind(step) batch(8) {
    %m = tailor.control_read @m : tensor<2xf32>
    // expected-error@+1 {{is a library call and cannot read a control field}}
    %d = tailor.dot %m, %m contract([0] x [0]) : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    tailor.report "d", %d : tensor<f32>
    tailor.yield
  }
}
