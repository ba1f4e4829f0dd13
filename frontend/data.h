#pragma once

#include "frontend/graph/location.h"
#include "runtime/base/data_schema.h"
#include "runtime/base/memory_table.h"
#include "runtime/base/options.h"
#include "runtime/options/data_keys.h"
#include "runtime/options/generated_keys.h"
#include "runtime/options/split_keys.h"
#include "runtime/options/table_keys.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tailor::data {

/// What compiling must know about a data set; the data themselves are only read when training starts.
using Schema = runtime::DataSchema;
using runtime::Options;

/// Long-tail construction of the training split (methods.md 1): option keys data.long_tail.*. As it is by default
/// nothing is cut: every row stays.
struct LongTail {
  std::string profile = {};               ///< exp | step | balanced | ...; default: exp where r is given
  std::optional<double> r = std::nullopt; ///< n_min / n_max in (0, 1]
};

/// Where the data come from and what they look like: options data.* plus the schema.
class Plan {
public:
  Plan() = default;
  Plan(Options options, Schema schema, const Location& location = {})
      : options_(std::move(options)), schema_(std::move(schema)), location_(location) {}

  const Options& options() const { return options_; }
  const Schema& schema() const { return schema_; }
  // int, as network constructors take it without a narrowing conversion.
  int num_classes() const { return schema_.num_classes; }
  int num_numeric() const { return schema_.num_numeric(); }
  const Location& location() const { return location_; }

private:
  Options options_;
  Schema schema_;
  Location location_;
};

/// TraceError for what the other set has: classes, dimensions, separation in two_moons, noise in blobs.
struct GeneratedArgs {
  std::int64_t classes = runtime::GeneratedKeys{}.classes;       ///< blobs only; two_moons has 2
  std::int64_t dimensions = runtime::GeneratedKeys{}.dimensions; ///< blobs only
  std::int64_t samples_per_class = runtime::GeneratedKeys{}.samples_per_class;
  std::int64_t test_per_class = runtime::GeneratedKeys{}.test_per_class;
  double noise = runtime::GeneratedKeys{}.noise; ///< two_moons: standard deviation added to the arcs
  double separation = runtime::GeneratedKeys{}.separation; ///< blobs: distance scale of the centres
  std::int64_t seed = runtime::GeneratedKeys{}.seed;
  LongTail long_tail = {};
};
/// Gaussian blobs: any number of classes and dimensions.
Plan blobs(const GeneratedArgs& args = {},
           const std::source_location& where = std::source_location::current());
/// Two interleaved half circles.
Plan two_moons(const GeneratedArgs& args = {},
               const std::source_location& where = std::source_location::current());

struct CsvArgs {
  std::string label = {};    ///< column name; default: the last column
  std::string positive = {}; ///< two classes: the one that counts as 1
  std::vector<std::string> categorical = {};
  std::string numeric = runtime::word_of(runtime::DataKeys{}.numeric); ///< none | standard | quantile
  /// Shares of a stratified split. Default of val: a fifth of the rows that are not for testing.
  std::optional<double> val = std::nullopt;
  double test = runtime::SplitKeys{}.test;
  LongTail long_tail = {};
  /// Further data.* keys of a recipe: {{"data.missing", "mean"}, {"data.separator", ";"}}. What decides how the
  /// table is read belongs here: TrainingProgram::options() come after it has been.
  std::vector<std::pair<std::string, runtime::OptionValue>> more = {};
};
/// A csv or csv.gz file. The schema is read from it now, by the reader that backend/driver registers;
/// TraceError with the reader's words when that fails or none is linked.
Plan csv(const std::string& path, const CsvArgs& args,
         const std::source_location& where = std::source_location::current());

/// A feature of rows in memory, which are copied: numbers, of which NaN is no value, or texts of categories, of which ""
/// is none.
class Column {
public:
  template <std::ranges::input_range Values>
  Column(std::string name, const Values& values) : column_{std::move(name), {}} {
    using Value = std::ranges::range_value_t<Values>;
    if constexpr (std::is_arithmetic_v<Value>) {
      auto& numbers = column_.values.emplace<std::vector<double>>();
      for (const auto& value : values)
        numbers.push_back(static_cast<double>(value));
    } else {
      auto& texts = column_.values.emplace<std::vector<std::string>>();
      for (const auto& value : values)
        texts.emplace_back(value);
    }
  }
  const runtime::MemoryColumn& column() const { return column_; }

private:
  runtime::MemoryColumn column_;
};

using Part = runtime::SplitPart;

struct InMemoryArgs {
  std::string name = "memory";           ///< of the rows, in messages; programs with several sets name each
  std::string label = "label";           ///< what the label is called in tables to evaluate or predict
  std::vector<std::string> classes = {}; ///< names, by label; default: "0", "1", ... up to the largest label
  std::string positive = {};             ///< two classes: the one scores are about; default: the rarer
  std::string numeric = runtime::word_of(runtime::DataKeys{}.numeric); ///< none | standard | quantile
  std::string missing =
      runtime::word_of(runtime::TableKeys{}.missing); ///< numbers without value: error | mean | flag
  std::vector<float> row_weights = {};       ///< [rows], at least 0: Batch::row_weight (methods.md 2.2)
  std::vector<Part> parts = {};              ///< [rows]: train, val or test; default: a stratified split
  std::optional<double> val = std::nullopt;  ///< shares of all rows that are cut; default 0.16 ...
  std::optional<double> test = std::nullopt; ///< ... and 0.2 (SplitKeys)
  LongTail long_tail = {};
};
/// Rows that the program holds:
///
///     std::vector<float> amount = ...; std::vector<std::string> country = ...; std::vector<int> fraud = ...;
///     data::Plan plan = data::in_memory({{"amount", amount}, {"country", country}}, fraud);
///
/// `labels` [rows] in [0, K). A program compiled of it trains in this process only: elsewhere it says whose memory it
/// wants, and predicts on tables with these columns.
/// Errors   TraceError: no column, columns, labels, weights or parts of different length, a name twice or "", a label
///          outside the classes, a negative weight; other rows under a name that is taken.
Plan in_memory(const std::vector<Column>& columns, std::span<const std::int32_t> labels,
               const InMemoryArgs& args = {},
               const std::source_location& where = std::source_location::current());

/// Images of bytes, row after row: pixels [rows, height, width, channels].
struct Images {
  std::span<const std::uint8_t> pixels;
  std::int64_t height = 0, width = 0, channels = 3;
};

struct ImagesInMemoryArgs {
  std::string name = "images";
  std::vector<std::string> classes = {}; ///< names, by label; default: "0", "1", ... up to the largest label
  std::string positive = {};             ///< two classes: the one scores are about; default: the rarer
  std::vector<double> mean = {};         ///< [channels] of pixels in [0, 1]; default: 0
  std::vector<double> deviation = {};    ///< [channels] of pixels in [0, 1]; default: 1
  std::vector<std::string> augment = {}; ///< what is done to training images: {"crop", "flip"} (data.augment)
  std::vector<float> row_weights = {};   ///< as those of InMemoryArgs
  std::vector<Part> parts = {};
  std::optional<double> val = std::nullopt;
  std::optional<double> test = std::nullopt;
  LongTail long_tail = {};
};
/// Images that the program holds, which are copied; Batch::image is (pixel / 255 - mean) / deviation. As rows in memory
/// a program of them trains in this process only.
///
///     data::Plan plan = data::in_memory({pixels, 28, 28, 1}, digits);
///
/// Errors   TraceError: as of columns; sizes below 1, pixels that are not rows of height * width * channels, means or
///          deviations of another number of channels, a deviation that is not above 0.
Plan in_memory(const Images& images, std::span<const std::int32_t> labels,
               const ImagesInMemoryArgs& args = {},
               const std::source_location& where = std::source_location::current());

/// Reads the schema of the data that `options` describes (data.*). Throws TraceError.
using SchemaReader = std::function<Schema(const Options& options, const Location& location)>;
void register_schema_reader(SchemaReader reader);

} // namespace tailor::data
