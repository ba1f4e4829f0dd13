// RUN: tailor-opt %s --tailor-assign-precision | FileCheck %s
// RUN: not tailor-opt %s --tailor-assign-precision=precision=bf16 2>&1 | FileCheck %s --check-prefix=BF16
// RUN: sed 's/f32/f64/g' %s | not tailor-opt --tailor-assign-precision 2>&1 | FileCheck %s --check-prefix=F64

// BF16: precision 'bf16' is not supported; every target computes in f32
// F64: 'tailor.exp' op has a result of type 'tensor<4xf64>', but the program is compiled with precision f32
// CHECK-LABEL: tailor.body @f
// CHECK-NEXT:    tailor.exp %{{.+}} : tensor<4xf32>
tailor.program @p {
  tailor.body @f(%x: tensor<4xf32>) -> tensor<4xf32> {
    %e = tailor.exp %x : tensor<4xf32>
    tailor.return %e : tensor<4xf32>
  }
}
