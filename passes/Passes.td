// Every pass of the compiler: what it does, when it applies, where it stands, what it does to the numbers.
// `mlir-tblgen -gen-pass-doc` turns this file into the reference page; tests/passes/examples.test runs its examples.
// One pass = one entry here = one .cpp of the same name = one tests/passes/<flag>.mlir. The order, with its reasons,
// is passes/Pipelines.cpp.
#ifndef TAILOR_PASSES_PASSES_TD
#define TAILOR_PASSES_PASSES_TD

include "mlir/Pass/PassBase.td"

class TailorPass<string flag> : Pass<flag, "::mlir::ModuleOp"> {
  let dependentDialects = ["::tailor::ir::TailorDialect"];
}

//===- traced -> differentiated ----------------------------------------------------------------------------------===//

def MergeEqualOpsPass : TailorPass<"tailor-merge-equal-ops"> {
  let summary = "Computes every value once, however often it is written.";
  let description = [{
    Common subexpressions by what ops compute: op_id, vjp_of and locations are ignored, which MLIR's own pass does not.
    Applies when: both ops are pure, of one block, with equal operands and attributes. Draws are equal only if their
    keys are.
    Position: before the passes that look for patterns, which compare values; again after Differentiate, because the
    rules of two ops may need the same value.
    Numerics: exact.

    ```mlir
    tailor.body @f(%p: tensor<4xf32>) -> tensor<4xf32> {
      %a = tailor.log %p : tensor<4xf32>
      %b = tailor.log %p : tensor<4xf32>
      %c = tailor.add %a, %b : tensor<4xf32>
      tailor.return %c : tensor<4xf32>
    }
    // becomes
    tailor.body @f(%p: tensor<4xf32>) -> tensor<4xf32> {
      %a = tailor.log %p : tensor<4xf32>
      %c = tailor.add %a, %a : tensor<4xf32>
      tailor.return %c : tensor<4xf32>
    }
    ```
  }];
}

def FuseClassWeightsPass : TailorPass<"tailor-fuse-class-weights"> {
  let summary = "Moves hand-written cross-entropies and their per-class tables into softmax_cross_entropy.";
  let description = [{
    Turns the forms people write by hand into the one loss op, which computes loss and gradient in one kernel and
    reads every table by label:

    | written | becomes |
    |---|---|
    | `logsumexp(z) - z_y`, `-log P_y`, with P from softmax, log_softmax or exp and sum, shifted or not; `z_y` by take_along or one_hot | `softmax_cross_entropy z, y` |
    | `loss * take(w, y)` | `weights(w)` |
    | logits `z + b`, b a table over the classes | `bias(b)` |
    | logits `z - one_hot(y) * m` | `margin(m)` |
    | logits `s * z`, s a positive constant | `scale(s)` |
    | logits `z - c`, one c per row | `z`: softmax does not see it |
    | `(1-eps)*nll + eps/K*sum(-log p)`, eps a constant, a scalar or `take(table, y)` | `smoothing(eps)` |
    | `(1 - P_y)^gamma * loss`, gamma a constant | `focal(gamma)` |
    | `(1 - e^-v)^gamma * v`, v a weighted loss | `focal(gamma of_weighted)` |
    | `loss * mask`, `where(mask, loss, 0)` | `valid(...)` |
    | `masked_mean(loss, valid)`, `reduce_mean(loss)`, `reduce_sum(loss)` | `reduction` and `valid(...)` |
    | `sum(loss) / sum(take(w, y))` | `weighted_mean` |

    A minus sign may stand anywhere between the likelihood and the reduced loss; factors may come in any order.

    Applies when: the rewritten loss is the formula of the op (one clause per option, passes/LossClauses.h: same labels,
    tables with one entry per class, no table that needs a gradient, no option that the rest of the formula has not) and,
    for everything but finding the loss itself, nothing else reads what would be replaced: the loss per row, the changed
    logits. Of a found loss, values that others read as well (log_softmax that is reported) stay and are computed for
    them. Every look-up by label near a softmax that is no cross-entropy, and every op at a loss that a clause keeps out
    of it, is a remark at that line.
    Position: first of all rewriting passes, on canonical forward IR; Differentiate must see the single op.
    Numerics: same formula in f32; the sum of a row is taken in the order of the loss kernel. Where the written form is
    not finite (exp of a large logit, a weighted mean over no row) the op is. tests/conformance/written_losses_test.cpp
    compares every form and every broken clause with the pass on and off.

    ```mlir
    tailor.body @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>, %w: tensor<10xf32>) -> tensor<64xf32> {
      %ce = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> reduction(none) : tensor<64x10xf32> -> tensor<64xf32>
      %wi = tailor.take %w, %y : (tensor<10xf32>, tensor<64xi32>) -> tensor<64xf32>
      %out = tailor.mul %ce, %wi : tensor<64xf32>
      tailor.return %out : tensor<64xf32>
    }
    // becomes
    tailor.body @f(%z: tensor<64x10xf32>, %y: tensor<64xi32>, %w: tensor<10xf32>) -> tensor<64xf32> {
      %out = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> weights(%w : tensor<10xf32>) reduction(none)
          : tensor<64x10xf32> -> tensor<64xf32>
      tailor.return %out : tensor<64xf32>
    }
    ```
  }];
}

def HoistFittedPass : TailorPass<"tailor-hoist-fitted"> {
  let summary = "Computes values that depend only on fitted state once, when training starts.";
  let description = [{
    Class tables (weights, smoothing, margins, logit bias) depend on class counts only. Their expressions move from
    step and eval entries to the entry of kind `fit`, which runs once; the results become states of the fitted group
    and the step loads them. Expressions inside a body move when every caller passes fitted values.

    Applies when: an op without effects reads only fitted states, constants and other such values, and the result is
    not itself a plain load or constant.
    Position: after FuseClassWeights (which decides which tables there are), before Differentiate (so that the tables
    are plain arguments of the differentiated body).
    Numerics: exact; the same ops run once instead of once per step.

    ```mlir
    tailor.state_group @fitted kind(fitted) {
      tailor.state @counts : tensor<10xf32> init(zeros)
    }
    tailor.entry @train_step kind(step) batch(64) {
      %n = tailor.load @fitted::@counts : tensor<10xf32>
      %s = tailor.reduce_sum %n dims([0]) : tensor<10xf32> to tensor<f32>
      tailor.report "samples", %s : tensor<f32>
    }
    // becomes
    tailor.state_group @fitted kind(fitted) {
      tailor.state @counts : tensor<10xf32> init(zeros)
      tailor.state @derived0 : tensor<f32> init(zeros)
    }
    tailor.entry @train_step kind(step) batch(64) {
      %s = tailor.load @fitted::@derived0 : tensor<f32>
      tailor.report "samples", %s : tensor<f32>
    }
    tailor.entry @fit kind(fit) {
      %n = tailor.load @fitted::@counts : tensor<10xf32>
      %s = tailor.reduce_sum %n dims([0]) : tensor<10xf32> to tensor<f32>
      tailor.store %s, @fitted::@derived0 : tensor<f32>
    }
    ```
  }];
}

def AccumulateGradientsPass : TailorPass<"tailor-accumulate-gradients"> {
  let summary = "Makes a step of one micro-batch one of k, whose gradients are added up.";
  let description = [{
    A step `accumulate(k)` is written for B rows. It becomes a step of k * B rows: inputs, `valid` and `rng` are cut
    into k parts, every op that reads a row is made once per part, in the order of the parts, and what is computed from
    gradients (norms, SAM's ascent, updates, averages) once. Losses and gradients are sums of shares:

    | loss of part m, of v_m of V valid rows | its share |
    |---|---|
    | a mean over valid rows (`batch_mean`, masked_mean), plus what depends on no row | v_m / V times it |
    | a mean divided by the sum of the rows' weights (`weighted_mean`, a written quotient of two sums) | the sum over its rows / the sum of the weights of all k parts, which a body `NAME.totals` computes before |
    | a sum | itself: it grows with the rows of a step, as it would in a batch of them (a remark says so) |

    so that they are those of one batch of k * B rows. Batch norms take their statistics over a micro-batch, and their
    running statistics move once per micro-batch, in order. Draws are by row: dropout masks are those of the large batch;
    what pairs rows (mixing) pairs those of a micro-batch. Reports that are sums, means, maxima or minima over rows are
    those of the large batch, of a batch norm's statistics the mean over the parts, weighted by valid rows; others are refused.

    Applies when: the entry says `accumulate`. Refused: a loss that is no such sum of its rows (passes/analysis/RowTerms.h),
    with the op that mixes them; an update or a store that takes a value of single micro-batches; a step that would have more
    ops than are compiled in a few minutes, each being made k times.
    Position: after FuseClassWeights, which finds normalisers that people write; before Differentiate.
    Numerics: another order of summation.

    ```mlir
    tailor.program @sgd {
      tailor.state_group @net kind(net) trainable { tailor.state @w : tensor<10x8xf32> init(zeros) }
      tailor.control { tailor.control_field @valid : tensor<i32> writer(host) }
      tailor.body @loss(%w: tensor<10x8xf32>, %x: tensor<32x8xf32>, %y: tensor<32xi32>, %valid: tensor<i32>) -> tensor<f32> {
        %z = tailor.dot %x, %w contract([1] x [1]) : (tensor<32x8xf32>, tensor<10x8xf32>) -> tensor<32x10xf32>
        %loss = tailor.softmax_cross_entropy %z, %y : tensor<32xi32> valid(%valid : tensor<i32>) reduction(batch_mean)
            : tensor<32x10xf32> -> tensor<f32>
        tailor.return %loss : tensor<f32>
      }
      tailor.entry @train_step kind(step) batch(32) accumulate(2) {
        %w = tailor.load @net::@w : tensor<10x8xf32>
        %x = tailor.input "numeric" : tensor<32x8xf32>
        %y = tailor.input "label" : tensor<32xi32>
        %valid = tailor.control_read @valid : tensor<i32>
        %loss, %g = tailor.value_and_grad @loss(%w, %x, %y, %valid) wrt([0])
            : (tensor<10x8xf32>, tensor<32x8xf32>, tensor<32xi32>, tensor<i32>) -> (tensor<f32>, tensor<10x8xf32>)
        tailor.report "loss", %loss : tensor<f32>
        tailor.store %g, @net::@w : tensor<10x8xf32>
      }
    }
    // becomes
    tailor.program @sgd {
      tailor.state_group @net kind(net) trainable {
        tailor.state @w : tensor<10x8xf32> init(zeros)
      }
      tailor.control {
        tailor.control_field @valid : tensor<i32> writer(host)
      }
      tailor.body @loss.part.sum(%arg0: tensor<f32>, %arg1: tensor<f32>, %arg2: tensor<10x8xf32>, %arg3: tensor<10x8xf32>) -> (tensor<f32>, tensor<10x8xf32>) {
        %0 = tailor.add %arg0, %arg1 : tensor<f32>
        %1 = tailor.add %arg2, %arg3 : tensor<10x8xf32>
        tailor.return %0, %1 : tensor<f32>, tensor<10x8xf32>
      }
      tailor.body @loss.part(%w: tensor<10x8xf32>, %x: tensor<32x8xf32>, %y: tensor<32xi32>, %valid: tensor<i32>, %share: tensor<f32>) -> tensor<f32> {
        %0 = tailor.dot %x, %w contract([1] x [1]) : (tensor<32x8xf32>, tensor<10x8xf32>) -> tensor<32x10xf32>
        %1 = tailor.softmax_cross_entropy %0, %y : tensor<32xi32> valid(%valid : tensor<i32>) reduction(batch_mean) : tensor<32x10xf32> -> tensor<f32>
        %2 = tailor.mul %1, %share : tensor<f32>
        tailor.return %2 : tensor<f32>
      }
      tailor.entry @train_step kind(step) batch(64) {
        %valid = tailor.control_read @valid : tensor<i32>
        %0 = tailor.constant dense<0> : tensor<i32>
        %1 = tailor.constant dense<1> : tensor<i32>
        %2 = tailor.constant dense<32> : tensor<i32>
        %3 = tailor.max %valid, %1 : tensor<i32>
        %4 = tailor.cast %3 : tensor<i32> to tensor<f32>
        %5 = tailor.max %valid, %0 : tensor<i32>
        %6 = tailor.min %5, %2 : tensor<i32>
        %7 = tailor.cast %6 : tensor<i32> to tensor<f32>
        %8 = tailor.div %7, %4 : tensor<f32>
        %9 = tailor.constant dense<32> : tensor<i32>
        %10 = tailor.sub %valid, %9 : tensor<i32>
        %11 = tailor.max %10, %0 : tensor<i32>
        %12 = tailor.min %11, %2 : tensor<i32>
        %13 = tailor.cast %12 : tensor<i32> to tensor<f32>
        %14 = tailor.div %13, %4 : tensor<f32>
        %w = tailor.load @net::@w : tensor<10x8xf32>
        %numeric = tailor.input "numeric" : tensor<64x8xf32>
        %15 = tailor.slice %numeric from([0, 0]) to([32, 8]) by([1, 1]) : tensor<64x8xf32> to tensor<32x8xf32>
        %16 = tailor.slice %numeric from([32, 0]) to([64, 8]) by([1, 1]) : tensor<64x8xf32> to tensor<32x8xf32>
        %label = tailor.input "label" : tensor<64xi32>
        %17 = tailor.slice %label from([0]) to([32]) by([1]) : tensor<64xi32> to tensor<32xi32>
        %18 = tailor.slice %label from([32]) to([64]) by([1]) : tensor<64xi32> to tensor<32xi32>
        %loss.part, %d_w = tailor.value_and_grad @loss.part(%w, %15, %17, %6, %8) wrt([0]) : (tensor<10x8xf32>, tensor<32x8xf32>, tensor<32xi32>, tensor<i32>, tensor<f32>) -> (tensor<f32>, tensor<10x8xf32>)
        %loss.part_0, %d_w_1 = tailor.value_and_grad @loss.part(%w, %16, %18, %12, %14) wrt([0]) : (tensor<10x8xf32>, tensor<32x8xf32>, tensor<32xi32>, tensor<i32>, tensor<f32>) -> (tensor<f32>, tensor<10x8xf32>)
        %19:2 = tailor.call @loss.part.sum(%loss.part, %loss.part_0, %d_w, %d_w_1) : (tensor<f32>, tensor<f32>, tensor<10x8xf32>, tensor<10x8xf32>) -> (tensor<f32>, tensor<10x8xf32>)
        tailor.report "loss", %19#0 : tensor<f32>
        tailor.store %19#1, @net::@w : tensor<10x8xf32>
      }
    }
    ```
  }];
}

def DifferentiatePass : TailorPass<"tailor-differentiate"> {
  let summary = "Turns value_and_grad of a body into a call of its vjp body, made once per body and argument list.";
  let description = [{
    Reverse mode over the `buildVjp` rule that stands beside each op. `@loss.vjp` has the arguments of `@loss` and
    returns its results followed by one gradient per `wrt` argument. Contributions add up with `tailor.add`; a zero
    cotangent builds nothing; `stop_gradient` and integer values end a path; ops that no gradient needs are removed,
    so the data gradient of the first layer never exists. Backward ops carry `vjp_of` (the op_id they derive from) and
    the source location of the primal op. Calls inside a body are inlined into the vjp body first. Where the gradient of
    a body is differentiated again, losses and norms are taken apart before (DecomposableOpInterface).

    Applies to: every value_and_grad. Mandatory: switched off, it makes one vjp body per call and keeps dead ops.
    Errors: an op without a rule on a path to `wrt`; `repeat` on such a path; a loss that is not a scalar float.
    Position: after the forward rewrites, before everything that looks at backward ops.
    Numerics: defines them; the order of additions is the reverse program order of the uses.

    ```mlir
    tailor.body @loss(%w: tensor<4xf32>, %x: tensor<4xf32>) -> tensor<f32> {
      %y = tailor.mul %w, %x : tensor<4xf32>
      %l = tailor.reduce_sum %y dims([0]) : tensor<4xf32> to tensor<f32>
      tailor.return %l : tensor<f32>
    }
    tailor.body @step(%w: tensor<4xf32>, %x: tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>) {
      %l, %dw = tailor.value_and_grad @loss(%w, %x) wrt([0])
          : (tensor<4xf32>, tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>)
      tailor.return %l, %dw : tensor<f32>, tensor<4xf32>
    }
    // becomes
    tailor.body @loss.vjp(%w: tensor<4xf32>, %x: tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>) {
      %y = tailor.mul %w, %x : tensor<4xf32>
      %l = tailor.reduce_sum %y dims([0]) : tensor<4xf32> to tensor<f32>
      %dl = tailor.constant dense<1.0> : tensor<f32>
      %dy = tailor.broadcast %dl dims([]) : tensor<f32> to tensor<4xf32>
      %dw = tailor.mul %dy, %x : tensor<4xf32>
      tailor.return %l, %dw : tensor<f32>, tensor<4xf32>
    }
    tailor.body @step(%w: tensor<4xf32>, %x: tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>) {
      %l, %dw = tailor.call @loss.vjp(%w, %x) : (tensor<4xf32>, tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>)
      tailor.return %l, %dw : tensor<f32>, tensor<4xf32>
    }
    ```
  }];
  let options = [
    Option<"trivial", "trivial", "bool", "false", "One vjp body per call, nothing shared, dead ops kept">,
  ];
}

//===- differentiated -> fused -----------------------------------------------------------------------------------===//

def FuseLossBackwardPass : TailorPass<"tailor-fuse-loss-backward"> {
  let summary = "Joins a loss and its logits gradient into one op that reads the logits once.";
  let description = [{
    Applies when: `softmax_cross_entropy` and `softmax_cross_entropy_grad` (or the sigmoid pair) of the same block
    have equal operands and attributes, and the incoming cotangent does not depend on the loss itself.
    Position: first after Differentiate; FuseElementwise then treats the joined op as one row group.
    Numerics: exact; both kernels compute the same softmax.

    ```mlir
    tailor.body @f(%dl: tensor<f32>, %z: tensor<64x10xf32>, %y: tensor<64xi32>) -> (tensor<f32>, tensor<64x10xf32>) {
      %l = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> reduction(batch_mean)
          : tensor<64x10xf32> -> tensor<f32>
      %dz = tailor.softmax_cross_entropy_grad %dl, %z, %y : tensor<64xi32> reduction(batch_mean)
          : (tensor<f32>, tensor<64x10xf32>) -> tensor<64x10xf32>
      tailor.return %l, %dz : tensor<f32>, tensor<64x10xf32>
    }
    // becomes
    tailor.body @f(%dl: tensor<f32>, %z: tensor<64x10xf32>, %y: tensor<64xi32>) -> (tensor<f32>, tensor<64x10xf32>) {
      %l, %dz = tailor.softmax_cross_entropy_with_grad %dl, %z, %y : tensor<64xi32> reduction(batch_mean)
          : (tensor<f32>, tensor<64x10xf32>) -> (tensor<f32>, tensor<64x10xf32>)
      tailor.return %l, %dz : tensor<f32>, tensor<64x10xf32>
    }
    ```
  }];
}

def FuseSamStepsPass : TailorPass<"tailor-fuse-sam-steps"> {
  let summary = "Makes the ascent a single perturbed write and the descent a single update of all tensors.";
  let description = [{
    - `w + g * (rho / (norm(g) + 1e-12))` written per tensor becomes one `sam.perturb`: it reads w and g and writes
      w', so there is no epsilon buffer and nothing to restore.
    - `sqrt(sum of squares)` over the same gradients becomes `global_norm`.
    - a parameter update followed by `ema_update` of its results becomes one group of kind
      `multi_tensor`: the new weights are not read back from memory for the average.

    Applies when: the tensors of both ops are the same values in the same order and nothing reads them in between.
    Position: before FuseElementwise, which would otherwise group the per-tensor arithmetic one tensor at a time.
    Numerics: perturbation exact up to the order of the norm's sum; update followed by average exact.

    ```mlir
    tailor.state_group @net kind(net) trainable {
      tailor.state @w : tensor<4xf32> init(ones)
      tailor.state @g : tensor<4xf32> init(ones)
    }
    tailor.state_group @ema kind(ema) { tailor.state @e : tensor<4xf32> init(copy_of(@net::@w)) }
    tailor.control {
      tailor.control_field @lr : tensor<f32> writer(host)
      tailor.control_field @valid : tensor<i32> writer(host)
    }
    tailor.entry @train_step kind(step) batch(64) {
      %w = tailor.load @net::@w : tensor<4xf32>
      %g = tailor.load @net::@g : tensor<4xf32>
      %e = tailor.load @ema::@e : tensor<4xf32>
      %lr = tailor.control_read @lr : tensor<f32>
      %valid = tailor.control_read @valid : tensor<i32>
      %w1 = tailor.sgd_update params(%w) grads(%g) lr(%lr) weight_decay(%lr) valid(%valid) decayed([true])
          : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<4xf32>)
      %e1 = tailor.ema_update averages(%e) values(%w1) decay(%lr) valid(%valid)
          : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
      tailor.store %w1, @net::@w : tensor<4xf32>
      tailor.store %e1, @ema::@e : tensor<4xf32>
    }
    // becomes
    tailor.state_group @net kind(net) trainable {
      tailor.state @w : tensor<4xf32> init(ones)
      tailor.state @g : tensor<4xf32> init(ones)
    }
    tailor.state_group @ema kind(ema) { tailor.state @e : tensor<4xf32> init(copy_of(@net::@w)) }
    tailor.control {
      tailor.control_field @lr : tensor<f32> writer(host)
      tailor.control_field @valid : tensor<i32> writer(host)
    }
    tailor.entry @train_step kind(step) batch(64) {
      %w = tailor.load @net::@w : tensor<4xf32>
      %g = tailor.load @net::@g : tensor<4xf32>
      %e = tailor.load @ema::@e : tensor<4xf32>
      %lr = tailor.control_read @lr : tensor<f32>
      %valid = tailor.control_read @valid : tensor<i32>
      %w1, %e1 = tailor.fused multi_tensor (%p = %w : tensor<4xf32>, %dp = %g : tensor<4xf32>, %r = %lr : tensor<f32>,
          %n = %valid : tensor<i32>, %a = %e : tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
        %p1 = tailor.sgd_update params(%p) grads(%dp) lr(%r) weight_decay(%r) valid(%n) decayed([true])
            : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<4xf32>)
        %a1 = tailor.ema_update averages(%a) values(%p1) decay(%r) valid(%n)
            : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
        tailor.yield %p1, %a1 : tensor<4xf32>, tensor<4xf32>
      }
      tailor.store %w1, @net::@w : tensor<4xf32>
      tailor.store %e1, @ema::@e : tensor<4xf32>
    }
    ```
  }];
}

def SplitBatchNormPass : TailorPass<"tailor-split-batch-norm"> {
  let summary = "Takes batch norms over images apart: statistics, arithmetic on [C] vectors, and a map over the images.";
  let description = [{
    The statistics need every image before the first element can be normalised, so they and the rest are never one
    kernel. Apart, the map goes into the loads of the convolutions that read it, and the normalised images are never
    written. `(x - mean) * factor + bias` subtracts first: `x * a + b` would cancel where |mean| is far above the
    deviation.

    | op | becomes |
    |---|---|
    | `batch_norm_train` | `batch_norm_statistics`, `batch_norm_apply` |
    | `batch_norm_grad` | `batch_norm_grad_statistics`, `batch_norm_grad_apply` |
    | `batch_norm_inference` | `batch_norm_apply`, its factor computed once |

    Applies when: the input has more than two dimensions; the scale has the precision of statistics (f32 for bf16). Matrices keep the one
    op, whose statistics and result are one kernel over a block of columns (FuseNormActivation).
    Position: after Differentiate, which knows the norm as a whole; before all fusion. The factor is shared by forward
    and backward.
    Numerics: the same formula; (x - mean) * (inv_std * scale) rounds otherwise than ((x - mean) * inv_std) * scale.

    ```mlir
    tailor.body @f(%x: tensor<8x4x4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>) -> tensor<8x4x4x3xf32> {
      %y, %mean, %istd, %var = tailor.batch_norm_train %x, %scale, %bias epsilon(1.0e-05)
          : (tensor<8x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>)
          -> (tensor<8x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
      tailor.return %y : tensor<8x4x4x3xf32>
    }
    // becomes
    tailor.body @f(%x: tensor<8x4x4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>) -> tensor<8x4x4x3xf32> {
      %mean, %var = tailor.batch_norm_statistics %x : (tensor<8x4x4x3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
      %eps = tailor.constant dense<1.0e-05> : tensor<3xf32>
      %shifted = tailor.add %var, %eps : tensor<3xf32>
      %istd = tailor.rsqrt %shifted : tensor<3xf32>
      %factor = tailor.mul %istd, %scale : tensor<3xf32>
      %y = tailor.batch_norm_apply %x, %mean, %factor, %bias
          : (tensor<8x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<8x4x4x3xf32>
      tailor.return %y : tensor<8x4x4x3xf32>
    }
    ```
  }];
}

def FuseNormActivationPass : TailorPass<"tailor-fuse-norm-activation"> {
  let summary = "Groups batch normalisation with the add and activation around it, forward and backward.";
  let description = [{
    Batch statistics reduce over rows, so a block of columns is independent of all others: one kernel of kind
    `columns` computes statistics, normalises, adds the residual and applies the activation while the block is in
    cache. Backward: the activation gradient feeds the two column sums and the data gradient in one kernel.

    Applies when: batch_norm_train (or batch_norm_grad) works on [rows, columns] values and the neighbouring
    elementwise ops have the same shape; joining must not create a cycle.
    Position: before FuseElementwise, which would attach the activation gradient to the matrix product instead.
    Numerics: exact; the same operations per element.

    ```mlir
    tailor.body @f(%x: tensor<64x32xf32>, %scale: tensor<32xf32>, %bias: tensor<32xf32>) -> tensor<64x32xf32> {
      %y, %mean, %istd, %var = tailor.batch_norm_train %x, %scale, %bias epsilon(1.0e-05)
          : (tensor<64x32xf32>, tensor<32xf32>, tensor<32xf32>)
          -> (tensor<64x32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<32xf32>)
      %h = tailor.relu %y : tensor<64x32xf32>
      tailor.return %h : tensor<64x32xf32>
    }
    // becomes
    tailor.body @f(%x: tensor<64x32xf32>, %scale: tensor<32xf32>, %bias: tensor<32xf32>) -> tensor<64x32xf32> {
      %h = tailor.fused columns (%a = %x : tensor<64x32xf32>, %s = %scale : tensor<32xf32>,
          %b = %bias : tensor<32xf32>) -> tensor<64x32xf32> {
        %y, %mean, %istd, %var = tailor.batch_norm_train %a, %s, %b epsilon(1.0e-05)
            : (tensor<64x32xf32>, tensor<32xf32>, tensor<32xf32>)
            -> (tensor<64x32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<32xf32>)
        %r = tailor.relu %y : tensor<64x32xf32>
        tailor.yield %r : tensor<64x32xf32>
      }
      tailor.return %h : tensor<64x32xf32>
    }
    ```
  }];
}

def FuseConvolutionsPass : TailorPass<"tailor-fuse-convolutions"> {
  let summary = "Puts the maps around convolutions into their loads and stores, and those before a statistic into its loads.";
  let description = [{
    A cheap map over images (`batch_norm_apply`, `relu`, the mask of its gradient, `batch_norm_grad_apply`, an add) is
    either computed again by every kernel that reads it, in its loads, or written once: in the stores of the convolution
    whose result it is made from, or by a kernel of its own. The plan (passes/RecomputePlan.h) takes what moves fewer
    bytes:

    | value | made from | goes |
    |---|---|---|
    | norm and activation of a convolution's result, in training | one image | into the loads of forward, weight gradient and the mask of the backward; never written |
    | mask and batch-norm gradient | two images | into the loads of data gradient, weight gradient and sums |
    | the same in inference | one image | into the stores of the convolution |
    | residual sum, several readers | two images | written: in the stores of the convolution if its norm needs no statistics of it, else by its own kernel; every chain ends here |
    | gradient of a residual sum, with its mask | three images | into the stores of the data gradient that is one of its terms |
    | slice, pad, concat (option-A shortcuts and their gradients) | other places of one image | into the loads or stores of who reads them |

    Groups of kind `convolution` hold one convolution, of kind `channels` the reductions over one shape of images
    (architecture.md section 5). Copies live in one group each. Arithmetic on [C] vectors that is made of a reduction's results goes
    behind it, with what only it reads: the factor of a norm, the coefficients of its gradient, new running statistics.

    Applies when: the map is element by element, of few instructions (no exp, no draw), and nobody reads it as a whole
    (pooling, return); joining creates no cycle between kernels. Nothing that is read at another position is computed in
    stores.
    Remarks: what is in the loads and stores of each kernel; for each value that is written by a kernel of its own, who
    reads it as a whole, or how many kernels would have to compute it again.
    Position: after SplitBatchNorm, before FuseElementwise, which gets what is left.
    Numerics: exact; ops keep their own rounding.

    ```mlir
    tailor.body @f(%x: tensor<8x4x4x3xf32>, %w: tensor<5x3x3x3xf32>, %mean: tensor<3xf32>, %factor: tensor<3xf32>, %bias: tensor<3xf32>) -> tensor<8x4x4x5xf32> {
      %n = tailor.batch_norm_apply %x, %mean, %factor, %bias
          : (tensor<8x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<8x4x4x3xf32>
      %h = tailor.relu %n : tensor<8x4x4x3xf32>
      %y = tailor.conv2d %h, %w strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1])
          : (tensor<8x4x4x3xf32>, tensor<5x3x3x3xf32>) -> tensor<8x4x4x5xf32>
      tailor.return %y : tensor<8x4x4x5xf32>
    }
    // becomes
    tailor.body @f(%x: tensor<8x4x4x3xf32>, %w: tensor<5x3x3x3xf32>, %mean: tensor<3xf32>, %factor: tensor<3xf32>, %bias: tensor<3xf32>) -> tensor<8x4x4x5xf32> {
      %y = tailor.fused convolution (%a = %x : tensor<8x4x4x3xf32>, %m = %mean : tensor<3xf32>,
          %f = %factor : tensor<3xf32>, %b = %bias : tensor<3xf32>, %v = %w : tensor<5x3x3x3xf32>) -> tensor<8x4x4x5xf32> {
        %n = tailor.batch_norm_apply %a, %m, %f, %b
            : (tensor<8x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<8x4x4x3xf32>
        %h = tailor.relu %n : tensor<8x4x4x3xf32>
        %c = tailor.conv2d %h, %v strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1])
            : (tensor<8x4x4x3xf32>, tensor<5x3x3x3xf32>) -> tensor<8x4x4x5xf32>
        tailor.yield %c : tensor<8x4x4x5xf32>
      }
      tailor.return %y : tensor<8x4x4x5xf32>
    }
    ```
  }];
}

def FuseElementwisePass : TailorPass<"tailor-fuse-elementwise"> {
  let summary = "Forms the fused groups of architecture.md section 5 so that no intermediate value touches memory.";
  let description = [{
    Greedy and deterministic, in program order: a matrix product takes the elementwise ops on its result (bias,
    activation, in the backward the activation gradient), row reductions and column reductions take their
    elementwise neighbours, the rest joins map groups, arithmetic on scalars and class tables becomes `scalar` groups.
    Broadcasts, constants and masks are recomputed in each group instead of stored. Transposes fold into the
    contracting dimensions of `dot`.

    Applies when: kinds and domains agree (architecture.md section 5) and joining two groups creates no cycle. Never
    increases traffic: a value used elsewhere is written once and not read again.
    Remarks name the layer by its parameters and the body or entry. Values of 4096 bytes and more that one kernel writes
    and another reads element by element, because their kinds do not join (a bias gradient: gemm and columns), are one
    remark per pair of kinds; below that the launch costs more than the traffic.
    Position: last of the fusing passes; groups made before it are left as they are.
    Numerics: exact; ops keep their own rounding.

    ```mlir
    tailor.body @f(%x: tensor<64x100xf32>, %w: tensor<256x100xf32>, %b: tensor<256xf32>) -> tensor<64x256xf32> {
      %z = tailor.dot %x, %w contract([1] x [1]) : (tensor<64x100xf32>, tensor<256x100xf32>) -> tensor<64x256xf32>
      %bb = tailor.broadcast %b dims([1]) : tensor<256xf32> to tensor<64x256xf32>
      %a = tailor.add %z, %bb : tensor<64x256xf32>
      %h = tailor.relu %a : tensor<64x256xf32>
      tailor.return %h : tensor<64x256xf32>
    }
    // becomes
    tailor.body @f(%x: tensor<64x100xf32>, %w: tensor<256x100xf32>, %b: tensor<256xf32>) -> tensor<64x256xf32> {
      %h = tailor.fused gemm (%p = %x : tensor<64x100xf32>, %q = %w : tensor<256x100xf32>,
          %c = %b : tensor<256xf32>) -> tensor<64x256xf32> {
        %z = tailor.dot %p, %q contract([1] x [1]) : (tensor<64x100xf32>, tensor<256x100xf32>) -> tensor<64x256xf32>
        %cc = tailor.broadcast %c dims([1]) : tensor<256xf32> to tensor<64x256xf32>
        %a = tailor.add %z, %cc : tensor<64x256xf32>
        %r = tailor.relu %a : tensor<64x256xf32>
        tailor.yield %r : tensor<64x256xf32>
      }
      tailor.return %h : tensor<64x256xf32>
    }
    ```
  }];
}

//===- fused -> placed -------------------------------------------------------------------------------------------===//

def InlineBodiesPass : TailorPass<"tailor-inline-bodies"> {
  let summary = "Replaces every call of a body by the body's ops and removes the bodies.";
  let description = [{
    Up to here a body called twice (SAM: at w and at w') exists once. From here on each call has its own ops, because
    placement, kernels and memory are decided per use; equal kernels are outlined once by FormKernels.

    A group was fused for all who call its body: results that nobody reads after one call, and what only they need, are left out there.

    Applies to: every call in every entry. Mandatory: switched off, equal ops of different calls are not merged, and groups stay whole.
    Errors: a recursive call; a value_and_grad that is still there.
    Position: after all fusion, so that each body is fused once.
    Numerics: exact.

    ```mlir
    tailor.state_group @net kind(net) { tailor.state @w : tensor<4xf32> init(ones) }
    tailor.body @loss(%x: tensor<4xf32>) -> tensor<f32> {
      %l = tailor.reduce_sum %x dims([0]) : tensor<4xf32> to tensor<f32>
      tailor.return %l : tensor<f32>
    }
    tailor.entry @train_step kind(step) batch(64) {
      %w = tailor.load @net::@w : tensor<4xf32>
      %l = tailor.call @loss(%w) : (tensor<4xf32>) -> tensor<f32>
      tailor.report "loss", %l : tensor<f32>
    }
    // becomes
    tailor.state_group @net kind(net) { tailor.state @w : tensor<4xf32> init(ones) }
    tailor.entry @train_step kind(step) batch(64) {
      %w = tailor.load @net::@w : tensor<4xf32>
      %l = tailor.reduce_sum %w dims([0]) : tensor<4xf32> to tensor<f32>
      tailor.report "loss", %l : tensor<f32>
    }
    ```
  }];
  let options = [
    Option<"trivial", "trivial", "bool", "false", "Inline only: merge nothing afterwards">,
  ];
}

def AssignPrecisionPass : TailorPass<"tailor-assign-precision"> {
  let summary = "Chooses the element type of every value.";
  let description = [{
    Every program is written in f32; a value of f64 or bf16 is refused. With `f32` nothing changes.

    With `bf16` it is what values are *stored* in, never what is computed with: a cast to bf16 ends the group that makes a
    value, one to f32 begins each that reads it, and both are part of its kernel. Narrowed are matrices and images that
    groups hand to one another (activations and their gradients), and copies of the weights that products and convolutions
    multiply with: a cast beside the state, or beside the weights that sam.perturb made. What stays f32: state, vectors and
    scalars (statistics, tables, losses), what an update or a report reads and what that is a sum of, outputs that no product reads (logits), logits that a
    loss reads and its gradient by them, inputs, and what an op reads or makes that no group takes (poolings).

    Where the target multiplies narrow numbers (`narrow-products`), what a group computes for a product is rounded too, as it would be if it
    had been stored; not where an operand comes of f32 alone, as the input of a network does.

    With `tf32` values stay f32, and what products multiply is rounded to 10 bits of fraction.

    Position: after InlineBodies, because two calls of one body may get different types.
    Numerics: each narrowed value is rounded once, to nearest even; the only pass that is allowed to change results.

    ```mlir
    tailor.state_group @net kind(net) { tailor.state @w : tensor<100x10xf32> init(zeros) }
    tailor.entry @value kind(eval) batch(64) {
      %x = tailor.input "numeric" : tensor<64x100xf32>
      %w = tailor.load @net::@w : tensor<100x10xf32>
      %h = tailor.fused map (%a = %x : tensor<64x100xf32>) -> tensor<64x100xf32> {
        %t = tailor.tanh %a : tensor<64x100xf32>
        tailor.yield %t : tensor<64x100xf32>
      }
      %z = tailor.fused gemm (%b = %h : tensor<64x100xf32>, %c = %w : tensor<100x10xf32>) -> tensor<64x10xf32> {
        %d = tailor.dot %b, %c contract([1] x [0]) : (tensor<64x100xf32>, tensor<100x10xf32>) -> tensor<64x10xf32>
        tailor.yield %d : tensor<64x10xf32>
      }
      tailor.output "z", %z : tensor<64x10xf32>
    }
    // becomes with precision=bf16
    tailor.state_group @net kind(net) { tailor.state @w : tensor<100x10xf32> init(zeros) }
    tailor.entry @value kind(eval) batch(64) {
      %x = tailor.input "numeric" : tensor<64x100xf32>
      %w = tailor.load @net::@w : tensor<100x10xf32>
      %s = tailor.cast %w : tensor<100x10xf32> to tensor<100x10xbf16>
      %h = tailor.fused map (%a = %x : tensor<64x100xf32>) -> tensor<64x100xbf16> {
        %t = tailor.tanh %a : tensor<64x100xf32>
        %n = tailor.cast %t : tensor<64x100xf32> to tensor<64x100xbf16>
        tailor.yield %n : tensor<64x100xbf16>
      }
      %z = tailor.fused gemm (%b = %h : tensor<64x100xbf16>, %c = %s : tensor<100x10xbf16>) -> tensor<64x10xf32> {
        %v = tailor.cast %c : tensor<100x10xbf16> to tensor<100x10xf32>
        %u = tailor.cast %b : tensor<64x100xbf16> to tensor<64x100xf32>
        %d = tailor.dot %u, %v contract([1] x [0]) : (tensor<64x100xf32>, tensor<100x10xf32>) -> tensor<64x10xf32>
        tailor.yield %d : tensor<64x10xf32>
      }
      tailor.output "z", %z : tensor<64x10xf32>
    }
    ```
  }];
  let options = [
    Option<"precision", "precision", "std::string", "\"f32\"", "f32, tf32 or bf16">,
    Option<"narrowProducts", "narrow-products", "bool", "false", "Under bf16: round what groups compute for products">,
  ];
}

//===- placed -> kernels -> planned ------------------------------------------------------------------------------===//

def FormKernelsPass : TailorPass<"tailor-form-kernels"> {
  let summary = "Outlines every fused group, and every op that stayed alone, into a kernel symbol and a launch.";
  let description = [{
    Groups of equal structure (op ids and source lines do not count) become one `tailor.kernel`; its name is
    `<family>_<shapes>_<hash>`, so edits elsewhere do not rename it. A launch keeps the op ids and the source lines of
    the group it came from. Load, store, control_read, input, report, output, constant and reshape (a view) are not
    kernels.

    Applies to: every entry. A lone op gets the first kind of architecture.md section 5 that may hold it.
    Position: when every call has its own ops; mandatory: switched off, groups are
    dissolved and every op is a kernel of its own.
    Numerics: exact.

    ```mlir
    tailor.state_group @net kind(net) { tailor.state @w : tensor<4xf32> init(ones) }
    tailor.entry @train_step kind(step) batch(64) {
      %w = tailor.load @net::@w : tensor<4xf32>
      %y = tailor.fused map (%a = %w : tensor<4xf32>) -> tensor<4xf32> {
        %e = tailor.exp %a {op_id = 4 : i64} : tensor<4xf32>
        %n = tailor.neg %e {op_id = 5 : i64} : tensor<4xf32>
        tailor.yield %n : tensor<4xf32>
      }
      tailor.store %y, @net::@w : tensor<4xf32>
    }
    // becomes
    tailor.state_group @net kind(net) { tailor.state @w : tensor<4xf32> init(ones) }
    tailor.entry @train_step kind(step) batch(64) {
      %w = tailor.load @net::@w : tensor<4xf32>
      %y = tailor.launch @map_4_e693ee46(%w) ops([4, 5]) : (tensor<4xf32>) -> tensor<4xf32>
      tailor.store %y, @net::@w : tensor<4xf32>
    }
    tailor.kernel @map_4_e693ee46 kind(map) (%a: tensor<4xf32>) -> tensor<4xf32> {
      %e = tailor.exp %a : tensor<4xf32>
      %n = tailor.neg %e : tensor<4xf32>
      tailor.yield %n : tensor<4xf32>
    }
    ```
  }];
  let options = [
    Option<"trivial", "trivial", "bool", "false", "One op a kernel: fused groups are dissolved">,
  ];
}

def FuseLaunchesPass : TailorPass<"tailor-fuse-launches"> {
  let summary = "Makes one launch of several that know nothing of each other (horizontal fusion).";
  let description = [{
    On a GPU a launch costs a node of the graph, and one that fills a part of the device leaves the rest idle. Neighbours
    of which none reads what another makes (of a layer's backward the gradients of its weights, its bias and its input; copies of
    weights; arithmetic on scalars) become one `horizontal` kernel: its blocks are those of its parts, one after the other.

    Applies when: the target has written the `grid` of the kernels, blocks have equally many threads, and every operand is made
    in front of the first of the launches, or can be: states that are not stored in between are read there, and views and
    control fields move. What cannot be a part is passed by: launches behind it join those before it. Registers are given to
    all blocks of a kernel alike, so a part that needs fewer than another joins it only if all its blocks are resident with
    that many, and one of which less than three blocks are resident stays alone. At most 16 parts and 512 tensors with temporaries; none of kind multi_tensor, whose tensors have places of their
    own, and no calls of libraries, which have no grid.
    Position: in front of PlanMemory, which must know what runs at the same time; behind what the target says of kernels.
    Numerics: exact; every part computes what it did.

    ```mlir
    tailor.entry @value kind(eval) batch(8) {
      %x = tailor.input "numeric" : tensor<8x4xf32>
      %a = tailor.launch @exp(%x) ops([1]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
      %b = tailor.launch @neg(%x) ops([2]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
      tailor.output "a", %a : tensor<8x4xf32>
      tailor.output "b", %b : tensor<8x4xf32>
    }
    tailor.kernel @exp kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32>
        attributes {grid = #tailor.grid<blocks = 1, threads = 256, resident = 8>} {
      %y = tailor.exp %x : tensor<8x4xf32>
      tailor.yield %y : tensor<8x4xf32>
    }
    tailor.kernel @neg kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32>
        attributes {grid = #tailor.grid<blocks = 1, threads = 256, resident = 8>} {
      %y = tailor.neg %x : tensor<8x4xf32>
      tailor.yield %y : tensor<8x4xf32>
    }
    // becomes
    tailor.entry @value kind(eval) batch(8) {
      %x = tailor.input "numeric" : tensor<8x4xf32>
      %ab:2 = tailor.launch @exp_and_1_more_df07d38c(%x) ops([1, 2]) : (tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>)
      tailor.output "a", %ab#0 : tensor<8x4xf32>
      tailor.output "b", %ab#1 : tensor<8x4xf32>
    }
    tailor.kernel @exp kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32>
        attributes {grid = #tailor.grid<blocks = 1, threads = 256, resident = 8>} {
      %y = tailor.exp %x : tensor<8x4xf32>
      tailor.yield %y : tensor<8x4xf32>
    }
    tailor.kernel @neg kind(map) (%x: tensor<8x4xf32>) -> tensor<8x4xf32>
        attributes {grid = #tailor.grid<blocks = 1, threads = 256, resident = 8>} {
      %y = tailor.neg %x : tensor<8x4xf32>
      tailor.yield %y : tensor<8x4xf32>
    }
    tailor.kernel @exp_and_1_more_df07d38c kind(horizontal) (%x: tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>)
        attributes {grid = #tailor.grid<blocks = 2, threads = 256, resident = 8>} {
      %a = tailor.part @exp(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
      %b = tailor.part @neg(%x) : (tensor<8x4xf32>) -> tensor<8x4xf32>
      tailor.yield %a, %b : tensor<8x4xf32>, tensor<8x4xf32>
    }
    ```
  }];
}

def PlanMemoryPass : TailorPass<"tailor-plan-memory"> {
  let summary = "Gives every value a place: state, arena, control, metrics or constants.";
  let description = [{
    - Every state has its own memory. The tensors of an optimizer op (weights, gradients, velocities, perturbed weights,
      averages) lie in regions with equal distances, decayed parameters first, each padded to 64 bytes; padding stays
      zero because such regions share memory with each other only. A multi-tensor kernel is one flat loop over them.
    - A result that is stored is written straight into the state if nothing reads the old value afterwards; a report is
      written straight into the metrics row. Otherwise the store or report is a copy.
    - What a launch needs beside operands and results (the kernel's `temporaries`: partial sums, transformed weights)
      is a value of the arena that lives during that launch.
    - Everything else gets an offset in one static arena by its interval (best fit, largest first). All entries use the
      same arena, because only one runs at a time.

    - Under a `budget` of bytes (state, rows, batch, constants and arena together) launches run again in front of late
      readers of their results, so that those need not stay (passes/RecomputeLaunches.h): activations between those that
      are kept, mostly. The same kernels on the same operands give the same bits; a remark says what it costs. A budget
      that cannot be met is refused with the least that was found.

    The plan is attributes on SSA form that is otherwise unchanged (`buffers`, `temporaries`, `place`, `source`, `memory`:
    passes/PlanMemory.h), so a planned program still runs on the reference; every plan is checked again by `verifyPlan`.

    Applies to: every entry; `repeat` is refused. Mandatory: switched off, no two values share memory and nothing is
    written in place.
    Position: last.
    Numerics: exact.

    ```mlir
    tailor.program @p {
      tailor.state_group @net kind(net) { tailor.state @w : tensor<4xf32> init(ones) }
      tailor.entry @train_step kind(step) batch(64) {
        %w = tailor.load @net::@w : tensor<4xf32>
        %y = tailor.launch @map(%w) : (tensor<4xf32>) -> tensor<4xf32>
        tailor.store %y, @net::@w : tensor<4xf32>
      }
      tailor.kernel @map kind(map) (%a: tensor<4xf32>) -> tensor<4xf32> {
        %e = tailor.exp %a : tensor<4xf32>
        tailor.yield %e : tensor<4xf32>
      }
    }
    // becomes
    tailor.program @p attributes {memory = {arena = 0 : i64, constant = 0 : i64, control = 0 : i64,
        control_host = 0 : i64, metrics = 0 : i64, slot = 0 : i64, state = 64 : i64}} {
      tailor.state_group @net kind(net) {
        tailor.state @w : tensor<4xf32> init(ones) {place = #tailor.buffer<state, 0, 16>}
      }
      tailor.entry @train_step kind(step) batch(64) {
        %w = tailor.load @net::@w {buffers = [#tailor.buffer<state, 0, 16>]} : tensor<4xf32>
        %y = tailor.launch @map(%w) buffers([#tailor.buffer<state, 0, 16>]) : (tensor<4xf32>) -> tensor<4xf32>
        tailor.store %y, @net::@w : tensor<4xf32>
      }
      tailor.kernel @map kind(map) (%a: tensor<4xf32>) -> tensor<4xf32> {
        %e = tailor.exp %a : tensor<4xf32>
        tailor.yield %e : tensor<4xf32>
      }
    }
    ```
  }];
  let options = [
    Option<"trivial", "trivial", "bool", "false", "No two values share memory, nothing is written in place">,
    Option<"budget", "budget", "int64_t", "0", "Bytes that the plan may take; 0: no limit">,
  ];
}

//===- every boundary --------------------------------------------------------------------------------------------===//

def VerifyPhasesPass : TailorPass<"tailor-verify-phases"> {
  let summary = "Checks what a phase promises and records the phase on the module.";
  let description = [{
    One check per boundary; a later phase keeps the promises of the earlier ones.

    | phase | promise |
    |---|---|
    | traced | no fused, kernel, launch or vjp op; bodies are free of state access; entries take no arguments; no host scalar |
    | differentiated | no value_and_grad |
    | fused | every fused region obeys its kind |
    | placed | no body and no call |
    | kernels | entries hold launches and state access only; every launch names a kernel of matching signature |
    | planned | every value has a place in memory |

    "No host scalar": a value that changes from step to step reaches ops as a tensor (a control field is read by
    `control_read`), never as an attribute (a launch carries none but its origin), a block argument of builtin scalar
    type or the operand of a library call that cannot read memory. Every shape outside of kernels is static and of at
    most 2^40 elements; op ids are numbers below 2^30.

    Position: at every phase boundary, also after a dump was edited and read back (`--from`).
    Numerics: changes nothing.

    ```mlir
    module { tailor.program @p { } }
    // becomes
    module attributes {tailor.phase = "traced"} { tailor.program @p { } }
    ```
  }];
  let options = [
    Option<"phase", "phase", "std::string", "\"traced\"", "Phase whose promises are checked">,
  ];
}

#endif // TAILOR_PASSES_PASSES_TD
