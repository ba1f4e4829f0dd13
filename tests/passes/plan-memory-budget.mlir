// RUN: tailor-opt %s --tailor-form-kernels --tailor-plan-memory=budget=822000 | FileCheck %s

// A mask and a map of as many bytes lie idle where the most is held, and one of them has to go. Drawing the mask
// again is ten rounds of multiplications for each of its bytes, so it is the map that runs twice.
// CHECK-LABEL: tailor.program @prices
// CHECK:         tailor.entry @train_step
// CHECK:           tailor.launch @bernoulli_
// CHECK:           tailor.launch @[[MAP:map_64x64_[0-9a-f]+]](
// CHECK-NOT:       tailor.launch @bernoulli_
// CHECK:           tailor.launch @[[MAP]](
tailor.program @prices {
  tailor.state_group @net kind(net) {
    tailor.state @w : tensor<64x64xf32> init(zeros)
  }
  tailor.control {
    tailor.control_field @rng : tensor<4xi32> writer(host)
  }
  tailor.entry @train_step kind(step) batch(64) {
    %x = tailor.load @net::@w : tensor<64x64xf32>
    %wide = tailor.input "image" : tensor<64x16x16x4xf32>
    %rng = tailor.control_read @rng : tensor<4xi32>
    %pass = tailor.constant dense<0> : tensor<i32>
    %key = tailor.rng_key %rng pass(%pass) op(1) : (tensor<4xi32>, tensor<i32>) -> tensor<8xi32>
    %mask = tailor.bernoulli %key probability(0.5) : tensor<8xi32> -> tensor<64x256xi1>
    %map = tailor.exp %x : tensor<64x64xf32>
    %a = tailor.tanh %wide : tensor<64x16x16x4xf32>
    %b = tailor.sin %a : tensor<64x16x16x4xf32>
    %sum = tailor.reduce_sum %b dims([0, 1, 2, 3]) : tensor<64x16x16x4xf32> to tensor<f32>
    %drawn = tailor.cast %mask : tensor<64x256xi1> to tensor<64x256xf32>
    %draws = tailor.reduce_sum %drawn dims([0, 1]) : tensor<64x256xf32> to tensor<f32>
    %maps = tailor.reduce_sum %map dims([0, 1]) : tensor<64x64xf32> to tensor<f32>
    tailor.report "sum", %sum : tensor<f32>
    tailor.report "draws", %draws : tensor<f32>
    tailor.report "maps", %maps : tensor<f32>
  }
}
