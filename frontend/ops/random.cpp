#include "frontend/ops/random.h"

#include "frontend/ops/checks.h"

namespace tailor {

namespace {

using namespace detail;

void check_probability(std::string_view op, double probability, const Location& location) {
  if (!(probability >= 0 && probability <= 1))
    fail(op, "the probability must be in [0, 1], it is " + std::to_string(probability), location);
}

Array draw(std::string_view op, const Context& context, const Shape& shape, DType dtype, OpOptions options,
           const Location& location) {
  if (shape.rank() == 0) fail(op, "draws one row at a time and needs at least one axis", location);
  return record1(op, {context.key(location)}, std::move(options), {dtype, shape}, location);
}

} // namespace

Array random_uniform(const Context& context, const Shape& shape, const std::source_location& where) {
  return draw("random_uniform", context, shape, DType::f32, NoOptions{},
              LocationScope::resolve(make_location(where)));
}

Array random_normal(const Context& context, const Shape& shape, const std::source_location& where) {
  return draw("random_normal", context, shape, DType::f32, NoOptions{},
              LocationScope::resolve(make_location(where)));
}

Array bernoulli(const Context& context, double probability, const Shape& shape,
                const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  check_probability("bernoulli", probability, location);
  return draw("bernoulli", context, shape, DType::i1, ProbabilityOptions{probability}, location);
}

Array dropout(const Operand& x, const Context& context, double probability) {
  Array value = value_of(x);
  require_float("dropout", value, x.location());
  if (!(probability >= 0 && probability < 1))
    fail("dropout", "the probability must be in [0, 1), it is " + std::to_string(probability), x.location());
  if (!context.train || probability == 0) return value;
  return record1("dropout", {value, context.key(x.location())}, ProbabilityOptions{probability}, value.type(),
                 x.location());
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
