#pragma once

#include "frontend/graph/array.h"
#include "frontend/graph/context.h"

/// Random ops. Each call is one stream: the key holds the op id of the call, the seed, the epoch, the draw
/// position of the row and the pass (runtime/base/philox.h). Same seed, same bits on every machine and thread
/// count.
///
/// Axis 0 is the row. Where it has the rows of the batch, row n draws what it draws in a batch of any size. A draw of
/// a Context that has more rows than the batch (patches or tokens of all images) draws, where they are a multiple, so many
/// of its rows for each row of the batch; any other draws all of them for row 0. No two steps of a run share a draw.
namespace tailor {

/// A key of one's own: i32 [8], the same numbers wherever it is used. Outside of a step this is how to draw; inside, a
/// key that does not change draws the same in every step, so there Context is what one wants. Different streams of one
/// seed are independent.
Array random_key(std::uint64_t seed, std::uint32_t stream = 0,
                 const std::source_location& where = std::source_location::current());

/// U[0, 1) of `shape`.
Array random_uniform(const Context& context, const Shape& shape,
                     const std::source_location& where = std::source_location::current());
Array random_normal(const Context& context, const Shape& shape,
                    const std::source_location& where = std::source_location::current());
/// i1, true with `probability`.
Array bernoulli(const Context& context, double probability, const Shape& shape,
                const std::source_location& where = std::source_location::current());
/// Drops with `probability`, scales the rest by 1 / (1 - probability).
Array dropout(const Operand& x, const Context& context, double probability);
/// The same with a key of one's own.
Array random_uniform(const Operand& key, const Shape& shape);
Array random_normal(const Operand& key, const Shape& shape);
Array bernoulli(const Operand& key, double probability, const Shape& shape);
Array random_permutation(const Operand& key, std::int64_t rows);
/// i32 [rows]: a permutation of the first `valid` rows, the others stay.
Array random_permutation(const Context& context, const Operand& valid, std::int64_t rows,
                         const std::source_location& where = std::source_location::current());

} // namespace tailor
