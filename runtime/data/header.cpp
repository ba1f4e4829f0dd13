#include "runtime/data/header.h"

#include "runtime/data/cell_format.h"
#include "runtime/data/text.h"

#include <algorithm>
#include <cmath>

namespace tailor::runtime {
namespace {

enum class Kind { kEmpty, kMarker, kNumber, kText };

Kind kind_of(const std::string& cell) {
  if (cell.empty()) return Kind::kEmpty;
  if (is_missing_cell(cell, default_missing_markers())) return Kind::kMarker;
  return number_shape(cell).formats != 0 ? Kind::kNumber : Kind::kText;
}

/// What stands below a cell of the first row.
struct Below {
  std::int64_t values = 0, numbers = 0;
  double min = INFINITY, max = -INFINITY; ///< of the plain numbers
  bool repeats_cell = false;

  bool is_numeric() const { return values > 0 && numbers * 4 >= values * 3; }
};

Below look_below(std::span<const HeldRow> rows, std::size_t column) {
  Below below;
  for (const HeldRow& row : rows.subspan(1)) {
    if (column >= row.cells.size()) continue;
    const std::string& cell = row.cells[column];
    below.repeats_cell |= cell == rows[0].cells[column];
    if (const Kind kind = kind_of(cell); kind != Kind::kEmpty && kind != Kind::kMarker) {
      ++below.values;
      below.numbers += kind == Kind::kNumber;
    }
    if (double number = 0; parse_number(cell, number) == NumberParse::kOk) {
      below.min = std::min(below.min, number);
      below.max = std::max(below.max, number);
    }
  }
  return below;
}

/// The whole number that `cell` is, as years and counters are written; NaN if it is none.
double counter(const std::string& cell) {
  double number = 0;
  if (cell.find_first_not_of("0123456789") != std::string::npos ||
      parse_number(cell, number) != NumberParse::kOk)
    return NAN;
  return number;
}

/// The numbers of a row count up one by one: 2010, 2011, 2012. One number alone does not.
bool counts_up(const HeldRow& row) {
  double last = NAN;
  std::size_t count = 0;
  for (const std::string& cell : row.cells) {
    if (kind_of(cell) != Kind::kNumber) continue;
    const double number = counter(cell);
    if (std::isnan(number) || (count > 0 && number != last + 1)) return false;
    last = number;
    ++count;
  }
  return count >= 2;
}

} // namespace

HeaderGuess guess_header(std::span<const HeldRow> rows, std::span<const std::string> mentioned) {
  const std::vector<std::string>& first = rows[0].cells;
  for (const std::string& name : mentioned)
    if (std::find(first.begin(), first.end(), name) != first.end())
      return {true, concat("the first line names '", name, "'")};

  std::vector<std::size_t> numbers, texts;
  for (std::size_t column = 0; column < first.size(); ++column)
    switch (kind_of(first[column])) {
    case Kind::kMarker:
      return {false, concat("the first line holds ", in_quotes(first[column]), ", which is data")};
    case Kind::kNumber:
      numbers.push_back(column);
      break;
    case Kind::kText:
      texts.push_back(column);
      break;
    case Kind::kEmpty:
      break;
    }
  if (numbers.empty() && texts.empty()) return {false, "the first line is empty"};

  std::vector<std::size_t> above_numbers;
  const std::string* repeated = nullptr;
  for (const std::size_t column : texts) {
    const Below below = look_below(rows, column);
    if (below.is_numeric() && !is_usual_marker(first[column])) above_numbers.push_back(column);
    if (below.repeats_cell && !repeated) repeated = &first[column];
  }
  const auto stands_above = [&] {
    return concat(in_quotes(first[above_numbers[0]]), " stands above numbers");
  };

  if (!numbers.empty()) {
    const std::string& number = first[numbers[0]];
    const auto data = [&] {
      return HeaderGuess{false, concat("the first line holds ", in_quotes(number), ", which is data")};
    };
    const bool counting = counts_up(rows[0]) && (rows.size() == 1 || !counts_up(rows[1]));
    const bool all_outside = std::all_of(numbers.begin(), numbers.end(), [&](std::size_t column) {
      const double value = counter(first[column]);
      const Below below = look_below(rows, column);
      return !std::isnan(value) && (value < below.min || value > below.max);
    });
    // Rows of which the first would have to be outside the range in every column by chance.
    constexpr std::size_t kFewRows = 10, kLongRun = 4;
    // What a data frame without names writes: every column's position. Three by chance: 1 row in 1,000 of digits.
    constexpr std::size_t kLeastPositions = 3;
    if (texts.empty()) {
      if (counting && numbers.size() == first.size() && first[0] == "0" && first.size() >= kLeastPositions)
        return {true, "its numbers are the positions of the columns"};
      if (counting && (numbers.size() >= kLongRun || (all_outside && rows.size() > kFewRows)))
        return {true, concat("its numbers count up from ", in_quotes(number), ", the lines below do not")};
      return data();
    }
    if (!above_numbers.empty() && (counting || all_outside))
      return {true, concat(stands_above(), ", and ", in_quotes(number),
                           counting ? " starts numbers that count up" : " is unlike the numbers below it")};
    if (above_numbers.size() > numbers.size()) return {true, stands_above()};
    if (!repeated && counting && all_outside)
      return {true,
              concat("the numbers from ", in_quotes(number), " count up outside what stands below them")};
    HeaderGuess guess = data();
    if (!above_numbers.empty())
      guess.reason += concat(", although ", stands_above(), "; header = \"yes\" if these are names");
    return guess;
  }
  if (!above_numbers.empty()) return {true, stands_above()};
  if (repeated) return {false, concat(in_quotes(*repeated), " of the first line occurs again below it")};
  return {true,
          rows.size() == 1 ? "the only line holds names" : "no cell of the first line occurs again below it"};
}

bool is_index_column(std::string_view header_cell, std::int32_t position) {
  return position == 0 && (header_cell.empty() || header_cell == "Unnamed: 0");
}

} // namespace tailor::runtime
