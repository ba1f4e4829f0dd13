// RUN: tailor-opt %s --split-input-file --tailor-split-batch-norm | FileCheck %s

// Training: statistics, vectors, a map. The rows that count are an operand of both halves.
// CHECK-LABEL: tailor.body @train
// CHECK-SAME:    %[[X:[^:]+]]: tensor<4x3x3x8xf32>, %[[SCALE:[^:]+]]: tensor<8xf32>, %[[BIAS:[^:]+]]: tensor<8xf32>, %[[N:[^:]+]]: tensor<i32>
// CHECK-NEXT:    %[[MEAN:.+]], %[[VAR:.+]] = tailor.batch_norm_statistics %[[X]] valid(%[[N]]) {op_id = 7 : i64}
// CHECK:         %[[SHIFTED:.+]] = tailor.add %[[VAR]], %{{.+}} {op_id = 7 : i64}
// CHECK-NEXT:    %[[INV:.+]] = tailor.rsqrt %[[SHIFTED]]
// CHECK-NEXT:    %[[FACTOR:.+]] = tailor.mul %[[INV]], %[[SCALE]]
// CHECK-NEXT:    %[[Y:.+]] = tailor.batch_norm_apply %[[X]], %[[MEAN]], %[[FACTOR]], %[[BIAS]] valid(%[[N]])
// CHECK-NEXT:    tailor.return %[[Y]], %[[MEAN]], %[[INV]], %[[VAR]]
tailor.program @p {
  tailor.body @train(%x: tensor<4x3x3x8xf32>, %scale: tensor<8xf32>, %bias: tensor<8xf32>, %n: tensor<i32>) -> (tensor<4x3x3x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
    %y, %mean, %inv, %var = tailor.batch_norm_train %x, %scale, %bias valid(%n) epsilon(1.0e-5) {op_id = 7 : i64} : (tensor<4x3x3x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<i32>) -> (tensor<4x3x3x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
    tailor.return %y, %mean, %inv, %var : tensor<4x3x3x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  }
}

// -----

// Forward and backward: one factor. Without `valid` M is a number: 4 * 9.
// CHECK-LABEL: tailor.body @backward
// CHECK:         %[[MEAN:.+]], %{{.+}} = tailor.batch_norm_statistics
// CHECK:         %[[INV:.+]] = tailor.rsqrt
// CHECK:         %[[FACTOR:.+]] = tailor.mul %[[INV]], %{{.+}} {op_id = 7 : i64}
// CHECK:         tailor.batch_norm_apply
// CHECK:         %[[DSCALE:.+]], %[[DBIAS:.+]] = tailor.batch_norm_grad_statistics %{{.+}}, %[[X:.+]], %[[MEAN]], %[[INV]] {vjp_of = 7 : i64}
// CHECK-NEXT:    %[[M:.+]] = tailor.constant {{.*}}dense<3.600000e+01>
// CHECK-NOT:     tailor.mul %[[INV]], %arg1
// CHECK:         tailor.batch_norm_grad_apply %{{.+}}, %[[X]], %[[MEAN]], %[[FACTOR]], %{{.+}}, %{{.+}} {vjp_of = 7 : i64}
tailor.program @p {
  tailor.body @backward(%x: tensor<4x3x3x8xf32>, %scale: tensor<8xf32>, %bias: tensor<8xf32>) -> (tensor<4x3x3x8xf32>, tensor<8xf32>, tensor<8xf32>) {
    %y, %mean, %inv, %var = tailor.batch_norm_train %x, %scale, %bias epsilon(1.0e-5) {op_id = 7 : i64} : (tensor<4x3x3x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x3x3x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
    %dx, %dscale, %dbias = tailor.batch_norm_grad %y, %x, %scale, %mean, %inv {vjp_of = 7 : i64} : (tensor<4x3x3x8xf32>, tensor<4x3x3x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x3x3x8xf32>, tensor<8xf32>, tensor<8xf32>)
    tailor.return %dx, %dscale, %dbias : tensor<4x3x3x8xf32>, tensor<8xf32>, tensor<8xf32>
  }
}

// -----

// M from the rows that count, at least 1 and at most all.
// CHECK-LABEL: tailor.body @counted
// CHECK-SAME:    %[[N:[^:]+]]: tensor<i32>
// CHECK:         %[[MOST:.+]] = tailor.min %[[N]], %{{.+}}
// CHECK:         %[[ROWS:.+]] = tailor.max %[[MOST]], %{{.+}}
// CHECK:         tailor.cast %[[ROWS]]
tailor.program @p {
  tailor.body @counted(%n: tensor<i32>, %dy: tensor<4x3x3x8xf32>, %x: tensor<4x3x3x8xf32>, %c: tensor<8xf32>) -> tensor<4x3x3x8xf32> {
    %dx, %dscale, %dbias = tailor.batch_norm_grad %dy, %x, %c, %c, %c valid(%n) : (tensor<4x3x3x8xf32>, tensor<4x3x3x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<i32>) -> (tensor<4x3x3x8xf32>, tensor<8xf32>, tensor<8xf32>)
    tailor.return %dx : tensor<4x3x3x8xf32>
  }
}

// -----

// Inference: the factor is made once, not per element.
// CHECK-LABEL: tailor.body @inference
// CHECK-NOT:     batch_norm_inference
// CHECK:         %[[STD:.+]] = tailor.sqrt
// CHECK-NEXT:    %[[FACTOR:.+]] = tailor.div %arg1, %[[STD]] : tensor<8xf32>
// CHECK-NEXT:    tailor.batch_norm_apply %arg0, %arg3, %[[FACTOR]], %arg2 :
tailor.program @p {
  tailor.body @inference(%arg0: tensor<4x5x8xf32>, %arg1: tensor<8xf32>, %arg2: tensor<8xf32>, %arg3: tensor<8xf32>, %arg4: tensor<8xf32>) -> tensor<4x5x8xf32> {
    %y = tailor.batch_norm_inference %arg0, %arg1, %arg2, %arg3, %arg4 epsilon(1.0e-5) : (tensor<4x5x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x5x8xf32>
    tailor.return %y : tensor<4x5x8xf32>
  }
}

// -----

// Not split: a matrix has columns, whose statistics and results are one kernel.
// CHECK-LABEL: tailor.body @matrix
// CHECK-NEXT:    tailor.batch_norm_inference
// CHECK-NEXT:    tailor.return
tailor.program @p {
  tailor.body @matrix(%x: tensor<4x8xf32>, %c: tensor<8xf32>) -> tensor<4x8xf32> {
    %y = tailor.batch_norm_inference %x, %c, %c, %c, %c epsilon(1.0e-5) : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
    tailor.return %y : tensor<4x8xf32>
  }
}

// -----

// Not split: vectors less precise than statistics.
// CHECK-LABEL: tailor.body @narrow
// CHECK:         tailor.batch_norm_train
tailor.program @p {
  tailor.body @narrow(%x: tensor<4x3x3x8xbf16>, %c: tensor<8xbf16>) -> tensor<4x3x3x8xbf16> {
    %y, %mean, %inv, %var = tailor.batch_norm_train %x, %c, %c epsilon(1.0e-5) : (tensor<4x3x3x8xbf16>, tensor<8xbf16>, tensor<8xbf16>) -> (tensor<4x3x3x8xbf16>, tensor<8xbf16>, tensor<8xbf16>, tensor<8xbf16>)
    tailor.return %y : tensor<4x3x3x8xbf16>
  }
}
