#include "backend/reference/Elementwise.h"
#include "backend/reference/Evaluators.h"
#include "ir/Tailor.h"

#include <cmath>

namespace tailor::backend::reference {
namespace {

using llvm::success;

/// Two's complement arithmetic without overflow: map and map2 wrap to the declared width.
int64_t wrapping(uint64_t value) {
  return static_cast<int64_t>(value);
}

template <typename OpT, RealFunction function, IntegerFunction integerFunction = nullptr>
void addUnary(Evaluators& evaluators) {
  evaluators.add<OpT>([](OpT, Operands in, Results& out) {
    out.push_back(map(*in[0], function, integerFunction));
    return success();
  });
}

template <typename OpT, RealFunction2 function, IntegerFunction2 integerFunction = nullptr>
void addBinary(Evaluators& evaluators) {
  evaluators.add<OpT>([](OpT, Operands in, Results& out) {
    out.push_back(map2(*in[0], *in[1], function, integerFunction));
    return success();
  });
}

// Standard functions are overloaded; these pick the double one.
double exponential(double x) {
  return std::exp(x);
}
double exponentialMinus1(double x) {
  return std::expm1(x);
}
double logarithm(double x) {
  return std::log(x);
}
double logarithm1p(double x) {
  return std::log1p(x);
}
double squareRoot(double x) {
  return std::sqrt(x);
}
double hyperbolicTangent(double x) {
  return std::tanh(x);
}
double errorFunction(double x) {
  return std::erf(x);
}
double sine(double x) {
  return std::sin(x);
}
double cosine(double x) {
  return std::cos(x);
}
double absolute(double x) {
  return std::fabs(x);
}
double power(double a, double b) {
  return std::pow(a, b);
}
double negative(double x) {
  return -x;
}
double sum(double a, double b) {
  return a + b;
}
double difference(double a, double b) {
  return a - b;
}
double product(double a, double b) {
  return a * b;
}
double quotient(double a, double b) {
  return a / b;
}

int64_t negativeInteger(int64_t x) {
  return wrapping(0 - static_cast<uint64_t>(x));
}
int64_t absoluteInteger(int64_t x) {
  return x < 0 ? negativeInteger(x) : x;
}
int64_t signInteger(int64_t x) {
  return (x > 0) - (x < 0);
}
int64_t sumInteger(int64_t a, int64_t b) {
  return wrapping(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t differenceInteger(int64_t a, int64_t b) {
  return wrapping(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t productInteger(int64_t a, int64_t b) {
  return wrapping(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
int64_t squareInteger(int64_t x) {
  return productInteger(x, x);
}
int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}
int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}
int64_t bitAnd(int64_t a, int64_t b) {
  return a & b;
}
int64_t bitOr(int64_t a, int64_t b) {
  return a | b;
}

Comparison comparisonOf(ir::Direction direction) {
  switch (direction) {
  case ir::Direction::Eq:
    return Comparison::eq;
  case ir::Direction::Ne:
    return Comparison::ne;
  case ir::Direction::Lt:
    return Comparison::lt;
  case ir::Direction::Le:
    return Comparison::le;
  case ir::Direction::Gt:
    return Comparison::gt;
  case ir::Direction::Ge:
    return Comparison::ge;
  }
  llvm_unreachable("a comparison has six directions");
}

} // namespace

void addElementwise(Evaluators& evaluators) {
  addUnary<ir::NegOp, negative, negativeInteger>(evaluators);
  addUnary<ir::AbsOp, absolute, absoluteInteger>(evaluators);
  addUnary<ir::SignOp, scalar::sign, signInteger>(evaluators);
  addUnary<ir::ExpOp, exponential>(evaluators);
  addUnary<ir::Expm1Op, exponentialMinus1>(evaluators);
  addUnary<ir::LogOp, logarithm>(evaluators);
  addUnary<ir::Log1pOp, logarithm1p>(evaluators);
  addUnary<ir::SqrtOp, squareRoot>(evaluators);
  addUnary<ir::RsqrtOp, scalar::rsqrt>(evaluators);
  addUnary<ir::ReciprocalOp, scalar::reciprocal>(evaluators);
  addUnary<ir::SquareOp, scalar::square, squareInteger>(evaluators);
  addUnary<ir::TanhOp, hyperbolicTangent>(evaluators);
  addUnary<ir::SigmoidOp, scalar::sigmoid>(evaluators);
  addUnary<ir::ErfOp, errorFunction>(evaluators);
  addUnary<ir::SinOp, sine>(evaluators);
  addUnary<ir::CosOp, cosine>(evaluators);
  addUnary<ir::ReluOp, scalar::relu>(evaluators);
  addUnary<ir::SiluOp, scalar::silu>(evaluators);
  evaluators.add<ir::GeluOp>([](ir::GeluOp op, Operands in, Results& out) {
    out.push_back(map(*in[0], op.getForm() == ir::GeluForm::Tanh ? scalar::geluTanh : scalar::gelu));
    return success();
  });
  evaluators.add<ir::LogicalNotOp>([](ir::LogicalNotOp, Operands in, Results& out) {
    out.push_back(logicalNot(*in[0]));
    return success();
  });
  evaluators.add<ir::IsFiniteOp>([](ir::IsFiniteOp, Operands in, Results& out) {
    out.push_back(isFinite(*in[0]));
    return success();
  });

  addBinary<ir::AddOp, sum, sumInteger>(evaluators);
  addBinary<ir::SubOp, difference, differenceInteger>(evaluators);
  addBinary<ir::MulOp, product, productInteger>(evaluators);
  addBinary<ir::DivOp, quotient, scalar::divide>(evaluators);
  addBinary<ir::MaxOp, scalar::maximum, larger>(evaluators);
  addBinary<ir::MinOp, scalar::minimum, smaller>(evaluators);
  addBinary<ir::PowOp, power>(evaluators);
  addBinary<ir::LogicalAndOp, nullptr, bitAnd>(evaluators);
  addBinary<ir::LogicalOrOp, nullptr, bitOr>(evaluators);

  evaluators.add<ir::CompareOp>([](ir::CompareOp op, Operands in, Results& out) {
    out.push_back(compare(*in[0], *in[1], comparisonOf(op.getDirection())));
    return success();
  });
  evaluators.add<ir::WhereOp>([](ir::WhereOp, Operands in, Results& out) {
    out.push_back(where(*in[0], *in[1], *in[2]));
    return success();
  });
  evaluators.add<ir::DropoutOp>([](ir::DropoutOp op, Operands in, Results& out) {
    out.push_back(dropout(*in[0], *in[1], op.getRate().convertToDouble()));
    return success();
  });
  evaluators.add<ir::CastOp>([](ir::CastOp op, Operands in, Results& out) {
    out.push_back(cast(*in[0], elementOf(op.getType())));
    return success();
  });
  evaluators.add<ir::RoundTf32Op>([](ir::RoundTf32Op, Operands in, Results& out) {
    Tensor& rounded = out.emplace_back(*in[0]);
    for (double& value : rounded.reals())
      value = roundToTf32(value);
    return success();
  });
  evaluators.add<ir::ClampOp>([](ir::ClampOp op, Operands in, Results& out) {
    out.push_back(clamp(*in[0], op.getLow().convertToDouble(), op.getHigh().convertToDouble()));
    return success();
  });
  evaluators.add<ir::ConstantOp>([](ir::ConstantOp op, Operands, Results& out) {
    out.push_back(toTensor(op.getValue()));
    return success();
  });
  evaluators.add<ir::StopGradientOp>([](ir::StopGradientOp, Operands in, Results& out) {
    out.push_back(*in[0]);
    return success();
  });
}

} // namespace tailor::backend::reference
