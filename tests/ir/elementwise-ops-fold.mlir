// RUN: tailor-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @neutral
// CHECK-SAME:    %[[X:.+]]: tensor<4xf32>, %[[I:.+]]: tensor<4xi32>
// CHECK-NEXT:    return %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[I]]
func.func @neutral(%x: tensor<4xf32>, %i: tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi32>) {
  %zero = tailor.constant dense<0.0> : tensor<4xf32>
  %one = tailor.constant dense<1.0> : tensor<4xf32>
  %ione = tailor.constant dense<1> : tensor<4xi32>
  %0 = tailor.add %zero, %x : tensor<4xf32>
  %1 = tailor.sub %x, %zero : tensor<4xf32>
  %2 = tailor.mul %one, %x : tensor<4xf32>
  %3 = tailor.div %x, %one : tensor<4xf32>
  %4 = tailor.pow %x, %one : tensor<4xf32>
  %5 = tailor.mul %i, %ione : tensor<4xi32>
  return %0, %1, %2, %3, %4, %5 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi32>
}

// 0 - x, x * 0 (NaN, infinity) and exp(log x) are not x.
// CHECK-LABEL: func.func @kept
// CHECK:         tailor.sub
// CHECK:         tailor.mul
// CHECK:         tailor.log
// CHECK:         tailor.exp
func.func @kept(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %zero = tailor.constant dense<0.0> : tensor<4xf32>
  %0 = tailor.sub %zero, %x : tensor<4xf32>
  %1 = tailor.mul %x, %zero : tensor<4xf32>
  %2 = tailor.log %x : tensor<4xf32>
  %3 = tailor.exp %2 : tensor<4xf32>
  return %0, %1, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @twice
// CHECK-SAME:    %[[X:.+]]: tensor<4xf32>, %[[M:.+]]: tensor<4xi1>
// CHECK-DAG:     %[[ABS:.+]] = tailor.abs %[[X]]
// CHECK-DAG:     %[[RELU:.+]] = tailor.relu %[[X]]
// CHECK-DAG:     %[[CLAMP:.+]] = tailor.clamp %[[X]]
// CHECK:         return %[[X]], %[[ABS]], %[[RELU]], %[[M]], %[[CLAMP]], %[[X]], %[[X]]
func.func @twice(%x: tensor<4xf32>, %m: tensor<4xi1>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi1>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = tailor.neg %x : tensor<4xf32>
  %1 = tailor.neg %0 : tensor<4xf32>
  %2 = tailor.abs %x : tensor<4xf32>
  %3 = tailor.abs %2 : tensor<4xf32>
  %4 = tailor.relu %x : tensor<4xf32>
  %5 = tailor.relu %4 : tensor<4xf32>
  %6 = tailor.logical_not %m : tensor<4xi1>
  %7 = tailor.logical_not %6 : tensor<4xi1>
  %8 = tailor.clamp %x from 0.0 to 1.0 : tensor<4xf32>
  %9 = tailor.clamp %8 from 0.0 to 1.0 : tensor<4xf32>
  %10 = tailor.max %x, %x : tensor<4xf32>
  %11 = tailor.min %x, %x : tensor<4xf32>
  return %1, %3, %5, %7, %9, %10, %11 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi1>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @square
// CHECK-NEXT:    tailor.square
// CHECK-NEXT:    return
func.func @square(%x: tensor<4xf32>) -> tensor<4xf32> {
  %two = tailor.constant dense<2.0> : tensor<4xf32>
  %0 = tailor.pow %x, %two : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @where
// CHECK-SAME:    %[[A:.+]]: tensor<4xf32>, %[[B:.+]]: tensor<4xf32>, %[[M:.+]]: tensor<4xi1>
// CHECK-NEXT:    return %[[A]], %[[B]], %[[A]], %[[M]], %[[M]]
func.func @where(%a: tensor<4xf32>, %b: tensor<4xf32>, %m: tensor<4xi1>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi1>, tensor<4xi1>) {
  %true = tailor.constant dense<true> : tensor<4xi1>
  %false = tailor.constant dense<false> : tensor<4xi1>
  %0 = tailor.where %true, %a, %b : tensor<4xi1>, tensor<4xf32>
  %1 = tailor.where %false, %a, %b : tensor<4xi1>, tensor<4xf32>
  %2 = tailor.where %m, %a, %a : tensor<4xi1>, tensor<4xf32>
  %3 = tailor.logical_and %m, %true : tensor<4xi1>
  %4 = tailor.logical_or %false, %m : tensor<4xi1>
  return %0, %1, %2, %3, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi1>, tensor<4xi1>
}

// f32 to f64 and back loses nothing; f32 to bf16 and back does.
// CHECK-LABEL: func.func @cast
// CHECK-SAME:    %[[X:.+]]: tensor<4xf32>
// CHECK-NEXT:    %[[NARROW:.+]] = tailor.cast %[[X]] : tensor<4xf32> to tensor<4xbf16>
// CHECK-NEXT:    %[[BACK:.+]] = tailor.cast %[[NARROW]] : tensor<4xbf16> to tensor<4xf32>
// CHECK-NEXT:    return %[[X]], %[[X]], %[[BACK]]
func.func @cast(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = tailor.cast %x : tensor<4xf32> to tensor<4xf32>
  %1 = tailor.cast %x : tensor<4xf32> to tensor<4xf64>
  %2 = tailor.cast %1 : tensor<4xf64> to tensor<4xf32>
  %3 = tailor.cast %x : tensor<4xf32> to tensor<4xbf16>
  %4 = tailor.cast %3 : tensor<4xbf16> to tensor<4xf32>
  return %0, %2, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @constants
// CHECK-DAG:     %[[A:.+]] = tailor.constant dense<[4.000000e+00, 6.000000e+00]> : tensor<2xf32>
// CHECK-DAG:     %[[B:.+]] = tailor.constant dense<-5.000000e-01> : tensor<2xf32>
// CHECK-DAG:     %[[C:.+]] = tailor.constant dense<3.000000e+00> : tensor<f64>
// CHECK-DAG:     %[[D:.+]] = tailor.constant dense<[2, -3]> : tensor<2xi32>
// CHECK:         return %[[A]], %[[B]], %[[C]], %[[D]]
func.func @constants() -> (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<2xi32>) {
  %x = tailor.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = tailor.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %h = tailor.constant dense<2.0> : tensor<2xf32>
  %n = tailor.constant dense<9.0> : tensor<f64>
  %i = tailor.constant dense<[-2, 3]> : tensor<2xi32>
  %0 = tailor.add %x, %y : tensor<2xf32>
  %1 = tailor.reciprocal %h : tensor<2xf32>
  %2 = tailor.neg %1 : tensor<2xf32>
  %3 = tailor.sqrt %n : tensor<f64>
  %4 = tailor.neg %i : tensor<2xi32>
  return %0, %2, %3, %4 : tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<2xi32>
}

// CHECK-LABEL: func.func @stop_gradient
// CHECK-SAME:    %[[X:.+]]: tensor<4xf32>
// CHECK-NEXT:    %[[S:.+]] = tailor.stop_gradient %[[X]]
// CHECK-NEXT:    return %[[S]]
func.func @stop_gradient(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = tailor.stop_gradient %x : tensor<4xf32>
  %1 = tailor.stop_gradient %0 : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// What replaces an op answers for it.
// CHECK-LABEL: func.func @origin
// CHECK:         tailor.square %{{.+}} {op_id = 7 : i64, vjp_of = 3 : i64}
func.func @origin(%x: tensor<4xf32>) -> tensor<4xf32> {
  %two = tailor.constant dense<2.0> : tensor<4xf32>
  %0 = tailor.pow %x, %two {op_id = 7 : i64, vjp_of = 3 : i64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}
