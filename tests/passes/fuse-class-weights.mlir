// RUN: tailor-opt %s --split-input-file --tailor-fuse-class-weights | FileCheck %s
// RUN: tailor-opt %s --split-input-file --tailor-fuse-class-weights -o /dev/null \
// RUN:   --remarks-filter-missed=tailor --remark-format=emitRemark --verify-diagnostics

// The hand-written loss of the custom method example: logit adjustment, log-likelihood, class table, masked mean. One
// op is left, and it answers to the line of the first of them.
// CHECK-LABEL: tailor.body @logit_adjusted
// CHECK-SAME:    (%[[Z:.+]]: tensor<8x3xf32>, %[[B:.+]]: tensor<3xf32>, %[[W:.+]]: tensor<3xf32>, %[[Y:.+]]: tensor<8xi32>, %[[V:.+]]: tensor<i32>)
// CHECK-NEXT:    %[[L:.+]] = tailor.softmax_cross_entropy %[[Z]], %[[Y]] : tensor<8xi32> weights(%[[W]] : tensor<3xf32>) bias(%[[B]] : tensor<3xf32>) valid(%[[V]] : tensor<i32>) reduction({{ ?}}batch_mean) {op_id = 4 : i64}
// CHECK-NEXT:    tailor.return %[[L]]
tailor.program @p {
  tailor.body @logit_adjusted(%z: tensor<8x3xf32>, %b: tensor<3xf32>, %w: tensor<3xf32>, %y: tensor<8xi32>, %valid: tensor<i32>) -> tensor<f32> {
    %bb = tailor.broadcast %b dims([1]) {op_id = 0 : i64} : tensor<3xf32> to tensor<8x3xf32>
    %u = tailor.add %z, %bb {op_id = 1 : i64} : tensor<8x3xf32>
    %lse = tailor.logsumexp %u dim(1) {op_id = 2 : i64} : tensor<8x3xf32> to tensor<8xf32>
    %zy = tailor.take_along %u, %y {op_id = 3 : i64} : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %nll = tailor.sub %lse, %zy {op_id = 4 : i64} : tensor<8xf32>
    %wy = tailor.take %w, %y {op_id = 5 : i64} : (tensor<3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %wl = tailor.mul %wy, %nll {op_id = 6 : i64} : tensor<8xf32>
    %l = tailor.masked_mean %wl valid(%valid) {op_id = 7 : i64} : (tensor<8xf32>, tensor<i32>) -> tensor<f32>
    tailor.return %l : tensor<f32>
  }
}

// -----

// CHECK-LABEL: tailor.body @log_softmax_form
// CHECK-NEXT:    tailor.softmax_cross_entropy %{{.+}} reduction({{ ?}}batch_mean)
// CHECK-NEXT:    tailor.return
tailor.program @p {
  tailor.body @log_softmax_form(%z: tensor<8x3xf32>, %y: tensor<8xi32>) -> tensor<f32> {
    %lp = tailor.log_softmax %z dim(1) : tensor<8x3xf32>
    %py = tailor.take_along %lp, %y : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %nll = tailor.neg %py : tensor<8xf32>
    %l = tailor.reduce_mean %nll dims([0]) : tensor<8xf32> to tensor<f32>
    tailor.return %l : tensor<f32>
  }
}

// -----

// CHECK-LABEL: tailor.body @one_hot_form
// CHECK-NEXT:    tailor.softmax_cross_entropy %{{.+}} reduction({{ ?}}sum)
// CHECK-NEXT:    tailor.return
tailor.program @p {
  tailor.body @one_hot_form(%z: tensor<8x3xf32>, %y: tensor<8xi32>) -> tensor<f32> {
    %p = tailor.softmax %z dim(1) : tensor<8x3xf32>
    %lp = tailor.log %p : tensor<8x3xf32>
    %h = tailor.one_hot %y : tensor<8xi32> to tensor<8x3xf32>
    %m = tailor.mul %h, %lp : tensor<8x3xf32>
    %s = tailor.reduce_sum %m dims([1]) : tensor<8x3xf32> to tensor<8xf32>
    %nll = tailor.neg %s : tensor<8xf32>
    %l = tailor.reduce_sum %nll dims([0]) : tensor<8xf32> to tensor<f32>
    tailor.return %l : tensor<f32>
  }
}

// -----

// Class-conditional smoothing, written with one table.
// CHECK-LABEL: tailor.body @smoothing_table
// CHECK-SAME:    %[[E:[^:]+]]: tensor<3xf32>, %{{.+}}: tensor<8xi32>)
// CHECK-NEXT:    tailor.softmax_cross_entropy %{{.+}} smoothing(%[[E]] : tensor<3xf32>) reduction({{ ?}}none)
// CHECK-NEXT:    tailor.return
tailor.program @p {
  tailor.body @smoothing_table(%z: tensor<8x3xf32>, %eps: tensor<3xf32>, %y: tensor<8xi32>) -> tensor<8xf32> {
    %one = tailor.constant dense<1.0> : tensor<8xf32>
    %lp = tailor.log_softmax %z dim(1) : tensor<8x3xf32>
    %py = tailor.take_along %lp, %y : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %nll = tailor.neg %py : tensor<8xf32>
    %mean = tailor.reduce_mean %lp dims([1]) : tensor<8x3xf32> to tensor<8xf32>
    %uniform = tailor.neg %mean : tensor<8xf32>
    %e = tailor.take %eps, %y : (tensor<3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %keep = tailor.sub %one, %e : tensor<8xf32>
    %a = tailor.mul %keep, %nll : tensor<8xf32>
    %b = tailor.mul %e, %uniform : tensor<8xf32>
    %l = tailor.add %a, %b : tensor<8xf32>
    tailor.return %l : tensor<8xf32>
  }
}

// -----

// Uniform smoothing with constants: 0.9 * nll + 0.1 / 4 * sum(-log p).
// CHECK-LABEL: tailor.body @smoothing_constant
// CHECK-NEXT:    %[[E:.+]] = tailor.constant dense<1.000000e-01> : tensor<4xf32>
// CHECK-NEXT:    tailor.softmax_cross_entropy %{{.+}} smoothing(%[[E]] : tensor<4xf32>) reduction({{ ?}}none)
tailor.program @p {
  tailor.body @smoothing_constant(%z: tensor<8x4xf32>, %y: tensor<8xi32>) -> tensor<8xf32> {
    %k = tailor.constant dense<0.9> : tensor<8xf32>
    %s = tailor.constant dense<0.025> : tensor<8xf32>
    %lp = tailor.log_softmax %z dim(1) : tensor<8x4xf32>
    %py = tailor.take_along %lp, %y : (tensor<8x4xf32>, tensor<8xi32>) -> tensor<8xf32>
    %nll = tailor.neg %py : tensor<8xf32>
    %sum = tailor.reduce_sum %lp dims([1]) : tensor<8x4xf32> to tensor<8xf32>
    %uniform = tailor.neg %sum : tensor<8xf32>
    %a = tailor.mul %nll, %k : tensor<8xf32>
    %b = tailor.mul %uniform, %s : tensor<8xf32>
    %l = tailor.add %b, %a : tensor<8xf32>
    tailor.return %l : tensor<8xf32>
  }
}

// -----

// Not smoothing: the factors do not add up to 1.
// CHECK-LABEL: tailor.body @not_smoothing
// CHECK-NOT:     smoothing(
// CHECK:         tailor.return
tailor.program @p {
  tailor.body @not_smoothing(%z: tensor<8x4xf32>, %y: tensor<8xi32>) -> tensor<8xf32> {
    %k = tailor.constant dense<0.8> : tensor<8xf32>
    %s = tailor.constant dense<0.025> : tensor<8xf32>
    %lp = tailor.log_softmax %z dim(1) : tensor<8x4xf32>
    %py = tailor.take_along %lp, %y : (tensor<8x4xf32>, tensor<8xi32>) -> tensor<8xf32>
    %nll = tailor.neg %py : tensor<8xf32>
    %sum = tailor.reduce_sum %lp dims([1]) : tensor<8x4xf32> to tensor<8xf32>
    %uniform = tailor.neg %sum : tensor<8xf32>
    %a = tailor.mul %nll, %k : tensor<8xf32>
    %b = tailor.mul %uniform, %s : tensor<8xf32>
    // expected-remark@+1 {{the factors of the loss and of the uniform term are not 1 - eps and eps}}
    %l = tailor.add %b, %a : tensor<8xf32>
    tailor.return %l : tensor<8xf32>
  }
}

// -----

// The weighted mean of the framework: sum(w[y] * nll) / sum(w[y]), padding rows masked.
// CHECK-LABEL: tailor.body @weighted_mean
// CHECK-NEXT:    tailor.softmax_cross_entropy %{{.+}} weights(%{{.+}}) valid(%{{.+}}) reduction({{ ?}}weighted_mean)
// CHECK-NEXT:    tailor.return
tailor.program @p {
  tailor.body @weighted_mean(%z: tensor<8x3xf32>, %w: tensor<3xf32>, %y: tensor<8xi32>, %valid: tensor<i32>) -> tensor<f32> {
    %zero = tailor.constant dense<0.0> : tensor<8xf32>
    %mask = tailor.row_mask %valid : tensor<i32> to tensor<8xi1>
    %ce = tailor.softmax_cross_entropy %z, %y : tensor<8xi32> reduction(none) : tensor<8x3xf32> -> tensor<8xf32>
    %wy = tailor.take %w, %y : (tensor<3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %wl = tailor.mul %ce, %wy : tensor<8xf32>
    %ml = tailor.where %mask, %wl, %zero : tensor<8xi1>, tensor<8xf32>
    %mw = tailor.where %mask, %wy, %zero : tensor<8xi1>, tensor<8xf32>
    %s = tailor.reduce_sum %ml dims([0]) : tensor<8xf32> to tensor<f32>
    %n = tailor.reduce_sum %mw dims([0]) : tensor<8xf32> to tensor<f32>
    %l = tailor.div %s, %n : tensor<f32>
    tailor.return %l : tensor<f32>
  }
}

// -----

// Not fused: the unweighted loss is also reported.
// CHECK-LABEL: tailor.body @loss_also_reported
// CHECK:         tailor.mul
tailor.program @p {
  tailor.body @loss_also_reported(%z: tensor<8x3xf32>, %w: tensor<3xf32>, %y: tensor<8xi32>) -> (tensor<8xf32>, tensor<8xf32>) {
    %ce = tailor.softmax_cross_entropy %z, %y : tensor<8xi32> reduction(none) : tensor<8x3xf32> -> tensor<8xf32>
    %wy = tailor.take %w, %y : (tensor<3xf32>, tensor<8xi32>) -> tensor<8xf32>
    // expected-remark@+1 {{the loss per row is used elsewhere}}
    %wl = tailor.mul %ce, %wy : tensor<8xf32>
    tailor.return %wl, %ce : tensor<8xf32>, tensor<8xf32>
  }
}

// -----

// Not fused: other labels.
// CHECK-LABEL: tailor.body @other_labels
// CHECK:         tailor.mul
tailor.program @p {
  tailor.body @other_labels(%z: tensor<8x3xf32>, %w: tensor<3xf32>, %y: tensor<8xi32>, %y2: tensor<8xi32>) -> tensor<8xf32> {
    %ce = tailor.softmax_cross_entropy %z, %y : tensor<8xi32> reduction(none) : tensor<8x3xf32> -> tensor<8xf32>
    %wy = tailor.take %w, %y2 : (tensor<3xf32>, tensor<8xi32>) -> tensor<8xf32>
    // expected-remark@+1 {{the weights are looked up by other labels than the loss uses}}
    %wl = tailor.mul %ce, %wy : tensor<8xf32>
    tailor.return %wl : tensor<8xf32>
  }
}

// -----

// Not fused: the table is trained. A trained bias stays with its layer as well.
// CHECK-LABEL: tailor.body @trained
// CHECK:         tailor.add
// CHECK:         tailor.softmax_cross_entropy %{{.+}}, %{{.+}} : tensor<8xi32> reduction({{ ?}}none)
// CHECK:         tailor.mul
tailor.program @p {
  tailor.body @trained(%z: tensor<8x3xf32>, %w: tensor<3xf32>, %y: tensor<8xi32>) -> tensor<f32> {
    %bb = tailor.broadcast %w dims([1]) : tensor<3xf32> to tensor<8x3xf32>
    %u = tailor.add %z, %bb : tensor<8x3xf32>
    %ce = tailor.softmax_cross_entropy %u, %y : tensor<8xi32> reduction(none) : tensor<8x3xf32> -> tensor<8xf32>
    %wy = tailor.take %w, %y : (tensor<3xf32>, tensor<8xi32>) -> tensor<8xf32>
    // expected-remark@+1 {{the class weights are trained, so they need a gradient}}
    %wl = tailor.mul %ce, %wy : tensor<8xf32>
    %l = tailor.reduce_mean %wl dims([0]) : tensor<8xf32> to tensor<f32>
    tailor.return %l : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %z = tailor.constant dense<2.0> : tensor<8x3xf32>
    %w = tailor.constant dense<2.0> : tensor<3xf32>
    %y = tailor.input "label" : tensor<8xi32>
    %v, %g = tailor.value_and_grad @trained(%z, %w, %y) wrt([1]) : (tensor<8x3xf32>, tensor<3xf32>, tensor<8xi32>) -> (tensor<f32>, tensor<3xf32>)
    tailor.report "v", %v : tensor<f32>
    tailor.yield
  }
}

// -----

// Not found: the likelihood is taken of other logits than the normaliser.
// CHECK-LABEL: tailor.body @two_logits
// CHECK:         tailor.logsumexp
tailor.program @p {
  tailor.body @two_logits(%z: tensor<8x3xf32>, %u: tensor<8x3xf32>, %y: tensor<8xi32>) -> (tensor<8xf32>, tensor<8xf32>) {
    %lse = tailor.logsumexp %z dim(1) : tensor<8x3xf32> to tensor<8xf32>
    // expected-remark@+1 {{log-probabilities are looked up by label, but the likelihood and its normaliser do not meet in one difference of the same logits}}
    %zy = tailor.take_along %z, %y : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
    // expected-remark@+1 {{this is chosen by label from other values than log-probabilities}}
    %uy = tailor.take_along %u, %y : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %nll = tailor.sub %lse, %uy : tensor<8xf32>
    tailor.return %nll, %zy : tensor<8xf32>, tensor<8xf32>
  }
}

// -----

// The minus sign stands over the mean.
// CHECK-LABEL: tailor.body @sign_last
// CHECK-NEXT:    tailor.softmax_cross_entropy %{{.+}} weights(%{{.+}}) reduction({{ ?}}batch_mean)
// CHECK-NEXT:    tailor.return
tailor.program @p {
  tailor.body @sign_last(%z: tensor<8x3xf32>, %w: tensor<3xf32>, %y: tensor<8xi32>) -> tensor<f32> {
    %lp = tailor.log_softmax %z dim(1) : tensor<8x3xf32>
    %py = tailor.take_along %lp, %y : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %wy = tailor.take %w, %y : (tensor<3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %wl = tailor.mul %py, %wy : tensor<8xf32>
    %m = tailor.reduce_mean %wl dims([0]) : tensor<8xf32> to tensor<f32>
    %l = tailor.neg %m : tensor<f32>
    tailor.return %l : tensor<f32>
  }
}

// -----

// The normaliser by hand, shifted by the largest logit.
// CHECK-LABEL: tailor.body @log_of_sum
// CHECK-SAME:    (%[[Z:.+]]: tensor<8x3xf32>, %[[Y:.+]]: tensor<8xi32>)
// CHECK-NEXT:    tailor.softmax_cross_entropy %[[Z]], %[[Y]] : tensor<8xi32> reduction({{ ?}}none)
// CHECK-NEXT:    tailor.return
tailor.program @p {
  tailor.body @log_of_sum(%z: tensor<8x3xf32>, %y: tensor<8xi32>) -> tensor<8xf32> {
    %top = tailor.reduce_max %z dims([1]) : tensor<8x3xf32> to tensor<8xf32>
    %t = tailor.broadcast %top dims([0]) : tensor<8xf32> to tensor<8x3xf32>
    %u = tailor.sub %z, %t : tensor<8x3xf32>
    %e = tailor.exp %u : tensor<8x3xf32>
    %s = tailor.reduce_sum %e dims([1]) : tensor<8x3xf32> to tensor<8xf32>
    %lse = tailor.log %s : tensor<8xf32>
    %uy = tailor.take_along %u, %y : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %l = tailor.sub %lse, %uy : tensor<8xf32>
    tailor.return %l : tensor<8xf32>
  }
}

// -----

// Focal from the likelihood: weight outside.
// CHECK-LABEL: tailor.body @focal
// CHECK-NEXT:    tailor.softmax_cross_entropy %{{.+}} weights(%{{.+}}) focal(2.000000e+00) reduction({{ ?}}none)
// CHECK-NEXT:    tailor.return
tailor.program @p {
  tailor.body @focal(%z: tensor<8x3xf32>, %w: tensor<3xf32>, %y: tensor<8xi32>) -> tensor<8xf32> {
    %one = tailor.constant dense<1.0> : tensor<8xf32>
    %p = tailor.softmax %z dim(1) : tensor<8x3xf32>
    %py = tailor.take_along %p, %y : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %lp = tailor.log %py : tensor<8xf32>
    %ce = tailor.neg %lp : tensor<8xf32>
    %rest = tailor.sub %one, %py : tensor<8xf32>
    %f = tailor.square %rest : tensor<8xf32>
    %fl = tailor.mul %f, %ce : tensor<8xf32>
    %wy = tailor.take %w, %y : (tensor<3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %l = tailor.mul %wy, %fl : tensor<8xf32>
    tailor.return %l : tensor<8xf32>
  }
}

// -----

// Focal of the weighted loss, and the scaled margins of LDAM.
// CHECK-LABEL: tailor.body @focal_of_weighted_margins
// CHECK-NEXT:    tailor.softmax_cross_entropy %{{.+}} weights(%{{.+}}) margin(%{{.+}}) focal(1.500000e+00 of_weighted) scale(3.000000e+01) reduction({{ ?}}none)
// CHECK-NEXT:    tailor.return
tailor.program @p {
  tailor.body @focal_of_weighted_margins(%z: tensor<8x3xf32>, %w: tensor<3xf32>, %m: tensor<3xf32>, %y: tensor<8xi32>) -> tensor<8xf32> {
    %one = tailor.constant dense<1.0> : tensor<8xf32>
    %gamma = tailor.constant dense<1.5> : tensor<8xf32>
    %s = tailor.constant dense<30.0> : tensor<8x3xf32>
    %h = tailor.one_hot %y : tensor<8xi32> to tensor<8x3xf32>
    %mm = tailor.broadcast %m dims([1]) : tensor<3xf32> to tensor<8x3xf32>
    %my = tailor.mul %h, %mm : tensor<8x3xf32>
    %zm = tailor.sub %z, %my : tensor<8x3xf32>
    %u = tailor.mul %zm, %s : tensor<8x3xf32>
    %ce = tailor.softmax_cross_entropy %u, %y : tensor<8xi32> reduction(none) : tensor<8x3xf32> -> tensor<8xf32>
    %wy = tailor.take %w, %y : (tensor<3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %v = tailor.mul %ce, %wy : tensor<8xf32>
    %n = tailor.neg %v : tensor<8xf32>
    %p = tailor.exp %n : tensor<8xf32>
    %rest = tailor.sub %one, %p : tensor<8xf32>
    %f = tailor.pow %rest, %gamma : tensor<8xf32>
    %l = tailor.mul %f, %v : tensor<8xf32>
    tailor.return %l : tensor<8xf32>
  }
}

// -----

// Not smoothing: the loss sees 2 z, the uniform term z.
// CHECK-LABEL: tailor.body @smoothing_of_scale
// CHECK-NOT:     smoothing(
// CHECK:         tailor.return
tailor.program @p {
  tailor.body @smoothing_of_scale(%z: tensor<8x4xf32>, %y: tensor<8xi32>) -> tensor<8xf32> {
    %k = tailor.constant dense<0.9> : tensor<8xf32>
    %s = tailor.constant dense<0.025> : tensor<8xf32>
    %ce = tailor.softmax_cross_entropy %z, %y : tensor<8xi32> scale(2.0) reduction(none) : tensor<8x4xf32> -> tensor<8xf32>
    %lp = tailor.log_softmax %z dim(1) : tensor<8x4xf32>
    %sum = tailor.reduce_sum %lp dims([1]) : tensor<8x4xf32> to tensor<8xf32>
    %uniform = tailor.neg %sum : tensor<8xf32>
    %a = tailor.mul %ce, %k : tensor<8xf32>
    %b = tailor.mul %uniform, %s : tensor<8xf32>
    // expected-remark@+1 {{the loss has a scale, which the uniform term has not}}
    %l = tailor.add %b, %a : tensor<8xf32>
    tailor.return %l : tensor<8xf32>
  }
}

// -----

// Not smoothing: the uniform term counts padding rows.
// CHECK-LABEL: tailor.body @smoothing_of_mask
// CHECK-NOT:     smoothing(
// CHECK:         tailor.return
tailor.program @p {
  tailor.body @smoothing_of_mask(%z: tensor<8x4xf32>, %y: tensor<8xi32>, %valid: tensor<i32>) -> tensor<8xf32> {
    %k = tailor.constant dense<0.9> : tensor<8xf32>
    %s = tailor.constant dense<0.025> : tensor<8xf32>
    %ce = tailor.softmax_cross_entropy %z, %y : tensor<8xi32> valid(%valid : tensor<i32>) reduction(none) : tensor<8x4xf32> -> tensor<8xf32>
    %lp = tailor.log_softmax %z dim(1) : tensor<8x4xf32>
    %sum = tailor.reduce_sum %lp dims([1]) : tensor<8x4xf32> to tensor<8xf32>
    %uniform = tailor.neg %sum : tensor<8xf32>
    %a = tailor.mul %ce, %k : tensor<8xf32>
    %b = tailor.mul %uniform, %s : tensor<8xf32>
    // expected-remark@+1 {{padding rows are left out of the loss but not of the uniform term}}
    %l = tailor.add %b, %a : tensor<8xf32>
    tailor.return %l : tensor<8xf32>
  }
}

// -----

// Not a weighted mean: its Z would be the sum of the weights of both label slots.
// CHECK-LABEL: tailor.body @weighted_mean_of_mix
// CHECK-NOT:     weighted_mean
// CHECK:         tailor.div
tailor.program @p {
  tailor.body @weighted_mean_of_mix(%z: tensor<8x3xf32>, %w: tensor<3xf32>, %y: tensor<8xi32>, %y2: tensor<8xi32>, %lam: tensor<8xf32>) -> tensor<f32> {
    %ce = tailor.softmax_cross_entropy %z, %y : tensor<8xi32> mix(%y2, %lam : tensor<8xi32>, tensor<8xf32>) weights(%w : tensor<3xf32>) reduction(sum) : tensor<8x3xf32> -> tensor<f32>
    %wy = tailor.take %w, %y : (tensor<3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %n = tailor.reduce_sum %wy dims([0]) : tensor<8xf32> to tensor<f32>
    // expected-remark@+1 {{the rows have two labels each, and the divisor sums the weights of one}}
    %l = tailor.div %ce, %n : tensor<f32>
    tailor.return %l : tensor<f32>
  }
}

// -----

// A table of another length may be looked up by label, but is no class table.
// CHECK-LABEL: tailor.body @longer_table
// CHECK-NOT:     weights(
// CHECK:         tailor.mul
tailor.program @p {
  tailor.body @longer_table(%z: tensor<8x3xf32>, %w: tensor<4xf32>, %y: tensor<8xi32>) -> tensor<8xf32> {
    %ce = tailor.softmax_cross_entropy %z, %y : tensor<8xi32> reduction(none) : tensor<8x3xf32> -> tensor<8xf32>
    %wy = tailor.take %w, %y : (tensor<4xf32>, tensor<8xi32>) -> tensor<8xf32>
    // expected-remark@+1 {{the table has 4 entries for 3 classes}}
    %wl = tailor.mul %ce, %wy : tensor<8xf32>
    tailor.return %wl : tensor<8xf32>
  }
}

// -----

// The table is trained by the caller of the caller.
// CHECK-LABEL: tailor.body @inner
// CHECK-NOT:     weights(
// CHECK:         tailor.mul
tailor.program @p {
  tailor.body @inner(%z: tensor<8x3xf32>, %y: tensor<8xi32>, %t: tensor<3xf32>) -> tensor<f32> {
    %ce = tailor.softmax_cross_entropy %z, %y : tensor<8xi32> reduction(none) : tensor<8x3xf32> -> tensor<8xf32>
    %wy = tailor.take %t, %y : (tensor<3xf32>, tensor<8xi32>) -> tensor<8xf32>
    // expected-remark@+1 {{the class weights are trained, so they need a gradient}}
    %m = tailor.mul %ce, %wy : tensor<8xf32>
    %l = tailor.reduce_mean %m dims([0]) : tensor<8xf32> to tensor<f32>
    tailor.return %l : tensor<f32>
  }
  tailor.body @outer(%z: tensor<8x3xf32>, %t: tensor<3xf32>, %y: tensor<8xi32>) -> tensor<f32> {
    %l = tailor.call @inner(%z, %y, %t) : (tensor<8x3xf32>, tensor<8xi32>, tensor<3xf32>) -> tensor<f32>
    tailor.return %l : tensor<f32>
  }
  tailor.entry @train_step kind(step) batch(8) {
    %z = tailor.constant dense<2.0> : tensor<8x3xf32>
    %t = tailor.constant dense<2.0> : tensor<3xf32>
    %y = tailor.input "label" : tensor<8xi32>
    %v, %g = tailor.value_and_grad @outer(%z, %t, %y) wrt([1]) : (tensor<8x3xf32>, tensor<3xf32>, tensor<8xi32>) -> (tensor<f32>, tensor<3xf32>)
    tailor.report "v", %v : tensor<f32>
    tailor.yield
  }
}

// -----

// A logit adjustment that arrives as a matrix is no class table.
// CHECK-LABEL: tailor.body @bias_of_rows
// CHECK:         tailor.add
tailor.program @p {
  tailor.body @bias_of_rows(%z: tensor<8x3xf32>, %b: tensor<8x3xf32>, %y: tensor<8xi32>) -> tensor<8xf32> {
    %t = tailor.tanh %z : tensor<8x3xf32>
    // expected-remark@+1 {{what is added to the logits has a row per sample and is no class table}}
    %u = tailor.add %t, %b : tensor<8x3xf32>
    %ce = tailor.softmax_cross_entropy %u, %y : tensor<8xi32> reduction(none) : tensor<8x3xf32> -> tensor<8xf32>
    tailor.return %ce : tensor<8xf32>
  }
}

// -----

// The biased logits would be stored for their other reader as well.
// CHECK-LABEL: tailor.body @bias_read_twice
// CHECK-NOT:     bias(
// CHECK:         tailor.return
tailor.program @p {
  tailor.body @bias_read_twice(%z: tensor<8x3xf32>, %b: tensor<3xf32>, %y: tensor<8xi32>) -> (tensor<8xf32>, tensor<8x3xf32>) {
    %bb = tailor.broadcast %b dims([1]) : tensor<3xf32> to tensor<8x3xf32>
    // expected-remark@+1 {{the changed logits are used elsewhere than in the loss}}
    %u = tailor.add %z, %bb : tensor<8x3xf32>
    %ce = tailor.softmax_cross_entropy %u, %y : tensor<8xi32> reduction(none) : tensor<8x3xf32> -> tensor<8xf32>
    tailor.return %ce, %u : tensor<8xf32>, tensor<8x3xf32>
  }
}

// -----

// Margins, factors and likelihoods that are nearly of the form.
// CHECK-LABEL: tailor.body @nearly
// CHECK-NOT:     margin(
// CHECK-NOT:     focal(
// CHECK:         tailor.return
tailor.program @p {
  tailor.body @nearly(%z: tensor<8x3xf32>, %m: tensor<3xf32>, %g: tensor<8xf32>, %y: tensor<8xi32>, %y2: tensor<8xi32>) -> (tensor<8xf32>, tensor<8xf32>) {
    %one = tailor.constant dense<1.0> : tensor<8xf32>
    %tiny = tailor.constant dense<1.0e-8> : tensor<8xf32>
    %h = tailor.one_hot %y2 : tensor<8xi32> to tensor<8x3xf32>
    %mm = tailor.broadcast %m dims([1]) : tensor<3xf32> to tensor<8x3xf32>
    %my = tailor.mul %h, %mm : tensor<8x3xf32>
    // expected-remark@+1 {{the margin is not one_hot(y) times a class table of the loss' labels}}
    %u = tailor.sub %z, %my : tensor<8x3xf32>
    %ce = tailor.softmax_cross_entropy %u, %y : tensor<8xi32> reduction(none) : tensor<8x3xf32> -> tensor<8xf32>
    %n = tailor.neg %ce : tensor<8xf32>
    %p = tailor.exp %n : tensor<8xf32>
    %rest = tailor.sub %one, %p : tensor<8xf32>
    %f = tailor.pow %rest, %g : tensor<8xf32>
    // expected-remark@+1 {{a factor of the loss depends on the likelihood but is not (1 - p)^gamma with a constant gamma}}
    %l = tailor.mul %f, %ce : tensor<8xf32>
    %sm = tailor.softmax %z dim(1) : tensor<8x3xf32>
    // expected-remark@+1 {{the likelihood is changed before its logarithm is taken}}
    %py = tailor.take_along %sm, %y : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %safe = tailor.add %py, %tiny : tensor<8xf32>
    %lp = tailor.log %safe : tensor<8xf32>
    tailor.return %l, %lp : tensor<8xf32>, tensor<8xf32>
  }
}

// -----

// Probabilities from elsewhere.
// CHECK-LABEL: tailor.body @given_probabilities
// CHECK:         tailor.log
tailor.program @p {
  tailor.body @given_probabilities(%p: tensor<8x3xf32>, %y: tensor<8xi32>) -> tensor<8xf32> {
    // expected-remark@+1 {{this is chosen by label from other values than log-probabilities}}
    %py = tailor.take_along %p, %y : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %lp = tailor.log %py : tensor<8xf32>
    %l = tailor.neg %lp : tensor<8xf32>
    tailor.return %l : tensor<8xf32>
  }
}

// -----

// The limit on fusions: one is made, the rest stays.
// CHECK-LABEL: tailor.fuse_limit = 0
// CHECK:         tailor.softmax_cross_entropy %{{.+}} reduction({{ ?}}none)
// CHECK:         tailor.masked_mean
module attributes {tailor.fuse_limit = 1 : i64} {
  tailor.program @p {
    tailor.body @limited(%z: tensor<8x3xf32>, %y: tensor<8xi32>, %valid: tensor<i32>) -> tensor<f32> {
      %lse = tailor.logsumexp %z dim(1) : tensor<8x3xf32> to tensor<8xf32>
      %zy = tailor.take_along %z, %y : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
      %nll = tailor.sub %lse, %zy : tensor<8xf32>
      %l = tailor.masked_mean %nll valid(%valid) : (tensor<8xf32>, tensor<i32>) -> tensor<f32>
      tailor.return %l : tensor<f32>
    }
  }
}

// -----

// A gradient penalty: the gradient of the written loss is differentiated again. The loss op would be taken apart for
// that, so the written form stays; the loss of the other body does not.
// CHECK-LABEL: tailor.body @inner
// CHECK-NOT:     softmax_cross_entropy
// CHECK:         tailor.return
// CHECK-LABEL: tailor.body @penalised
// CHECK-LABEL: tailor.body @plain
// CHECK:         tailor.softmax_cross_entropy
// CHECK:         tailor.return
tailor.program @p {
  tailor.body @inner(%z: tensor<8x3xf32>, %y: tensor<8xi32>) -> tensor<f32> {
    %lse = tailor.logsumexp %z dim(1) : tensor<8x3xf32> to tensor<8xf32>
    // expected-remark@+1 {{the gradient of this loss is differentiated again, for which the loss op would be taken apart}}
    %zy = tailor.take_along %z, %y : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %nll = tailor.sub %lse, %zy : tensor<8xf32>
    %l = tailor.reduce_mean %nll dims([0]) : tensor<8xf32> to tensor<f32>
    tailor.return %l : tensor<f32>
  }
  tailor.body @penalised(%z: tensor<8x3xf32>, %y: tensor<8xi32>) -> tensor<f32> {
    %l, %g = tailor.value_and_grad @inner(%z, %y) wrt([0]) : (tensor<8x3xf32>, tensor<8xi32>) -> (tensor<f32>, tensor<8x3xf32>)
    %gg = tailor.square %g : tensor<8x3xf32>
    %norm = tailor.reduce_sum %gg dims([0, 1]) : tensor<8x3xf32> to tensor<f32>
    %sum = tailor.add %l, %norm : tensor<f32>
    tailor.return %sum : tensor<f32>
  }
  tailor.body @plain(%z: tensor<8x3xf32>, %y: tensor<8xi32>) -> tensor<f32> {
    %lse = tailor.logsumexp %z dim(1) : tensor<8x3xf32> to tensor<8xf32>
    %zy = tailor.take_along %z, %y : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %nll = tailor.sub %lse, %zy : tensor<8xf32>
    %l = tailor.reduce_mean %nll dims([0]) : tensor<8xf32> to tensor<f32>
    tailor.return %l : tensor<f32>
  }
  tailor.state_group @net kind(net) { tailor.state @z : tensor<8x3xf32> init(zeros) }
  tailor.entry @s kind(step) batch(8) {
    %z = tailor.load @net::@z : tensor<8x3xf32>
    %y = tailor.input "label" : tensor<8xi32>
    %l, %g = tailor.value_and_grad @penalised(%z, %y) wrt([0]) : (tensor<8x3xf32>, tensor<8xi32>) -> (tensor<f32>, tensor<8x3xf32>)
    %k, %h = tailor.value_and_grad @plain(%z, %y) wrt([0]) : (tensor<8x3xf32>, tensor<8xi32>) -> (tensor<f32>, tensor<8x3xf32>)
    tailor.store %g, @net::@z : tensor<8x3xf32>
    tailor.report "loss", %l : tensor<f32>
    tailor.report "plain", %k : tensor<f32>
  }
}

// -----

// (1 - p)^gamma with a gamma that is a value: the remark says so, and not that the weights find the loss used elsewhere.
tailor.program @p {
  tailor.body @gamma(%z: tensor<8x3xf32>, %y: tensor<8xi32>, %w: tensor<3xf32>, %gamma: tensor<f32>) -> tensor<8xf32> {
    %lse = tailor.logsumexp %z dim(1) : tensor<8x3xf32> to tensor<8xf32>
    %zy = tailor.take_along %z, %y : (tensor<8x3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %nll = tailor.sub %lse, %zy : tensor<8xf32>
    %minus = tailor.neg %nll : tensor<8xf32>
    %p = tailor.exp %minus : tensor<8xf32>
    %one = tailor.constant dense<1.0> : tensor<8xf32>
    %rest = tailor.sub %one, %p : tensor<8xf32>
    %gammas = tailor.broadcast %gamma dims([]) : tensor<f32> to tensor<8xf32>
    %factor = tailor.pow %rest, %gammas : tensor<8xf32>
    %wy = tailor.take %w, %y : (tensor<3xf32>, tensor<8xi32>) -> tensor<8xf32>
    %weighted = tailor.mul %factor, %wy : tensor<8xf32>
    // expected-remark@+1 {{a factor of the loss depends on the likelihood but is not (1 - p)^gamma with a constant gamma}}
    %l = tailor.mul %weighted, %nll : tensor<8xf32>
    tailor.return %l : tensor<8xf32>
  }
}
