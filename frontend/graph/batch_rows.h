#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace tailor {

class Array;
struct Node;
struct Location;

/// Which axes of a value run over the rows of a batch. The last batch of an epoch may be ragged: its rows from
/// `valid` on are padding and hold whatever was there. A value that has one element per row may carry them
/// along; one that adds rows up, or moves them, would count them. Builders of such ops ask here, leave padding out where
/// the axis is the batch's rows in order (ops/padding.h), and refuse what would count it elsewhere
/// (require_no_padding), since nothing later can tell.
///
/// Bits are axes. An op without a rule gives a value of which nothing is known (no bits): nothing is refused
/// without reason.
struct BatchRows {
  std::uint32_t axes = 0;   ///< run over the rows of the batch
  std::uint32_t chosen = 0; ///< of these: what stands in padding was put there by a mask, not left over
  std::uint32_t zero = 0;   ///< of these: it is zero (false)
  std::uint32_t one = 0;    ///< of these: it is one (true)
  std::uint32_t in_order =
      0; ///< of these: element i belongs to row i, so that padding is what `valid` leaves out
  std::int64_t count = 0; ///< rows of the batch, padding included
  bool permutes =
      false; ///< an index that takes rows that count to rows that count and leaves padding in place

  bool has(int axis) const { return axes >> axis & 1; }
  bool operator==(const BatchRows&) const = default;
};

/// What is known of a value; nothing for one made of constants and states.
BatchRows batch_rows(const Array& array);

/// The same for the results of an op that is being recorded; empty when nothing is known of any. Inputs, op,
/// options and result types of `node` are set.
std::vector<BatchRows> infer_batch_rows(const Node& node);

/// What an op that combines rows tolerates in padding.
enum class Padding : std::uint8_t {
  none,   ///< nothing: the op counts the rows, or moves them
  zero,   ///< zeros: a sum
  chosen, ///< what a mask put there: a maximum over -inf
};

/// True if padding along `axis` is known to hold what `tolerated` says, or if the axis is not the batch's.
bool tolerates_padding(const Array& x, int axis, Padding tolerated);

/// True if element i along `axis` belongs to row i of the batch: `valid` says which of them are padding.
bool is_batch_axis(const Array& x, int axis);

/// TraceError at `location` when `axis` of `x` runs over the rows of the batch and padding would enter what
/// `op` computes along it.
void require_no_padding(std::string_view op, const Array& x, int axis, Padding tolerated,
                        const Location& location);

/// TraceError at `location` when `valid` is the batch's count of rows and the first axis of `x` is known not to be
/// its rows: two views one after the other, rows and classes in one axis, part of the rows. Rows that are padding
/// would count, others be left out.
void require_batch_rows(std::string_view op, const Array& x, const Array& valid, const Location& location);

} // namespace tailor
