// RUN: tailor-opt %s --tailor-assign-precision | FileCheck %s
// RUN: tailor-opt %s --tailor-assign-precision=precision=bf16 | FileCheck %s --check-prefix=BF16
// RUN: tailor-opt %s --tailor-assign-precision=precision=bf16 --remarks-filter=tailor --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=WIDE
// RUN: tailor-opt %s --tailor-assign-precision="precision=bf16 narrow-products=true" | FileCheck %s --check-prefix=NARROW
// RUN: tailor-opt %s --tailor-assign-precision=precision=tf32 | FileCheck %s --check-prefix=TF32 --implicit-check-not=bf16
// RUN: not tailor-opt %s --tailor-assign-precision=precision=f16 2>&1 | FileCheck %s --check-prefix=F16
// RUN: sed -n '/^\/\/ EXACT/s/.*EXACT //p' %s | not tailor-opt --tailor-assign-precision 2>&1 | FileCheck %s --check-prefix=F64

// F16: precision 'f16' is not supported; it is f32, tf32 or bf16
// EXACT tailor.program @p { tailor.body @f(%x: tensor<4xf64>) -> tensor<4xf64> {
// EXACT   %e = tailor.exp %x : tensor<4xf64>
// EXACT   tailor.return %e : tensor<4xf64> } }
// F64: 'tailor.exp' op has a result of type 'tensor<4xf64>', but programs are compiled from f32
// CHECK-NOT: bf16
tailor.program @p {
  tailor.state_group @net kind(net) trainable {
    tailor.state @w : tensor<9x5xf32> init(uniform(0.5))
    tailor.state @v : tensor<5x3xf32> init(uniform(0.5))
    tailor.state @n : tensor<8x8x3x3xf32> init(uniform(0.5))
  }
  // Two layers: the hidden layer is stored in bf16, and so are copies of both weights; the gradient of a weight, a sum, is
  // not, nor is the state.
  // BF16-LABEL: tailor.entry @train_step
  // BF16: %[[X:.+]] = tailor.input "numeric" : tensor<4x9xf32>
  // BF16: %[[W:.+]] = tailor.load @net::@w : tensor<9x5xf32>
  // BF16: %[[WS:.+]] = tailor.cast %[[W]] : tensor<9x5xf32> to tensor<9x5xbf16>
  // BF16: %[[V:.+]] = tailor.load @net::@v : tensor<5x3xf32>
  // BF16: %[[VS:.+]] = tailor.cast %[[V]] : tensor<5x3xf32> to tensor<5x3xbf16>
  // BF16: tailor.fused gemm ({{.*}} = %[[X]] : tensor<4x9xf32>, {{.*}} = %[[WS]] : tensor<9x5xbf16>) -> tensor<4x5xbf16>
  // BF16-NEXT: %[[IN:.+]] = tailor.cast %{{.+}} : tensor<9x5xbf16> to tensor<9x5xf32>
  // BF16-NEXT: tailor.dot %{{.+}}, %[[IN]]
  // BF16-NEXT: tailor.relu
  // BF16-NEXT: tailor.cast %{{.+}} : tensor<4x5xf32> to tensor<4x5xbf16>
  // BF16: tailor.fused gemm ({{.*}} : tensor<4x5xbf16>, {{.*}} = %[[VS]] : tensor<5x3xbf16>) -> tensor<4x3xbf16>
  // BF16: tailor.fused gemm ({{.*}} : tensor<4x5xbf16>, {{.*}}) -> tensor<5x3xf32>
  // BF16: tailor.sgd_update
  // BF16: tailor.store %{{.+}}, @net::@v : tensor<5x3xf32>
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) value(0.1) }
  tailor.entry @train_step kind(step) batch(4) {
    %x = tailor.input "numeric" : tensor<4x9xf32>
    %w = tailor.load @net::@w : tensor<9x5xf32>
    %v = tailor.load @net::@v : tensor<5x3xf32>
    %lr = tailor.control_read @lr : tensor<f32>
    %h = tailor.fused gemm (%a = %x : tensor<4x9xf32>, %b = %w : tensor<9x5xf32>) -> tensor<4x5xf32> {
      %d = tailor.dot %a, %b contract([1] x [0]) : (tensor<4x9xf32>, tensor<9x5xf32>) -> tensor<4x5xf32>
      %r = tailor.relu %d : tensor<4x5xf32>
      tailor.yield %r : tensor<4x5xf32>
    }
    %z = tailor.dot %h, %v contract([1] x [0]) : (tensor<4x5xf32>, tensor<5x3xf32>) -> tensor<4x3xf32>
    %g = tailor.dot %h, %z contract([0] x [0]) : (tensor<4x5xf32>, tensor<4x3xf32>) -> tensor<5x3xf32>
    %zero = tailor.constant dense<0.0> : tensor<f32>
    %n = tailor.sgd_update params(%v) grads(%g) lr(%lr) weight_decay(%zero) decayed([true])
      : (tensor<5x3xf32>, tensor<5x3xf32>, tensor<f32>, tensor<f32>) -> (tensor<5x3xf32>)
    tailor.store %n, @net::@v : tensor<5x3xf32>
    tailor.yield
  }
  // Features are rounded for the head and widened for who reads them; logits, which no product reads, stay exact.
  // BF16-LABEL: tailor.entry @predict
  // BF16: %[[F:.+]] = tailor.fused map {{.*}} -> tensor<4x5xbf16>
  // BF16: %[[OUT:.+]] = tailor.cast %[[F]] : tensor<4x5xbf16> to tensor<4x5xf32>
  // BF16-NEXT: tailor.output "features", %[[OUT]] : tensor<4x5xf32>
  // BF16: %[[Z:.+]] = tailor.fused gemm ({{.*}} = %[[F]] : tensor<4x5xbf16>, {{.*}}) -> tensor<4x3xf32>
  // BF16: tailor.output "logits", %[[Z]] : tensor<4x3xf32>
  tailor.entry @predict kind(predict) batch(4) {
    %x = tailor.input "numeric" : tensor<4x5xf32>
    %v = tailor.load @net::@v : tensor<5x3xf32>
    %f = tailor.tanh %x : tensor<4x5xf32>
    tailor.output "features", %f : tensor<4x5xf32>
    %z = tailor.dot %f, %v contract([1] x [0]) : (tensor<4x5xf32>, tensor<5x3xf32>) -> tensor<4x3xf32>
    tailor.output "logits", %z : tensor<4x3xf32>
    tailor.yield
  }
  // A loss sees the logits that an evaluation sees, and its gradient is as exact.
  // BF16-LABEL: tailor.entry @loss_step
  // BF16: tailor.fused gemm ({{.*}} : tensor<4x5xbf16>, {{.*}} : tensor<5x3xbf16>) -> tensor<4x3xf32>
  // BF16: tailor.fused rows ({{.*}} : tensor<4x3xf32>, {{.*}}) -> (tensor<f32>, tensor<4x3xf32>)
  // BF16: tailor.fused gemm ({{.*}} : tensor<4x3xf32>, {{.*}} : tensor<5x3xbf16>) -> tensor<4x5xbf16>
  tailor.entry @loss_step kind(step) batch(4) {
    %x = tailor.input "numeric" : tensor<4x5xf32>
    %y = tailor.input "label" : tensor<4xi32>
    %v = tailor.load @net::@v : tensor<5x3xf32>
    %one = tailor.constant dense<1.0> : tensor<f32>
    %h = tailor.tanh %x : tensor<4x5xf32>
    %z = tailor.dot %h, %v contract([1] x [0]) : (tensor<4x5xf32>, tensor<5x3xf32>) -> tensor<4x3xf32>
    %l, %g = tailor.softmax_cross_entropy_with_grad %one, %z, %y : tensor<4xi32> reduction(batch_mean) : (tensor<f32>, tensor<4x3xf32>) -> (tensor<f32>, tensor<4x3xf32>)
    %b = tailor.dot %g, %v contract([1] x [1]) : (tensor<4x3xf32>, tensor<5x3xf32>) -> tensor<4x5xf32>
    %t = tailor.tanh %b : tensor<4x5xf32>
    %s = tailor.reduce_sum %t dims([0, 1]) : tensor<4x5xf32> to tensor<f32>
    tailor.report "loss", %l : tensor<f32>
    tailor.report "s", %s : tensor<f32>
    tailor.yield
  }
  // What no group takes stays f32, and that is said.
  // WIDE: 'pooled' keeps 1024 bytes in f32 that max_pool2d makes or reads: it has no bf16
  tailor.entry @pooled kind(eval) batch(2) {
    %x = tailor.input "image" : tensor<2x4x4x8xf32>
    %r = tailor.relu %x : tensor<2x4x4x8xf32>
    %p = tailor.max_pool2d %r window([2, 2]) strides([2, 2]) padding([0, 0, 0, 0]) : (tensor<2x4x4x8xf32>) -> tensor<2x2x2x8xf32>
    tailor.output "p", %p : tensor<2x2x2x8xf32>
    tailor.yield
  }
  // What is computed for a product stays f32, or is rounded as if it had been stored, but not beside what comes of f32 alone. With tf32
  // both operands of every product are rounded, inside the group or in one of its own.
  // BF16-LABEL: tailor.entry @computed
  // BF16: %[[R:.+]] = tailor.relu
  // BF16-NEXT: tailor.conv2d %[[R]],
  // NARROW-LABEL: tailor.entry @computed
  // NARROW: tailor.fused convolution
  // NARROW: %[[R:.+]] = tailor.relu
  // NARROW-NEXT: %[[S:.+]] = tailor.cast %[[R]] : tensor<2x4x4x8xf32> to tensor<2x4x4x8xbf16>
  // NARROW-NEXT: %[[N:.+]] = tailor.cast %[[S]] : tensor<2x4x4x8xbf16> to tensor<2x4x4x8xf32>
  // NARROW-NEXT: tailor.conv2d %[[N]], %{{.+}} strides
  // NARROW: tailor.fused convolution
  // NARROW: %[[X:.+]] = tailor.neg
  // NARROW-NEXT: tailor.conv2d %[[X]],
  // TF32-LABEL: tailor.entry @computed
  // TF32: tailor.fused convolution
  // TF32: %[[R:.+]] = tailor.relu
  // TF32-NEXT: %[[T:.+]] = tailor.round_tf32 %[[R]] : tensor<2x4x4x8xf32>
  // TF32-NEXT: %[[U:.+]] = tailor.round_tf32 %{{.+}} : tensor<8x8x3x3xf32>
  // TF32-NEXT: tailor.conv2d %[[T]], %[[U]]
  // TF32: tailor.fused gemm
  // TF32-NEXT: tailor.round_tf32
  // TF32-NEXT: tailor.round_tf32
  // TF32-NEXT: tailor.dot
  tailor.entry @computed kind(eval) batch(2) {
    %x = tailor.input "image" : tensor<2x4x4x8xf32>
    %v = tailor.load @net::@v : tensor<5x3xf32>
    %n = tailor.load @net::@n : tensor<8x8x3x3xf32>
    %h = tailor.tanh %x : tensor<2x4x4x8xf32>
    %y = tailor.fused convolution (%a = %h : tensor<2x4x4x8xf32>, %b = %n : tensor<8x8x3x3xf32>) -> tensor<2x4x4x8xf32> {
      %r = tailor.relu %a : tensor<2x4x4x8xf32>
      %c = tailor.conv2d %r, %b strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<2x4x4x8xf32>, tensor<8x8x3x3xf32>) -> tensor<2x4x4x8xf32>
      tailor.yield %c : tensor<2x4x4x8xf32>
    }
    %z = tailor.fused convolution (%a = %x : tensor<2x4x4x8xf32>, %b = %n : tensor<8x8x3x3xf32>) -> tensor<2x4x4x8xf32> {
      %m = tailor.neg %a : tensor<2x4x4x8xf32>
      %c = tailor.conv2d %m, %b strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<2x4x4x8xf32>, tensor<8x8x3x3xf32>) -> tensor<2x4x4x8xf32>
      tailor.yield %c : tensor<2x4x4x8xf32>
    }
    %f = tailor.input "numeric" : tensor<2x5xf32>
    %d = tailor.dot %f, %v contract([1] x [0]) : (tensor<2x5xf32>, tensor<5x3xf32>) -> tensor<2x3xf32>
    tailor.output "y", %y : tensor<2x4x4x8xf32>
    tailor.output "z", %z : tensor<2x4x4x8xf32>
    tailor.output "d", %d : tensor<2x3xf32>
    tailor.yield
  }
}
