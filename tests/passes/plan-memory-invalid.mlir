// RUN: tailor-opt %s --split-input-file --tailor-form-kernels --tailor-plan-memory --verify-diagnostics

// One name in the metrics row is one field.
tailor.program @two_types {
  tailor.entry @a kind(eval) batch(4) {
    %x = tailor.input "label" : tensor<4xi32>
    %n = tailor.reduce_sum %x dims([0]) : tensor<4xi32> to tensor<i32>
    tailor.report "loss", %n : tensor<i32>
  }
  tailor.entry @b kind(eval) batch(4) {
    %x = tailor.input "numeric" : tensor<4x1xf32>
    %n = tailor.reduce_sum %x dims([0, 1]) : tensor<4x1xf32> to tensor<f32>
    // expected-error@+1 {{'loss' is reported as 'tensor<i32>' and as 'tensor<f32>'}}
    tailor.report "loss", %n : tensor<f32>
  }
}

// -----

tailor.program @repeats {
  tailor.entry @a kind(eval) batch(4) {
    %x = tailor.input "numeric" : tensor<4x1xf32>
    // expected-error@+1 {{the memory plan has no room for 'repeat' yet; it runs on target reference}}
    %y = tailor.repeat 3 iteration(%i) carry(%c = %x : tensor<4x1xf32>) {
      tailor.yield %c : tensor<4x1xf32>
    }
    tailor.output "y", %y : tensor<4x1xf32>
  }
}
