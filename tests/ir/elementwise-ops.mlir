// RUN: tailor-opt %s | tailor-opt | FileCheck %s
// RUN: tailor-opt %s --mlir-print-op-generic | tailor-opt | FileCheck %s

// CHECK-LABEL: func.func @unary
func.func @unary(%x: tensor<4x3xf32>, %i: tensor<4xi32>, %m: tensor<4xi1>) {
  // CHECK-NEXT: tailor.neg %arg0 : tensor<4x3xf32>
  %0 = tailor.neg %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.neg %arg1 : tensor<4xi32>
  %1 = tailor.neg %i : tensor<4xi32>
  // CHECK-NEXT: tailor.abs %arg0 : tensor<4x3xf32>
  %2 = tailor.abs %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.sign %arg0 : tensor<4x3xf32>
  %3 = tailor.sign %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.exp %arg0 {op_id = 3 : i64, vjp_of = 2 : i64} : tensor<4x3xf32>
  %4 = tailor.exp %x {op_id = 3 : i64, vjp_of = 2 : i64} : tensor<4x3xf32>
  // CHECK-NEXT: tailor.expm1
  %5 = tailor.expm1 %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.log %
  %6 = tailor.log %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.log1p
  %7 = tailor.log1p %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.sqrt
  %8 = tailor.sqrt %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.rsqrt
  %9 = tailor.rsqrt %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.reciprocal
  %10 = tailor.reciprocal %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.square %arg1 : tensor<4xi32>
  %11 = tailor.square %i : tensor<4xi32>
  // CHECK-NEXT: tailor.tanh
  %12 = tailor.tanh %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.sigmoid
  %13 = tailor.sigmoid %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.erf
  %14 = tailor.erf %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.sin
  %15 = tailor.sin %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.cos
  %16 = tailor.cos %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.relu
  %17 = tailor.relu %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.silu
  %18 = tailor.silu %x : tensor<4x3xf32>
  // The default form is not printed.
  // CHECK-NEXT: tailor.gelu %arg0 : tensor<4x3xf32>
  %19 = tailor.gelu %x form(erf) : tensor<4x3xf32>
  // CHECK-NEXT: tailor.gelu %arg0 form(tanh) : tensor<4x3xf32>
  %20 = tailor.gelu %x form(tanh) : tensor<4x3xf32>
  // CHECK-NEXT: tailor.logical_not %arg2 : tensor<4xi1>
  %21 = tailor.logical_not %m : tensor<4xi1>
  // CHECK-NEXT: %[[FINITE:.+]] = tailor.is_finite %arg0 : tensor<4x3xf32>
  %22 = tailor.is_finite %x : tensor<4x3xf32>
  // CHECK-NEXT: tailor.logical_not %[[FINITE]] : tensor<4x3xi1>
  %23 = tailor.logical_not %22 : tensor<4x3xi1>
  return
}

// CHECK-LABEL: func.func @binary
func.func @binary(%a: tensor<4xbf16>, %b: tensor<4xbf16>, %i: tensor<4xi64>, %m: tensor<4xi1>) {
  // CHECK-NEXT: tailor.add %arg0, %arg1 : tensor<4xbf16>
  %0 = tailor.add %a, %b : tensor<4xbf16>
  // CHECK-NEXT: tailor.sub
  %1 = tailor.sub %a, %b : tensor<4xbf16>
  // CHECK-NEXT: tailor.mul
  %2 = tailor.mul %a, %b : tensor<4xbf16>
  // CHECK-NEXT: tailor.div %arg2, %arg2 : tensor<4xi64>
  %3 = tailor.div %i, %i : tensor<4xi64>
  // CHECK-NEXT: tailor.max
  %4 = tailor.max %a, %b : tensor<4xbf16>
  // CHECK-NEXT: tailor.min
  %5 = tailor.min %a, %b : tensor<4xbf16>
  // CHECK-NEXT: tailor.pow
  %6 = tailor.pow %a, %b : tensor<4xbf16>
  // CHECK-NEXT: %[[M:.+]] = tailor.compare %arg0 le %arg1 : tensor<4xbf16>
  %7 = tailor.compare %a le %b : tensor<4xbf16>
  // CHECK-NEXT: tailor.logical_and %[[M]], %arg3 : tensor<4xi1>
  %8 = tailor.logical_and %7, %m : tensor<4xi1>
  // CHECK-NEXT: tailor.logical_or
  %9 = tailor.logical_or %8, %m : tensor<4xi1>
  // CHECK-NEXT: tailor.where %arg3, %arg0, %arg1 : tensor<4xi1>, tensor<4xbf16>
  %10 = tailor.where %m, %a, %b : tensor<4xi1>, tensor<4xbf16>
  // CHECK-NEXT: tailor.cast %arg0 : tensor<4xbf16> to tensor<4xf32>
  %11 = tailor.cast %a : tensor<4xbf16> to tensor<4xf32>
  // CHECK-NEXT: tailor.clamp %{{.+}} from -1.000000e+00 to 2.500000e+00 : tensor<4xf32>
  %12 = tailor.clamp %11 from -1.0 to 2.5 : tensor<4xf32>
  // CHECK-NEXT: tailor.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf64>
  %13 = tailor.constant dense<[1.0, 2.0]> : tensor<2xf64>
  return
}
