#pragma once
#include "runtime/data/csv.h"

#include <span>

namespace tailor::runtime {

/// A record kept back while the header question is open.
struct HeldRow {
  std::vector<std::string> cells;
  std::vector<std::int32_t> columns; ///< of the cells, from 1
  std::int64_t line = 0;
};

struct HeaderGuess {
  bool found = false;
  std::string reason; ///< why or why not
};

/// Whether the first of `rows` names the columns. `mentioned` are column names the user has written.
///
///   a mentioned name, or text above numbers                          header
///   numbers among text above numbers, outside what stands below
///   them or counting up (id, 2010, 2011, label)                      header
///   the same, outside and counting up, among text above text         header
///   only numbers that count up, above rows that do not               header (4 of them, or fewer outside the
///                                                                    range of 10 rows below)
///   a text for "no value", or another number                         data
///   only text, above text                                            header if no cell occurs again in its column
///
/// An empty cell is a column without a name and a name may occur twice: neither makes a header data. A number is
/// one in any of kNumberFormats, with or without a sign.
HeaderGuess guess_header(std::span<const HeldRow> rows, std::span<const std::string> mentioned);

/// The first column of a table with a header, under no name, or that which pandas gives it ("Unnamed: 0"): the
/// row names that a data frame was written with.
bool is_index_column(std::string_view header_cell, std::int32_t position);
inline constexpr const char* kIndexReason = "the first column has no name: the row names of a data frame";

} // namespace tailor::runtime
