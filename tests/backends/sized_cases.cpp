#include "tests/backends/sized_cases.h"

namespace tailor::backends {

using conformance::Argument;
using conformance::Draw;
using conformance::OpCase;

std::vector<OpCase> sizedCases(int64_t rows, int64_t columns, int64_t valid) {
  const std::string n = std::to_string(rows), c = std::to_string(columns);
  const std::string matrix = n + "x" + c + "xf32", row = c + "xf32", column = n + "xf32";
  std::vector<int64_t> labels, codes;
  for (int64_t i = 0; i < rows; ++i) {
    labels.push_back((i * 7 + 3) % columns);
    codes.push_back((i * 5 + 1) % 4);
  }
  const Argument x{"x", matrix}, y{"y", matrix}, b{"b", row}, v{"v", "i32", {}, {valid}},
      g{"g", "f32", {}, {}, {0.75}};
  const Argument label{"label", n + "xi32", {}, labels}, code{"code", n + "xi32", {}, codes};
  const Argument key{"key", "8xi32", {}, {5, 2, 0, 123, -9, 0, 0, 0}};
  const Argument weights{"w", row, Draw::positive}, smoothing{"e", row, Draw::unit};
  const std::string norm = " : ($x$, $s$, $b$, $v$) -> ($x$, $b$, $b$, $b$)";
  const Argument scale{"s", row, Draw::positive};
  const std::string softmaxWords = "%label : $label$ weights(%w : $w$) smoothing(%e : $e$) valid(%v : $v$) ";

  std::vector<OpCase> cases{
      {"map",
       {x, y, b},
       "%bb = tailor.broadcast %b dims([1]) : $b$ to $x$\n"
       "%t0 = tailor.add %x, %bb : $x$\n%t1 = tailor.gelu %t0 : $x$\n%t2 = tailor.mul %t1, %y : $x$\n"
       "%t3 = tailor.tanh %t2 : $x$\n%r = tailor.silu %t3 : $x$",
       {matrix}},
      {"map_of_rows",
       {x, {"s", column}},
       "%ss = tailor.broadcast %s dims([0]) : $s$ to $x$\n%r = tailor.sub %x, %ss : $x$",
       {matrix}},
      {"mask",
       {x, v},
       "%m = tailor.row_mask %v : $v$ to tensor<" + n +
           "xi1>\n"
           "%mm = tailor.broadcast %m dims([0]) : tensor<" +
           n + "xi1> to tensor<" + n + "x" + c +
           "xi1>\n"
           "%zero = tailor.constant dense<0.0> : $x$\n"
           "%r = tailor.where %mm, %x, %zero : tensor<" +
           n + "x" + c + "xi1>, $x$",
       {matrix}},
      {"dropout",
       {x, key},
       "%m = tailor.bernoulli %key probability(0.7) : $key$ -> tensor<" + n + "x" + c +
           "xi1>\n"
           "%r = tailor.dropout %x mask(%m) rate(0.3) : tensor<" +
           n + "x" + c + "xi1>, $x$",
       {matrix}},
      {"random_uniform", {key}, "%r = tailor.random_uniform %key from(-1.0) : $key$ -> $r$", {matrix}},
      {"random_normal", {key}, "%r = tailor.random_normal %key : $key$ -> $r$", {matrix}},
      {"random_permutation",
       {key, v},
       "%r = tailor.random_permutation %key valid(%v : $v$) : $key$ -> $r$",
       {n + "xi32"}},
      {"concat",
       {x, {"s", n + "x1xf32"}, y},
       "%r = tailor.concat %x, %s, %y dim(1) : ($x$, $s$, $y$) -> $r$",
       {n + "x" + std::to_string(2 * columns + 1) + "xf32"}},
      {"take", {{"t", "4x" + row}, code}, "%r = tailor.take %t, %code : ($t$, $code$) -> $r$", {matrix}},
      {"take_along", {x, label}, "%r = tailor.take_along %x, %label : ($x$, $label$) -> $r$", {column}},
      {"one_hot", {label}, "%r = tailor.one_hot %label : $label$ to $r$", {matrix}},
      {"scatter_add",
       {{"t", "4x" + row}, code, x},
       "%r = tailor.scatter_add %t, %code, %x : ($t$, $code$, $x$) -> $r$",
       {"4x" + row}},
      {"row_sums", {x}, "%r = tailor.reduce_sum %x dims([1]) : $x$ to $r$", {column}},
      {"row_max", {x}, "%r = tailor.reduce_max %x dims([1]) : $x$ to $r$", {column}},
      {"argmax", {x}, "%r = tailor.argmax %x dim(1) : $x$ to $r$", {n + "xi32"}},
      {"logsumexp", {x}, "%r = tailor.logsumexp %x dim(1) : $x$ to $r$", {column}},
      {"softmax", {x}, "%r = tailor.softmax %x dim(1) : $x$", {matrix}},
      {"l2_normalize", {x}, "%r = tailor.l2_normalize %x dim(1) : $x$", {matrix}},
      {"column_sums", {x}, "%r = tailor.reduce_sum %x dims([0]) : $x$ to $r$", {row}},
      {"column_means", {x}, "%r = tailor.reduce_mean %x dims([0]) : $x$ to $r$", {row}},
      {"full_sum", {x}, "%r = tailor.reduce_sum %x dims([0, 1]) : $x$ to $r$", {"f32"}},
      {"masked_mean",
       {{"s", column}, v},
       "%r = tailor.masked_mean %s valid(%v) : ($s$, $v$) -> $r$",
       {"f32"}},
      {"linear",
       {x, {"w", c + "x19xf32"}, {"b", "19xf32"}},
       "%z = tailor.dot %x, %w contract([1] x [0]) : ($x$, $w$) -> $r$\n"
       "%bb = tailor.broadcast %b dims([1]) : $b$ to $r$\n%zb = tailor.add %z, %bb : $r$\n"
       "%r = tailor.relu %zb : $r$",
       {n + "x19xf32"}},
      {"linear_input_grad",
       {{"dz", n + "x19xf32"}, {"w", c + "x19xf32"}},
       "%r = tailor.dot %dz, %w contract([1] x [1]) : ($dz$, $w$) -> $r$",
       {matrix}},
      {"linear_weight_grad",
       {x, {"dz", n + "x19xf32"}},
       "%r = tailor.dot %x, %dz contract([0] x [0]) : ($x$, $dz$) -> $r$",
       {c + "x19xf32"}},
      {"batch_norm",
       {x, scale, b, v},
       "%r:4 = tailor.batch_norm_train %x, %s, %b valid(%v) epsilon(1.0e-2)" + norm,
       {matrix, row, row, row}},
      {"batch_norm_grad",
       {x, y, scale, {"m", row}, {"i", row, Draw::positive}, v},
       "%r:3 = tailor.batch_norm_grad %y, %x, %s, %m, %i valid(%v) : ($y$, $x$, $s$, $m$, $i$, $v$) -> ($x$, "
       "$s$, $s$)",
       {matrix, row, row}},
      {"batch_norm_running",
       {scale, b, {"m", row}, {"i", row, Draw::positive}, v},
       "%r:2 = tailor.batch_norm_update_running %b, %s, %m, %i valid(%v) momentum(0.1) rows(" + n +
           ") : ($b$, $s$, $m$, $i$, $v$) -> ($b$, $s$)",
       {row, row}},
      {"batch_norm_inference",
       {x, scale, b, {"m", row}, {"i", row, Draw::positive}},
       "%r = tailor.batch_norm_inference %x, %s, %b, %m, %i epsilon(1.0e-5) : ($x$, $s$, $b$, $m$, $i$) -> "
       "$x$",
       {matrix}},
      {"layer_norm",
       {x, scale, b},
       "%r:3 = tailor.layer_norm %x, %s, %b epsilon(1.0e-2) : ($x$, $s$, $b$) -> ($x$, tensor<" + column +
           ">, tensor<" + column + ">)",
       {matrix, column, column}},
      {"layer_norm_grad",
       {x, y, scale, {"m", column}, {"i", column, Draw::positive}},
       "%r:3 = tailor.layer_norm_grad %y, %x, %s, %m, %i : ($y$, $x$, $s$, $m$, $i$) -> ($x$, $s$, $s$)",
       {matrix, row, row}},
      {"loss_rows",
       {x, label, weights, smoothing, v},
       "%r = tailor.softmax_cross_entropy %x, " + softmaxWords + "reduction(none) : $x$ -> $r$",
       {column}},
      {"loss_with_grad",
       {g, x, label, weights, smoothing, v},
       "%r:2 = tailor.softmax_cross_entropy_with_grad %g, %x, " + softmaxWords +
           "reduction(weighted_mean) : ($g$, $x$) -> ($g$, $x$)",
       {"f32", matrix}},
      {"loss_grad",
       {g, x, label, b, v},
       "%r = tailor.softmax_cross_entropy_grad %g, %x, %label : $label$ bias(%b : $b$) valid(%v : $v$) "
       "focal(1.0) "
       "reduction(batch_mean) : ($g$, $x$) -> $x$",
       {matrix}},
      {"binary_loss",
       {g, {"z", column}, {"label", n + "xi32", {}, std::vector<int64_t>(rows, 1)}, v},
       "%r:2 = tailor.sigmoid_cross_entropy_with_grad %g, %z, %label : $label$ valid(%v : $v$) "
       "reduction(batch_mean) : "
       "($g$, $z$) -> ($g$, $z$)",
       {"f32", column}},
      {"global_norm", {x, b}, "%r = tailor.global_norm %x, %b : ($x$, $b$) -> $r$", {"f32"}},
      {"global_norm_weighted",
       {x, y},
       "%r = tailor.global_norm %x weighted_by(%y) : ($x$, $y$) -> $r$",
       {"f32"}},
      {"perturb",
       {x, y, {"norm", "f32", Draw::positive}, g},
       "%r = tailor.sam.perturb params(%x) grads(%y) norm(%norm) radius(%g) : ($x$, $y$, $norm$, $g$) -> $x$",
       {matrix}},
      {"sgd",
       {x,
        y,
        {"m", matrix},
        {"lr", "f32", Draw::unit},
        {"mu", "f32", Draw::unit},
        {"wd", "f32", Draw::unit},
        v},
       "%r:2 = tailor.sgd_update params(%x) grads(%y) velocity(%m) lr(%lr) momentum(%mu) weight_decay(%wd) "
       "valid(%v) "
       "decayed([true]) nesterov : ($x$, $y$, $m$, $lr$, $mu$, $wd$, $v$) -> ($x$), ($m$)",
       {matrix, matrix}},
      {"adamw",
       {x,
        y,
        {"m", matrix},
        {"s2", matrix, Draw::positive},
        {"lr", "f32", Draw::unit},
        {"b1", "f32", {}, {}, {0.875}},
        {"b2", "f32", {}, {}, {0.96875}},
        {"eps", "f32", {}, {}, {1e-8}},
        {"wd", "f32", Draw::unit},
        {"t", "i32", {}, {3}},
        v},
       "%r:3 = tailor.adamw_update params(%x) grads(%y) first_moments(%m) second_moments(%s2) lr(%lr) "
       "beta1(%b1) "
       "beta2(%b2) epsilon(%eps) weight_decay(%wd) step(%t) valid(%v) decayed([true]) : ($x$, $y$, $m$, "
       "$s2$, $lr$, "
       "$b1$, $b2$, $eps$, $wd$, $t$, $v$) -> ($x$), ($m$), ($s2$)",
       {matrix, matrix, matrix}},
      {"ema",
       {x, y, {"d", "f32", Draw::unit}, v},
       "%r = tailor.ema_update averages(%x) values(%y) decay(%d) valid(%v) : ($x$, $y$, $d$, $v$) -> $x$",
       {matrix}},
  };
  for (OpCase& opCase : cases)
    opCase.name += "/" + n + "x" + c + "_valid_" + std::to_string(valid);
  return cases;
}

} // namespace tailor::backends
