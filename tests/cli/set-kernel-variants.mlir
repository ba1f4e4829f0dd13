// Entries for several batch sizes number their ops alike, and a program may record other layers in each: a weight gradient
// answers to the layer of its own entry, and the record of a number names all that it stands for.
// RUN: tailor compile %s --from differentiated --target cpu:x86-64-v3 --explain --set-kernel 'second/conv2d_weight_grad=implicit_gemm' -o %t.tailor | FileCheck %s --check-prefix=CHOSEN
// CHOSEN: asked for by --set-kernel second/conv2d_weight_grad=implicit_gemm
// RUN: tailor inspect %t.tailor --ir planned | FileCheck %s --check-prefix=IR
// IR:     tailor.kernel @conv2d_weight_grad{{.*}}8x16x16x16
// IR:     tailor.conv2d_weight_grad {{.*}}algorithm_by = "--set-kernel second/
tailor.program @net {
  tailor.control { tailor.control_field @slot : tensor<i32> writer(host) }
  tailor.state_group @net kind(net) { tailor.state @first.weight : tensor<16x16x3x3xf32> init(uniform(0.1)) tailor.state @second.weight : tensor<32x16x3x3xf32> init(uniform(0.1)) }
  tailor.entry @eval_b4 kind(eval) batch(4) {
    %x = tailor.input "image" : tensor<4x16x16x16xf32>
    %w = tailor.load @net::@first.weight : tensor<16x16x3x3xf32>
    %y = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) {op_id = 1 : i64} : (tensor<4x16x16x16xf32>, tensor<16x16x3x3xf32>) -> tensor<4x16x16x16xf32>
    %g = tailor.conv2d_weight_grad %x, %y strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) {op_id = 2 : i64, vjp_of = 1 : i64} : (tensor<4x16x16x16xf32>, tensor<4x16x16x16xf32>) -> tensor<16x16x3x3xf32>
    tailor.output "logits", %g : tensor<16x16x3x3xf32>
  }
  tailor.entry @eval_b8 kind(eval) batch(8) {
    %x = tailor.input "image" : tensor<8x16x16x16xf32>
    %w = tailor.load @net::@second.weight : tensor<32x16x3x3xf32>
    %y = tailor.conv2d %x, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) {op_id = 1 : i64} : (tensor<8x16x16x16xf32>, tensor<32x16x3x3xf32>) -> tensor<8x16x16x32xf32>
    %g = tailor.conv2d_weight_grad %x, %y strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) {op_id = 2 : i64, vjp_of = 1 : i64} : (tensor<8x16x16x16xf32>, tensor<8x16x16x32xf32>) -> tensor<32x16x3x3xf32>
    tailor.output "logits", %g : tensor<32x16x3x3xf32>
  }
}
