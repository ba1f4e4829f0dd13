#include "runtime/data/table.h"
#include "runtime/base/row_weight.h"

#include "runtime/data/date.h"
#include "runtime/data/profile.h"
#include "runtime/data/schema.h"
#include "runtime/data/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <new>
#include <unordered_map>

namespace tailor::runtime {
namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
using CodeMap = std::unordered_map<std::string, std::int32_t, TextHash, std::equal_to<>>;

/// A dictionary under construction.
class TextColumnBuilder {
public:
  explicit TextColumnBuilder(TextColumn& column) : column_(column) {}

  /// False if the text is not UTF-8; nothing was added then.
  [[nodiscard]] bool add(std::string_view text) {
    // Neighbouring rows often agree; the comparison is cheaper than the hash.
    if (last_ < 0 || column_.values[static_cast<std::size_t>(last_)] != text) {
      if (const auto found = codes_.find(text); found != codes_.end()) {
        last_ = found->second;
      } else {
        if (!is_utf8(text)) return false;
        last_ = static_cast<std::int32_t>(column_.values.size());
        column_.values.emplace_back(text);
        codes_.emplace(text, last_);
      }
    }
    column_.codes.push_back(last_);
    return true;
  }

private:
  TextColumn& column_;
  CodeMap codes_;
  std::int32_t last_ = -1;
};

/// Where a column of the schema lies in this file, and what reads it.
struct Reader {
  const Column* column = nullptr;
  std::size_t field = 0;
  std::size_t target = 0; ///< among the columns of its role
};

/// A number as it is, or a date as seconds since 1970 UTC.
bool parse_time(std::string_view text, DateForm form, double& seconds) {
  if (parse_number(text, seconds) == NumberParse::kOk) return true;
  DateTime date;
  if (!parse_date(text, form, date)) return false;
  seconds = date.local_seconds - date.utc_offset;
  return true;
}

const char* expected_date(DateForm form) {
  switch (form) {
  case DateForm::kDayFirst:
    return "a date such as 31/01/2020";
  case DateForm::kMonthFirst:
    return "a date such as 01/31/2020";
  case DateForm::kUnixSeconds:
    return "seconds since 1970";
  case DateForm::kUnixMilliseconds:
    return "milliseconds since 1970";
  case DateForm::kYearFirst:
    break;
  }
  return "a date such as 2020-01-31";
}

InputColumn input_of(const DataSchema& schema, std::string_view name) {
  std::vector<InputColumn> inputs = schema.inputs();
  return *std::find_if(inputs.begin(), inputs.end(),
                       [&](const InputColumn& input) { return input.name == name; });
}

class TableReader {
public:
  TableReader(const DataSchema& schema, const ReadOptions& options) : schema_(schema), options_(options) {}

  Result<RawTable> read(std::unique_ptr<ByteSource> source, const std::string& path) {
    table_.path = path;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(records_,
                                  CsvRecords::open(std::move(source), path, options_.csv.separator));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(bool have_record, next());
    if (!have_record) return data_loss("'", path, "': the file is empty, expected a table");
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const bool header, find_columns());
    prepare();
    if (header) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(have_record, next());
    }
    while (have_record) {
      TAILOR_RETURN_IF_ERROR_AS_IS(read_row());
      TAILOR_ASSIGN_OR_RETURN_AS_IS(have_record, next());
    }
    if (table_.num_rows == 0) return data_loss("'", path, "': a header but no row, expected data");
    return std::move(table_);
  }

private:
  Result<bool> next() {
    switch (records_->next()) {
    case CsvRecords::Next::kRecord:
      return true;
    case CsvRecords::Next::kEnd:
      return false;
    default:
      return records_->status();
    }
  }

  /// Labels, groups, times and ids may be left out where nothing asks for them.
  bool is_needed(const Column& column) const {
    switch (column.role) {
    case ColumnRole::kNumeric:
    case ColumnRole::kCategorical:
    case ColumnRole::kDate:
      return true;
    case ColumnRole::kLabel:
      return options_.need_label;
    case ColumnRole::kRowWeight:
      return options_.need_row_weights;
    default:
      return false;
    }
  }

  /// Labels and row weights that nobody needs are not looked at: their cells may hold anything.
  bool is_read(const Column& column) const {
    const bool only_if_needed = column.role == ColumnRole::kLabel || column.role == ColumnRole::kRowWeight;
    return column.role != ColumnRole::kDrop && (!only_if_needed || is_needed(column));
  }

  /// True if the first record is a header.
  Result<bool> find_columns() {
    const std::span<const CsvField> fields = records_->fields();
    num_fields_ = fields.size();
    if (schema_.named && options_.csv.header != HeaderLine::kNo) {
      TAILOR_RETURN_IF_ERROR_AS_IS(find_by_name(fields));
      return true;
    }
    TAILOR_RETURN_IF_ERROR_AS_IS(find_by_position());
    return options_.csv.header == HeaderLine::kYes;
  }

  Status find_by_name(std::span<const CsvField> fields) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < fields.size(); ++i)
      names.push_back(fields[i].text.empty() ? positional_name(static_cast<std::int32_t>(i))
                                             : std::string(fields[i].text));
    std::map<std::string_view, std::vector<std::size_t>> in_file;
    for (std::size_t i = 0; i < names.size(); ++i)
      in_file[names[i]].push_back(i);
    std::map<std::string_view, std::vector<std::int32_t>> in_training;
    for (const Column& column : schema_.columns)
      in_training[column.name].push_back(column.position);

    std::vector<std::string> missing;
    std::size_t num_wanted = 0;
    bool any_repeated = false;
    for (const Column& column : schema_.columns) {
      if (!is_read(column)) continue;
      num_wanted += is_needed(column);
      const auto found = in_file.find(column.name);
      if (found == in_file.end()) {
        if (is_needed(column)) missing.push_back(column.name);
        continue;
      }
      const std::vector<std::size_t>& here = found->second;
      const std::vector<std::int32_t>& there = in_training[column.name];
      if (here.size() != there.size())
        return invalid_argument(records_->where(fields[here.back()].offset), ": ", here.size(),
                                here.size() == 1 ? " column is" : " columns are", " named ",
                                in_quotes(column.name), ", the training table had ", there.size(),
                                ": it cannot be told which is meant")
            .with_hint(
                "give this table the columns of the training table, or every column a name of its own");
      any_repeated |= there.size() > 1;
      const auto rank = std::find(there.begin(), there.end(), column.position) - there.begin();
      readers_.push_back({&column, here[static_cast<std::size_t>(rank)], 0});
    }
    // Columns of one name are told apart by their order, which must then be that of the training table.
    if (any_repeated && missing.empty() &&
        !std::is_sorted(readers_.begin(), readers_.end(),
                        [](const Reader& a, const Reader& b) { return a.field < b.field; }))
      return invalid_argument(records_->where(0), ": the header names a column twice and its columns are in "
                                                  "another order than in the training table")
          .with_hint("columns of one name are told apart by their order: keep that of the training table");
    if (missing.empty()) return {};
    if (missing.size() == num_wanted)
      return invalid_argument(records_->where(0),
                              ": no header, expected a first line that names the columns (",
                              in_quotes(missing[0]), ", ...), found ", in_quotes(names[0]), ", ...");
    const auto label = std::find_if(schema_.columns.begin(), schema_.columns.end(),
                                    [](const Column& column) { return column.role == ColumnRole::kLabel; });
    const bool only_label =
        missing.size() == 1 && label != schema_.columns.end() && label->name == missing[0];
    return invalid_argument(records_->where(0), ": the header has no column ", in_quotes(missing[0]),
                            missing.size() > 1 ? concat(" (and ", missing.size() - 1, " more are missing)")
                                               : "")
        .with_hint(only_label ? "it is the label: training and metrics need it, predict does not"
                              : concat("the nearest is ", in_quotes(nearest(missing[0], names))));
  }

  Status find_by_position() {
    // A file to predict on may lack the label column; what follows it moves up.
    const std::size_t num_columns = schema_.columns.size();
    const bool without_label = !options_.need_label && num_fields_ + 1 == num_columns;
    if (num_fields_ != num_columns && !without_label)
      return invalid_argument(records_->where(0), ": expected ", num_columns, " cells, found ", num_fields_);
    std::size_t shift = 0;
    for (const Column& column : schema_.columns) {
      if (column.role == ColumnRole::kLabel && without_label) {
        shift = 1;
        continue;
      }
      if (!is_read(column)) continue;
      readers_.push_back({&column, static_cast<std::size_t>(column.position) - shift, 0});
    }
    return {};
  }

  void prepare() {
    std::size_t num_numeric = 0, num_category = 0;
    for (Reader& reader : readers_) {
      if (reader.column->role == ColumnRole::kNumeric) reader.target = num_numeric++;
      if (reader.column->role == ColumnRole::kDate) {
        reader.target = num_numeric;
        num_numeric += static_cast<std::size_t>(num_date_inputs(reader.column->date_features));
      }
      if (reader.column->role == ColumnRole::kCategorical) reader.target = num_category++;
      if (reader.column->role == ColumnRole::kRowWeight)
        table_.columns.emplace_back(input_of(schema_, input_names::kRowWeight), 0);
    }
    table_.numeric.resize(num_numeric);
    table_.num_missing.resize(num_numeric);
    table_.category.resize(num_category);
    for (TextColumn& column : table_.category)
      category_.emplace_back(column);
    for (std::int32_t k = 0; k < schema_.num_classes; ++k)
      classes_.emplace(schema_.class_names[static_cast<std::size_t>(k)], k);
    allow_missing_ = schema_.missing != "error";
    double number = 0;
    for (const std::string& marker : schema_.missing_markers)
      marker_numbers_ |= parse_formatted(marker, schema_.number_format, number) == NumberParse::kOk;
  }

  Status read_row() {
    const std::span<const CsvField> fields = records_->fields();
    if (fields.size() != num_fields_)
      return invalid_argument(records_->where(fields.back().offset), ": row has ", fields.size(),
                              " cells, expected ", num_fields_);
    if (table_.num_rows == std::numeric_limits<std::int32_t>::max())
      return invalid_argument(records_->where(0), ": more than ", table_.num_rows, " rows");
    for (const Reader& reader : readers_) {
      const CsvField& field = fields[reader.field];
      switch (reader.column->role) {
      case ColumnRole::kNumeric:
        TAILOR_RETURN_IF_ERROR_AS_IS(read_number(reader, field));
        break;
      case ColumnRole::kCategorical:
        if (!category_[reader.target].add(is_missing(field) ? kMissingCategory : field.text))
          return bad_text(reader, field);
        break;
      case ColumnRole::kLabel:
        TAILOR_RETURN_IF_ERROR_AS_IS(read_label(reader, field));
        break;
      case ColumnRole::kGroup:
        if (is_missing(field)) return bad_cell(reader, field, "a group");
        if (!group_.add(field.text)) return bad_text(reader, field);
        break;
      case ColumnRole::kTime: {
        double seconds = 0;
        if (!parse_time(field.text, reader.column->date_form, seconds))
          return bad_cell(reader, field,
                          concat("a number or ", expected_date(reader.column->date_form)).c_str());
        table_.time.push_back(seconds);
        break;
      }
      case ColumnRole::kDate:
        TAILOR_RETURN_IF_ERROR_AS_IS(read_date(reader, field));
        break;
      case ColumnRole::kId:
        if (!id_.add(field.text)) return bad_text(reader, field);
        break;
      case ColumnRole::kRowWeight:
        TAILOR_RETURN_IF_ERROR_AS_IS(read_weight(reader, field));
        break;
      case ColumnRole::kDrop:
        break;
      }
    }
    table_.lines.add(table_.num_rows, records_->line());
    ++table_.num_rows;
    return {};
  }

  bool is_missing(const CsvField& field) const {
    return is_missing_cell(field.text, schema_.missing_markers);
  }

  /// The number of a cell without the sign of its column.
  NumberParse parse_cell(const Column& column, std::string_view text, double& value) {
    if (!column.sign.empty() && !take_sign(text, column.sign, sign_buffer_) && column.sign == kPercent)
      return NumberParse::kNotNumber;
    return parse_formatted(text, schema_.number_format, value);
  }

  Status read_number(const Reader& reader, const CsvField& field) {
    double value = 0;
    const bool is_number = parse_cell(*reader.column, field.text, value) == NumberParse::kOk;
    if (!is_number || (marker_numbers_ && is_missing(field))) {
      if (!is_missing(field)) return bad_number(reader, field);
      if (!allow_missing_)
        return bad_cell(reader, field, "a number")
            .with_hint(concat(key_name(&TableKeys::missing),
                              " = \"mean\" fills in the training mean, \"flag\" adds a column that says so"));
      ++table_.num_missing[reader.target];
      value = std::numeric_limits<double>::quiet_NaN();
    }
    table_.numeric[reader.target].push_back(value);
    return {};
  }

  Status read_date(const Reader& reader, const CsvField& field) {
    const Column& column = *reader.column;
    std::array<double, 2 * kNumDateFeatures> buffer;
    const std::span<double> inputs(buffer.data(),
                                   static_cast<std::size_t>(num_date_inputs(column.date_features)));
    DateTime date;
    if (parse_date(field.text, column.date_form, date)) {
      date_inputs(date, column.date_features, inputs);
      if (column.orders_rows) table_.time.push_back(date.local_seconds - date.utc_offset);
    } else {
      if (!is_missing(field) || column.orders_rows)
        return bad_cell(reader, field, expected_date(column.date_form));
      if (!allow_missing_)
        return bad_cell(reader, field, "a date")
            .about(key_name(&TableKeys::missing))
            .with_hint(concat(key_name(&TableKeys::missing),
                              " = \"mean\" fills in the training mean of each input, \"flag\" adds a column "
                              "that says so"));
      std::fill(inputs.begin(), inputs.end(), std::numeric_limits<double>::quiet_NaN());
    }
    for (std::size_t part = 0; part < inputs.size(); ++part) {
      table_.num_missing[reader.target + part] += std::isnan(inputs[part]);
      table_.numeric[reader.target + part].push_back(inputs[part]);
    }
    return {};
  }

  Status read_weight(const Reader& reader, const CsvField& field) {
    double weight = 0;
    const bool is_number = parse_cell(*reader.column, field.text, weight) == NumberParse::kOk &&
                           !(marker_numbers_ && is_missing(field));
    if (!is_number || !(weight >= 0 && weight <= kMaxRowWeight))
      return bad_cell(reader, field, "a row weight: a number from 0 to 1e30")
          .with_hint("a row that shall not count has weight 0");
    table_.columns.front().add_row(static_cast<float>(weight));
    return {};
  }

  Status read_label(const Reader& reader, const CsvField& field) {
    const std::string_view text = strip_suffix(field.text, schema_.label_strip);
    const auto found = classes_.find(text);
    if (found == classes_.end()) return bad_label(reader, field, text);
    table_.label.push_back(found->second);
    return {};
  }

  std::string place(const Reader& reader, const CsvField& field) const {
    return concat(records_->where(field.offset), ": column ", in_quotes(reader.column->name));
  }

  Status bad_cell(const Reader& reader, const CsvField& field, const char* expected) const {
    return invalid_argument(place(reader, field), ": expected ", expected, ", found ",
                            field.text.empty() ? "an empty cell" : in_quotes(field.text));
  }

  Status bad_text(const Reader& reader, const CsvField& field) const {
    return bad_cell(reader, field, "UTF-8 text")
        .with_hint("iconv -f latin1 -t utf-8 converts a Latin-1 file");
  }

  Status bad_number(const Reader& reader, const CsvField& field) {
    const std::string& sign = reader.column->sign;
    double value = 0;
    switch (parse_cell(*reader.column, field.text, value)) {
    case NumberParse::kNotFinite:
      return bad_cell(reader, field, "a finite number");
    case NumberParse::kOutOfRange:
      return bad_cell(reader, field, "a number below 3.4e38 in size");
    default:
      break;
    }
    if (sign == kPercent && parse_formatted(field.text, schema_.number_format, value) == NumberParse::kOk)
      return bad_cell(reader, field, "a number with '%' as in the training table");
    if (is_usual_marker(field.text))
      return bad_cell(reader, field, "a number")
          .with_hint(concat("if it means \"no value\", list ", in_quotes(field.text), " in ",
                            key_name(&TableKeys::missing_markers)));
    if (const std::string keys = keys_to_read(field.text, schema_.number_format); !keys.empty())
      return bad_cell(reader, field, "a number").with_hint(keys + " would read it as one");
    return bad_cell(reader, field, "a number")
        .with_hint(concat("if it is a category, list ", in_quotes(reader.column->name), " in ",
                          key_name(&TableKeys::columns_categorical)));
  }

  Status bad_label(const Reader& reader, const CsvField& field, std::string_view text) const {
    if (is_missing(field) && !classes_.contains(text)) return bad_cell(reader, field, "a label");
    const std::string near = nearest(text, schema_.class_names);
    Status status = invalid_argument(place(reader, field), ": label ", in_quotes(text), " is not one of the ",
                                     schema_.num_classes, " classes of the schema");
    if (!near.empty() && text.starts_with(near))
      return std::move(status).with_hint(concat("the nearest class is ", in_quotes(near), "; ",
                                                key_name(&TableKeys::label_strip), " = \"",
                                                text.substr(near.size(), 8), "\" would remove the rest"));
    return std::move(status).with_hint(concat("the nearest class is ", in_quotes(near)));
  }

  const DataSchema& schema_;
  const ReadOptions& options_;
  RawTable table_;
  std::unique_ptr<CsvRecords> records_;
  std::size_t num_fields_ = 0;
  bool allow_missing_ = false;
  bool marker_numbers_ = false; ///< a marker such as -999 reads as a number
  std::string sign_buffer_;
  std::vector<Reader> readers_;
  std::vector<TextColumnBuilder> category_;
  TextColumnBuilder group_{table_.group}, id_{table_.id};
  CodeMap classes_;
};

} // namespace

std::uint64_t bytes_of(const RawTable& table) {
  const auto text_bytes = [](const TextColumn& column) {
    std::uint64_t bytes = column.codes.capacity() * sizeof(std::int32_t);
    for (const std::string& value : column.values)
      bytes += sizeof(value) + value.capacity();
    return bytes;
  };
  std::uint64_t bytes = table.label.capacity() * sizeof(std::int32_t) +
                        table.time.capacity() * sizeof(double) + text_bytes(table.group) +
                        text_bytes(table.id) + table.lines.bytes();
  for (const DataColumn& column : table.columns)
    bytes += column.memory();
  for (const std::vector<double>& column : table.numeric)
    bytes += column.capacity() * sizeof(double);
  for (const TextColumn& column : table.category)
    bytes += text_bytes(column);
  return bytes;
}

Result<RawTable> read_table(const std::string& path, const DataSchema& schema, const ReadOptions& options) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(auto source, open_byte_source(path));
  return read_table(std::move(source), path, schema, options);
}

Result<RawTable> read_table(std::unique_ptr<ByteSource> source, const std::string& path,
                            const DataSchema& schema, const ReadOptions& options) {
  try {
    return TableReader(schema, options).read(std::move(source), path);
  } catch (const std::bad_alloc&) {
    return resource_exhausted("'", path, "' does not fit into memory");
  }
}

} // namespace tailor::runtime
