// RUN: tailor-opt %s | FileCheck %s
// CHECK-LABEL: func.func @f
// CHEKC: tailor.add
// CHECK-NXET: return
// CHECK-NEXT return
// CHECK : tailor.sub
