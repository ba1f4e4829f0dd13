// The commands of a step in their order, with what they come to; as JSON, one object a command.
// RUN: tailor compile %s --target cpu:x86-64-v3 -o %t.tailor
// RUN: tailor inspect %t.tailor --graph | FileCheck %s
// RUN: tailor inspect %t.tailor --graph --json | FileCheck %s --check-prefix=JSON
// RUN: tailor compile %s --target cuda:sm_90 -o %t.gpu.tailor
// RUN: tailor inspect %t.gpu.tailor --graph | FileCheck %s --check-prefix=GPU
// CHECK:      {{^floors: .* as one core of the reference machine \(Zen 4\) reaches$}}
// CHECK:      {{^eval, batch 8: 4 commands, 0.000192 MFLOP, 528 B moved, floors 0.00 us$}}
// CHECK-NEXT: {{^  1 begin_step, 1 read_slot, 1 gemm, 1 finish_step$}}
// CHECK-NEXT: {{^ +chunks +MFLOP +moved +floor us +command$}}
// CHECK-NEXT: {{^ +0 +- +0 +0 B +0.00  begin_step$}}
// CHECK-NEXT: {{^ +1 +- +0 +256 B +0.00  read_slot$}}
// CHECK-NEXT: {{^ +2 +1 chunk +0.000192 +272 B +0.00  gemm_8x4x3_[0-9a-f]+  net.py:4:1$}}
// CHECK-NEXT: {{^ +3 +- +0 +0 B +0.00  finish_step$}}
// JSON: {"entry":"eval","batch":8,"commands":[{"kind":"begin_step","kernel":""
// JSON-SAME: "kernel":"gemm_8x4x3_{{[0-9a-f]+}}","family":"gemm","blocks":0,"threads":0,"chunks":1
// JSON-SAME: "lines":["net.py:4:1"]
// GPU: {{^ +blocks x threads +MFLOP +moved +floor us +command$}}
// GPU: {{^ +2 +1 x 256 .* gemm_8x4x3_[0-9a-f]+  net.py:4:1$}}
tailor.program @net {
  tailor.control { tailor.control_field @slot : tensor<i32> writer(host) }
  tailor.state_group @net kind(net) { tailor.state @"fc.weight" : tensor<3x4xf32> init(uniform(0.1)) }
  tailor.entry @eval kind(eval) batch(8) {
    %x = tailor.input "numeric" : tensor<8x4xf32>
    %w = tailor.load @net::@"fc.weight" : tensor<3x4xf32>
    %z = tailor.dot %x, %w contract([1] x [1]) {op_id = 1 : i64} : (tensor<8x4xf32>, tensor<3x4xf32>) -> tensor<8x3xf32> loc("net.py":4:1)
    tailor.output "logits", %z : tensor<8x3xf32>
  }
}
