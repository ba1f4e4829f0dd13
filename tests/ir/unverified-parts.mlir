// RUN: tailor-opt %s --split-input-file --verify-diagnostics

// Text in generic form reaches a verifier before its neighbours were verified: no verifier takes them for sound.

"tailor.program"() <{sym_name = "p"}> ({
  // expected-error @+1 {{expects a non-empty block}}
  "tailor.entry"() <{sym_name = "e", kind = #tailor<entry_kind step>, batch = 4 : i64}> ({
  ^bb0:
  }) : () -> ()
}) : () -> ()

// -----

"tailor.program"() <{sym_name = "p"}> ({
  "tailor.entry"() <{sym_name = "e", kind = #tailor<entry_kind step>, batch = 4 : i64}> ({
    // expected-error @+1 {{result #0 must be ranked tensor}}
    %0 = "tailor.input"() <{input = "numeric"}> : () -> i32
    "tailor.yield"() : () -> ()
  }) : () -> ()
}) : () -> ()

// -----

"tailor.program"() <{sym_name = "p"}> ({
  "tailor.entry"() <{sym_name = "e", kind = #tailor<entry_kind step>, batch = 4 : i64}> ({
    // expected-error @+1 {{op requires one result}}
    "tailor.input"() <{input = "numeric"}> : () -> ()
    "tailor.yield"() : () -> ()
  }) : () -> ()
}) : () -> ()

// -----

"tailor.program"() <{sym_name = "p"}> ({
  "tailor.stage_plan"() ({
    "tailor.stage"() <{sym_name = "main", entry = @e}> : () -> ()
  }) : () -> ()
  // expected-error @+1 {{requires attribute 'kind'}}
  "tailor.entry"() ({
    "tailor.yield"() : () -> ()
  }) : () -> ()
}) : () -> ()

// -----

"tailor.program"() <{sym_name = "p"}> ({
  "tailor.state_group"() <{sym_name = "a", kind = #tailor<group_kind net>}> ({
    "tailor.state"() <{sym_name = "x", type = tensor<4xf32>, init = #tailor.init<copy_of(@b::@y)>}> : () -> ()
  }) : () -> ()
  "tailor.state_group"() <{sym_name = "b", kind = #tailor<group_kind net>}> ({
    // expected-error @+1 {{requires attribute 'type'}}
    "tailor.state"() <{sym_name = "y", init = #tailor.init<zeros>}> : () -> ()
  }) : () -> ()
}) : () -> ()

// -----

tailor.program @p {
  // expected-error @+1 {{takes and gives ranked tensors, got 'i32'}}
  tailor.kernel @k kind(map) (%x: i32) -> tensor<f32> {
    %c = tailor.constant dense<0.0> : tensor<f32>
    tailor.yield %c : tensor<f32>
  }
  tailor.entry @e kind(step) batch(4) {
    %c = tailor.constant dense<0.0> : tensor<f32>
    %y = tailor.launch @k(%c) : (tensor<f32>) -> tensor<f32>
  }
}

// -----

tailor.program @p {
  // expected-error @+1 {{expects a name for every argument}}
  tailor.body @f(tensor<f32>) -> tensor<f32> {
  }
}
