// --set-kernel sets the algorithm of convolutions by layer, op, line or kernel; the remark says who chose, the ops of the
// artifact carry it.
// RUN: tailor compile %s --target cpu:x86-64-v3 --explain --set-kernel 'layer*=implicit_gemm' --set-kernel 'layer2.*=winograd_2x2' -o %t.tailor | FileCheck %s --check-prefix=LAYERS
// LAYERS: by implicit_gemm: asked for by --set-kernel layer*=implicit_gemm; the choice is winograd_4x4: rejected
// LAYERS: by winograd_2x2: asked for by --set-kernel layer2.*=winograd_2x2; the choice is winograd_4x4: rejected
// LAYERS: by implicit_gemm: rejected winograd_4x4_stride_2
// RUN: tailor inspect %t.tailor --ir planned | FileCheck %s --check-prefix=IR
// IR-DAG: tailor.conv2d {{.*}}algorithm = "implicit_gemm", algorithm_by = "--set-kernel layer*=implicit_gemm"
// IR-DAG: tailor.conv2d {{.*}}algorithm = "winograd_2x2"
// RUN: tailor compile %s --target cpu:x86-64-v3 --explain --set-kernel 'layer2.0.conv1/conv2d=implicit_gemm' | FileCheck %s --check-prefix=ONE
// ONE: by winograd_4x4: rejected
// ONE: by implicit_gemm: asked for by --set-kernel layer2.0.conv1/conv2d=implicit_gemm
// RUN: tailor compile %s --target cpu:x86-64-v3 --explain --set-kernel '*set-kernel.mlir:%(line+26)=implicit_gemm' | FileCheck %s --check-prefix=LINE
// LINE: by implicit_gemm: asked for by --set-kernel *set-kernel.mlir:{{[0-9]+}}=implicit_gemm
// LINE: by winograd_4x4: rejected
// RUN: tailor compile %s --target cpu:x86-64-v3 --explain --set-kernel 'conv2d_8x16x16x32_*=winograd_2x2' | FileCheck %s --check-prefix=KERNEL
// KERNEL: by winograd_2x2: asked for by --set-kernel conv2d_8x16x16x32_*=winograd_2x2

// RUN: not tailor compile %s --target cpu:x86-64-v3 --set-kernel 'head=winograd_4x4' 2>&1 | FileCheck %s --check-prefix=CANNOT
// CANNOT: set-kernel.mlir:[[# @LINE + 21]]:{{[0-9]+}}: error: 'tailor.conv2d' op cannot be computed by winograd_4x4 (--set-kernel head=winograd_4x4): its stride is 2 x 2, not 1; it can be by implicit_gemm
// RUN: not tailor compile %s --target cpu:x86-64-v3 --set-kernel 'layr1.*=implicit_gemm' 2>&1 | FileCheck %s --check-prefix=NOTHING
// NOTHING: error: --set-kernel layr1.*=implicit_gemm: no convolution has a name like 'layr1.*'
// NOTHING: hint: layers are layer1.0.conv1, layer2.0.conv1, head; LAYER/conv2d_weight_grad, FILE:LINE and the kernels
// RUN: not tailor compile %s --set-kernel 'layer1.*=fast' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: --set-kernel layer1.*=fast: there is no algorithm 'fast'
// UNKNOWN: hint: target '{{.*}}' has implicit_gemm, winograd_4x4, winograd_2x2, winograd_4x4_stride_2, depthwise, grouped
// RUN: not tailor compile %s --target reference --set-kernel 'layer1.*=implicit_gemm' 2>&1 | FileCheck %s --check-prefix=REFERENCE
// REFERENCE: error: --set-kernel layer1.*=implicit_gemm: target 'reference' has no kernels to choose
// RUN: not tailor compile %s --set-kernel implicit_gemm 2>&1 | FileCheck %s --check-prefix=FORM
// FORM: error: --set-kernel takes PATTERN=ALGORITHM, not 'implicit_gemm'
tailor.program @net {
  tailor.control { tailor.control_field @slot : tensor<i32> writer(host) }
  tailor.state_group @net kind(net) { tailor.state @layer1.0.conv1.weight : tensor<32x32x3x3xf32> init(uniform(0.1)) tailor.state @layer2.0.conv1.weight : tensor<32x32x3x3xf32> init(uniform(0.1)) tailor.state @head.weight : tensor<32x32x3x3xf32> init(uniform(0.1)) }
  tailor.entry @eval kind(eval) batch(8) {
    %x = tailor.input "image" : tensor<8x16x16x32xf32>
    %w1 = tailor.load @net::@layer1.0.conv1.weight : tensor<32x32x3x3xf32>
    %w2 = tailor.load @net::@layer2.0.conv1.weight : tensor<32x32x3x3xf32>
    %w3 = tailor.load @net::@head.weight : tensor<32x32x3x3xf32>
    %a = tailor.conv2d %x, %w1 strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x16x16x32xf32>, tensor<32x32x3x3xf32>) -> tensor<8x16x16x32xf32>
    %b = tailor.conv2d %a, %w2 strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x16x16x32xf32>, tensor<32x32x3x3xf32>) -> tensor<8x16x16x32xf32>
    %y = tailor.conv2d %b, %w3 strides([2, 2]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<8x16x16x32xf32>, tensor<32x32x3x3xf32>) -> tensor<8x8x8x32xf32>
    tailor.output "logits", %y : tensor<8x8x8x32xf32>
  }
}
// A GPU has algorithms of its own, and refuses those of a CPU in a text that says them.
// RUN: not tailor compile %s --target cuda:sm_90 --set-kernel 'layer1.*=winograd_2x2' 2>&1 | FileCheck %s --check-prefix=GPU
// GPU: error: --set-kernel layer1.*=winograd_2x2: there is no algorithm 'winograd_2x2'
// GPU-NEXT: hint: target 'cuda:sm_90' has implicit_gemm, cudnn
// RUN: tailor compile %s --target cuda:sm_90 --set-kernel '*=implicit_gemm' -o %t.gpu.tailor
// RUN: tailor compile %s --target cpu:x86-64-v3 --set-kernel 'layer2.*=winograd_2x2' --emit kernels > %t.kernels.mlir
// RUN: not tailor compile %t.kernels.mlir --from kernels --target cuda:sm_90 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: error: 'tailor.conv2d' op asks for the unknown algorithm 'winograd_2x2'; it can be computed by implicit_gemm, cudnn
