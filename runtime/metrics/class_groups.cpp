#include "runtime/metrics/class_groups.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace tailor::runtime {
namespace {

/// "name(a,b)": the two integers of a rule, blanks allowed around them.
Result<std::pair<std::int64_t, std::int64_t>> two_integers(std::string_view text, std::string_view name) {
  const auto malformed = [&] {
    return invalid_argument("group rule '", text, "', expected ", name, "(a,b) with integers 0 <= a <= b");
  };
  std::string_view inside = text.substr(name.size());
  if (!inside.starts_with('(') || !inside.ends_with(')')) return malformed();
  inside = inside.substr(1, inside.size() - 2);
  std::int64_t values[2] = {};
  for (std::int64_t& value : values) {
    while (inside.starts_with(' '))
      inside.remove_prefix(1);
    const auto [stop, error] = std::from_chars(inside.data(), inside.data() + inside.size(), value);
    if (error != std::errc()) return malformed();
    inside.remove_prefix(static_cast<std::size_t>(stop - inside.data()));
    while (inside.starts_with(' '))
      inside.remove_prefix(1);
    if (&value == values) {
      if (!inside.starts_with(',')) return malformed();
      inside.remove_prefix(1);
    }
  }
  if (!inside.empty() || values[0] < 0 || values[0] > values[1]) return malformed();
  return std::pair(values[0], values[1]);
}

/// Classes from most to fewest rows, ties by index.
std::vector<std::int32_t> by_size(std::span<const std::int64_t> class_counts) {
  std::vector<std::int32_t> order(class_counts.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    const std::int64_t x = class_counts[static_cast<std::size_t>(a)],
                       y = class_counts[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  });
  return order;
}

ClassGroup group_of(const char* name, std::span<const std::int32_t> classes) {
  ClassGroup group{name, {classes.begin(), classes.end()}};
  std::sort(group.classes.begin(), group.classes.end());
  return group;
}

} // namespace

Result<GroupRule> parse_group_rule(std::string_view text) {
  if (text == "thirds") return GroupRule{GroupRule::Kind::kThirds, 0, 0};
  for (const auto& [name, kind] : {std::pair("thresholds", GroupRule::Kind::kThresholds),
                                   std::pair("head_med_tail", GroupRule::Kind::kHeadMedTail)})
    if (text.starts_with(name)) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const auto bounds, two_integers(text, name));
      return GroupRule{kind, bounds.first, bounds.second};
    }
  return invalid_argument("group rule '", text,
                          "', expected thresholds(20,100) | thirds | head_med_tail(a,b)");
}

std::string to_string(const GroupRule& rule) {
  switch (rule.kind) {
  case GroupRule::Kind::kThresholds:
    return concat("thresholds(", rule.a, ",", rule.b, ")");
  case GroupRule::Kind::kThirds:
    return "thirds";
  case GroupRule::Kind::kHeadMedTail:
    return concat("head_med_tail(", rule.a, ",", rule.b, ")");
  }
  return "unknown";
}

std::vector<ClassGroup> minority_majority(std::span<const std::int64_t> class_counts) {
  const std::size_t num_classes = class_counts.size();
  const std::size_t size = std::min<std::size_t>(
      num_classes, std::max<std::int64_t>(1, std::llround(0.2 * static_cast<double>(num_classes))));
  std::vector<std::int32_t> rising(num_classes);
  std::iota(rising.begin(), rising.end(), 0);
  std::sort(rising.begin(), rising.end(), [&](std::int32_t a, std::int32_t b) {
    const std::int64_t x = class_counts[static_cast<std::size_t>(a)],
                       y = class_counts[static_cast<std::size_t>(b)];
    return x != y ? x < y : a < b;
  });
  const std::span<const std::int32_t> minority(rising.data(), size);
  std::vector<bool> is_minority(num_classes);
  for (const std::int32_t k : minority)
    is_minority[static_cast<std::size_t>(k)] = true;
  std::vector<std::int32_t> majority;
  for (const std::int32_t k : by_size(class_counts))
    if (majority.size() < size && !is_minority[static_cast<std::size_t>(k)]) majority.push_back(k);
  return {group_of("minority", minority), group_of("majority", majority)};
}

Result<std::vector<ClassGroup>> few_med_many(std::span<const std::int64_t> class_counts,
                                             const GroupRule& rule) {
  const std::size_t num_classes = class_counts.size();
  if (rule.kind == GroupRule::Kind::kThresholds) {
    std::vector<ClassGroup> groups = {{"few", {}}, {"med", {}}, {"many", {}}};
    for (std::size_t k = 0; k < num_classes; ++k)
      groups[class_counts[k] < rule.a    ? 0
             : class_counts[k] <= rule.b ? 1
                                         : 2]
          .classes.push_back(static_cast<std::int32_t>(k));
    return groups;
  }
  std::size_t head = num_classes / 3, tail = num_classes - num_classes / 3;
  if (rule.kind == GroupRule::Kind::kHeadMedTail) {
    if (rule.b > static_cast<std::int64_t>(num_classes))
      return invalid_argument("groups ", to_string(rule), " reach beyond the ", num_classes, " classes");
    head = static_cast<std::size_t>(rule.a), tail = static_cast<std::size_t>(rule.b);
  }
  const std::vector<std::int32_t> order = by_size(class_counts);
  const std::span<const std::int32_t> all(order);
  return std::vector<ClassGroup>{group_of("few", all.subspan(tail)),
                                 group_of("med", all.subspan(head, tail - head)),
                                 group_of("many", all.first(head))};
}

} // namespace tailor::runtime
