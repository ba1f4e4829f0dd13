#include "runtime/data/split_choice.h"

#include <algorithm>
#include <iterator>

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

/// What a split by time does to groups: they may go on after the cut.
std::string torn_groups(const RowKeys& rows, const SplitRows& split) {
  const auto groups = [&](const std::vector<std::int32_t>& part) {
    std::vector<std::int32_t> ids;
    for (const std::int32_t row : part)
      ids.push_back(rows.group[static_cast<std::size_t>(row)]);
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
  };
  std::vector<std::int32_t> held_out = split.val;
  held_out.insert(held_out.end(), split.test.begin(), split.test.end());
  const std::vector<std::int32_t> seen = groups(split.train), later = groups(held_out);
  std::vector<std::int32_t> both;
  std::set_intersection(seen.begin(), seen.end(), later.begin(), later.end(), std::back_inserter(both));
  if (both.empty()) return "";
  return concat("; ", both.size(), " of their ", later.size(),
                " groups are in training too (split.by = \"group\" keeps groups whole)");
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
  if (!rows.time.empty()) {
    const Result<SplitRows> split = split_by_time(rows.time, shares);
    std::string reason = "the latest rows are held out, as in use";
    if (split.ok() && !rows.group.empty()) reason += torn_groups(rows, *split);
    if (take(split, SplitBy::kTime, "time", std::move(reason))) return choice;
  }
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
