// RUN: tailor-opt %s | FileCheck %s --check-prefixes=CHECK,FOLD
// CHECK: module
