#pragma once
#include "runtime/artifact/spec.h"
#include "runtime/data/plan.h"
#include "runtime/train/checkpoint.h"

#include <string>

namespace tailor::runtime {

/// How many rows of a table the run behind a checkpoint had seen. A row is of the first split, in the order train,
/// val, test, that holds it: by its line where the table is the very file of that split, else by content (the
/// same features and label).
struct SeenRows {
  bool known = false;
  std::string why_unknown; ///< if not known: the training data cannot be read, or are others now
  bool by_content = false; ///< the table is another file than that of the training split
  std::int64_t train = 0, val = 0, test = 0;
};

/// Opens the program's own data again as the checkpoint's run did, and believes them only if their training
/// split is the one the checkpoint was trained on. Cost: reading those tables.
SeenRows seen_rows(const Dataset& scored, const DataPlan& plan, const ArtifactSpec& spec,
                   const Checkpoint& checkpoint);

/// What to tell of them; empty if there is nothing to tell. `record`: whether val chose an epoch.
std::string seen_rows_warning(const SeenRows& seen, const Dataset& scored, const TrainingRecord& record);

} // namespace tailor::runtime
