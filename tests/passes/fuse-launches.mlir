// RUN: tailor-opt %s --split-input-file --tailor-fuse-launches | FileCheck %s
// RUN: tailor-opt %s --split-input-file --tailor-fuse-launches --remarks-filter=tailor --remark-format=emitRemark \
// RUN:   2>&1 | FileCheck %s --check-prefix=REMARK

// What reads nothing of each other is one launch, at the place of the first; a value that two parts read is one operand. The
// view of an input moves in front; a part that reads what another makes begins the next launch.
// CHECK-LABEL: tailor.program @neighbours
// CHECK:         %[[X:.+]] = tailor.input
// CHECK:         %[[V:.+]] = tailor.reshape %[[X]]
// CHECK-NEXT:    %[[A:.+]]:3 = tailor.launch @[[FIRST:exp_and_2_more_[0-9a-f]+]](%[[X]], %[[V]]) ops([1, 2, 3]) : (tensor<8x4xf32>, tensor<32xf32>) -> (tensor<8x4xf32>, tensor<4xf32>, tensor<32xf32>)
// CHECK-NEXT:    %[[B:.+]]:2 = tailor.launch @[[SECOND:exp_and_1_more_[0-9a-f]+]](%[[A]]#0, %[[X]]) ops([4, 5])
// CHECK:         tailor.output "a", %[[B]]#0
// CHECK:         tailor.output "b", %[[A]]#1
// CHECK:         tailor.kernel @[[FIRST]] kind(horizontal) (%[[P:.+]]: tensor<8x4xf32>, %[[Q:.+]]: tensor<32xf32>) -> (tensor<8x4xf32>, tensor<4xf32>, tensor<32xf32>)
// CHECK-SAME:      grid = #tailor.grid<blocks = 6, threads = 256, resident = 8>
// CHECK-SAME:      temporaries = [#tailor.temporary<"shares", 64>]
// CHECK-NEXT:      tailor.part @exp(%[[P]])
// CHECK-NEXT:      tailor.part @total(%[[P]])
// CHECK-NEXT:      tailor.part @flat(%[[Q]])
// REMARK: [Passed] fuse-launches {{.*}}3 kernels that do not read each other's results in one launch: map, columns, map
tailor.program @neighbours {
  tailor.entry @value kind(eval) batch(8) {
    %x = tailor.input "numeric" : tensor<8x4xf32>
    %a = tailor.launch @exp(%x) ops([1]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %b = tailor.launch @total(%x) ops([2]) : (tensor<8x4xf32>) -> tensor<4xf32>
    %v = tailor.reshape %x : tensor<8x4xf32> to tensor<32xf32>
    %c = tailor.launch @flat(%v) ops([3]) : (tensor<32xf32>) -> tensor<32xf32>
    %d = tailor.launch @exp(%a) ops([4]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %e = tailor.launch @exp(%x) ops([5]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    tailor.output "a", %d : tensor<8x4xf32>
    tailor.output "b", %b : tensor<4xf32>
    tailor.output "c", %c : tensor<32xf32>
    tailor.output "e", %e : tensor<8x4xf32>
  }
  tailor.kernel @exp kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32>
      attributes {grid = #tailor.grid<blocks = 2, threads = 256, resident = 8>} {
    %y = tailor.exp %x : tensor<8x4xf32>
    tailor.yield %y : tensor<8x4xf32>
  }
  tailor.kernel @total kind(columns) (%x: tensor<8x4xf32>) -> tensor<4xf32>
      attributes {grid = #tailor.grid<blocks = 3, threads = 256, resident = 8>, temporaries = [#tailor.temporary<"shares", 64>]} {
    %y = tailor.reduce_sum %x dims([0]) : tensor<8x4xf32> to tensor<4xf32>
    tailor.yield %y : tensor<4xf32>
  }
  tailor.kernel @flat kind(map) (%x: tensor<32xf32>) -> tensor<32xf32>
      attributes {grid = #tailor.grid<blocks = 1, threads = 256, resident = 8>} {
    %y = tailor.neg %x : tensor<32xf32>
    tailor.yield %y : tensor<32xf32>
  }
}

// -----

// Apart stay: kernels without a grid (another target, calls of libraries), with other blocks, with other registers where
// not all blocks are resident with fewer, with all registers there are; equal kernels join whatever their blocks.
// CHECK-LABEL: tailor.program @apart
// CHECK:         tailor.launch @no_grid(
// CHECK-NEXT:    tailor.launch @small_blocks(
// CHECK-NEXT:    tailor.launch @few_registers(
// CHECK-NEXT:    tailor.launch @all_registers(
// CHECK-NEXT:    tailor.launch @many_registers_and_1_more_{{[0-9a-f]+}}(
// CHECK-NEXT:    tailor.output
// CHECK:         kind(horizontal)
// CHECK-SAME:      grid = #tailor.grid<blocks = 1000, threads = 256, resident = 3>
// CHECK-NOT:     kind(horizontal)
tailor.program @apart {
  tailor.entry @value kind(eval) batch(8) {
    %x = tailor.input "numeric" : tensor<8x4xf32>
    %a = tailor.launch @no_grid(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %b = tailor.launch @small_blocks(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %c = tailor.launch @few_registers(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %f = tailor.launch @all_registers(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %d = tailor.launch @many_registers(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %e = tailor.launch @many_registers(%c) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    tailor.output "a", %a : tensor<8x4xf32>
    tailor.output "b", %b : tensor<8x4xf32>
    tailor.output "d", %d : tensor<8x4xf32>
    tailor.output "f", %f : tensor<8x4xf32>
    tailor.output "e", %e : tensor<8x4xf32>
  }
  tailor.kernel @no_grid kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
    %y = tailor.exp %x : tensor<8x4xf32>
    tailor.yield %y : tensor<8x4xf32>
  }
  tailor.kernel @small_blocks kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32>
      attributes {grid = #tailor.grid<blocks = 1, threads = 32, resident = 8>} {
    %y = tailor.log %x : tensor<8x4xf32>
    tailor.yield %y : tensor<8x4xf32>
  }
  tailor.kernel @few_registers kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32>
      attributes {grid = #tailor.grid<blocks = 325, threads = 256, resident = 8>} {
    %y = tailor.neg %x : tensor<8x4xf32>
    tailor.yield %y : tensor<8x4xf32>
  }
  tailor.kernel @all_registers kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32>
      attributes {grid = #tailor.grid<blocks = 1, threads = 256, resident = 2>} {
    %y = tailor.relu %x : tensor<8x4xf32>
    tailor.yield %y : tensor<8x4xf32>
  }
  tailor.kernel @many_registers kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32>
      attributes {grid = #tailor.grid<blocks = 500, threads = 256, resident = 3>} {
    %y = tailor.sqrt %x : tensor<8x4xf32>
    tailor.yield %y : tensor<8x4xf32>
  }
}

// -----

// What a later part reads of a state is read in front of the launch, unless it was stored in between. A repeat has launches
// of its own.
// CHECK-LABEL: tailor.program @states
// CHECK:         %[[V:.+]] = tailor.load @net::@v
// CHECK-NEXT:    %[[A:.+]]:2 = tailor.launch @exp_and_1_more_{{[0-9a-f]+}}(%{{.+}}, %[[V]])
// CHECK-NEXT:    tailor.store %[[A]]#0, @net::@w
// CHECK-NEXT:    %[[N:.+]] = tailor.load @net::@w
// CHECK-NEXT:    tailor.launch @exp(%[[N]])
// CHECK:         tailor.repeat
// CHECK:           tailor.launch @exp_and_1_more_
tailor.program @states {
  tailor.state_group @net kind(net) {
    tailor.state @w : tensor<8x4xf32> init(zeros)
    tailor.state @v : tensor<8x4xf32> init(zeros)
  }
  tailor.entry @step kind(step) batch(8) {
    %w = tailor.load @net::@w : tensor<8x4xf32>
    %a = tailor.launch @exp(%w) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    tailor.store %a, @net::@w : tensor<8x4xf32>
    %v = tailor.load @net::@v : tensor<8x4xf32>
    %b = tailor.launch @exp(%v) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %n = tailor.load @net::@w : tensor<8x4xf32>
    %c = tailor.launch @exp(%n) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r = tailor.repeat 2 iteration(%i) carry(%t = %c : tensor<8x4xf32>) {
      %d = tailor.launch @exp(%t) : (tensor<8x4xf32>) -> tensor<8x4xf32>
      %e = tailor.launch @exp(%b) : (tensor<8x4xf32>) -> tensor<8x4xf32>
      tailor.store %e, @net::@v : tensor<8x4xf32>
      tailor.yield %d : tensor<8x4xf32>
    }
    tailor.store %r, @net::@w : tensor<8x4xf32>
  }
  tailor.kernel @exp kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32>
      attributes {grid = #tailor.grid<blocks = 2, threads = 256, resident = 8>} {
    %y = tailor.exp %x : tensor<8x4xf32>
    tailor.yield %y : tensor<8x4xf32>
  }
}

// -----

// All blocks of the part that needs fewer registers are resident with those of the other: one block fewer than above. A launch that may
// be no part is passed by, and what reads it begins anew.
// CHECK-LABEL: tailor.program @resident
// CHECK:         tailor.launch @few_registers_and_1_more_{{[0-9a-f]+}}(
// CHECK-NEXT:    %[[N:.+]] = tailor.launch @norm(
// CHECK-NEXT:    tailor.launch @scaled(%{{.+}}, %[[N]])
// CHECK-NOT:     tailor.launch
// CHECK:         grid = #tailor.grid<blocks = 824, threads = 256, resident = 3>
tailor.program @resident {
  tailor.entry @value kind(eval) batch(8) {
    %x = tailor.input "numeric" : tensor<8x4xf32>
    %a = tailor.launch @few_registers(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %n = tailor.launch @norm(%x) : (tensor<8x4xf32>) -> tensor<f32>
    %b = tailor.launch @many_registers(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %s = tailor.launch @scaled(%x, %n) : (tensor<8x4xf32>, tensor<f32>) -> tensor<8x4xf32>
    tailor.output "a", %a : tensor<8x4xf32>
    tailor.output "b", %b : tensor<8x4xf32>
    tailor.output "s", %s : tensor<8x4xf32>
  }
  tailor.kernel @few_registers kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32>
      attributes {grid = #tailor.grid<blocks = 324, threads = 256, resident = 8>} {
    %y = tailor.neg %x : tensor<8x4xf32>
    tailor.yield %y : tensor<8x4xf32>
  }
  tailor.kernel @norm kind(multi_tensor) (%x: tensor<8x4xf32>) -> tensor<f32>
      attributes {grid = #tailor.grid<blocks = 1, threads = 256, resident = 8>} {
    %n = tailor.global_norm %x : (tensor<8x4xf32>) -> tensor<f32>
    tailor.yield %n : tensor<f32>
  }
  tailor.kernel @many_registers kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32>
      attributes {grid = #tailor.grid<blocks = 500, threads = 256, resident = 3>} {
    %y = tailor.sqrt %x : tensor<8x4xf32>
    tailor.yield %y : tensor<8x4xf32>
  }
  tailor.kernel @scaled kind(map) (%x: tensor<8x4xf32>, %n: tensor<f32>) -> tensor<8x4xf32>
      attributes {grid = #tailor.grid<blocks = 1, threads = 256, resident = 8>} {
    %b = tailor.broadcast %n dims([]) : tensor<f32> to tensor<8x4xf32>
    %y = tailor.mul %x, %b : tensor<8x4xf32>
    tailor.yield %y : tensor<8x4xf32>
  }
}

// -----

// Sixteen parts are the most.
// CHECK-LABEL: tailor.program @many
// CHECK:         tailor.launch @exp_and_15_more_
// CHECK-NEXT:    tailor.launch @exp(
tailor.program @many {
  tailor.entry @value kind(eval) batch(8) {
    %x = tailor.input "numeric" : tensor<8x4xf32>
    %r0 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r1 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r2 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r3 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r4 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r5 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r6 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r7 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r8 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r9 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r10 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r11 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r12 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r13 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r14 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r15 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    %r16 = tailor.launch @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
    tailor.output "r0", %r0 : tensor<8x4xf32>
    tailor.output "r1", %r1 : tensor<8x4xf32>
    tailor.output "r2", %r2 : tensor<8x4xf32>
    tailor.output "r3", %r3 : tensor<8x4xf32>
    tailor.output "r4", %r4 : tensor<8x4xf32>
    tailor.output "r5", %r5 : tensor<8x4xf32>
    tailor.output "r6", %r6 : tensor<8x4xf32>
    tailor.output "r7", %r7 : tensor<8x4xf32>
    tailor.output "r8", %r8 : tensor<8x4xf32>
    tailor.output "r9", %r9 : tensor<8x4xf32>
    tailor.output "r10", %r10 : tensor<8x4xf32>
    tailor.output "r11", %r11 : tensor<8x4xf32>
    tailor.output "r12", %r12 : tensor<8x4xf32>
    tailor.output "r13", %r13 : tensor<8x4xf32>
    tailor.output "r14", %r14 : tensor<8x4xf32>
    tailor.output "r15", %r15 : tensor<8x4xf32>
    tailor.output "r16", %r16 : tensor<8x4xf32>
  }
  tailor.kernel @exp kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32>
      attributes {grid = #tailor.grid<blocks = 1, threads = 256, resident = 8>} {
    %y = tailor.exp %x : tensor<8x4xf32>
    tailor.yield %y : tensor<8x4xf32>
  }
}
