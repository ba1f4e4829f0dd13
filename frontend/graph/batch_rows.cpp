#include "frontend/graph/batch_rows.h"

#include "frontend/graph/array.h"
#include "frontend/graph/function.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <vector>

namespace tailor {

namespace {

/// How the bits of a result follow from those of the operands, element by element.
enum class Rule : std::uint8_t {
  keeps_zero,     ///< f(0) = 0
  computed,       ///< what padding holds is computed where every operand is known there
  multiplicative, ///< the same, and 0 op x = 0
  quotient,       ///< the same, and 0 / x = 0 for an x of which nothing is known
  choice,         ///< where
};

const std::unordered_map<std::string_view, Rule>& elementwise_rules() {
  static const std::unordered_map<std::string_view, Rule> rules = {
      {"neg", Rule::keeps_zero},
      {"abs", Rule::keeps_zero},
      {"sign", Rule::keeps_zero},
      {"square", Rule::keeps_zero},
      {"sqrt", Rule::keeps_zero},
      {"tanh", Rule::keeps_zero},
      {"erf", Rule::keeps_zero},
      {"relu", Rule::keeps_zero},
      {"gelu", Rule::keeps_zero},
      {"silu", Rule::keeps_zero},
      {"sin", Rule::keeps_zero},
      {"expm1", Rule::keeps_zero},
      {"log1p", Rule::keeps_zero},
      {"dropout", Rule::keeps_zero},
      {"l2_normalize", Rule::keeps_zero},
      {"cast", Rule::computed},
      {"stop_gradient", Rule::computed},
      {"exp", Rule::computed},
      {"log", Rule::computed},
      {"rsqrt", Rule::computed},
      {"reciprocal", Rule::computed},
      {"sigmoid", Rule::computed},
      {"cos", Rule::computed},
      {"logical_not", Rule::computed},
      {"is_finite", Rule::computed},
      {"clamp", Rule::computed},
      {"softmax", Rule::computed},
      {"log_softmax", Rule::computed},
      {"add", Rule::computed},
      {"sub", Rule::computed},
      {"max", Rule::computed},
      {"min", Rule::computed},
      {"logical_or", Rule::computed},
      {"pow", Rule::computed},
      {"compare", Rule::computed},
      {"mul", Rule::multiplicative},
      {"logical_and", Rule::multiplicative},
      {"div", Rule::quotient},
      {"where", Rule::choice},
  };
  return rules;
}

std::uint32_t bit(std::size_t axis) {
  return axis < 32 ? std::uint32_t{1} << axis : 0;
}

/// The one value of a constant; nullopt for anything else.
std::optional<double> constant_value(const Array& array) {
  const Node& node = *array.node();
  if (node.op == "broadcast" || node.op == "reshape" || node.op == "cast")
    return constant_value(node.inputs[0]);
  if (node.op != "constant") return std::nullopt;
  const std::vector<double>& values = std::get<ConstantOptions>(node.options).values;
  if (values.empty() || std::any_of(values.begin(), values.end(), [&](double v) { return v != values[0]; }))
    return std::nullopt;
  return values[0];
}

/// What stands in the padding along `axis`, where one value does and it is known.
std::optional<double> padding_value(const Array& array, int axis) {
  const BatchRows rows = batch_rows(array);
  if (!rows.has(axis)) return constant_value(array);
  if (rows.zero >> axis & 1) return 0;
  if (rows.one >> axis & 1) return 1;
  return std::nullopt;
}

bool compared(Comparison comparison, double a, double b) {
  switch (comparison) {
  case Comparison::eq:
    return a == b;
  case Comparison::ne:
    return a != b;
  case Comparison::lt:
    return a < b;
  case Comparison::le:
    return a <= b;
  case Comparison::gt:
    return a > b;
  case Comparison::ge:
    return a >= b;
  }
  return false;
}

/// The op of known operands, where it is one that makes or keeps zeros and ones; nullopt for others.
std::optional<double> computed(const Node& node, const std::vector<double>& x) {
  const std::string_view op = node.op;
  if (op == "cast" || op == "stop_gradient") return x[0];
  if (op == "logical_not") return x[0] == 0;
  if (op == "exp") return std::exp(x[0]);
  if (op == "log") return std::log(x[0]);
  if (op == "cos") return std::cos(x[0]);
  if (op == "clamp") {
    const auto& range = std::get<ClampOptions>(node.options);
    return std::clamp(x[0], range.low, range.high);
  }
  if (x.size() < 2) return std::nullopt;
  if (op == "add") return x[0] + x[1];
  if (op == "sub") return x[0] - x[1];
  if (op == "mul") return x[0] * x[1];
  if (op == "div") return x[0] / x[1];
  if (op == "max") return std::max(x[0], x[1]);
  if (op == "min") return std::min(x[0], x[1]);
  if (op == "pow") return std::pow(x[0], x[1]);
  if (op == "logical_and") return x[0] != 0 && x[1] != 0;
  if (op == "logical_or") return x[0] != 0 || x[1] != 0;
  if (op == "compare") return compared(std::get<CompareOptions>(node.options).comparison, x[0], x[1]);
  return std::nullopt;
}

/// The bits of `from` where old axis i becomes new axis place[i] (-1: gone).
BatchRows moved(const BatchRows& from, const std::vector<int>& place) {
  BatchRows to;
  to.count = from.count;
  for (std::size_t i = 0; i < place.size(); ++i) {
    if (place[i] < 0 || !from.has(static_cast<int>(i))) continue;
    const std::uint32_t target = bit(static_cast<std::size_t>(place[i]));
    to.axes |= target;
    if (from.chosen & bit(i)) to.chosen |= target;
    if (from.zero & bit(i)) to.zero |= target;
    if (from.one & bit(i)) to.one |= target;
    if (from.in_order & bit(i)) to.in_order |= target;
  }
  return to.axes ? to : BatchRows();
}

BatchRows joined(BatchRows a, const BatchRows& b) {
  a.in_order = (a.in_order | ~a.axes) & (b.in_order | ~b.axes) & (a.axes | b.axes);
  a.permutes = false;
  a.axes |= b.axes;
  a.chosen |= b.chosen;
  a.zero |= b.zero;
  a.one |= b.one;
  a.count = std::max(a.count, b.count);
  return a;
}

BatchRows elementwise(Rule rule, const Node& node) {
  // Of dropout only the value counts: its mask is drawn for padding as for rows.
  const std::size_t num_inputs = node.op == "dropout" ? 1 : node.inputs.size();
  BatchRows result;
  std::uint32_t out_of_order = 0;
  for (std::size_t i = 0; i < num_inputs; ++i) {
    const BatchRows rows = batch_rows(node.inputs[i]);
    result.axes |= rows.axes;
    out_of_order |= rows.axes & ~rows.in_order;
    result.count = std::max(result.count, rows.count);
  }
  result.in_order = result.axes & ~out_of_order;
  for (int axis = 0; axis < 32; ++axis) {
    const std::uint32_t here = bit(static_cast<std::size_t>(axis));
    if (!result.has(axis)) continue;
    auto chosen_in = [&](const Array& input) {
      const BatchRows rows = batch_rows(input);
      return !rows.has(axis) || (rows.chosen & here);
    };
    bool chosen = true, all_known = true;
    std::vector<std::optional<double>> operands;
    std::vector<double> known;
    for (std::size_t i = 0; i < num_inputs; ++i) {
      const Array& input = node.inputs[i];
      chosen = chosen && chosen_in(input);
      operands.push_back(padding_value(input, axis));
      all_known = all_known && operands.back();
      known.push_back(operands.back().value_or(0));
    }
    std::optional<double> value;
    switch (rule) {
    case Rule::keeps_zero:
      if (operands[0] == 0.0) value = 0;
      break;
    case Rule::computed:
    case Rule::multiplicative:
    case Rule::quotient:
      if (all_known)
        value = computed(node, known);
      else if (operands[0] == 0.0 && rule != Rule::computed)
        value = 0;
      else if (rule == Rule::multiplicative && operands[1] == 0.0) // of two operands; others may have one
        value = 0;
      break;
    case Rule::choice:
      if (operands[0]) { // the condition says which of the two stands there
        const std::size_t which = *operands[0] != 0 ? 1 : 2;
        value = operands[which];
        chosen = chosen_in(node.inputs[which]);
      } else if (operands[1] && operands[1] == operands[2]) {
        value = operands[1];
      }
      break;
    }
    if (value == 0.0) result.zero |= here;
    if (value == 1.0) result.one |= here;
    // Not a number is no choice: a maximum would take it.
    if (value ? !std::isnan(*value) : chosen) result.chosen |= here;
  }
  return result.axes ? result : BatchRows();
}

/// An axis of the new shape runs over the batch if it covers elements of one that did.
BatchRows reshaped(const BatchRows& from, const Shape& old_shape, const Shape& shape) {
  BatchRows to;
  to.count = from.count;
  std::int64_t begin = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const std::int64_t end = begin * shape[axis];
    std::int64_t old_begin = 1;
    bool any = false, chosen = true, zero = true, one = true, in_order = false;
    for (int old = 0; old < old_shape.rank(); ++old) {
      const std::int64_t old_end = old_begin * old_shape[old];
      if (from.has(old) && std::max(begin, old_begin) < std::min(end, old_end)) {
        any = true;
        in_order =
            begin == old_begin && end == old_end && (from.in_order & bit(static_cast<std::size_t>(old)));
        chosen = chosen && (from.chosen & bit(static_cast<std::size_t>(old)));
        zero = zero && (from.zero & bit(static_cast<std::size_t>(old)));
        one = one && (from.one & bit(static_cast<std::size_t>(old)));
      }
      old_begin = old_end;
    }
    const std::uint32_t here = bit(static_cast<std::size_t>(axis));
    if (any) to.axes |= here;
    if (any && chosen) to.chosen |= here;
    if (any && zero) to.zero |= here;
    if (any && one) to.one |= here;
    if (in_order) to.in_order |= here;
    begin = end;
  }
  return to.axes ? to : BatchRows();
}

/// Without the knowledge which row an element of `axis` belongs to.
BatchRows disordered(BatchRows rows, std::int64_t axis) {
  rows.in_order &= ~bit(static_cast<std::size_t>(axis));
  rows.permutes = false;
  return rows;
}

/// True for the control field that counts the rows of the batch.
bool counts_batch(const Array& array) {
  return array.node()->op == "control_read" && array.node()->name == "valid";
}

/// Axes that are left when those for which `gone` is true are taken out.
template <class Gone> BatchRows without(const BatchRows& from, int rank, const Gone& gone) {
  std::vector<int> place;
  int next = 0;
  for (int axis = 0; axis < rank; ++axis)
    place.push_back(gone(axis) ? -1 : next++);
  return moved(from, place);
}

bool contains(const std::vector<std::int64_t>& axes, int axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

BatchRows dot_rows(const Node& node) {
  const auto& options = std::get<DotOptions>(node.options);
  const int batch = static_cast<int>(options.lhs_batch.size());
  int next = batch;
  auto side = [&](const Array& operand, const std::vector<std::int64_t>& batches,
                  const std::vector<std::int64_t>& contracting) {
    std::vector<int> place;
    for (int axis = 0; axis < operand.rank(); ++axis) {
      const auto found = std::find(batches.begin(), batches.end(), axis);
      place.push_back(found != batches.end()        ? static_cast<int>(found - batches.begin())
                      : contains(contracting, axis) ? -1
                                                    : next++);
    }
    return moved(batch_rows(operand), place);
  };
  BatchRows rows = joined(side(node.inputs[0], options.lhs_batch, options.lhs_contracting),
                          side(node.inputs[1], options.rhs_batch, options.rhs_contracting));
  rows.one = 0;
  return rows;
}

BatchRows concat_rows(const Node& node) {
  BatchRows result;
  for (const Array& part : node.inputs)
    result = joined(result, batch_rows(part));
  for (const Array& part : node.inputs) {
    const BatchRows rows = batch_rows(part);
    result.chosen &= rows.chosen | ~rows.axes;
    result.zero &= rows.zero;
    result.one &= rows.one;
  }
  return disordered(result, std::get<AxisOptions>(node.options).axis);
}

/// Rows of a table. An index that runs over the batch gives every row its own; rows of a batch that are picked by number
/// may come from padding, unless the index is a permutation of those that count.
BatchRows take_rows(const Node& node) {
  const Array& table = node.inputs[0];
  const BatchRows rows = batch_rows(table);
  const int behind = node.inputs[1].rank() - 1;
  std::vector<int> place{-1};
  for (int axis = 1; axis < table.rank(); ++axis)
    place.push_back(axis + behind);
  BatchRows index = batch_rows(node.inputs[1]);
  index.zero = index.one = 0;
  if (rows.has(0) && index.permutes) {
    index.chosen = rows.chosen & 1;
    index.zero = rows.zero & 1;
    index.one = rows.one & 1;
    index.in_order = rows.in_order & 1;
  } else if (rows.has(0)) {
    if (index.axes == 0) {
      for (int axis = 0; axis <= behind; ++axis)
        index.axes |= bit(static_cast<std::size_t>(axis));
      if (rows.chosen & 1) index.chosen = index.axes;
      if (rows.zero & 1) index.zero = index.axes;
      index.count = rows.count;
    }
    index.in_order = 0;
  }
  return joined(index, moved(rows, place));
}

/// Rows in, rows out: only axis 0 is followed.
BatchRows first_axis(const Array& input) {
  const BatchRows rows = batch_rows(input);
  return rows.has(0) ? BatchRows{.axes = 1, .in_order = rows.in_order & 1, .count = rows.count} : BatchRows();
}

BatchRows loss_rows(const Node& node) {
  const auto& options = std::get<CrossEntropyOptions>(node.options);
  if (options.reduction != Reduction::none || !batch_rows(node.inputs[0]).has(0)) return {};
  BatchRows rows = first_axis(node.inputs[0]);
  if (options.valid && counts_batch(node.inputs.back())) rows.chosen = rows.zero = 1;
  return rows;
}

BatchRows rows_of_result(const Node& node) {
  const std::string_view op = node.op;
  if (auto rule = elementwise_rules().find(op); rule != elementwise_rules().end())
    return elementwise(rule->second, node);
  const Shape& shape = node.results[0].shape;
  if (op == "input" || op == "random_permutation" || op == "row_mask") {
    // A batch of one row is never ragged; a count of the program's own says nothing of the batch.
    if (shape.rank() == 0 || shape[0] < 2) return {};
    if (!node.inputs.empty() && !counts_batch(node.inputs.back())) return {};
    const std::uint32_t masked = op == "row_mask";
    return {.axes = 1,
            .chosen = masked,
            .zero = masked,
            .in_order = 1,
            .count = shape[0],
            .permutes = op == "random_permutation"};
  }
  if (node.inputs.empty()) return {};
  const Array& x = node.inputs[0];
  const BatchRows rows = batch_rows(x);
  if (op == "broadcast") {
    const auto& dims = std::get<DimsOptions>(node.options).dims;
    return moved(rows, {dims.begin(), dims.end()});
  }
  if (op == "reshape") return reshaped(rows, x.shape(), shape);
  if (op == "transpose") {
    const auto& permutation = std::get<PermutationOptions>(node.options).permutation;
    std::vector<int> place(permutation.size());
    for (std::size_t i = 0; i < permutation.size(); ++i)
      place[static_cast<std::size_t>(permutation[i])] = static_cast<int>(i);
    return moved(rows, place);
  }
  if (op == "slice") {
    BatchRows kept = rows;
    for (int axis = 0; axis < shape.rank(); ++axis)
      if (shape[axis] != x.shape()[axis]) kept = disordered(kept, axis);
    return kept;
  }
  if (op == "roll") return disordered(rows, std::get<RollOptions>(node.options).axis);
  if (op == "one_hot") {
    BatchRows kept = rows;
    kept.zero = kept.one = 0;
    kept.permutes = false;
    return kept;
  }
  if (op == "pad") {
    BatchRows kept = rows;
    const auto& options = std::get<PadOptions>(node.options);
    if (options.value != 0) kept.zero = 0;
    if (options.value != 1) kept.one = 0;
    for (int axis = 0; axis < shape.rank(); ++axis)
      if (shape[axis] != x.shape()[axis]) kept = disordered(kept, axis);
    return kept;
  }
  if (op == "concat") return concat_rows(node);
  if (op.starts_with("reduce_")) {
    const auto& dims = std::get<DimsOptions>(node.options).dims;
    BatchRows kept = without(rows, x.rank(), [&](int axis) { return contains(dims, axis); });
    kept.one = 0;
    return kept;
  }
  if (op == "argmax" || op == "logsumexp") {
    const std::int64_t gone = std::get<AxisOptions>(node.options).axis;
    BatchRows kept = without(rows, x.rank(), [&](int axis) { return axis == gone; });
    kept.zero = kept.one = 0;
    return kept;
  }
  if (op == "masked_mean") {
    BatchRows kept = without(rows, x.rank(), [](int axis) { return axis == 0; });
    kept.one = 0;
    return kept;
  }
  if (op == "dot") return dot_rows(node);
  if (op == "take") return take_rows(node);
  if (op == "take_along") {
    // Element i comes from row i, whatever the index says.
    const BatchRows from = without(rows, x.rank(), [&](int axis) { return axis == x.rank() - 1; });
    const BatchRows index = batch_rows(node.inputs[1]);
    BatchRows kept = joined(from, index);
    kept.chosen = (from.chosen & (index.chosen | ~index.axes)) | from.zero | from.one;
    kept.zero = from.zero;
    kept.one = from.one;
    return kept;
  }
  if (op == "scatter_add") {
    BatchRows kept = rows;
    kept.zero = kept.one = 0;
    return kept;
  }
  if (op == "sort_perm") return rows.has(0) ? BatchRows{.axes = 1, .count = rows.count} : BatchRows();
  if (op == "softmax_cross_entropy" || op == "sigmoid_cross_entropy") return loss_rows(node);
  if (op == "conv2d" || op == "max_pool2d" || op == "avg_pool2d" || op == "batch_norm_train" ||
      op == "batch_norm_inference" || op == "layer_norm")
    return first_axis(x);
  return {};
}

} // namespace

BatchRows batch_rows(const Array& array) {
  if (array.empty()) return {};
  const std::vector<BatchRows>& rows = array.node()->batch_rows;
  return rows.empty() ? BatchRows() : rows[static_cast<std::size_t>(array.result())];
}

std::vector<BatchRows> infer_batch_rows(const Node& node) {
  std::vector<BatchRows> rows(node.results.size());
  if (rows.empty()) return {};
  if (node.body) {
    const std::size_t own = node.body->results.size();
    for (std::size_t i = 0; i < own; ++i)
      rows[i] = batch_rows(node.body->results[i]);
    if (const auto* grad = std::get_if<GradOptions>(&node.options))
      for (std::size_t i = 0; i < grad->wrt.size(); ++i) {
        // In padding it is 0 only if the function counted none: one that says all_rows did.
        const BatchRows of = batch_rows(node.inputs[static_cast<std::size_t>(grad->wrt[i])]);
        rows[own + i] = {.axes = of.axes, .in_order = of.in_order, .count = of.count};
      }
  } else {
    rows[0] = rows_of_result(node);
  }
  const bool known = std::any_of(rows.begin(), rows.end(), [](const BatchRows& r) { return r.axes != 0; });
  return known ? rows : std::vector<BatchRows>();
}

bool tolerates_padding(const Array& x, int axis, Padding tolerated) {
  const BatchRows rows = batch_rows(x);
  if (!rows.has(axis)) return true;
  const std::uint32_t here = bit(static_cast<std::size_t>(axis));
  return (tolerated == Padding::zero && (rows.zero & here)) ||
         (tolerated == Padding::chosen && (rows.chosen & here));
}

bool is_batch_axis(const Array& x, int axis) {
  const BatchRows rows = batch_rows(x);
  return rows.has(axis) && (rows.in_order >> axis & 1) && x.shape()[axis] == rows.count;
}

void require_no_padding(std::string_view op, const Array& x, int axis, Padding tolerated,
                        const Location& location) {
  if (tolerates_padding(x, axis, tolerated)) return;
  const std::string rows = std::to_string(batch_rows(x).count);
  throw TraceError(std::string(op),
                   "axis " + std::to_string(axis) + " of " + to_string(x.type()) +
                       " holds rows of the batch that are no longer its " + rows +
                       " in order, and those from `valid` on are padding that would count",
                   location,
                   "while they are, where(row_mask(batch.valid, " + rows +
                       "), x, 0.0) takes padding out; all_rows(x) counts it");
}

void require_batch_rows(std::string_view op, const Array& x, const Array& valid, const Location& location) {
  if (x.empty() || valid.empty() || x.rank() == 0) return;
  const BatchRows rows = batch_rows(x);
  if (!counts_batch(valid) || rows.axes == 0) return;
  if (rows.has(0) && x.shape()[0] == rows.count) return;
  const std::string mask = "where(row_mask(batch.valid, " + std::to_string(rows.count) + "), x, 0.0)";
  throw TraceError(std::string(op),
                   "axis 0 of " + to_string(x.type()) + " does not run over the " +
                       std::to_string(rows.count) + " rows of the batch, of which `valid` counts the first",
                   location,
                   "while axis 0 is the batch's, " + mask +
                       "; behind that add up, and divide by the number of elements that count");
}

} // namespace tailor
