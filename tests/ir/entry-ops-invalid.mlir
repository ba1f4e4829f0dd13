// RUN: tailor-opt %s --split-input-file --verify-diagnostics

tailor.program @p {
  // expected-error @+1 {{of kind step expects a batch size}}
  tailor.entry @a kind(step) {}
}

// -----

tailor.program @p {
  // expected-error @+1 {{of kind fit has no batch, got batch size 8}}
  tailor.entry @a kind(fit) batch(8) {}
}

// -----

tailor.program @p {
  // expected-error @+1 {{expects a batch size of at least 1, got -8}}
  tailor.entry @a kind(step) batch(-8) {}
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {
    %0 = tailor.constant dense<1.0> : tensor<f32>
    // expected-error @+1 {{of an entry yields nothing; results leave through store, report and output}}
    tailor.yield %0 : tensor<f32>
  }
}

// -----

tailor.program @p {
  tailor.state_group @net kind(net) { tailor.state @w : tensor<f32> init(zeros) }
  tailor.entry @a kind(eval) batch(8) {
    %0 = tailor.load @net::@w : tensor<f32>
    // expected-error @+1 {{'tailor.store' op has no place in an entry of kind eval}}
    tailor.store %0, @net::@w : tensor<f32>
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {
    %0 = tailor.constant dense<1.0> : tensor<f32>
    // expected-error @+1 {{'tailor.output' op has no place in an entry of kind step}}
    tailor.output "logits", %0 : tensor<f32>
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(fit) {
    // expected-error @+1 {{'tailor.input' op has no place in an entry of kind fit}}
    %0 = tailor.input "label" : tensor<8xi32>
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {
    // expected-error @+1 {{has 16 rows but the entry's batch size is 8}}
    %0 = tailor.input "label" : tensor<16xi32>
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {
    // expected-error @+1 {{'labels' is not a batch input (numeric, category, image, label, index, row_weight)}}
    %0 = tailor.input "labels" : tensor<8xi32>
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {
    // expected-error @+1 {{'numeric' expects elements of f32, got 'i32'}}
    %0 = tailor.input "numeric" : tensor<8x4xi32>
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {
    // expected-error @+1 {{'image' expects elements of ui8 or f32, got 'i32'}}
    %0 = tailor.input "image" : tensor<8x2x2x3xi32>
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {
    %0 = tailor.input "image" : tensor<8x2x2x3xui8>
    // expected-error @+1 {{operand #0 must be ranked tensor of 32-bit float}}
    %1 = tailor.abs %0 : tensor<8x2x2x3xui8>
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {
    %0 = tailor.input "numeric" : tensor<8x4xf32>
    // expected-error @+1 {{result #0 must be ranked tensor of 32-bit float}}
    %1 = tailor.cast %0 : tensor<8x4xf32> to tensor<8x4xui8>
  }
}

// -----

tailor.program @p {
  tailor.state_group @net kind(net) {
    // expected-error @+1 {{attribute 'type' failed to satisfy constraint}}
    tailor.state @w : tensor<4xui8> init(zeros)
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {
    // expected-error @+1 {{'image' expects 4 dimensions, got 2}}
    %0 = tailor.input "image" : tensor<8x4xf32>
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {
    // expected-error @+1 {{names the unknown state @net::@w}}
    %0 = tailor.load @net::@w : tensor<f32>
  }
}

// -----

tailor.program @p {
  // expected-note @+1 {{the state is declared here}}
  tailor.state_group @net kind(net) { tailor.state @w : tensor<4xf32> init(zeros) }
  tailor.entry @a kind(step) batch(8) {
    // expected-error @+1 {{has type 'tensor<5xf32>' but state @net::@w is 'tensor<4xf32>'}}
    %0 = tailor.load @net::@w : tensor<5xf32>
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {
    // expected-error @+1 {{names the unknown control field @lr}}
    %0 = tailor.control_read @lr : tensor<f32>
  }
}

// -----

tailor.program @p {
  // expected-note @+1 {{the field is declared here}}
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  tailor.entry @a kind(step) batch(8) {
    // expected-error @+1 {{has type 'tensor<f64>' but control field @lr is 'tensor<f32>'}}
    %0 = tailor.control_read @lr : tensor<f64>
  }
}

// -----

func.func @f(%x: tensor<f32>) {
  // expected-error @+1 {{belongs in a tailor.entry but is in a func.func}}
  tailor.report "loss", %x : tensor<f32>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{belongs in a tailor.entry but is in a func.func}}
  %0 = tailor.load @net::@w : tensor<f32>
  return
}

// -----

tailor.program @p {
  tailor.entry @e kind(step) batch(8) {
    %c = tailor.constant dense<0.0> : tensor<f32>
    tailor.report "loss", %c : tensor<f32>
    // expected-error @+1 {{reports 'loss' a second time in one entry}}
    tailor.report "loss", %c : tensor<f32>
  }
}

// -----

tailor.program @p {
  tailor.entry @e kind(eval) batch(8) {
    %c = tailor.constant dense<0.0> : tensor<f32>
    tailor.output "y", %c : tensor<f32>
    // expected-error @+1 {{puts out 'y' a second time in one entry}}
    tailor.output "y", %c : tensor<f32>
  }
}
