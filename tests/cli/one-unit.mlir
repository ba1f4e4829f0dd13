// A kernel that one thread runs alone says so at its line, with its bytes and why; one too small to matter does not.
// RUN: tailor compile %s --target cpu:x86-64-v3 --explain -o %t.tailor | FileCheck %s
// CHECK: one-unit.mlir:[[# @LINE + 6]]:{{[0-9]+}}: missed [emit-kernels] kernel '{{[^']*}}' runs on one thread, 2097152 bytes a launch: its results do not keep dimension 0 as their rows
// CHECK-NOT: emit-kernels
tailor.program @rolls {
  tailor.control { tailor.control_field @slot : tensor<i32> writer(host) }
  tailor.entry @large kind(eval) batch(4096) {
    %x = tailor.input "numeric" : tensor<4096x64xf32>
    %y = tailor.roll %x shift(3) dim(0) : tensor<4096x64xf32>
    tailor.output "logits", %y : tensor<4096x64xf32>
  }
  tailor.entry @small kind(predict) batch(8) {
    %x = tailor.input "numeric" : tensor<8x64xf32>
    %y = tailor.roll %x shift(3) dim(0) : tensor<8x64xf32>
    tailor.output "logits", %y : tensor<8x64xf32>
  }
}
