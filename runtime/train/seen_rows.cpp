#include "runtime/train/seen_rows.h"

#include "runtime/data/open.h"

#include <filesystem>
#include <unordered_set>

namespace tailor::runtime {
namespace {

bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return std::filesystem::equivalent(a, b, ignored);
}

/// Knows the rows of a split again.
class Membership {
public:
  Membership(const Dataset& split, const Dataset& scored) : by_line_(is_same_file(split.path, scored.path)) {
    keys_.reserve(static_cast<std::size_t>(split.num_rows));
    for (std::int64_t row = 0; row < split.num_rows; ++row)
      keys_.insert(key(split, row));
  }
  bool by_line() const { return by_line_; }
  bool contains(const Dataset& scored, std::int64_t row) const { return keys_.contains(key(scored, row)); }

private:
  std::uint64_t key(const Dataset& data, std::int64_t row) const {
    return by_line_ ? static_cast<std::uint64_t>(data.source_row[static_cast<std::size_t>(row)])
                    : row_hash(data, row);
  }
  bool by_line_;
  std::unordered_set<std::uint64_t> keys_;
};

} // namespace

SeenRows seen_rows(const Dataset& scored, const DataPlan& plan, const ArtifactSpec& spec,
                   const Checkpoint& checkpoint) {
  SeenRows seen;
  OpenOptions open;
  open.run_seed = checkpoint.record.seed;
  open.fitted = &checkpoint.fitted;
  const Result<DataBundle> own = open_data(plan, spec.schema, open);
  if (!own.ok()) {
    seen.why_unknown = own.status().message();
    return seen;
  }
  if (content_hash(own->train) != checkpoint.record.train_hash) {
    seen.why_unknown = "the program's data are not those the weights were trained on";
    return seen;
  }
  const Membership train(own->train, scored), val(own->val, scored), test(own->test, scored);
  seen.known = true;
  seen.by_content = !train.by_line();
  for (std::int64_t row = 0; row < scored.num_rows; ++row)
    if (train.contains(scored, row))
      ++seen.train;
    else if (val.contains(scored, row))
      ++seen.val;
    else if (test.contains(scored, row))
      ++seen.test;
  return seen;
}

std::string seen_rows_warning(const SeenRows& seen, const Dataset& scored, const TrainingRecord& record) {
  if (!seen.known || seen.train + seen.val == 0) return "";
  const bool val_chose = record.best.epoch >= 0 && seen.val > 0;
  std::string text = concat(seen.train, " of the ", scored.num_rows, " rows of '", scored.path, "' ",
                            seen.by_content ? "equal rows that were trained on (the same features and label)"
                                            : "were trained on");
  if (seen.val > 0)
    text +=
        concat(", ", seen.val,
               val_chose ? " more are of validation, which chose the best epoch" : " more are of validation");
  return concat(
      text, ": the metrics flatter the model; --split test without --data measures the rows it has not seen");
}

} // namespace tailor::runtime
