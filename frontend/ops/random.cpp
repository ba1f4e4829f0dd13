#include "frontend/ops/random.h"

#include "frontend/graph/trace.h"
#include "frontend/ops/checks.h"
#include "frontend/ops/elementwise.h"
#include "runtime/base/philox.h"

namespace tailor {

namespace {

using namespace detail;

void check_probability(std::string_view op, double probability, const Location& location) {
  if (!(probability >= 0 && probability <= 1))
    fail(op, "the probability must be in [0, 1], it is " + std::to_string(probability), location);
}

/// How a draw of `shape` lies in the rows that key it. Those of a step have the positions of its batch, and the next step's
/// follow: a draw of more rows would go on into them, and its last rows would be the next step's first. So such a draw lies in the
/// batch's rows, as many of its own to each where they divide, else in the first.
Shape keyed_shape(const Array& key, const Shape& shape) {
  const Trace* trace = Trace::current();
  const std::int64_t batch = trace ? trace->batch() : 0;
  const bool is_of_step = batch > 0 && key.node()->op == "rng_key";
  if (!is_of_step || shape[0] <= batch) return shape;
  const std::int64_t elements = shape.num_elements();
  return shape[0] % batch == 0 ? Shape{batch, elements / batch} : Shape{1, elements};
}

Array draw(std::string_view op, const Array& key, const Shape& shape, DType dtype, OpOptions options,
           const Location& location) {
  if (shape.rank() == 0) fail(op, "draws one row at a time and needs at least one axis", location);
  const Shape keyed = keyed_shape(key, shape);
  const Array drawn = record1(op, {key}, std::move(options), {dtype, keyed}, location);
  if (keyed == shape) return drawn;
  return record1("reshape", {drawn}, NoOptions{}, {dtype, shape}, location);
}

Array checked_key(std::string_view op, const Operand& key) {
  Array words = value_of(key);
  require_type(op, "the key", words, {DType::i32, {8}}, key.location());
  return words;
}

} // namespace

Array random_key(std::uint64_t seed, std::uint32_t stream, const std::source_location& where) {
  // Draws of a Context have the epoch in their counter, and no run has this one.
  constexpr std::uint32_t kNoEpoch = 0x80000000u;
  const runtime::RandomKey key = runtime::make_random_key({.seed_lo = static_cast<std::uint32_t>(seed),
                                                           .seed_hi = static_cast<std::uint32_t>(seed >> 32),
                                                           .epoch = kNoEpoch},
                                                          {.stream = stream});
  std::vector<double> words;
  for (std::uint32_t word : key.packed())
    words.push_back(static_cast<std::int32_t>(word));
  return array(words, {8}, DType::i32, where);
}

Array random_uniform(const Operand& key, const Shape& shape) {
  return draw("random_uniform", checked_key("random_uniform", key), shape, DType::f32, NoOptions{},
              key.location());
}

Array random_normal(const Operand& key, const Shape& shape) {
  return draw("random_normal", checked_key("random_normal", key), shape, DType::f32, NoOptions{},
              key.location());
}

Array bernoulli(const Operand& key, double probability, const Shape& shape) {
  check_probability("bernoulli", probability, key.location());
  return draw("bernoulli", checked_key("bernoulli", key), shape, DType::i1, ProbabilityOptions{probability},
              key.location());
}

Array random_permutation(const Operand& key, std::int64_t rows) {
  Array count = constant(static_cast<double>(rows), DType::i32);
  return record1("random_permutation", {checked_key("random_permutation", key), count}, NoOptions{},
                 {DType::i32, {rows}}, key.location());
}

Array random_uniform(const Context& context, const Shape& shape, const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  return draw("random_uniform", context.key(location), shape, DType::f32, NoOptions{}, location);
}

Array random_normal(const Context& context, const Shape& shape, const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  return draw("random_normal", context.key(location), shape, DType::f32, NoOptions{}, location);
}

Array bernoulli(const Context& context, double probability, const Shape& shape,
                const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  check_probability("bernoulli", probability, location);
  return draw("bernoulli", context.key(location), shape, DType::i1, ProbabilityOptions{probability},
              location);
}

Array dropout(const Operand& x, const Context& context, double probability) {
  Array value = value_of(x);
  require_float("dropout", value, x.location());
  if (!(probability >= 0 && probability < 1))
    fail("dropout", "the probability must be in [0, 1), it is " + std::to_string(probability), x.location());
  if (!context.train || probability == 0) return value;
  if (value.shape().rank() == 0)
    fail("dropout", "draws one row at a time and needs at least one axis", x.location());
  Array mask = draw("bernoulli", context.key(x.location()), value.shape(), DType::i1,
                    ProbabilityOptions{1 - probability}, x.location());
  return record1("dropout", {value, mask}, ProbabilityOptions{probability}, value.type(), x.location());
}

Array random_permutation(const Context& context, const Operand& valid, std::int64_t rows,
                         const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  Array count = value_of(valid);
  require_type("random_permutation", "valid", count, {DType::i32, {}}, location);
  return record1("random_permutation", {context.key(location), count}, NoOptions{}, {DType::i32, {rows}},
                 location);
}

} // namespace tailor
