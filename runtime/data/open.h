#pragma once
#include "runtime/data/fitted.h"
#include "runtime/data/plan.h"
#include "runtime/data/schema.h"

#include <optional>

namespace tailor::runtime {

/// The data of a run, opened, split, cut and encoded.
struct DataBundle {
  Dataset train, val, test; ///< val or test may be empty (fraction 0 and no file)
  FittedState fitted;
  /// What a user should know: unknown categories, imputed cells, long tail.
  std::vector<std::string> notes;
  /// What spoils the training unless the user does something: columns that f32 flattens.
  std::vector<std::string> warnings;
  std::uint64_t peak_bytes = 0; ///< most that was held while the tables were read and encoded
};

/// What a program must know of the data: the source's schema, with its normalisation.
/// Errors    those of the source; kIncompatible if its schema makes no sense.
Result<DataSchema> schema_of(const DataPlan& plan, SchemaNotes* notes = nullptr);

struct OpenOptions {
  std::uint64_t run_seed = 0;          ///< used where the plan says subset_seed or val_seed = "run_seed"
  const FittedState* fitted = nullptr; ///< resume, eval: use this instead of fitting
};

/// Reads the plan's files (or generates), checks them against the schema, splits, cuts the long tail, fits on
/// the training split (unless fitted is given) and encodes all three splits. The long tail is cut from the
/// training split after splitting; the test split has its own ratio; val stays as split.
/// Errors    those of read_table, split_*, long_tail_rows, fit; a class without a row in the training split;
///           a group in two files; kIncompatible if `fitted` belongs to other data.
Result<DataBundle> open_data(const DataPlan& plan, const DataSchema& schema, const OpenOptions& options = {});

/// Any further file with the same columns (predict, eval on new data). Without need_label the label column
/// may be absent and is not read.
Result<Dataset> open_extra(const std::string& path, const DataPlan& plan, const DataSchema& schema,
                           const FittedState& fitted, bool need_label,
                           std::vector<std::string>* notes = nullptr);

} // namespace tailor::runtime
