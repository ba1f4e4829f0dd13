#include "runtime/data/split.h"

#include "runtime/data/random.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tailor::runtime {
namespace {

std::int64_t rounded(std::size_t count, double fraction) {
  return std::llround(static_cast<double>(count) * fraction);
}

void sort_all(SplitRows& rows) {
  for (std::vector<std::int32_t>* part : {&rows.train, &rows.val, &rows.test})
    std::sort(part->begin(), part->end());
}

struct HoldOut {
  std::uint64_t seed;
  double share, rest_share;
  std::size_t rest_needs; ///< groups that must stay
};

/// Takes groups out of `rest`, in the order of the seed: each goes to the part whose filled share is smaller,
/// so that an empty part comes before a started one. Returns what was taken; `rest` stays ascending.
std::vector<std::int32_t> hold_out(std::vector<std::int32_t>& rest,
                                   const std::vector<std::vector<std::int32_t>>& members,
                                   const HoldOut& spec) {
  std::vector<std::int32_t> order = rest, taken;
  DataRandom(spec.seed, DataPurpose::kSplit).shuffle(order);
  rest.clear();
  double taken_rows = 0, rest_rows = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto rows = static_cast<double>(members[static_cast<std::size_t>(order[i])].size());
    const bool needed = rest.size() + (order.size() - i) <= spec.rest_needs;
    const bool stays = needed || rest_rows / spec.rest_share <= taken_rows / spec.share;
    (stays ? rest : taken).push_back(order[i]);
    (stays ? rest_rows : taken_rows) += rows;
  }
  std::sort(rest.begin(), rest.end());
  return taken;
}

} // namespace

Status check_fractions(double val, double test) {
  if (!(val >= 0) || !(test >= 0) || !(val + test < 1))
    return invalid_argument("validation and test shares are ", val, " and ", test,
                            ", expected at least 0 each and less than 1 together");
  return {};
}

Result<SplitRows> split_stratified(std::span<const std::int32_t> labels, std::int32_t num_classes,
                                   const SplitSpec& spec) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_fractions(spec.val, spec.test));
  std::vector<std::vector<std::int32_t>> by_class(static_cast<std::size_t>(num_classes));
  for (std::size_t row = 0; row < labels.size(); ++row)
    by_class[static_cast<std::size_t>(labels[row])].push_back(static_cast<std::int32_t>(row));
  SplitRows rows;
  for (std::size_t k = 0; k < by_class.size(); ++k) {
    std::vector<std::int32_t>& members = by_class[k];
    if (members.empty()) continue;
    DataRandom random(spec.seed, DataPurpose::kSplit, 0, static_cast<std::uint32_t>(k));
    random.shuffle(members);
    const auto held_out = static_cast<std::int64_t>(members.size()) - 1;
    const std::int64_t test = std::min(rounded(members.size(), spec.test), held_out);
    const std::int64_t val = std::min(rounded(members.size(), spec.val), held_out - test);
    rows.test.insert(rows.test.end(), members.begin(), members.begin() + test);
    std::sort(members.begin() + test, members.end()); // val depends on the other seed only by what is left
    DataRandom(spec.val_seed, DataPurpose::kSplit, 0, static_cast<std::uint32_t>(k))
        .shuffle(std::span(members).subspan(static_cast<std::size_t>(test)));
    rows.val.insert(rows.val.end(), members.begin() + test, members.begin() + test + val);
    rows.train.insert(rows.train.end(), members.begin() + test + val, members.end());
  }
  sort_all(rows);
  return rows;
}

Result<SplitRows> split_by_group(std::span<const std::int32_t> groups, const SplitSpec& spec) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_fractions(spec.val, spec.test));
  std::vector<std::vector<std::int32_t>> members;
  for (std::size_t row = 0; row < groups.size(); ++row) {
    const auto group = static_cast<std::size_t>(groups[row]);
    if (group >= members.size()) members.resize(group + 1);
    members[group].push_back(static_cast<std::int32_t>(row));
  }
  std::erase_if(members, [](const auto& rows) { return rows.empty(); });
  const std::size_t num_splits = 1 + (spec.val > 0) + (spec.test > 0);
  if (members.size() < num_splits)
    return invalid_argument("the group column has ", members.size(), " groups, expected at least ",
                            num_splits, " to fill ", num_splits, " splits");

  const double others = 1 - spec.test;
  std::vector<std::int32_t> rest(members.size());
  std::iota(rest.begin(), rest.end(), 0);
  std::vector<std::int32_t> test_groups, val_groups;
  if (spec.test > 0) test_groups = hold_out(rest, members, {spec.seed, spec.test, others, num_splits - 1});
  if (spec.val > 0) val_groups = hold_out(rest, members, {spec.val_seed, spec.val, others - spec.val, 1});
  SplitRows rows;
  for (auto [part, groups_of_part] : {std::pair(&rows.train, &rest), std::pair(&rows.val, &val_groups),
                                      std::pair(&rows.test, &test_groups)})
    for (const std::int32_t group : *groups_of_part) {
      const std::vector<std::int32_t>& group_rows = members[static_cast<std::size_t>(group)];
      part->insert(part->end(), group_rows.begin(), group_rows.end());
    }
  sort_all(rows);
  return rows;
}

Result<SplitRows> split_by_time(std::span<const double> times, const SplitSpec& spec) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_fractions(spec.val, spec.test));
  std::vector<std::int32_t> order(times.size());
  std::iota(order.begin(), order.end(), 0);
  const auto time_of = [&](std::size_t place) { return times[static_cast<std::size_t>(order[place])]; };
  std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    const double x = times[static_cast<std::size_t>(a)], y = times[static_cast<std::size_t>(b)];
    return x != y ? x < y : a < b;
  });
  const auto boundary = [&](double fraction) {
    std::size_t place = order.size() - static_cast<std::size_t>(rounded(order.size(), fraction));
    while (place > 0 && place < order.size() && time_of(place) == time_of(place - 1))
      ++place;
    return place;
  };
  const std::size_t val = boundary(spec.val + spec.test), test = std::max(val, boundary(spec.test));
  const auto empty = [&](const char* name) {
    return invalid_argument("the time split leaves no row for ", name,
                            ": rows of equal time stay together and ", order.size(),
                            " rows do not divide that way");
  };
  if (val == 0) return empty("training");
  if (spec.val > 0 && test == val) return empty("validation");
  if (spec.test > 0 && test == order.size()) return empty("test");
  SplitRows rows;
  const auto at = [&](std::size_t place) { return order.begin() + static_cast<std::ptrdiff_t>(place); };
  rows.train.assign(order.begin(), at(val));
  rows.val.assign(at(val), at(test));
  rows.test.assign(at(test), order.end());
  sort_all(rows);
  return rows;
}

} // namespace tailor::runtime
