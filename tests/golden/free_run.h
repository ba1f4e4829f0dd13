#pragma once

#include "backend/reference/Interpreter.h"
#include "ir/Tailor.h"
#include "tests/golden/recording.h"

#include <map>
#include <string>
#include <vector>

/// What tests that run freely on the reference from recorded initial values share.
namespace tailor::golden {

using backend::reference::Environment;

/// Two f64 programs that differ in the order of sums agree to 1e-12 after 20 SAM steps (measured on PyTorch with
/// itself).
inline constexpr double kTolerance = 1e-8;

/// Gives every state its initial value: parameters from the recording, class counts, and the program's own init
/// rules.
Environment initial_environment(ir::ProgramOp program, const std::map<std::string, Tensor>& parameters,
                                const std::vector<double>& class_counts);

/// Relative to the larger of |expected| and `scale`.
void expect_close(double actual, double expected, double scale, const std::string& what);

/// Every recorded tensor against the state that holds it: parameters and running statistics by name, averages as
/// "ema.".
void compare_final(ir::ProgramOp program, const Environment& environment,
                   const std::map<std::string, FinalTensor>& final);

} // namespace tailor::golden
