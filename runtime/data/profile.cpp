#include "runtime/data/profile.h"

#include "runtime/data/header.h"
#include "runtime/data/schema.h"
#include "runtime/data/table.h"
#include "runtime/data/text.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <unordered_map>

namespace tailor::runtime {
namespace {

constexpr std::size_t kMaxDamageMessages = 20;
constexpr std::size_t kHeadRows = 1000; ///< rows kept back until it is known whether the first is a header

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

class ColumnCounter {
public:
  ColumnCounter(ColumnProfile& profile, const FileProfile& file) : profile_(profile), file_(file) {}

  void add(std::string_view text, CellPlace place) {
    if (file_.cells.is_missing(text))
      ++profile_.num_missing;
    else
      add_value(text, place);
    count_distinct(text, place);
  }

  /// Place of the first text that is not UTF-8; empty if all is well.
  const std::string& not_utf8() const { return not_utf8_; }

private:
  void add_value(std::string_view text, CellPlace place) {
    ++profile_.num_values;
    profile_.dates.add(text);
    double number = 0;
    const NumberParse parse = parse_cell(text, place, number);
    if (parse == NumberParse::kOk) {
      if (profile_.num_numbers == 0)
        profile_.min = profile_.max = number;
      else if (number <= last_)
        profile_.ascending = false;
      last_ = number;
      ++profile_.num_numbers;
      profile_.min = std::min(profile_.min, number);
      profile_.max = std::max(profile_.max, number);
      if (number != std::floor(number) || text.find_first_of("eE") != std::string_view::npos ||
          text.find(file_.cells.number.decimal) != std::string_view::npos)
        profile_.all_integers = false;
      return;
    }
    note_text(text, place);
    if (parse != NumberParse::kNotNumber) ++profile_.num_not_finite;
    if (profile_.first_text_where.empty()) {
      profile_.first_text = text;
      profile_.first_text_where = file_.where(place);
    }
  }

  /// As the format says; counts the sign and what else the text could be.
  NumberParse parse_cell(std::string_view text, CellPlace place, double& number) {
    const CellFormat& cells = file_.cells;
    std::string_view rest = text;
    std::string_view sign;
    for (const std::string& known : cells.signs)
      if (take_sign(rest, known, sign_buffer_)) {
        sign = known;
        break;
      }
    const NumberParse parse = parse_formatted(rest, cells.number, number);
    if (parse != NumberParse::kOk) return parse;
    if (!cells.signs.empty()) count(profile_.signs, sign, place);
    if (rest.find_first_of(".,' \xC2\xE2") == std::string_view::npos) { // digits alone fit every format
      for (std::int64_t& fitting : profile_.num_fitting)
        ++fitting;
    } else {
      count_formats(number_shape(text).formats);
    }
    return parse;
  }

  void count_formats(FormatMask formats) {
    for (std::size_t i = 0; i < kNumberFormats.size(); ++i)
      profile_.num_fitting[i] += formats >> i & 1;
  }

  /// What a text that is no number could be.
  void note_text(std::string_view text, CellPlace place) {
    if (const NumberShape shape = number_shape(text); shape.formats != 0) {
      count_formats(shape.formats);
      count(profile_.known_signs, shape.sign, place);
      if (profile_.shaped.count++ == 0) profile_.shaped = {std::string(text), 1, place};
    } else if (is_usual_marker(text)) {
      count(profile_.markers, text, place);
    }
  }

  static void count(std::vector<TextCount>& counts, std::string_view text, CellPlace place) {
    for (TextCount& entry : counts)
      if (entry.text == text) {
        ++entry.count;
        return;
      }
    constexpr std::size_t kMaxTexts = 32; // of a fixed list, in a few cases of letters
    if (counts.size() < kMaxTexts) counts.push_back({std::string(text), 1, place});
  }

  void count_distinct(std::string_view text, CellPlace place) {
    if (profile_.many_distinct) return;
    if (file_.cells.is_missing(text)) text = kMissingCategory;
    // Neighbouring rows often agree; the comparison is cheaper than the hash.
    if (!profile_.distinct.empty() && profile_.distinct[last_place_].first == text) {
      ++profile_.distinct[last_place_].second;
      return;
    }
    if (const auto found = places_.find(text); found != places_.end()) {
      last_place_ = found->second;
      ++profile_.distinct[last_place_].second;
      return;
    }
    if (profile_.distinct.size() == ColumnProfile::kMaxDistinct) {
      profile_.many_distinct = true;
      profile_.distinct.clear();
      profile_.distinct_places = {};
      places_.clear();
      return;
    }
    if (!is_utf8(text) && not_utf8_.empty()) not_utf8_ = file_.where(place);
    last_place_ = profile_.distinct.size();
    places_.emplace(text, last_place_);
    profile_.distinct.emplace_back(text, 1);
    profile_.distinct_places.push_back(place);
  }

  ColumnProfile& profile_;
  const FileProfile& file_;
  std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>> places_;
  std::size_t last_place_ = 0;
  std::string not_utf8_;
  double last_ = 0;
  std::string sign_buffer_;
};

} // namespace

std::string FileProfile::where(CellPlace place) const {
  return concat(path, ":", place.line, ":", place.column);
}

CellPlace ColumnProfile::first_place(std::string_view value) const {
  const auto found =
      std::find_if(distinct.begin(), distinct.end(), [&](const auto& entry) { return entry.first == value; });
  return found == distinct.end() ? CellPlace{}
                                 : distinct_places[static_cast<std::size_t>(found - distinct.begin())];
}

std::int64_t ColumnProfile::num_distinct() const {
  if (many_distinct) return static_cast<std::int64_t>(kMaxDistinct) + 1;
  return std::ssize(distinct) - (num_missing > 0); // no value is one of them
}

bool ColumnProfile::names_rows() const {
  constexpr std::int64_t kFewValues = 20; // fewer say nothing of their repeats
  if (is_numeric()) return false;
  return many_distinct || (num_values >= kFewValues && num_distinct() * 2 > num_values);
}

bool ColumnProfile::is_numeric() const {
  return num_values > 0 && num_numbers * 4 >= num_values * 3;
}

std::string ColumnProfile::sign() const {
  for (const TextCount& entry : signs)
    if (!entry.text.empty()) return entry.text;
  return "";
}

std::string ColumnProfile::type_reason() const {
  if (num_values == 0) return "every cell is missing";
  const std::string missing = num_missing > 0 ? concat(", ", num_missing, " missing") : "";
  std::string with;
  for (const TextCount& sign : signs)
    if (!sign.text.empty()) with += concat(with.empty() ? " with '" : ", '", sign.text, "'");
  if (num_numbers == num_values)
    return concat(all_integers ? "integers" : "numbers", with, " in all ", num_values, " cells with a value",
                  missing);
  if (is_numeric())
    return concat("numbers in ", num_numbers, " of ", num_values, " cells, but ", in_quotes(first_text),
                  " at ", first_text_where, missing);
  const std::string values =
      many_distinct ? concat("more than ", kMaxDistinct, " values") : concat(num_distinct(), " values");
  return concat("text, ", values, missing);
}

Result<FileProfile> profile_csv(const std::string& path, const CsvFormat& format,
                                std::span<const std::string> header_names, const CellFormat& cells) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(auto source, open_byte_source(path));
  return profile_csv(std::move(source), path, format, header_names, cells);
}

Result<FileProfile> profile_csv(std::unique_ptr<ByteSource> source, const std::string& path,
                                const CsvFormat& format, std::span<const std::string> header_names,
                                const CellFormat& cells) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(auto records, CsvRecords::open(std::move(source), path, format.separator));
  FileProfile profile;
  profile.path = path;
  profile.cells = cells;
  profile.separator = records->separator();
  profile.separator_reason = records->separator_reason();

  const auto damaged = [&](std::string message) {
    ++profile.num_damaged;
    if (profile.damage.size() < kMaxDamageMessages) profile.damage.push_back(std::move(message));
  };
  std::vector<HeldRow> held;
  std::vector<ColumnCounter> counters;
  std::size_t num_fields = 0;
  const auto wrong_length = [&](std::size_t found) {
    return concat("expected ", num_fields, " cells as in the first line, found ", found);
  };

  const auto start_columns = [&] {
    if (held.empty()) return;
    switch (format.header) {
    case HeaderLine::kYes:
      profile.has_header = true;
      profile.header_reason = "given";
      break;
    case HeaderLine::kNo:
      profile.header_reason = "given";
      break;
    case HeaderLine::kAuto: {
      HeaderGuess guess = guess_header(held, header_names);
      profile.has_header = guess.found;
      profile.header_reason = std::move(guess.reason);
    }
    }
    num_fields = held[0].cells.size();
    profile.columns.resize(num_fields);
    counters.reserve(num_fields);
    for (std::size_t i = 0; i < num_fields; ++i) {
      const auto position = static_cast<std::int32_t>(i);
      profile.columns[i].position = position;
      profile.columns[i].name = profile.has_header ? held[0].cells[i] : positional_name(position);
      profile.columns[i].is_index = profile.has_header && is_index_column(held[0].cells[i], position);
      if (profile.columns[i].name.empty()) profile.columns[i].name = positional_name(position);
      counters.emplace_back(profile.columns[i], profile);
    }
    std::map<std::string_view, std::int32_t> uses;
    for (const ColumnProfile& column : profile.columns)
      ++uses[column.name];
    for (ColumnProfile& column : profile.columns)
      column.shares_name = uses[column.name] > 1;
    for (std::size_t row = profile.has_header; row < held.size(); ++row) {
      if (held[row].cells.size() != num_fields) {
        damaged(concat(path, ":", held[row].line, ": ", wrong_length(held[row].cells.size())));
        continue;
      }
      ++profile.num_rows;
      for (std::size_t i = 0; i < num_fields; ++i)
        counters[i].add(held[row].cells[i], {held[row].line, held[row].columns[i]});
    }
  };

  for (bool started = false;;) {
    const CsvRecords::Next next = records->next();
    if (next == CsvRecords::Next::kFailed) return records->status();
    if (next == CsvRecords::Next::kMalformed) {
      damaged(records->status().message());
      continue;
    }
    if (next == CsvRecords::Next::kEnd || (!started && held.size() == kHeadRows)) {
      if (!started) {
        start_columns();
        held.clear();
        started = true;
      }
      if (next == CsvRecords::Next::kEnd) break;
    }
    const std::span<const CsvField> fields = records->fields();
    if (!started) {
      HeldRow row{{}, {}, records->line()};
      for (const CsvField& field : fields) {
        row.cells.emplace_back(field.text);
        row.columns.push_back(field.offset + 1);
      }
      held.push_back(std::move(row));
      continue;
    }
    if (fields.size() != num_fields) {
      damaged(concat(records->where(0), ": ", wrong_length(fields.size())));
      continue;
    }
    ++profile.num_rows;
    for (std::size_t i = 0; i < num_fields; ++i)
      counters[i].add(fields[i].text, {records->line(), fields[i].offset + 1});
  }
  for (const ColumnCounter& counter : counters)
    if (!counter.not_utf8().empty())
      return invalid_argument(counter.not_utf8(), ": text that is not UTF-8, expected UTF-8")
          .with_hint("iconv -f latin1 -t utf-8 converts a Latin-1 file");
  for (const ColumnProfile& column : profile.columns)
    if (!is_utf8(column.name))
      return invalid_argument("'", path, "': the header is not UTF-8, expected UTF-8")
          .with_hint("iconv -f latin1 -t utf-8 converts a Latin-1 file");
  if (num_fields == 0) return data_loss("'", path, "': the file is empty, expected a table");
  if (profile.num_rows == 0)
    return data_loss("'", path, "': no undamaged row of data", profile.has_header ? " below the header" : "",
                     profile.damage.empty() ? "" : concat("; ", profile.damage[0]));
  return profile;
}

} // namespace tailor::runtime
