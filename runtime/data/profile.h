#pragma once
#include "runtime/data/cell_format.h"
#include "runtime/data/date.h"

#include <utility>

namespace tailor::runtime {

/// Where a cell is in its file, from 1.
struct CellPlace {
  std::int64_t line = 0;
  std::int32_t column = 0;
};

/// A text of a column and where it first appears.
struct TextCount {
  std::string text;
  std::int64_t count = 0;
  CellPlace place;
};

/// What the cells of one column look like; the ground on which its type is chosen.
struct ColumnProfile {
  std::string name;            ///< header text, or "column 0", "column 1", ... by position
  std::int32_t position = 0;   ///< 0-based in the file
  bool is_index = false;       ///< see is_index_column
  bool shares_name = false;    ///< another column has it too: only the position tells them apart
  std::int64_t num_values = 0; ///< not missing
  std::int64_t num_missing = 0;
  std::int64_t num_numbers = 0;    ///< values that read as finite numbers
  std::int64_t num_not_finite = 0; ///< inf, or beyond f32
  bool all_integers = true;        ///< of the numbers
  bool ascending = true;           ///< each number above the one before: a counter
  double min = 0, max = 0;         ///< of the numbers
  /// Distinct values with their counts in order of first appearance, until there are more than kMaxDistinct
  /// (then cleared).
  std::vector<std::pair<std::string, std::int64_t>> distinct;
  std::vector<CellPlace> distinct_places; ///< of each in `distinct`: where it first appears
  bool many_distinct = false;
  /// Signs taken off its numbers, of those in the format; a number without one counts under "".
  std::vector<TextCount> signs;
  /// Values that would be numbers under each of kNumberFormats, a known sign taken off; none of the two below.
  std::array<std::int64_t, kNumberFormats.size()> num_fitting{};
  std::vector<TextCount> known_signs; ///< of values that are no numbers as they are read now
  std::vector<TextCount> markers;     ///< values that are no numbers and is_usual_marker
  TextCount shaped;                   ///< values that are no numbers now but would be; the first of them
  std::string first_text;             ///< first value that is not a number ...
  std::string first_text_where;       ///< ... and its place
  DateEvidence dates;                 ///< what its values say about being dates

  static constexpr std::size_t kMaxDistinct = 65536;
  bool is_numeric() const; ///< see type_reason
  /// Different values, no value left out; kMaxDistinct + 1 where there are more than could be counted.
  std::int64_t num_distinct() const;
  /// Text that differs in more than half of its rows (20 at least): it names them and is no category.
  bool names_rows() const;
  std::string sign() const; ///< of its numbers; the first, if they differ (infer_schema refuses that)
  /// First cell of this value, or of no value for kMissingCategory; line 0 if there is none.
  CellPlace first_place(std::string_view value) const;
  std::string type_reason() const;
};

struct FileProfile {
  std::string path;
  char separator = ',';
  std::string separator_reason;
  CellFormat cells; ///< how numbers and missing values were read
  bool has_header = false;
  std::string header_reason;
  std::vector<ColumnProfile> columns;
  std::int64_t num_rows = 0;       ///< undamaged
  std::int64_t num_damaged = 0;    ///< short, long or malformed records: left out of every count above
  std::vector<std::string> damage; ///< the first of them, as messages (at most 20)

  std::string where(CellPlace place) const; ///< "file:line:column"
};

/// One pass over a csv or csv.gz file. `header_names` are column names the user has mentioned: a first row
/// that holds one is a header.
///
/// Header    when auto: guess_header of the first 1000 rows.
/// Errors    the file cannot be read, is empty or not UTF-8; gzip, NUL and size errors of CsvRecords.
Result<FileProfile> profile_csv(const std::string& path, const CsvFormat& format,
                                std::span<const std::string> header_names = {}, const CellFormat& cells = {});
Result<FileProfile> profile_csv(std::unique_ptr<ByteSource> source, const std::string& path,
                                const CsvFormat& format, std::span<const std::string> header_names = {},
                                const CellFormat& cells = {});

} // namespace tailor::runtime
