#pragma once

#include "backend/reference/Tensor.h"

#include <ostream>
#include <string>
#include <vector>

/// One op (or a short chain) with the arguments it is tried on: the unit every conformance test works with.
namespace tailor::conformance {

using backend::reference::Element;
using backend::reference::Shape;
using backend::reference::Tensor;

/// How the elements of a real argument are drawn (Philox, fixed seed).
enum class Draw {
  awayFromZero, ///< +-[0.2, 1.5]: no op has a kink in there
  positive,     ///< [0.3, 2]
  unit,         ///< [0.05, 0.95]: probabilities, smoothing
};

struct Argument {
  std::string name; ///< without %
  std::string type; ///< "3x4xf64"; the tensor<> is added
  Draw draw = Draw::awayFromZero;
  std::vector<int64_t> integers = {}; ///< the elements of an integer argument
  std::vector<double> reals = {};     ///< the elements of a real argument, instead of drawn ones
};

struct OpCase {
  std::string name; ///< unique; printed on failure and used as the test's name
  std::vector<Argument> arguments;
  /// MLIR text of the ops between arguments and return. "$x" stands for the type of argument x, "$r" for that
  /// of the first result. The last line defines %r (and %r:n for several results).
  std::string text;
  std::vector<std::string> results; ///< types, "3x4xf64"
  int64_t numDifferentiable = -1;   ///< the first so many results have a gradient; -1 = all
  bool stopsGradient = false;       ///< the gradient is zero whatever differences say
};

/// How GoogleTest prints a case.
inline void PrintTo(const OpCase& opCase, std::ostream* out) {
  *out << opCase.name;
}

/// "tensor<3x4xf64>" from "3x4xf64".
std::string tensorType(const std::string& type);
/// The case as a program with one body @f.
std::string programText(const OpCase& opCase);
/// Values of the arguments; the same for the same case.
std::vector<Tensor> drawArguments(const OpCase& opCase);

/// The op cases of the dialect, by family.
std::vector<OpCase> elementwiseCases();
std::vector<OpCase> shapeCases();
std::vector<OpCase> reductionCases();
std::vector<OpCase> contractionCases();
std::vector<OpCase> normalizationCases();
std::vector<OpCase> lossCases();
std::vector<OpCase> allCases();

} // namespace tailor::conformance
