// RUN: tailor-opt %s --split-input-file --verify-diagnostics

func.func @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>, %t: tensor<9xf32>) {
  // expected-error @+1 {{expects one class weight per class: logits have 10 classes but class weight has 9 entries}}
  %0 = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> weights(%t : tensor<9xf32>) reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>, %t: tensor<1xf32>) {
  // expected-error @+1 {{expects one smoothing per class: logits have 10 classes but smoothing has 1 entry}}
  %0 = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> smoothing(%t : tensor<1xf32>) reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>, %t: tensor<11xf32>) {
  // expected-error @+1 {{expects one margin per class: logits have 10 classes but margin has 11 entries}}
  %0 = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> margin(%t : tensor<11xf32>) reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>, %t: tensor<11xf32>) {
  // expected-error @+1 {{expects one bias per class: logits have 10 classes but bias has 11 entries}}
  %0 = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> bias(%t : tensor<11xf32>) reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %y: tensor<32xi32>) {
  // expected-error @+1 {{expects one label per row: logits have 64 rows but label has 32}}
  %0 = tailor.softmax_cross_entropy %z, %y : tensor<32xi32> reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>, %l: tensor<1xf32>) {
  // expected-error @+1 {{expects one lambda per row: logits have 64 rows but lambda has 1}}
  %0 = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> mix(%y, %l : tensor<64xi32>, tensor<1xf32>) reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>) {
  // expected-error @+1 {{expects labels or soft targets}}
  %0 = tailor.softmax_cross_entropy %z reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>) {
  // expected-error @+1 {{takes labels or soft targets, not both}}
  %0 = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> soft(%z : tensor<64x10xf32>) reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>, %l: tensor<64xf32>) {
  // expected-error @+1 {{takes no mix with soft targets; mix the targets themselves}}
  %0 = tailor.softmax_cross_entropy %z mix(%y, %l : tensor<64xi32>, tensor<64xf32>) soft(%z : tensor<64x10xf32>) reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %t: tensor<10xf32>) {
  // expected-error @+1 {{takes no smoothing with soft targets; smooth the targets themselves}}
  %0 = tailor.softmax_cross_entropy %z soft(%z : tensor<64x10xf32>) smoothing(%t : tensor<10xf32>) reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %t: tensor<10xf32>) {
  // expected-error @+1 {{takes no margin with soft targets; a margin belongs to one label}}
  %0 = tailor.softmax_cross_entropy %z soft(%z : tensor<64x10xf32>) margin(%t : tensor<10xf32>) reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>) {
  // expected-error @+1 {{has no weighted_mean with soft targets; use batch_mean}}
  %0 = tailor.softmax_cross_entropy %z soft(%z : tensor<64x10xf32>) reduction(weighted_mean) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %q: tensor<64x9xf32>) {
  // expected-error @+1 {{expects soft targets of the logits' shape 64x10, got 64x9}}
  %0 = tailor.softmax_cross_entropy %z soft(%q : tensor<64x9xf32>) reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>) {
  // expected-error @+1 {{expects focal gamma of at least 0, got -1.0}}
  %0 = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> focal(-1.0) reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>) {
  // expected-error @+1 {{has of_weighted without focal gamma}}
  %0 = "tailor.softmax_cross_entropy"(%z, %y) <{focal_of_weighted, reduction = #tailor<reduction sum>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0, 0, 0, 0>}> : (tensor<64x10xf32>, tensor<64xi32>) -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>) {
  // expected-error @+1 {{expects second labels and their lambda together}}
  %0 = "tailor.softmax_cross_entropy"(%z, %y, %y) <{reduction = #tailor<reduction sum>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0, 0>}> : (tensor<64x10xf32>, tensor<64xi32>, tensor<64xi32>) -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>) {
  // expected-error @+1 {{expects a scale above 0, got 0.0}}
  %0 = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> scale(0.0) reduction(sum) : tensor<64x10xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>) {
  // expected-error @+1 {{expects a loss of type 'tensor<f32>', got 'tensor<64xf32>'}}
  %0 = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> reduction(sum) : tensor<64x10xf32> -> tensor<64xf32>
  return
}

// -----

func.func @f(%z: tensor<64x10xf64>, %y: tensor<64xi32>) {
  // expected-error @+1 {{expects a loss of type 'tensor<64xf64>', got 'tensor<64xf32>'}}
  %0 = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> reduction(none) : tensor<64x10xf64> -> tensor<64xf32>
  return
}

// -----

func.func @f(%g: tensor<f32>, %z: tensor<64x10xf32>, %y: tensor<64xi32>) {
  // expected-error @+1 {{expects a loss gradient of type 'tensor<64xf32>', got 'tensor<f32>'}}
  %0 = tailor.softmax_cross_entropy_grad %g, %z, %y : tensor<64xi32> reduction(none) : (tensor<f32>, tensor<64x10xf32>) -> tensor<64x10xf32>
  return
}

// -----

func.func @f(%g: tensor<f32>, %z: tensor<64x10xf32>, %y: tensor<64xi32>) {
  // expected-error @+1 {{expects a logits gradient of type 'tensor<64x10xf32>', got 'tensor<64x10xf64>'}}
  %0:2 = tailor.softmax_cross_entropy_with_grad %g, %z, %y : tensor<64xi32> reduction(sum) : (tensor<f32>, tensor<64x10xf32>) -> (tensor<f32>, tensor<64x10xf64>)
  return
}

// -----

func.func @f(%z: tensor<64xf32>, %y: tensor<64xi32>, %t: tensor<3xf32>) {
  // expected-error @+1 {{expects one class weight per class: logits have 2 classes but class weight has 3 entries}}
  %0 = tailor.sigmoid_cross_entropy %z, %y : tensor<64xi32> weights(%t : tensor<3xf32>) reduction(sum) : tensor<64xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%z: tensor<64xf32>, %q: tensor<63xf32>) {
  // expected-error @+1 {{expects one soft target per row: logits have 64 rows but soft target has 63}}
  %0 = tailor.sigmoid_cross_entropy %z soft(%q : tensor<63xf32>) reduction(sum) : tensor<64xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%g: tensor<f32>, %z: tensor<64xf32>, %y: tensor<64xi32>) {
  // expected-error @+1 {{expects a loss of type 'tensor<f32>', got 'tensor<f64>'}}
  %0:2 = tailor.sigmoid_cross_entropy_with_grad %g, %z, %y : tensor<64xi32> reduction(sum) : (tensor<f32>, tensor<64xf32>) -> (tensor<f64>, tensor<64xf32>)
  return
}

// -----

func.func @f(%g: tensor<64xf32>, %z: tensor<64xf32>, %y: tensor<64xi32>) {
  // expected-error @+1 {{expects a loss gradient of type 'tensor<f32>', got 'tensor<64xf32>'}}
  %0 = tailor.sigmoid_cross_entropy_grad %g, %z, %y : tensor<64xi32> reduction(sum) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
  return
}
