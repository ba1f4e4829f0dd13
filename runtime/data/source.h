#pragma once
#include "runtime/base/data_schema.h"
#include "runtime/base/options.h"
#include "runtime/base/result.h"
#include "runtime/data/split.h"
#include "runtime/data/table.h"
#include "runtime/options/component.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tailor::runtime {

/// What a user should hear of a schema that was inferred: columns left out that nobody named.
using SchemaNotes = std::vector<std::string>;

/// The rows of a source before they are cut and encoded. `val` and `test` are tables of their own where `own_val` and
/// `own_test` say so, else empty: their rows are rows of `train`.
struct SourceRows {
  RawTable train, val, test;
  bool own_val = false, own_test = false;
  SplitRows rows; ///< which rows of those tables each split has
};

/// Where the validation rows of a source come from.
enum class ValidationRows {
  kNone,
  kCut, ///< of the training table, by a seed: every seed of a run may have rows of its own
  kOwn, ///< they are the same whatever the seed
};

/// Data, not read yet. Immutable: any number of threads may ask.
class DataSource {
public:
  virtual ~DataSource() = default;
  /// The shape of a row. Reads what it must of the data and keeps none of it. `numeric`, how numbers are normalised,
  /// is not the source's to say.
  virtual Result<DataSchema> schema(SchemaNotes* notes) const = 0;
  /// All rows, as `schema` describes them: its numeric columns in order, its categories, its labels, and every other
  /// of its inputs as a column.
  /// `run_seed`: of the run, for splits that follow it.
  /// Errors    kIncompatible if the data have another shape than `schema`.
  virtual Result<SourceRows> read(const DataSchema& schema, std::uint64_t run_seed) const = 0;
  /// The rows of a further file with the same columns; without need_label the label may be absent.
  virtual Result<RawTable> read_file(const std::string& path, const DataSchema& schema,
                                     bool need_label) const;
  /// Whether `read` gives other splits for another run_seed.
  virtual bool follows_run_seed() const { return false; }
  virtual ValidationRows validation() const { return ValidationRows::kOwn; }
  /// The files that are read, with what each is: ("training table", "t.csv").
  virtual std::vector<std::pair<std::string, std::string>> files() const { return {}; }
};

struct SourceRequest {
  const Options& options;
  std::string directory; ///< where relative paths start
};

/// A kind of data (`data.format`): one file of `sources/`, or of a user's program.
struct SourceSpec {
  static constexpr std::string_view kKind = "source";
  std::string name;
  std::string text;
  std::string source = "choice";
  std::vector<KeySpec> keys = {};
  /// Reads its keys. Errors are about a key.
  std::function<Result<std::shared_ptr<const DataSource>>(const SourceRequest&)> make;
};

/// The source that `data.format` names. Errors: an unknown name, with those there are; those of the source.
Result<std::shared_ptr<const DataSource>> make_source(const SourceRequest& request);

/// How the source of `options` is given validation rows, by the keys it has: "--set data.split.val=0.16, or files with
/// data.cifar.val". Empty: it has no such key.
std::string way_to_validate(const Options& options);

/// 0, 1, ... rows-1.
std::vector<std::int32_t> all_rows(std::int64_t rows);

} // namespace tailor::runtime
