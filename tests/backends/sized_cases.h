#pragma once

#include "tests/conformance/op_case.h"

namespace tailor::backends {

/// Programs of every kernel family over `rows` x `columns`, in f32; those that know padding with `valid`
/// rows.
std::vector<conformance::OpCase> sizedCases(int64_t rows, int64_t columns, int64_t valid);

} // namespace tailor::backends
