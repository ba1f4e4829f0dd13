// RUN: tailor-opt %s --split-input-file --tailor-verify-phases=phase=planned --verify-diagnostics

// An edited plan is checked like one of ours: here the second launch writes over a value that is still read.
module attributes {tailor.phase = "planned"} {
tailor.program @overlap attributes {memory = {arena = 128 : i64, constant = 0 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 0 : i64, slot = 64 : i64, state = 0 : i64}} {
  tailor.entry @value kind(eval) batch(4) {
    %x = tailor.input "numeric" {buffers = [#tailor.buffer<arena, 0, 64>], source = #tailor.buffer<slot, 0, 64>} : tensor<4x4xf32>
    // expected-note@+1 {{the value is made here}}
    %a = tailor.launch @k(%x) buffers([#tailor.buffer<arena, 64, 64>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %b = tailor.launch @k(%x) buffers([#tailor.buffer<arena, 64, 64>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    // expected-error@+1 {{reads a value whose memory was reused before}}
    %c = tailor.launch @k(%a) buffers([#tailor.buffer<arena, 0, 64>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    tailor.output "y", %c {place = #tailor.buffer<arena, 0, 64>} : tensor<4x4xf32>
  }
  tailor.kernel @k kind(map) (%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
    %y = tailor.exp %x : tensor<4x4xf32>
    tailor.yield %y : tensor<4x4xf32>
  }
}
}

// -----

module attributes {tailor.phase = "planned"} {
tailor.program @outside attributes {memory = {arena = 64 : i64, constant = 0 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 0 : i64, slot = 64 : i64, state = 0 : i64}} {
  tailor.entry @value kind(eval) batch(4) {
    // expected-error@+1 {{is outside its space of 64 bytes}}
    %x = tailor.input "numeric" {buffers = [#tailor.buffer<arena, 64, 64>], source = #tailor.buffer<slot, 0, 64>} : tensor<4x4xf32>
    tailor.output "y", %x {place = #tailor.buffer<arena, 64, 64>} : tensor<4x4xf32>
  }
}
}
