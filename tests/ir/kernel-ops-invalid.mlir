// RUN: tailor-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{of kind map cannot hold tailor.reduce_sum}}
  %0 = tailor.fused map (%a = %x : tensor<4x2xf32>) -> tensor<2xf32> {
    // expected-note @+1 {{this op}}
    %s = tailor.reduce_sum %a dims([0]) : tensor<4x2xf32> to tensor<2xf32>
    tailor.yield %s : tensor<2xf32>
  }
  return
}

// -----

// A reduction over the rows has no place in a group that walks rows.
func.func @f(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{of kind rows cannot hold tailor.reduce_sum}}
  %0 = tailor.fused rows (%a = %x : tensor<4x2xf32>) -> tensor<2xf32> {
    // expected-note @+1 {{this op}}
    %s = tailor.reduce_sum %a dims([0]) : tensor<4x2xf32> to tensor<2xf32>
    tailor.yield %s : tensor<2xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{of kind scalar cannot hold tailor.relu}}
  %0 = tailor.fused scalar (%a = %x : tensor<4x2xf32>) -> tensor<4x2xf32> {
    // expected-note @+1 {{this op}}
    %s = tailor.relu %a : tensor<4x2xf32>
    tailor.yield %s : tensor<4x2xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{of kind gemm expects one dot but holds 0}}
  %0 = tailor.fused gemm (%a = %x : tensor<4x2xf32>) -> tensor<4x2xf32> {
    %s = tailor.relu %a : tensor<4x2xf32>
    tailor.yield %s : tensor<4x2xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<2x4x3xf32>) {
  // expected-error @+1 {{of kind gemm cannot hold tailor.dot}}
  %0 = tailor.fused gemm (%a = %x : tensor<2x4x3xf32>) -> tensor<2x4x4xf32> {
    // expected-note @+1 {{this op}}
    %s = tailor.dot %a, %a batch([0] x [0]) contract([2] x [2]) : (tensor<2x4x3xf32>, tensor<2x4x3xf32>) -> tensor<2x4x4xf32>
    tailor.yield %s : tensor<2x4x4xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{of kind single expects one op but holds 2}}
  %0 = tailor.fused single (%a = %x : tensor<4x2xf32>) -> tensor<4x2xf32> {
    %r = tailor.relu %a : tensor<4x2xf32>
    %s = tailor.neg %r : tensor<4x2xf32>
    tailor.yield %s : tensor<4x2xf32>
  }
  return
}

// -----

// The second op averages something else than the first one's results.
func.func @f(%x: tensor<4xf32>, %d: tensor<f32>) {
  // expected-error @+1 {{of kind multi_tensor expects one optimizer op, or an update and the EMA of its results, but holds 2}}
  %0:2 = tailor.fused multi_tensor (%a = %x : tensor<4xf32>, %g = %x : tensor<4xf32>, %m = %x : tensor<4xf32>, %v = %x : tensor<4xf32>, %c = %d : tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %w = tailor.sgd_update params(%a) grads(%g) lr(%c) weight_decay(%c) decayed([true]) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>)
    %e = tailor.ema_update averages(%m) values(%v) decay(%c) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    tailor.yield %w, %e : tensor<4xf32>, tensor<4xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{unknown fusion kind 'loops'}}
  %0 = tailor.fused loops (%a = %x : tensor<4xf32>) -> tensor<4xf32> { tailor.yield %a : tensor<4xf32> }
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  %0 = tailor.fused map (%a = %x : tensor<4xf32>) -> tensor<4xf32> {
    // expected-error @+1 {{yields 2 values but tailor.fused has 1 results}}
    tailor.yield %a, %a : tensor<4xf32>, tensor<4xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects one region argument per input, of the input's type: 1 inputs but 0 region arguments}}
  %0 = "tailor.fused"(%x) <{kind = #tailor<fusion_kind map>}> ({
    %c = "tailor.constant"() <{value = dense<1.0> : tensor<4xf32>}> : () -> tensor<4xf32>
    "tailor.yield"(%c) : (tensor<4xf32>) -> ()
  }) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %y: tensor<4xf32>) {
  // expected-note @+1 {{required by region isolation constraints}}
  %0 = tailor.fused map (%a = %x : tensor<4xf32>) -> tensor<4xf32> {
    // expected-error @+1 {{'tailor.add' op using value defined outside the region}}
    %s = tailor.add %a, %y : tensor<4xf32>
    tailor.yield %s : tensor<4xf32>
  }
  return
}

// -----

tailor.program @p {
  tailor.kernel @k kind(map) (%x: tensor<4xf32>) -> tensor<4xf32> {
    %s = tailor.reduce_sum %x dims([0]) : tensor<4xf32> to tensor<f32>
    // expected-error @+1 {{value 0 is 'tensor<f32>' but result 0 of tailor.kernel is 'tensor<4xf32>'}}
    tailor.yield %s : tensor<f32>
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(fit) {
    // expected-error @+1 {{names the unknown kernel @k}}
    tailor.launch @k() : () -> ()
  }
}

// -----

tailor.program @p {
  tailor.kernel @k kind(map) (%x: tensor<4xf32>) -> tensor<4xf32> { tailor.yield %x : tensor<4xf32> }
  tailor.entry @a kind(fit) {
    // expected-error @+1 {{has 0 inputs but kernel @k has 1}}
    tailor.launch @k() : () -> ()
  }
}

// -----

tailor.program @p {
  tailor.kernel @k kind(map) (%x: tensor<4xf32>) -> tensor<4xf32> { tailor.yield %x : tensor<4xf32> }
  tailor.entry @a kind(fit) {
    %0 = tailor.constant dense<1.0> : tensor<4xf32>
    // expected-error @+1 {{result 0 is 'tensor<5xf32>' but kernel @k has 'tensor<4xf32>'}}
    %1 = tailor.launch @k(%0) : (tensor<4xf32>) -> tensor<5xf32>
  }
}

// -----

tailor.program @p {
  tailor.kernel @k kind(map) (%x: tensor<4xf32>) -> tensor<4xf32> { tailor.yield %x : tensor<4xf32> }
  tailor.entry @a kind(fit) {
    %0 = tailor.constant dense<1.0> : tensor<4xf32>
    // expected-error @+1 {{has 1 results but 0 buffers}}
    %1 = tailor.launch @k(%0) buffers([]) : (tensor<4xf32>) -> tensor<4xf32>
  }
}

// -----

// expected-error @+1 {{buffer expects offset and size of at least 0, got -8 and 16}}
func.func private @f() attributes {tailor.buffer = #tailor.buffer<arena, -8, 16>}

// -----

// One tensor in two places of a role.
tailor.program @p {
  // expected-error @+1 {{of kind multi_tensor uses argument 1 as two tensors; 'tensors' is the second role}}
  tailor.kernel @k kind(multi_tensor) (%a: tensor<6x5xf32>, %b: tensor<5xf32>) -> tensor<f32> {
    // expected-note @+1 {{this op}}
    %y = tailor.global_norm %b, %a, %b : (tensor<5xf32>, tensor<6x5xf32>, tensor<5xf32>) -> tensor<f32>
    tailor.yield %y : tensor<f32>
  }
}

// -----

tailor.program @kernels {
  tailor.kernel @k kind(map) (%x: tensor<4x4xf32>) -> tensor<4x4xf32>
      attributes {temporaries = [#tailor.temporary<"transformed weights", 64>]} {
    %y = tailor.exp %x : tensor<4x4xf32>
    tailor.yield %y : tensor<4x4xf32>
  }
  tailor.entry @e kind(eval) batch(4) {
    %x = tailor.input "numeric" : tensor<4x4xf32>
    // expected-error@+1 {{has 2 temporaries but kernel @k has 1}}
    %y = tailor.launch @k(%x) temporaries([#tailor.buffer<arena, 0, 64>, #tailor.buffer<arena, 64, 64>]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    tailor.output "y", %y : tensor<4x4xf32>
  }
}

// -----

// expected-error@+1 {{temporary expects a size from 1 to 4398046511104 bytes, got 0}}
#nothing = #tailor.temporary<"partial sums", 0>

// -----

// expected-error@+1 {{temporary expects what it is for, got an empty text}}
#nameless = #tailor.temporary<"", 64>

// -----

func.func @f(%x: tensor<2x4x4x3xf32>) {
  // expected-error @+1 {{of kind convolution expects one convolution but holds 0}}
  %0 = tailor.fused convolution (%a = %x : tensor<2x4x4x3xf32>) -> tensor<2x4x4x3xf32> {
    %r = tailor.relu %a : tensor<2x4x4x3xf32>
    tailor.yield %r : tensor<2x4x4x3xf32>
  }
  return
}

// -----

// Weights are read as a whole.
func.func @f(%x: tensor<2x4x4x3xf32>, %w: tensor<3x3x1x1xf32>) {
  // expected-error @+1 {{of kind convolution computes the weight of its convolution}}
  %0 = tailor.fused convolution (%a = %x : tensor<2x4x4x3xf32>, %b = %w : tensor<3x3x1x1xf32>) -> tensor<2x4x4x3xf32> {
    // expected-note @+1 {{here}}
    %r = tailor.relu %b : tensor<3x3x1x1xf32>
    %c = tailor.conv2d %a, %r strides([1, 1]) padding([0, 0, 0, 0]) dilation([1, 1]) : (tensor<2x4x4x3xf32>, tensor<3x3x1x1xf32>) -> tensor<2x4x4x3xf32>
    tailor.yield %c : tensor<2x4x4x3xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<2x4x4x3xf32>, %w: tensor<5x3x1x1xf32>) {
  // expected-error @+1 {{of kind convolution yields 'tensor<2x4x4x3xf32>' beside a convolution of 'tensor<2x4x4x5xf32>'}}
  %0:2 = tailor.fused convolution (%a = %x : tensor<2x4x4x3xf32>, %b = %w : tensor<5x3x1x1xf32>) -> (tensor<2x4x4x5xf32>, tensor<2x4x4x3xf32>) {
    %r = tailor.relu %a : tensor<2x4x4x3xf32>
    %c = tailor.conv2d %r, %b strides([1, 1]) padding([0, 0, 0, 0]) dilation([1, 1]) : (tensor<2x4x4x3xf32>, tensor<5x3x1x1xf32>) -> tensor<2x4x4x5xf32>
    tailor.yield %c, %r : tensor<2x4x4x5xf32>, tensor<2x4x4x3xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<2x4x4x3xf32>) {
  // expected-error @+1 {{of kind channels holds no reduction over the channels}}
  %0 = tailor.fused channels (%a = %x : tensor<2x4x4x3xf32>) -> tensor<2x4x4x3xf32> {
    %r = tailor.relu %a : tensor<2x4x4x3xf32>
    tailor.yield %r : tensor<2x4x4x3xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<2x4x4x3xf32>, %y: tensor<2x5x5x3xf32>) {
  // expected-error @+1 {{of kind channels reduces 'tensor<2x4x4x3xf32>' and 'tensor<2x5x5x3xf32>'}}
  %0:2 = tailor.fused channels (%a = %x : tensor<2x4x4x3xf32>, %b = %y : tensor<2x5x5x3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
    %m, %v = tailor.batch_norm_statistics %a : (tensor<2x4x4x3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
    // expected-note @+1 {{this op}}
    %n, %u = tailor.batch_norm_statistics %b : (tensor<2x5x5x3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
    tailor.yield %m, %n : tensor<3xf32>, tensor<3xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<2x4x4x3xf32>) {
  // expected-error @+1 {{of kind channels uses the result of a reduction before all rows are in it}}
  %0 = tailor.fused channels (%a = %x : tensor<2x4x4x3xf32>) -> tensor<3xf32> {
    %m, %v = tailor.batch_norm_statistics %a : (tensor<2x4x4x3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
    // expected-note @+1 {{here}}
    %n = tailor.batch_norm_apply %a, %m, %v, %v : (tensor<2x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x4x4x3xf32>
    tailor.yield %m : tensor<3xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<2x4x4x3xf32>) {
  // expected-error @+1 {{of kind channels yields a value that is not made of a reduction}}
  %0:2 = tailor.fused channels (%a = %x : tensor<2x4x4x3xf32>) -> (tensor<3xf32>, tensor<2x4x4x3xf32>) {
    %r = tailor.relu %a : tensor<2x4x4x3xf32>
    %m, %v = tailor.batch_norm_statistics %r : (tensor<2x4x4x3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
    tailor.yield %m, %r : tensor<3xf32>, tensor<2x4x4x3xf32>
  }
  return
}

// -----

tailor.program @p {
  tailor.kernel @a kind(map) (%x: tensor<4xf32>) -> tensor<4xf32> {
    %y = tailor.relu %x : tensor<4xf32>
    tailor.yield %y : tensor<4xf32>
  }
  // expected-error @+1 {{of kind horizontal expects two parts or more but holds 1}}
  tailor.kernel @one kind(horizontal) (%x: tensor<4xf32>) -> tensor<4xf32> {
    %y = tailor.part @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
    tailor.yield %y : tensor<4xf32>
  }
}

// -----

tailor.program @p {
  tailor.kernel @a kind(map) (%x: tensor<4xf32>) -> tensor<4xf32> {
    %y = tailor.relu %x : tensor<4xf32>
    tailor.yield %y : tensor<4xf32>
  }
  // expected-error @+1 {{of kind horizontal has a part that reads what another makes}}
  tailor.kernel @chain kind(horizontal) (%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %y = tailor.part @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
    // expected-note @+1 {{this part}}
    %z = tailor.part @a(%y) : (tensor<4xf32>) -> tensor<4xf32>
    tailor.yield %y, %z : tensor<4xf32>, tensor<4xf32>
  }
}

// -----

tailor.program @p {
  tailor.kernel @a kind(map) (%x: tensor<4xf32>) -> tensor<4xf32> {
    %y = tailor.relu %x : tensor<4xf32>
    tailor.yield %y : tensor<4xf32>
  }
  // expected-error @+1 {{of kind horizontal does not yield what its parts make, in their order}}
  tailor.kernel @swapped kind(horizontal) (%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %y = tailor.part @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %z = tailor.part @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
    tailor.yield %z, %y : tensor<4xf32>, tensor<4xf32>
  }
}

// -----

tailor.program @p {
  tailor.kernel @a kind(map) (%x: tensor<4xf32>) -> tensor<4xf32> {
    %y = tailor.relu %x : tensor<4xf32>
    tailor.yield %y : tensor<4xf32>
  }
  // expected-error @+1 {{of kind horizontal cannot hold tailor.relu}}
  tailor.kernel @op kind(horizontal) (%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %y = tailor.part @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
    // expected-note @+1 {{this op}}
    %z = tailor.relu %x : tensor<4xf32>
    tailor.yield %y, %z : tensor<4xf32>, tensor<4xf32>
  }
}

// -----

tailor.program @p {
  tailor.kernel @two kind(horizontal) (%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    // expected-error @+1 {{names the unknown kernel @b}}
    %y = tailor.part @b(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %z = tailor.part @b(%x) : (tensor<4xf32>) -> tensor<4xf32>
    tailor.yield %y, %z : tensor<4xf32>, tensor<4xf32>
  }
}

// -----

tailor.program @p {
  tailor.kernel @a kind(map) (%x: tensor<4xf32>) -> tensor<4xf32> {
    %y = tailor.relu %x : tensor<4xf32>
    tailor.yield %y : tensor<4xf32>
  }
  tailor.kernel @two kind(horizontal) (%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %y = tailor.part @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %z = tailor.part @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
    tailor.yield %y, %z : tensor<4xf32>, tensor<4xf32>
  }
  tailor.kernel @three kind(horizontal) (%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
    // expected-error @+1 {{names kernel @two, and one of kind horizontal is no part of another}}
    %y:2 = tailor.part @two(%x) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
    %z = tailor.part @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
    tailor.yield %y#0, %y#1, %z : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }
}

// -----

tailor.program @p {
  tailor.kernel @a kind(map) (%x: tensor<4xf32>) -> tensor<4xf32> {
    %y = tailor.relu %x : tensor<4xf32>
    tailor.yield %y : tensor<4xf32>
  }
  tailor.kernel @two kind(horizontal) (%x: tensor<4xf32>, %u: tensor<5xf32>) -> (tensor<4xf32>, tensor<5xf32>) {
    %y = tailor.part @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
    // expected-error @+1 {{input 0 is 'tensor<5xf32>' but kernel @a has 'tensor<4xf32>'}}
    %z = tailor.part @a(%u) : (tensor<5xf32>) -> tensor<5xf32>
    tailor.yield %y, %z : tensor<4xf32>, tensor<5xf32>
  }
}

// -----

// expected-error @+1 {{grid expects blocks of whole warps and at most 1024 threads, got 100}}
#g = #tailor.grid<blocks = 1, threads = 100, resident = 1>
