#include "frontend/data.h"

#include "frontend/graph/error.h"
#include "runtime/base/row_weight.h"
#include "runtime/base/wording.h"
#include "runtime/options/long_tail_keys.h"
#include "runtime/options/memory_keys.h"
#include "runtime/options/table_keys.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace tailor::data {

namespace {

using runtime::DataKeys;
using runtime::GeneratedKeys;
using runtime::key_name;
using runtime::LongTailKeys;
using runtime::MemoryKeys;
using runtime::OptionValue;
using runtime::SplitKeys;
using runtime::TableKeys;
using runtime::TailProfile;
using runtime::word_of;

SchemaReader& schema_reader() {
  static SchemaReader instance;
  return instance;
}

void set_key(Options& options, const std::string& key, OptionValue value, const Location& location) {
  runtime::Option option;
  option.value = std::move(value);
  option.origin = to_string(location);
  options.set(key, std::move(option));
}

template <class Keys, class Member>
void set(Options& options, Member Keys::*key, OptionValue value, const Location& location) {
  set_key(options, runtime::key_name(key), std::move(value), location);
}

void set_long_tail(Options& options, const LongTail& long_tail, const Location& location) {
  if (const std::optional<double>& r = long_tail.r) {
    if (!(*r > 0 && *r <= 1))
      throw TraceError("data", runtime::concat("the imbalance ratio r must be in (0, 1], it is ", *r),
                       location,
                       *r > 1 ? runtime::concat("r is n_min / n_max: did you mean 1 / ", *r, "?") : "");
    set(options, &LongTailKeys::r, *r, location);
  }
  if (!long_tail.r && long_tail.profile.empty()) return;
  for (const TailProfile profile : {TailProfile::kExp, TailProfile::kStep, TailProfile::kStepAt,
                                    TailProfile::kBinaryStep, TailProfile::kPareto})
    if (!long_tail.r && long_tail.profile == word_of(profile))
      throw TraceError("data", "the profile '" + long_tail.profile + "' has no imbalance ratio r", location,
                       "{.profile = \"" + long_tail.profile + "\", .r = 0.01}");
  set(options, &LongTailKeys::profile,
      long_tail.profile.empty() ? word_of(TailProfile::kExp) : long_tail.profile, location);
}

/// Refuses an argument that this kind of set does not read: `is_default` is false.
void require_default(bool is_default, const char* set, const char* argument, const char* way_out,
                     const Location& location) {
  if (!is_default)
    throw TraceError(std::string("data::") + set, std::string("there is no ") + argument, location, way_out);
}

void set_generated(Options& options, const GeneratedArgs& args, const Location& location) {
  if (args.samples_per_class < 1 || args.test_per_class < 1)
    throw TraceError("data", "a class needs at least one sample", location);
  set(options, &GeneratedKeys::samples_per_class, args.samples_per_class, location);
  set(options, &GeneratedKeys::test_per_class, args.test_per_class, location);
  set(options, &GeneratedKeys::seed, args.seed, location);
  set(options, &DataKeys::numeric, Schema().numeric, location);
  set_long_tail(options, args.long_tail, location);
}

Plan read_plan(const char* op, const std::string& what, Options options, const Location& location) {
  if (!schema_reader())
    throw TraceError(op, "nothing is linked that can read '" + what + "'", location,
                     "build the program with tailor_program() of CMake, or call register_services() first");
  Schema schema = schema_reader()(options, location);
  return Plan(std::move(options), std::move(schema), location);
}

[[noreturn]] void fail(const std::string& message, const Location& location, const std::string& hint = "") {
  throw TraceError("data::in_memory", message, location, hint);
}

/// The class that scores are about: as asked for, else the rarer of two.
std::int32_t positive_of(const runtime::MemoryTable& table, const std::string& positive,
                         const Location& location) {
  if (positive.empty()) {
    if (table.class_names.size() != 2) return -1;
    const auto ones = std::count(table.labels.begin(), table.labels.end(), 1);
    return 2 * ones > std::ssize(table.labels) ? 0 : 1;
  }
  const auto found = std::find(table.class_names.begin(), table.class_names.end(), positive);
  if (found == table.class_names.end() || table.class_names.size() != 2)
    fail("positive = '" + positive + "', expected one of two classes, there are " +
             runtime::listed(table.class_names),
         location);
  return static_cast<std::int32_t>(found - table.class_names.begin());
}

/// `args` of columns or of images: labels, classes, weights and parts, which both have.
template <class Args>
runtime::MemoryTable labelled_rows(std::span<const std::int32_t> labels, const Args& args,
                                   const Location& location) {
  constexpr std::int64_t kMaxRows =
      std::numeric_limits<std::int32_t>::max(); // a row's number is an i32 everywhere
  if (std::ssize(labels) > kMaxRows)
    fail(runtime::concat("holds ", labels.size(), " rows, at most ", kMaxRows, " can be trained on"),
         location);
  runtime::MemoryTable table;
  table.labels.assign(labels.begin(), labels.end());
  const auto [least, most] = std::minmax_element(labels.begin(), labels.end());
  table.class_names = args.classes;
  constexpr std::int32_t kMaxClasses = 65536; // what a data schema takes
  for (std::int32_t k = 0; args.classes.empty() && k <= std::min(*most, kMaxClasses - 1); ++k)
    table.class_names.push_back(std::to_string(k));
  if (*least < 0 || *most >= std::ssize(table.class_names))
    fail(
        runtime::concat("labels from ", *least, " to ", *most, " for ", table.class_names.size(), " classes"),
        location);
  const auto check_length = [&](std::size_t length, const char* what) {
    if (length != 0 && length != labels.size())
      fail(runtime::concat(what, " has ", length, " rows, the labels ", labels.size()), location);
  };
  check_length(args.row_weights.size(), "row_weights");
  for (std::size_t i = 0; i < args.row_weights.size(); ++i)
    if (!(args.row_weights[i] >= 0 && args.row_weights[i] <= runtime::kMaxRowWeight))
      fail(runtime::concat("the weight of row ", i, " is ", args.row_weights[i],
                           ", expected a number from 0 to 1e30"),
           location);
  table.row_weights = args.row_weights;
  check_length(args.parts.size(), "parts");
  table.parts = args.parts;
  table.positive_class = positive_of(table, args.positive, location);
  return table;
}

void add_columns(const std::vector<Column>& columns, const InMemoryArgs& args, runtime::MemoryTable& table,
                 const Location& location) {
  std::set<std::string> names = {args.label};
  const std::string weights_column(runtime::kRowWeightsColumn);
  if (!args.row_weights.empty() && !names.insert(weights_column).second)
    fail("the label is named '" + weights_column + "', which the row weights are", location,
         ".label names the label otherwise");
  for (const Column& column : columns) {
    const runtime::MemoryColumn& kept = column.column();
    if (kept.name.empty() || !names.insert(kept.name).second)
      fail("every column needs a name of its own, not '" + kept.name + "'", location,
           kept.name == args.label       ? ".label names the label otherwise"
           : kept.name == weights_column ? "that is what the row weights are called"
                                         : "");
    const std::size_t rows = std::visit([](const auto& values) { return values.size(); }, kept.values);
    if (rows != table.labels.size())
      fail(runtime::concat("column '", kept.name, "' has ", rows, " rows, the labels ", table.labels.size()),
           location);
    table.columns.push_back(kept);
  }
  table.label_name = args.label;
}

void add_images(const Images& images, const ImagesInMemoryArgs& args, runtime::MemoryTable& table,
                const Location& location) {
  constexpr std::int64_t kLargestSide = 65536; // rows of a batch of them are counted in 64 bits
  for (const std::int64_t size : {images.height, images.width, images.channels})
    if (size < 1 || size > kLargestSide)
      fail(runtime::concat("images of ", images.height, " x ", images.width, " x ", images.channels,
                           ", expected sizes from 1 to ", kLargestSide),
           location);
  const auto image = static_cast<std::size_t>(images.height * images.width * images.channels); // at most 2^48
  // By division: the rows times their pixels need not be a number of 64 bits.
  if (images.pixels.size() % image != 0 || images.pixels.size() / image != table.labels.size())
    fail(runtime::concat(images.pixels.size(), " pixels, expected ", table.labels.size(), " rows of ", image),
         location);
  const auto channels = static_cast<std::size_t>(images.channels);
  const auto by_channel = [&](const std::vector<double>& given, double otherwise, const char* what) {
    if (given.empty()) return std::vector<double>(channels, otherwise);
    if (given.size() != channels)
      fail(runtime::concat(given.size(), " ", what, "s for ", channels, " channels"), location);
    return given;
  };
  table.images = {.height = static_cast<std::int32_t>(images.height),
                  .width = static_cast<std::int32_t>(images.width),
                  .channels = static_cast<std::int32_t>(images.channels),
                  .pixels = {images.pixels.begin(), images.pixels.end()},
                  .mean = by_channel(args.mean, 0, "mean"),
                  .deviation = by_channel(args.deviation, 1, "deviation")};
  for (std::size_t c = 0; c < channels; ++c)
    if (!std::isfinite(table.images.mean[c]) ||
        !(table.images.deviation[c] > 0 && std::isfinite(table.images.deviation[c])))
      fail(runtime::concat("channel ", c, " has mean ", table.images.mean[c], " and deviation ",
                           table.images.deviation[c], ", expected finite numbers, the second above 0"),
           location);
  table.label_name = "label";
}

/// Keeps the rows, and says how they are split and cut.
template <class Args>
void set_rows(Options& options, runtime::MemoryTable table, const Args& args, const Location& location) {
  if (!runtime::keep_memory_table(args.name, std::move(table)))
    fail("there are other rows named '" + args.name + "' already", location,
         "give each set of rows a .name of its own");
  set(options, &DataKeys::format, "memory", location);
  set(options, &MemoryKeys::memory, args.name, location);
  if (args.parts.empty()) {
    set(options, &SplitKeys::by, word_of(SplitKeys{}.by), location);
    set(options, &SplitKeys::val, args.val.value_or(SplitKeys::kValShare), location);
    set(options, &SplitKeys::test, args.test.value_or(SplitKeys::kTestShare), location);
  } else {
    if (args.val || args.test) fail("the rows have parts: .val and .test would do nothing", location);
    set(options, &SplitKeys::by, word_of(runtime::SplitBy::kFiles), location);
  }
  set_long_tail(options, args.long_tail, location);
}

Schema generated_schema(std::int64_t classes, std::int64_t dimensions) {
  Schema schema;
  for (std::int64_t i = 0; i < dimensions; ++i) {
    runtime::Column column;
    column.name = "x" + std::to_string(i);
    column.position = static_cast<std::int32_t>(i);
    schema.columns.push_back(column);
  }
  schema.num_classes = static_cast<std::int32_t>(classes);
  for (std::int64_t k = 0; k < classes; ++k)
    schema.class_names.push_back(std::to_string(k));
  return schema;
}

} // namespace

Plan blobs(const GeneratedArgs& args, const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  if (args.classes < 2 || args.classes > 1'000'000 || args.dimensions < 1 || args.dimensions > 1'000'000)
    throw TraceError("data::blobs",
                     "needs 2 to 1000000 classes and 1 to 1000000 dimensions, not " +
                         std::to_string(args.classes) + " and " + std::to_string(args.dimensions),
                     location);
  require_default(args.noise == GeneratedArgs().noise, "blobs", "noise to set",
                  "the standard deviation of a blob is 1; separation moves them apart", location);
  Options options;
  set(options, &DataKeys::format, "blobs", location);
  set(options, &GeneratedKeys::classes, args.classes, location);
  set(options, &GeneratedKeys::dimensions, args.dimensions, location);
  set(options, &GeneratedKeys::separation, args.separation, location);
  set_generated(options, args, location);
  return Plan(std::move(options), generated_schema(args.classes, args.dimensions), location);
}

Plan two_moons(const GeneratedArgs& args, const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  const GeneratedArgs defaults;
  require_default(args.classes == 2 || args.classes == defaults.classes, "two_moons",
                  "number of classes but 2", "data::blobs takes any number", location);
  require_default(args.dimensions == defaults.dimensions, "two_moons", "number of dimensions but 2",
                  "data::blobs takes any number", location);
  require_default(args.separation == defaults.separation, "two_moons", "separation to set",
                  "noise is what blurs the moons", location);
  Options options;
  set(options, &DataKeys::format, "two_moons", location);
  set(options, &GeneratedKeys::noise, args.noise, location);
  set_generated(options, args, location);
  return Plan(std::move(options), generated_schema(2, 2), location);
}

Plan csv(const std::string& path, const CsvArgs& args, const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  Options options;
  set(options, &DataKeys::format, "csv", location);
  set(options, &TableKeys::train, path, location);
  if (!args.label.empty()) set(options, &TableKeys::label_column, args.label, location);
  if (!args.positive.empty()) set(options, &TableKeys::label_positive, args.positive, location);
  OptionValue::List categorical(args.categorical.begin(), args.categorical.end());
  set(options, &TableKeys::columns_categorical, std::move(categorical), location);
  set(options, &DataKeys::numeric, args.numeric, location);
  set(options, &SplitKeys::by, word_of(SplitKeys{}.by), location);
  const bool own_test = std::any_of(args.more.begin(), args.more.end(), [](const auto& further) {
    return further.first == key_name(&TableKeys::test_file);
  });
  set(options, &SplitKeys::val,
      args.val.value_or(own_test ? SplitKeys::kValShareBesideTestFile : SplitKeys::kValShare), location);
  set(options, &SplitKeys::test, args.test, location);
  set_long_tail(options, args.long_tail, location);
  for (const auto& [key, value] : args.more) {
    if (!key.starts_with("data."))
      throw TraceError("data::csv", "'" + key + "' is no data.* key", location,
                       "program.options().set(\"" + key + "\", ...) sets other ones");
    if (options.contains(key))
      throw TraceError("data::csv", "'" + key + "' is set twice: it has an argument of its own", location);
    set_key(options, key, value, location);
  }
  return read_plan("data::csv", path, std::move(options), location);
}

Plan in_memory(const std::vector<Column>& columns, std::span<const std::int32_t> labels,
               const InMemoryArgs& args, const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  if (columns.empty() || labels.empty()) fail("needs at least one column and one row", location);
  runtime::MemoryTable table = labelled_rows(labels, args, location);
  add_columns(columns, args, table, location);
  Options options;
  set_rows(options, std::move(table), args, location);
  set(options, &DataKeys::numeric, args.numeric, location);
  set(options, &TableKeys::missing, args.missing, location);
  return read_plan("data::in_memory", args.name, std::move(options), location);
}

Plan in_memory(const Images& images, std::span<const std::int32_t> labels, const ImagesInMemoryArgs& args,
               const std::source_location& where) {
  Location location = LocationScope::resolve(make_location(where));
  if (labels.empty()) fail("needs at least one row", location);
  runtime::MemoryTable table = labelled_rows(labels, args, location);
  add_images(images, args, table, location);
  Options options;
  set_rows(options, std::move(table), args, location);
  set(options, &DataKeys::numeric, Schema().numeric, location);
  if (!args.augment.empty())
    set(options, &DataKeys::augment, OptionValue::List(args.augment.begin(), args.augment.end()), location);
  return read_plan("data::in_memory", args.name, std::move(options), location);
}

void register_schema_reader(SchemaReader reader) {
  schema_reader() = std::move(reader);
}

} // namespace tailor::data
