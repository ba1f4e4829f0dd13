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

// -----

// Two states at one place.
module attributes {tailor.phase = "planned"} {
tailor.program @states attributes {memory = {arena = 0 : i64, constant = 0 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 0 : i64, slot = 0 : i64, state = 128 : i64}} {
  tailor.state_group @net kind(net) {
    // expected-note@+1 {{the other one}}
    tailor.state @w : tensor<20xf32> init(ones) {place = #tailor.buffer<state, 0, 80>}
    // expected-error@+1 {{state 'net/v' at #tailor.buffer<state, 64, 16> shares memory with state 'net/w' at #tailor.buffer<state, 0, 80>}}
    tailor.state @v : tensor<4xf32> init(zeros) {place = #tailor.buffer<state, 64, 16>}
  }
}
}

// -----

// A launch that writes what the host wrote.
module attributes {tailor.phase = "planned"} {
tailor.program @control attributes {memory = {arena = 0 : i64, constant = 0 : i64, control = 64 : i64, control_host = 64 : i64, metrics = 64 : i64, slot = 0 : i64, state = 64 : i64}} {
  tailor.state_group @net kind(net) { tailor.state @w : tensor<4xf32> init(ones) {place = #tailor.buffer<state, 0, 16>} }
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) value(0.5) {place = #tailor.buffer<control, 0, 4>} }
  tailor.entry @s kind(step) batch(4) {
    %w = tailor.load @net::@w {buffers = [#tailor.buffer<state, 0, 16>]} : tensor<4xf32>
    // expected-error@+1 {{writes #tailor.buffer<control, 0, 4>, which only the host writes}}
    %y = tailor.launch @k(%w) buffers([#tailor.buffer<control, 0, 4>]) : (tensor<4xf32>) -> tensor<f32>
    tailor.report "loss", %y {place = #tailor.buffer<metrics, 0, 4>} : tensor<f32>
  }
  tailor.kernel @k kind(scalar) (%x: tensor<4xf32>) -> tensor<f32> {
    %y = tailor.reduce_sum %x dims([0]) : tensor<4xf32> to tensor<f32>
    tailor.yield %y : tensor<f32>
  }
}
}

// -----

// An output is read after the entry has run.
module attributes {tailor.phase = "planned"} {
tailor.program @outputs attributes {memory = {arena = 128 : i64, constant = 0 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 0 : i64, slot = 64 : i64, state = 0 : i64}} {
  tailor.entry @value kind(eval) batch(4) {
    %x = tailor.input "numeric" {buffers = [#tailor.buffer<arena, 0, 64>], source = #tailor.buffer<slot, 0, 64>} : tensor<4x4xf32>
    %a = tailor.launch @k(%x) buffers([#tailor.buffer<arena, 64, 64>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    // expected-note@+1 {{it is put there here}}
    tailor.output "y", %a {place = #tailor.buffer<arena, 64, 64>} : tensor<4x4xf32>
    // expected-error@+1 {{writes #tailor.buffer<arena, 64, 64> over output 'y' at #tailor.buffer<arena, 64, 64>, which is read after the entry has run}}
    %b = tailor.launch @k(%x) buffers([#tailor.buffer<arena, 64, 64>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    tailor.output "z", %b {place = #tailor.buffer<arena, 64, 64>} : tensor<4x4xf32>
  }
  tailor.kernel @k kind(map) (%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
    %y = tailor.exp %x : tensor<4x4xf32>
    tailor.yield %y : tensor<4x4xf32>
  }
}
}

// -----

// Two metrics at one place.
module attributes {tailor.phase = "planned"} {
tailor.program @metrics attributes {memory = {arena = 64 : i64, constant = 0 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 64 : i64, slot = 64 : i64, state = 0 : i64}} {
  tailor.entry @value kind(eval) batch(4) {
    %x = tailor.input "numeric" {buffers = [#tailor.buffer<arena, 0, 64>], source = #tailor.buffer<slot, 0, 64>} : tensor<4x4xf32>
    %s = tailor.launch @s(%x) buffers([#tailor.buffer<metrics, 0, 4>]) : (tensor<4x4xf32>) -> tensor<f32>
    // expected-note@+1 {{the other one}}
    tailor.report "one", %s {place = #tailor.buffer<metrics, 0, 4>} : tensor<f32>
    %t = tailor.launch @s(%x) buffers([#tailor.buffer<metrics, 0, 4>]) : (tensor<4x4xf32>) -> tensor<f32>
    // expected-error@+1 {{metric 'two' at #tailor.buffer<metrics, 0, 4> shares memory with metric 'one' at #tailor.buffer<metrics, 0, 4>}}
    tailor.report "two", %t {place = #tailor.buffer<metrics, 0, 4>} : tensor<f32>
  }
  tailor.kernel @s kind(single) (%x: tensor<4x4xf32>) -> tensor<f32> {
    %y = tailor.reduce_sum %x dims([0, 1]) : tensor<4x4xf32> to tensor<f32>
    tailor.yield %y : tensor<f32>
  }
}
}

// -----

// The artifact holds the constants as bytes.
module attributes {tailor.phase = "planned"} {
// expected-error@+1 {{reserves 1152921504606846976 bytes for constants, but they end at 0}}
tailor.program @constants attributes {memory = {arena = 0 : i64, constant = 1152921504606846976 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 0 : i64, slot = 0 : i64, state = 0 : i64}} {
}
}

// -----

// Temporaries of a launch: none is an error, as is one that is too small, elsewhere or outside.
module attributes {tailor.phase = "planned"} {
tailor.program @temporaries attributes {memory = {arena = 384 : i64, constant = 0 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 0 : i64, slot = 64 : i64, state = 64 : i64}} {
  tailor.entry @value kind(eval) batch(4) {
    %x = tailor.input "numeric" {buffers = [#tailor.buffer<arena, 0, 64>], source = #tailor.buffer<slot, 0, 64>} : tensor<4x4xf32>
    // expected-error@+1 {{has places for 0 temporaries but its kernel needs 2}}
    %y = tailor.launch @k(%x) buffers([#tailor.buffer<arena, 64, 64>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    tailor.output "y", %y {place = #tailor.buffer<arena, 64, 64>} : tensor<4x4xf32>
  }
  tailor.kernel @k kind(map) (%x: tensor<4x4xf32>) -> tensor<4x4xf32>
      attributes {temporaries = [#tailor.temporary<"partial sums", 64>, #tailor.temporary<"transformed weights", 128>]} {
    %y = tailor.exp %x : tensor<4x4xf32>
    tailor.yield %y : tensor<4x4xf32>
  }
}
}

// -----

// Too small.
module attributes {tailor.phase = "planned"} {
tailor.program @temporaries attributes {memory = {arena = 384 : i64, constant = 0 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 0 : i64, slot = 64 : i64, state = 64 : i64}} {
  tailor.entry @value kind(eval) batch(4) {
    %x = tailor.input "numeric" {buffers = [#tailor.buffer<arena, 0, 64>], source = #tailor.buffer<slot, 0, 64>} : tensor<4x4xf32>
    // expected-error@+1 {{place of 64 bytes for 128 bytes of transformed weights}}
    %y = tailor.launch @k(%x) buffers([#tailor.buffer<arena, 64, 64>]) temporaries([#tailor.buffer<arena, 128, 64>, #tailor.buffer<arena, 192, 64>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    tailor.output "y", %y {place = #tailor.buffer<arena, 64, 64>} : tensor<4x4xf32>
  }
  tailor.kernel @k kind(map) (%x: tensor<4x4xf32>) -> tensor<4x4xf32>
      attributes {temporaries = [#tailor.temporary<"partial sums", 64>, #tailor.temporary<"transformed weights", 128>]} {
    %y = tailor.exp %x : tensor<4x4xf32>
    tailor.yield %y : tensor<4x4xf32>
  }
}
}

// -----

// In the states.
module attributes {tailor.phase = "planned"} {
tailor.program @temporaries attributes {memory = {arena = 384 : i64, constant = 0 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 0 : i64, slot = 64 : i64, state = 64 : i64}} {
  tailor.entry @value kind(eval) batch(4) {
    %x = tailor.input "numeric" {buffers = [#tailor.buffer<arena, 0, 64>], source = #tailor.buffer<slot, 0, 64>} : tensor<4x4xf32>
    // expected-error@+1 {{has its partial sums at #tailor.buffer<state, 0, 64>, but temporaries lie in the arena}}
    %y = tailor.launch @k(%x) buffers([#tailor.buffer<arena, 64, 64>]) temporaries([#tailor.buffer<state, 0, 64>, #tailor.buffer<arena, 256, 128>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    tailor.output "y", %y {place = #tailor.buffer<arena, 64, 64>} : tensor<4x4xf32>
  }
  tailor.kernel @k kind(map) (%x: tensor<4x4xf32>) -> tensor<4x4xf32>
      attributes {temporaries = [#tailor.temporary<"partial sums", 64>, #tailor.temporary<"transformed weights", 128>]} {
    %y = tailor.exp %x : tensor<4x4xf32>
    tailor.yield %y : tensor<4x4xf32>
  }
}
}

// -----

// Outside the arena.
module attributes {tailor.phase = "planned"} {
tailor.program @temporaries attributes {memory = {arena = 384 : i64, constant = 0 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 0 : i64, slot = 64 : i64, state = 64 : i64}} {
  tailor.entry @value kind(eval) batch(4) {
    %x = tailor.input "numeric" {buffers = [#tailor.buffer<arena, 0, 64>], source = #tailor.buffer<slot, 0, 64>} : tensor<4x4xf32>
    // expected-error@+1 {{place #tailor.buffer<arena, 320, 128> is outside its space of 384 bytes}}
    %y = tailor.launch @k(%x) buffers([#tailor.buffer<arena, 64, 64>]) temporaries([#tailor.buffer<arena, 128, 64>, #tailor.buffer<arena, 320, 128>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    tailor.output "y", %y {place = #tailor.buffer<arena, 64, 64>} : tensor<4x4xf32>
  }
  tailor.kernel @k kind(map) (%x: tensor<4x4xf32>) -> tensor<4x4xf32>
      attributes {temporaries = [#tailor.temporary<"partial sums", 64>, #tailor.temporary<"transformed weights", 128>]} {
    %y = tailor.exp %x : tensor<4x4xf32>
    tailor.yield %y : tensor<4x4xf32>
  }
}
}

// -----

// Over an operand.
module attributes {tailor.phase = "planned"} {
tailor.program @temporaries attributes {memory = {arena = 384 : i64, constant = 0 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 0 : i64, slot = 64 : i64, state = 64 : i64}} {
  tailor.entry @value kind(eval) batch(4) {
    %x = tailor.input "numeric" {buffers = [#tailor.buffer<arena, 0, 64>], source = #tailor.buffer<slot, 0, 64>} : tensor<4x4xf32>
    // expected-error@+1 {{writes temporary 0 (partial sums) over operand 0, which it still reads}}
    %y = tailor.launch @k(%x) buffers([#tailor.buffer<arena, 64, 64>]) temporaries([#tailor.buffer<arena, 0, 64>, #tailor.buffer<arena, 256, 128>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    tailor.output "y", %y {place = #tailor.buffer<arena, 64, 64>} : tensor<4x4xf32>
  }
  tailor.kernel @k kind(map) (%x: tensor<4x4xf32>) -> tensor<4x4xf32>
      attributes {temporaries = [#tailor.temporary<"partial sums", 64>, #tailor.temporary<"transformed weights", 128>]} {
    %y = tailor.exp %x : tensor<4x4xf32>
    tailor.yield %y : tensor<4x4xf32>
  }
}
}

// -----

// Over a result.
module attributes {tailor.phase = "planned"} {
tailor.program @temporaries attributes {memory = {arena = 384 : i64, constant = 0 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 0 : i64, slot = 64 : i64, state = 64 : i64}} {
  tailor.entry @value kind(eval) batch(4) {
    %x = tailor.input "numeric" {buffers = [#tailor.buffer<arena, 0, 64>], source = #tailor.buffer<slot, 0, 64>} : tensor<4x4xf32>
    // expected-note@+2 {{the other one}}
    // expected-error@+1 {{temporary 1 (transformed weights) at #tailor.buffer<arena, 64, 128> shares memory with result 0}}
    %y = tailor.launch @k(%x) buffers([#tailor.buffer<arena, 64, 64>]) temporaries([#tailor.buffer<arena, 256, 64>, #tailor.buffer<arena, 64, 128>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    tailor.output "y", %y {place = #tailor.buffer<arena, 64, 64>} : tensor<4x4xf32>
  }
  tailor.kernel @k kind(map) (%x: tensor<4x4xf32>) -> tensor<4x4xf32>
      attributes {temporaries = [#tailor.temporary<"partial sums", 64>, #tailor.temporary<"transformed weights", 128>]} {
    %y = tailor.exp %x : tensor<4x4xf32>
    tailor.yield %y : tensor<4x4xf32>
  }
}
}

// -----

// Over each other.
module attributes {tailor.phase = "planned"} {
tailor.program @temporaries attributes {memory = {arena = 384 : i64, constant = 0 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 0 : i64, slot = 64 : i64, state = 64 : i64}} {
  tailor.entry @value kind(eval) batch(4) {
    %x = tailor.input "numeric" {buffers = [#tailor.buffer<arena, 0, 64>], source = #tailor.buffer<slot, 0, 64>} : tensor<4x4xf32>
    // expected-note@+2 {{the other one}}
    // expected-error@+1 {{temporary 0 (partial sums) at #tailor.buffer<arena, 192, 64> shares memory with temporary 1 (transformed weights) at #tailor.buffer<arena, 128, 128>}}
    %y = tailor.launch @k(%x) buffers([#tailor.buffer<arena, 64, 64>]) temporaries([#tailor.buffer<arena, 192, 64>, #tailor.buffer<arena, 128, 128>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    tailor.output "y", %y {place = #tailor.buffer<arena, 64, 64>} : tensor<4x4xf32>
  }
  tailor.kernel @k kind(map) (%x: tensor<4x4xf32>) -> tensor<4x4xf32>
      attributes {temporaries = [#tailor.temporary<"partial sums", 64>, #tailor.temporary<"transformed weights", 128>]} {
    %y = tailor.exp %x : tensor<4x4xf32>
    tailor.yield %y : tensor<4x4xf32>
  }
}
}

// -----

// Over a value that is read later.
module attributes {tailor.phase = "planned"} {
tailor.program @temporaries attributes {memory = {arena = 384 : i64, constant = 0 : i64, control = 0 : i64, control_host = 0 : i64, metrics = 0 : i64, slot = 64 : i64, state = 64 : i64}} {
  tailor.entry @value kind(eval) batch(4) {
    %x = tailor.input "numeric" {buffers = [#tailor.buffer<arena, 0, 64>], source = #tailor.buffer<slot, 0, 64>} : tensor<4x4xf32>
    // expected-note@+1 {{the value is made here}}
    %a = tailor.launch @k(%x) buffers([#tailor.buffer<arena, 64, 64>]) temporaries([#tailor.buffer<arena, 128, 64>, #tailor.buffer<arena, 256, 128>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %b = tailor.launch @k(%x) buffers([#tailor.buffer<arena, 128, 64>]) temporaries([#tailor.buffer<arena, 64, 64>, #tailor.buffer<arena, 256, 128>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    // expected-error@+1 {{reads a value whose memory was reused before}}
    %c = tailor.launch @k(%a) buffers([#tailor.buffer<arena, 0, 64>]) temporaries([#tailor.buffer<arena, 192, 64>, #tailor.buffer<arena, 256, 128>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    tailor.output "y", %c {place = #tailor.buffer<arena, 0, 64>} : tensor<4x4xf32>
  }
  tailor.kernel @k kind(map) (%x: tensor<4x4xf32>) -> tensor<4x4xf32>
      attributes {temporaries = [#tailor.temporary<"partial sums", 64>, #tailor.temporary<"transformed weights", 128>]} {
    %y = tailor.exp %x : tensor<4x4xf32>
    tailor.yield %y : tensor<4x4xf32>
  }
}
}
