// RUN: tailor-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @identity
// CHECK-SAME:    %[[X:.+]]: tensor<4x6xf32>
// CHECK-NEXT:    return %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[X]]
func.func @identity(%x: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>) {
  %0 = tailor.broadcast %x dims([0, 1]) : tensor<4x6xf32> to tensor<4x6xf32>
  %1 = tailor.reshape %x : tensor<4x6xf32> to tensor<4x6xf32>
  %2 = tailor.transpose %x permutation([0, 1]) : tensor<4x6xf32> to tensor<4x6xf32>
  %3 = tailor.slice %x from([0, 0]) to([4, 6]) by([1, 1]) : tensor<4x6xf32> to tensor<4x6xf32>
  %4 = tailor.pad %x low([0, 0]) high([0, 0]) interior([0, 0]) : tensor<4x6xf32> to tensor<4x6xf32>
  %5 = tailor.concat %x dim(0) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %6 = tailor.roll %x shift(-12) dim(1) : tensor<4x6xf32>
  return %0, %1, %2, %3, %4, %5, %6 : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>
}

// A broadcast of a broadcast keeps track of where its dimensions end up.
// CHECK-LABEL: func.func @broadcast_of_broadcast
// CHECK-SAME:    %[[V:.+]]: tensor<6xf32>
// CHECK-NEXT:    %[[R:.+]] = tailor.broadcast %[[V]] dims([2]) : tensor<6xf32> to tensor<2x4x6xf32>
// CHECK-NEXT:    return %[[R]]
func.func @broadcast_of_broadcast(%v: tensor<6xf32>) -> tensor<2x4x6xf32> {
  %0 = tailor.broadcast %v dims([1]) : tensor<6xf32> to tensor<4x6xf32>
  %1 = tailor.broadcast %0 dims([1, 2]) : tensor<4x6xf32> to tensor<2x4x6xf32>
  return %1 : tensor<2x4x6xf32>
}

// Dimensions of size 1 that a reshape adds are the broadcast's as well.
// CHECK-LABEL: func.func @broadcast_of_expanded
// CHECK-SAME:    %[[V:.+]]: tensor<6xf32>, %[[X:.+]]: tensor<4x6xf32>
// CHECK-DAG:     %[[R:.+]] = tailor.broadcast %[[V]] dims([1]) : tensor<6xf32> to tensor<4x6xf32>
// CHECK-DAG:     %[[C:.+]] = tailor.broadcast %[[V]] dims([0]) : tensor<6xf32> to tensor<6x4xf32>
// CHECK-DAG:     %[[F:.+]] = tailor.reshape %[[X]] : tensor<4x6xf32> to tensor<24x1xf32>
// CHECK-DAG:     %[[G:.+]] = tailor.broadcast %[[F]] dims([0, 1])
// CHECK:         return %[[R]], %[[C]], %[[G]]
func.func @broadcast_of_expanded(%v: tensor<6xf32>, %x: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<6x4xf32>, tensor<24x2xf32>) {
  %row = tailor.reshape %v : tensor<6xf32> to tensor<1x6xf32>
  %0 = tailor.broadcast %row dims([0, 1]) : tensor<1x6xf32> to tensor<4x6xf32>
  %column = tailor.reshape %v : tensor<6xf32> to tensor<6x1xf32>
  %1 = tailor.broadcast %column dims([0, 1]) : tensor<6x1xf32> to tensor<6x4xf32>
  %flat = tailor.reshape %x : tensor<4x6xf32> to tensor<24x1xf32>
  %2 = tailor.broadcast %flat dims([0, 1]) : tensor<24x1xf32> to tensor<24x2xf32>
  return %0, %1, %2 : tensor<4x6xf32>, tensor<6x4xf32>, tensor<24x2xf32>
}

// CHECK-LABEL: func.func @reshape_of_reshape
// CHECK-SAME:    %[[X:.+]]: tensor<4x6xf32>
// CHECK-NEXT:    %[[R:.+]] = tailor.reshape %[[X]] : tensor<4x6xf32> to tensor<3x8xf32>
// CHECK-NEXT:    return %[[R]], %[[X]]
func.func @reshape_of_reshape(%x: tensor<4x6xf32>) -> (tensor<3x8xf32>, tensor<4x6xf32>) {
  %0 = tailor.reshape %x : tensor<4x6xf32> to tensor<24xf32>
  %1 = tailor.reshape %0 : tensor<24xf32> to tensor<3x8xf32>
  %2 = tailor.reshape %0 : tensor<24xf32> to tensor<4x6xf32>
  return %1, %2 : tensor<3x8xf32>, tensor<4x6xf32>
}

// [2, 0, 1] after [1, 2, 0] is the identity; after [2, 0, 1] it is [1, 2, 0].
// CHECK-LABEL: func.func @transpose_of_transpose
// CHECK-SAME:    %[[X:.+]]: tensor<2x3x4xf32>
// CHECK-NEXT:    %[[T:.+]] = tailor.transpose %[[X]] permutation([1, 2, 0]) : tensor<2x3x4xf32> to tensor<3x4x2xf32>
// CHECK-NEXT:    return %[[X]], %[[T]]
func.func @transpose_of_transpose(%x: tensor<2x3x4xf32>) -> (tensor<2x3x4xf32>, tensor<3x4x2xf32>) {
  %0 = tailor.transpose %x permutation([1, 2, 0]) : tensor<2x3x4xf32> to tensor<3x4x2xf32>
  %1 = tailor.transpose %0 permutation([2, 0, 1]) : tensor<3x4x2xf32> to tensor<2x3x4xf32>
  %2 = tailor.transpose %x permutation([2, 0, 1]) : tensor<2x3x4xf32> to tensor<4x2x3xf32>
  %3 = tailor.transpose %2 permutation([2, 0, 1]) : tensor<4x2x3xf32> to tensor<3x4x2xf32>
  return %1, %3 : tensor<2x3x4xf32>, tensor<3x4x2xf32>
}

// CHECK-LABEL: func.func @constants
// CHECK-DAG:     %[[A:.+]] = tailor.constant dense<5.000000e-01> : tensor<2x3xf32>
// CHECK-DAG:     %[[B:.+]] = tailor.constant dense<{{\[}}[1.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>
// CHECK:         return %[[A]], %[[B]]
func.func @constants() -> (tensor<2x3xf32>, tensor<1x2xf32>) {
  %half = tailor.constant dense<0.5> : tensor<3xf32>
  %pair = tailor.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = tailor.broadcast %half dims([1]) : tensor<3xf32> to tensor<2x3xf32>
  %1 = tailor.reshape %pair : tensor<2xf32> to tensor<1x2xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<1x2xf32>
}

// CHECK-LABEL: func.func @origin
// CHECK:         tailor.broadcast %{{.+}} dims([1]) {op_id = 5 : i64} : tensor<4xf32> to tensor<2x4x3xf32>
func.func @origin(%x: tensor<4xf32>) -> tensor<2x4x3xf32> {
  %0 = tailor.broadcast %x dims([0]) {op_id = 4 : i64} : tensor<4xf32> to tensor<4x3xf32>
  %1 = tailor.broadcast %0 dims([1, 2]) {op_id = 5 : i64} : tensor<4x3xf32> to tensor<2x4x3xf32>
  return %1 : tensor<2x4x3xf32>
}

// A constant has a static shape; one that does not stays an op.
// CHECK-LABEL: func.func @dynamic
// CHECK:         tailor.reshape
func.func @dynamic() -> tensor<?x2xf32> {
  %c = tailor.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %r = tailor.reshape %c : tensor<4xf32> to tensor<?x2xf32>
  return %r : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @roll_nothing
// CHECK-NEXT:    return
func.func @roll_nothing(%x: tensor<0x5xf32>) -> tensor<0x5xf32> {
  %r = tailor.roll %x shift(3) dim(0) : tensor<0x5xf32>
  return %r : tensor<0x5xf32>
}
