// RUN: tailor-opt %s --split-input-file --tailor-form-kernels | FileCheck %s
// RUN: tailor-opt %s --split-input-file --tailor-form-kernels=trivial=true | FileCheck %s --check-prefix=TRIVIAL

// A group and an op that stayed alone become kernels; equal groups share one, whatever their op ids; a launch keeps the
// ids. Kernels say nothing of where they came from.
// CHECK-LABEL: tailor.program @two_layers
// CHECK:         tailor.entry @value
// CHECK:           %[[X:.+]] = tailor.input
// CHECK:           %[[A:.+]] = tailor.launch @[[GEMM:gemm_8x4x4_[0-9a-f]+]](%[[X]], %{{.+}}) ops([3, 4])
// CHECK:           %[[B:.+]] = tailor.launch @[[GEMM]](%[[A]], %{{.+}}) ops([5, 6])
// CHECK:           %[[C:.+]] = tailor.launch @[[EXP:map_8x4_[0-9a-f]+]](%[[B]]) ops([7])
// CHECK:           tailor.output "y", %[[C]]
// CHECK:         tailor.kernel @[[GEMM]] kind(gemm)
// CHECK-NOT:       op_id
// CHECK:           tailor.dot
// CHECK-NEXT:      tailor.relu
// CHECK-NEXT:      tailor.yield
// CHECK:         tailor.kernel @[[EXP]] kind(map)
// CHECK-NEXT:      tailor.exp
// CHECK-NOT:     tailor.kernel

// Off: one op a kernel.
// TRIVIAL-LABEL: tailor.program @two_layers
// TRIVIAL-NOT:     tailor.fused
// TRIVIAL-COUNT-5: tailor.launch
// TRIVIAL-NOT:     tailor.launch
// TRIVIAL:         tailor.kernel
tailor.program @two_layers {
  tailor.state_group @net kind(net) {
    tailor.state @w0 : tensor<4x4xf32> init(zeros)
    tailor.state @w1 : tensor<4x4xf32> init(zeros)
  }
  tailor.entry @value kind(eval) batch(8) {
    %x = tailor.input "numeric" : tensor<8x4xf32>
    %w0 = tailor.load @net::@w0 : tensor<4x4xf32>
    %w1 = tailor.load @net::@w1 : tensor<4x4xf32>
    %a = tailor.fused gemm (%i = %x : tensor<8x4xf32>, %w = %w0 : tensor<4x4xf32>) -> tensor<8x4xf32> {
      %z = tailor.dot %i, %w contract([1] x [0]) {op_id = 3 : i64} : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
      %r = tailor.relu %z {op_id = 4 : i64} : tensor<8x4xf32>
      tailor.yield %r : tensor<8x4xf32>
    }
    %b = tailor.fused gemm (%i = %a : tensor<8x4xf32>, %w = %w1 : tensor<4x4xf32>) -> tensor<8x4xf32> {
      %z = tailor.dot %i, %w contract([1] x [0]) {op_id = 5 : i64} : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
      %r = tailor.relu %z {op_id = 6 : i64} : tensor<8x4xf32>
      tailor.yield %r : tensor<8x4xf32>
    }
    %c = tailor.exp %b {op_id = 7 : i64} : tensor<8x4xf32>
    tailor.output "y", %c : tensor<8x4xf32>
  }
}

// -----

// The name comes from the structure: the same group in another program, between other ops, has the same name.
// CHECK-LABEL: tailor.program @one
// CHECK:         tailor.launch @[[SAME:map_6_[0-9a-f]+]](
// CHECK-LABEL: tailor.program @other
// CHECK:         tailor.launch @[[SAME]](
tailor.program @one {
  tailor.entry @value kind(eval) batch(6) {
    %x = tailor.input "numeric" : tensor<6x1xf32>
    %v = tailor.reshape %x : tensor<6x1xf32> to tensor<6xf32>
    %y = tailor.tanh %v {op_id = 1 : i64} : tensor<6xf32>
    tailor.output "y", %y : tensor<6xf32>
  }
}
tailor.program @other {
  tailor.entry @value kind(eval) batch(6) {
    %x = tailor.input "numeric" : tensor<6x1xf32>
    %e = tailor.exp %x {op_id = 8 : i64} : tensor<6x1xf32>
    %v = tailor.reshape %e : tensor<6x1xf32> to tensor<6xf32>
    %y = tailor.tanh %v {op_id = 9 : i64} : tensor<6xf32>
    tailor.output "y", %y : tensor<6xf32>
  }
}

// -----

// What nobody reads is not computed, and not returned by the kernel.
// CHECK-LABEL: tailor.program @unread
// CHECK:         %{{.+}} = tailor.launch @{{.+}} -> tensor<4xf32>
// CHECK-NOT:     tailor.launch
// CHECK:         tailor.kernel {{.+}} -> tensor<4xf32>
tailor.program @unread {
  tailor.entry @value kind(eval) batch(4) {
    %x = tailor.input "numeric" : tensor<4x2xf32>
    %dead = tailor.exp %x : tensor<4x2xf32>
    %s, %e = tailor.fused rows (%i = %x : tensor<4x2xf32>) -> (tensor<4xf32>, tensor<4x2xf32>) {
      %p = tailor.exp %i : tensor<4x2xf32>
      %r = tailor.reduce_sum %p dims([1]) : tensor<4x2xf32> to tensor<4xf32>
      tailor.yield %r, %p : tensor<4xf32>, tensor<4x2xf32>
    }
    tailor.output "s", %s : tensor<4xf32>
  }
}

// -----

// A table is an operand of the kernel, one number everywhere a part of its code.
// CHECK-LABEL: tailor.program @tables
// CHECK:         %[[T:.+]] = tailor.constant dense<[1.000000e+00, 2.000000e+00
// CHECK:         tailor.launch @{{.+}}(%{{.+}}, %[[T]])
// CHECK:       tailor.kernel
// CHECK-NOT:     dense<[
// CHECK:         tailor.constant dense<5.000000e-01>
tailor.program @tables {
  tailor.entry @value kind(eval) batch(8) {
    %x = tailor.input "numeric" : tensor<8x3xf32>
    %y = tailor.fused map (%a = %x : tensor<8x3xf32>) -> tensor<8x3xf32> {
      %t = tailor.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
      %tt = tailor.broadcast %t dims([1]) : tensor<3xf32> to tensor<8x3xf32>
      %h = tailor.constant dense<0.5> : tensor<8x3xf32>
      %m = tailor.mul %a, %tt : tensor<8x3xf32>
      %r = tailor.add %m, %h : tensor<8x3xf32>
      tailor.yield %r : tensor<8x3xf32>
    }
    tailor.output "y", %y : tensor<8x3xf32>
  }
}
