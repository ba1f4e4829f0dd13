// RUN: tailor-opt %s --split-input-file --verify-diagnostics

func.func private @print(tensor<f32>)
tailor.program @p {
  tailor.body @f(%x: tensor<f32>) -> tensor<f32> {
    // expected-error @+1 {{has effects; a body is pure (load, store, report and output belong in entries)}}
    func.call @print(%x) : (tensor<f32>) -> ()
    tailor.return %x : tensor<f32>
  }
}

// -----

tailor.program @p {
  tailor.body @f(%x: tensor<f32>) -> tensor<f32> {
    // expected-error @+1 {{belongs in a tailor.entry but is in a tailor.body}}
    tailor.report "loss", %x : tensor<f32>
    tailor.return %x : tensor<f32>
  }
}

// -----

tailor.program @p {
  tailor.body @f(%x: tensor<f32>) -> tensor<f32> {
    // expected-error @+1 {{returns 2 values but body @f has 1 results}}
    tailor.return %x, %x : tensor<f32>, tensor<f32>
  }
}

// -----

tailor.program @p {
  tailor.body @f(%x: tensor<f32>) -> tensor<f64> {
    // expected-error @+1 {{value 0 is 'tensor<f32>' but result 0 of body @f is 'tensor<f64>'}}
    tailor.return %x : tensor<f32>
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {
    // expected-error @+1 {{names the unknown body @f}}
    tailor.call @f() : () -> ()
  }
}

// -----

tailor.program @p {
  tailor.body @f(%weight: tensor<4xf32>) -> tensor<4xf32> { tailor.return %weight : tensor<4xf32> }
  tailor.entry @a kind(fit) {
    // expected-error @+1 {{has 0 arguments but body @f takes 1}}
    %0 = tailor.call @f() : () -> tensor<4xf32>
  }
}

// -----

tailor.program @p {
  tailor.body @f(%weight: tensor<4xf32>) -> tensor<4xf32> { tailor.return %weight : tensor<4xf32> }
  tailor.entry @a kind(fit) {
    %0 = tailor.constant dense<1.0> : tensor<5xf32>
    // expected-error @+1 {{argument 0 ('weight') is 'tensor<5xf32>' but body @f takes 'tensor<4xf32>'}}
    %1 = tailor.call @f(%0) : (tensor<5xf32>) -> tensor<4xf32>
  }
}

// -----

tailor.program @p {
  tailor.body @f(%weight: tensor<4xf32>) -> tensor<4xf32> { tailor.return %weight : tensor<4xf32> }
  tailor.entry @a kind(fit) {
    %0 = tailor.constant dense<1.0> : tensor<4xf32>
    // expected-error @+1 {{result 0 is 'tensor<5xf32>' but @f gives 'tensor<4xf32>'}}
    %1 = tailor.call @f(%0) : (tensor<4xf32>) -> tensor<5xf32>
  }
}

// -----

tailor.program @p {
  tailor.body @f(%weight: tensor<4xf32>) -> tensor<4xf32> { tailor.return %weight : tensor<4xf32> }
  tailor.entry @a kind(fit) {
    %0 = tailor.constant dense<1.0> : tensor<4xf32>
    // expected-error @+1 {{has 0 results but @f gives 1}}
    tailor.call @f(%0) : (tensor<4xf32>) -> ()
  }
}

// -----

tailor.program @p {
  tailor.body @f(%weight: tensor<4xf32>) -> tensor<4xf32> { tailor.return %weight : tensor<4xf32> }
  tailor.entry @a kind(fit) {
    %0 = tailor.constant dense<1.0> : tensor<4xf32>
    // expected-error @+1 {{expects a scalar loss as first result of body @f, got 'tensor<4xf32>'}}
    %1:2 = tailor.value_and_grad @f(%0) wrt([0]) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  }
}

// -----

tailor.program @p {
  tailor.body @f(%weight: tensor<f32>) -> tensor<f32> { tailor.return %weight : tensor<f32> }
  tailor.entry @a kind(fit) {
    %0 = tailor.constant dense<1.0> : tensor<f32>
    // expected-error @+1 {{result 1 is 'tensor<f64>' but @f gives 'tensor<f32>'}}
    %1:2 = tailor.value_and_grad @f(%0) wrt([0]) : (tensor<f32>) -> (tensor<f32>, tensor<f64>)
  }
}

// -----

tailor.program @p {
  tailor.body @f(%weight: tensor<f32>) -> tensor<f32> { tailor.return %weight : tensor<f32> }
  tailor.entry @a kind(fit) {
    %0 = tailor.constant dense<1.0> : tensor<f32>
    // expected-error @+1 {{differentiates with respect to argument 1 but has 1 arguments}}
    %1:2 = tailor.value_and_grad @f(%0) wrt([1]) : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
  }
}

// -----

tailor.program @p {
  tailor.body @f(%weight: tensor<f32>) -> tensor<f32> { tailor.return %weight : tensor<f32> }
  tailor.entry @a kind(fit) {
    %0 = tailor.constant dense<1.0> : tensor<f32>
    // expected-error @+1 {{differentiates with respect to argument 0 twice}}
    %1:3 = tailor.value_and_grad @f(%0) wrt([0, 0]) : (tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
  }
}

// -----

tailor.program @p {
  tailor.body @f(%weight: tensor<f32>) -> tensor<f32> { tailor.return %weight : tensor<f32> }
  tailor.entry @a kind(fit) {
    %0 = tailor.constant dense<1.0> : tensor<f32>
    // expected-error @+1 {{differentiates with respect to nothing; use tailor.call}}
    %1 = tailor.value_and_grad @f(%0) wrt([]) : (tensor<f32>) -> tensor<f32>
  }
}

// -----

tailor.program @p {
  tailor.body @f(%weight: tensor<f32>, %label: tensor<i32>) -> tensor<f32> { tailor.return %weight : tensor<f32> }
  tailor.entry @a kind(fit) {
    %0 = tailor.constant dense<1.0> : tensor<f32>
    %1 = tailor.constant dense<1> : tensor<i32>
    // expected-error @+1 {{differentiates with respect to argument 1 of type 'tensor<i32>', which is not floating-point}}
    %2:2 = tailor.value_and_grad @f(%0, %1) wrt([1]) : (tensor<f32>, tensor<i32>) -> (tensor<f32>, tensor<i32>)
  }
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects a count of at least 1, got -1}}
  %0 = tailor.repeat -1 iteration(%i) carry(%y = %x : tensor<4xf32>) { tailor.yield %y : tensor<4xf32> }
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  %0 = tailor.repeat 2 iteration(%i) carry(%y = %x : tensor<4xf32>) {
    // expected-error @+1 {{value 0 is 'tensor<i32>' but result 0 of tailor.repeat is 'tensor<4xf32>'}}
    tailor.yield %i : tensor<i32>
  }
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects the iteration (tensor<i32>) and then the carried values as region arguments}}
  %0 = "tailor.repeat"(%x) <{count = 2 : i64}> ({
  ^bb0(%y: tensor<4xf32>):
    "tailor.yield"(%y) : (tensor<4xf32>) -> ()
  }) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{is reserved for data-parallel training, which this version does not have}}
  %0 = tailor.all_reduce %x : (tensor<4xf32>) -> tensor<4xf32>
  return
}
