// The convolutions of a step by layer, in its order: how each is computed and what went into its loads and stores.
// RUN: tailor compile %s --target cpu:x86-64-v3 -o %t.tailor
// RUN: tailor profile %t.tailor --entry eval --steps 2 --layers | FileCheck %s
// RUN: not tailor profile %t.tailor --entry eval --layers --json 2>&1 | FileCheck %s --check-prefix=BOTH
// CHECK:      {{^ +us +share +GFLOP/s +product +algorithm +layer +fused into it$}}
// CHECK-NEXT: {{^ +[0-9.]+ +[0-9.]+% +[0-9]+ +forward +winograd_4x4 +conv1 +-$}}
// CHECK-NEXT: {{^ +[0-9.]+ +[0-9.]+% +[0-9]+ +forward +implicit_gemm +block\.conv2 +relu in the loads, neg in the stores$}}
// CHECK:      {{^ +[0-9.]+ +[0-9.]+% +2 convolutions$}}
// CHECK-NEXT: {{^ +[0-9.]+ +[0-9.]+% +all other commands$}}
// BOTH: --layers excludes --json
tailor.program @net {
  tailor.control { tailor.control_field @slot : tensor<i32> writer(host) }
  tailor.state_group @net kind(net) {
    tailor.state @"conv1.weight" : tensor<32x32x3x3xf32> init(uniform(0.1))
    tailor.state @"block.conv2.weight" : tensor<32x32x3x3xf32> init(uniform(0.1))
  }
  tailor.entry @eval kind(eval) batch(8) {
    %x = tailor.input "image" : tensor<8x16x16x32xf32>
    %v = tailor.load @net::@"conv1.weight" : tensor<32x32x3x3xf32>
    %w = tailor.load @net::@"block.conv2.weight" : tensor<32x32x3x3xf32>
    %y = tailor.conv2d %x, %v strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) {op_id = 1 : i64} : (tensor<8x16x16x32xf32>, tensor<32x32x3x3xf32>) -> tensor<8x16x16x32xf32>
    tailor.output "before", %y : tensor<8x16x16x32xf32>
    %a = tailor.relu %y {op_id = 2 : i64} : tensor<8x16x16x32xf32>
    %z = tailor.conv2d %a, %w strides([2, 2]) padding([1, 1, 1, 1]) dilation([1, 1]) {op_id = 3 : i64} : (tensor<8x16x16x32xf32>, tensor<32x32x3x3xf32>) -> tensor<8x8x8x32xf32>
    %n = tailor.neg %z {op_id = 4 : i64} : tensor<8x8x8x32xf32>
    tailor.output "logits", %n : tensor<8x8x8x32xf32>
  }
}
