#pragma once

#include "frontend/array.h"
#include "frontend/context.h"

/// Random ops. Each call is one stream: the key holds the op id of the call, the seed, the epoch, the draw
/// position of the row and the pass (runtime/base/philox.h). Same seed, same bits on every machine and thread
/// count.
namespace tailor {

/// U[0, 1) of `shape`; axis 0 is the row.
Array random_uniform(const Context& context, const Shape& shape,
                     const std::source_location& where = std::source_location::current());
Array random_normal(const Context& context, const Shape& shape,
                    const std::source_location& where = std::source_location::current());
/// i1, true with `probability`.
Array bernoulli(const Context& context, double probability, const Shape& shape,
                const std::source_location& where = std::source_location::current());
/// Drops with `probability`, scales the rest by 1 / (1 - probability).
Array dropout(const Operand& x, const Context& context, double probability);
/// i32 [rows]: a permutation of the first `valid` rows, the others stay.
Array random_permutation(const Context& context, const Operand& valid, std::int64_t rows,
                         const std::source_location& where = std::source_location::current());

} // namespace tailor
