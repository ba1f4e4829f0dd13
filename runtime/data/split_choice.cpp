#include "runtime/data/split_choice.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

std::vector<std::int64_t> count(const RowKeys& rows, const std::vector<std::int32_t>& part,
                                std::size_t num_classes) {
  std::vector<std::int64_t> counts(num_classes, 0);
  for (const std::int32_t row : part)
    ++counts[static_cast<std::size_t>(rows.label[static_cast<std::size_t>(row)])];
  return counts;
}

SplitCounts count(const RowKeys& rows, const SplitRows& split, std::size_t num_classes) {
  return {count(rows, split.train, num_classes), count(rows, split.val, num_classes),
          count(rows, split.test, num_classes)};
}

/// "no row of class 'x' in validation"; empty if every part has every class.
std::string lacks(const SplitCounts& counts, const SplitSpec& shares,
                  const std::vector<std::string>& classes) {
  const auto absent = [&](const std::vector<std::int64_t>& part, const char* name) {
    const auto at = std::find(part.begin(), part.end(), 0);
    return at == part.end() ? std::string()
                            : concat("no row of class '",
                                     classes[static_cast<std::size_t>(at - part.begin())], "' in ", name);
  };
  std::string text = absent(counts.train, "training");
  if (text.empty() && shares.val > 0) text = absent(counts.val, "validation");
  if (text.empty() && shares.test > 0) text = absent(counts.test, "test");
  return text;
}

} // namespace

SplitChoice choose_split(const RowKeys& rows, const SplitSpec& shares,
                         const std::vector<std::string>& classes) {
  SplitChoice choice;
  const auto num_classes = static_cast<std::int32_t>(classes.size());
  std::string refused;
  const auto take = [&](const Result<SplitRows>& split, SplitBy by, const char* name, std::string reason) {
    std::string why = split.ok() ? "" : split.status().message();
    if (split.ok()) {
      choice.counts = count(rows, *split, classes.size());
      why = lacks(choice.counts, shares, classes);
    }
    if (!why.empty()) {
      refused += concat(refused.empty() ? "" : "; ", "by ", name, " there would be ", why);
      return false;
    }
    choice.by = by;
    choice.reason = std::move(reason);
    return true;
  };
  if (!rows.time.empty() && take(split_by_time(rows.time, shares), SplitBy::kTime, "time",
                                 "the latest rows are held out, as in use"))
    return choice;
  if (!rows.group.empty() &&
      take(split_by_group(rows.group, shares), SplitBy::kGroup, "group", "no group is in two splits"))
    return choice;
  if (const Result<SplitRows> split = split_stratified(rows.label, num_classes, shares);
      split.ok() && !rows.label.empty())
    choice.counts = count(rows, *split, classes.size());
  choice.reason =
      refused.empty() ? "every class keeps its share in each part" : concat("by class, for ", refused);
  return choice;
}

} // namespace tailor::runtime
