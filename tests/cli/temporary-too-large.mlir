// Temporaries are sized from the shapes of a program that anybody may write: one that cannot be is refused at its line.
// RUN: not tailor compile %s --emit kernels --target cpu:x86-64-v3 2>&1 | FileCheck %s
// CHECK: temporary-too-large.mlir:[[# @LINE + 5]]:{{[0-9]+}}: error: kernel 'slice_conv2d_weight_grad_{{[^']*}}' needs memory for partial sums: temporary expects a size from 1 to 4398046511104 bytes, got 8796093022208
tailor.program @p {
  tailor.control { tailor.control_field @slot : tensor<i32> writer(host) }
  tailor.entry @e kind(eval) batch(67108864) {
    %x = tailor.input "image" : tensor<67108864x1x1x1024xf32>
    %dy = tailor.slice %x from([0, 0, 0, 0]) to([67108864, 1, 1, 512]) by([1, 1, 1, 1]) : tensor<67108864x1x1x1024xf32> to tensor<67108864x1x1x512xf32>
    %dw = tailor.conv2d_weight_grad %x, %dy strides([1, 1]) padding([0, 0, 0, 0]) dilation([1, 1]) groups(1) : (tensor<67108864x1x1x1024xf32>, tensor<67108864x1x1x512xf32>) -> tensor<512x1024x1x1xf32>
    tailor.output "logits", %dw : tensor<512x1024x1x1xf32>
  }
}
