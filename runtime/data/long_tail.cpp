#include "runtime/data/long_tail.h"

#include "runtime/data/random.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numeric>
#include <queue>

namespace tailor::runtime {
namespace {

constexpr double kRounding = 1e-9; ///< keeps pow() noise from turning 50 into 49

std::int64_t truncated(double size) {
  constexpr double kMost = 0x1p60; // beyond every data set; keeps the conversion defined
  if (size >= kMost) return static_cast<std::int64_t>(kMost);
  return static_cast<std::int64_t>(std::floor(size + kRounding));
}

std::string four_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

/// Ratio in (0, 1] of the natural order.
double natural_ratio(const LongTailSpec& spec) {
  return spec.r > 1 ? 1 / spec.r : spec.r;
}

/// Position of each class in the profile: 0 = head.
std::vector<std::int32_t> positions(const LongTailSpec& spec, std::size_t num_classes) {
  std::vector<std::int32_t> order(num_classes); // profile position -> class
  std::iota(order.begin(), order.end(), 0);
  if (spec.shuffle_classes) DataRandom(spec.class_order_seed, DataPurpose::kClassOrder).shuffle(order);
  if (spec.reversed) std::reverse(order.begin(), order.end());
  std::vector<std::int32_t> position(num_classes);
  for (std::size_t i = 0; i < num_classes; ++i)
    position[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
  return position;
}

/// Sizes by profile position, as shares of n_max.
std::vector<double> profile_shares(const LongTailSpec& spec, std::size_t num_classes) {
  const double r = natural_ratio(spec);
  std::vector<double> shares(num_classes, 1.0);
  switch (spec.profile) {
  case TailProfile::kExp:
    for (std::size_t i = 1; i < num_classes; ++i)
      shares[i] = std::pow(r, static_cast<double>(i) / static_cast<double>(num_classes - 1));
    break;
  case TailProfile::kStep:
    std::fill(shares.begin() + static_cast<std::ptrdiff_t>(num_classes / 2), shares.end(), r);
    break;
  case TailProfile::kStepAt:
    std::fill(shares.begin() + std::min<std::ptrdiff_t>(spec.split_at, std::ssize(shares)), shares.end(), r);
    break;
  case TailProfile::kBinaryFixed:
    shares = {spec.a, spec.b};
    break;
  case TailProfile::kBinaryStep:
    shares = {1 - r, r};
    break;
  case TailProfile::kBalanced:
    break;
  case TailProfile::kPareto: {
    DataRandom random(spec.subset_seed, DataPurpose::kPareto);
    for (double& share : shares)
      share = std::pow(1 - random.uniform(), -1 / spec.alpha) - 1;
    std::sort(shares.begin(), shares.end(), std::greater<>());
    const double largest = shares[0];
    for (double& share : shares)
      share = largest > 0 ? std::max(share / largest, r) : 1.0;
    break;
  }
  }
  return shares;
}

/// `total` split in proportion to `weights`, largest remainders (ties: first).
std::vector<std::int64_t> largest_remainder(const std::vector<double>& weights, std::int64_t total) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<std::int64_t> counts(weights.size());
  std::vector<std::size_t> order(weights.size());
  std::vector<double> remainder(weights.size());
  std::int64_t given = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double exact = static_cast<double>(total) * weights[i] / sum;
    counts[i] = truncated(exact);
    remainder[i] = exact - static_cast<double>(counts[i]);
    given += counts[i];
    order[i] = i;
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return remainder[a] != remainder[b] ? remainder[a] > remainder[b] : a < b;
  });
  for (std::size_t i = 0; given < total; i = (i + 1) % order.size(), ++given)
    ++counts[order[i]];
  for (std::size_t i = order.size(); given > total; --given) // kRounding lifted some over the next integer
    --counts[order[--i]];
  return counts;
}

std::vector<std::int64_t> counts_at(const LongTailSpec& spec, const std::vector<double>& shares,
                                    double n_max) {
  std::vector<std::int64_t> counts;
  for (const double share : shares)
    counts.push_back(truncated(n_max * share));
  if (spec.profile == TailProfile::kBinaryStep) counts[0] = truncated(n_max) - counts[1];
  for (std::int64_t& count : counts)
    count = std::max(count, spec.min_per_class);
  return counts;
}

std::vector<std::int64_t> fixed_total_counts(const LongTailSpec& spec, const std::vector<double>& shares) {
  std::vector<std::int64_t> counts = largest_remainder(shares, spec.total);
  std::int64_t owed = 0;
  std::priority_queue<std::pair<std::int64_t, std::size_t>> largest;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    owed += std::max<std::int64_t>(spec.min_per_class - counts[i], 0);
    counts[i] = std::max(counts[i], spec.min_per_class);
    largest.emplace(counts[i], i);
  }
  for (; owed > 0; --owed) { // the total stays: what small classes gain the largest ones give
    const std::size_t i = largest.top().second;
    largest.pop();
    largest.emplace(--counts[i], i);
  }
  return counts;
}

std::vector<std::int64_t> fixed_minority_counts(const LongTailSpec& spec, const std::vector<double>& shares) {
  // Minority group of methods.md 1.3 on the profile itself: shares fall with the position.
  const auto group = static_cast<std::size_t>(
      std::max<std::int64_t>(1, std::llround(0.2 * static_cast<double>(shares.size()))));
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return shares[a] != shares[b] ? shares[a] < shares[b] : a < b;
  });
  std::vector<double> weights;
  for (std::size_t i = 0; i < group; ++i)
    weights.push_back(shares[order[i]]);
  const auto m = static_cast<double>(spec.minority);
  const bool per_class = spec.minority_count == MinorityCount::kPerClass;
  const double n_max = per_class ? m / weights[0] : m / std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<std::int64_t> counts = counts_at(spec, shares, n_max);
  const std::vector<std::int64_t> fixed = largest_remainder(weights, spec.minority);
  for (std::size_t i = 0; i < group; ++i)
    counts[order[i]] = std::max(per_class ? spec.minority : fixed[i], spec.min_per_class);
  return counts;
}

} // namespace

std::string format_ratio(double r) {
  if (r == 1) return "r = 1 (balanced)";
  if (r == 0) return "r = 0 (a class is empty)";
  return r < 1 ? concat("r = ", four_digits(r), " (1:", four_digits(1 / r), ")")
               : concat("r = ", four_digits(r), " (", four_digits(r), ":1)");
}

double imbalance_ratio(std::span<const std::int64_t> class_counts) {
  if (class_counts.empty()) return 1;
  const auto [least, most] = std::minmax_element(class_counts.begin(), class_counts.end());
  return *most == 0 ? 1 : static_cast<double>(*least) / static_cast<double>(*most);
}

Status check_long_tail(const LongTailSpec& spec) {
  if (!std::isfinite(spec.r) || spec.r <= 0)
    return invalid_argument("imbalance ratio r = ", spec.r, ", expected a number in (0, 1]");
  if (spec.r > 1 && !spec.reversed)
    return invalid_argument("imbalance ratio r = ", spec.r, " is n_min / n_max and cannot exceed 1")
        .with_hint(concat("did you mean 1/", four_digits(spec.r), "? (r = ", four_digits(1 / spec.r),
                          "; reversed = true makes the last class the largest)"));
  const auto share = [](double value) { return std::isfinite(value) && value > 0 && value <= 1; };
  if (spec.profile == TailProfile::kBinaryFixed && (!share(spec.a) || !share(spec.b)))
    return invalid_argument("binary_fixed shares a = ", spec.a, ", b = ", spec.b,
                            ", expected numbers in (0, 1]")
        .about(share(spec.a) ? key_name(&LongTailKeys::b) : key_name(&LongTailKeys::a));
  if (spec.profile == TailProfile::kPareto && (!std::isfinite(spec.alpha) || spec.alpha <= 0))
    return invalid_argument("pareto alpha = ", spec.alpha, ", expected a number above 0")
        .about(key_name(&LongTailKeys::alpha));
  if (spec.profile == TailProfile::kStepAt && spec.split_at < 1)
    return invalid_argument("step_at = ", spec.split_at, ", expected at least 1")
        .about(key_name(&LongTailKeys::step_at));
  constexpr std::int64_t kMax = std::int64_t{1} << 53;
  for (const std::int64_t count : {spec.min_per_class, spec.n_max, spec.total, spec.minority})
    if (count < 0 || count > kMax)
      return invalid_argument("a long tail of ", count, " rows, expected 0 to ", kMax);
  if (spec.size == TailSize::kFixedTotal && spec.total == 0)
    return invalid_argument("size = \"fixed_total\" needs total, the number of rows in all")
        .about(key_name(&LongTailKeys::size));
  if (spec.size == TailSize::kFixedMinority && spec.minority == 0)
    return invalid_argument("size = \"fixed_minority\" needs minority, the number of minority rows")
        .about(key_name(&LongTailKeys::size));
  return {};
}

Result<std::vector<std::int64_t>> long_tail_counts(const LongTailSpec& spec,
                                                   std::span<const std::int64_t> available) {
  TAILOR_RETURN_IF_ERROR_AS_IS(check_long_tail(spec));
  const std::size_t num_classes = available.size();
  if (num_classes < 2)
    return invalid_argument("a long tail over ", num_classes, " classes, expected at least 2");
  const bool binary = spec.profile == TailProfile::kBinaryFixed || spec.profile == TailProfile::kBinaryStep;
  if (binary && num_classes != 2)
    return invalid_argument("profiles binary_fixed and binary_step are for 2 classes, the data have ",
                            num_classes);
  if (spec.profile == TailProfile::kStepAt && spec.split_at >= static_cast<std::int64_t>(num_classes))
    return invalid_argument("step_at = ", spec.split_at, " leaves none of the ", num_classes, " classes rare")
        .about(key_name(&LongTailKeys::step_at))
        .with_hint(concat("step_at is the first rare class, below ", num_classes));

  const std::vector<std::int32_t> position = positions(spec, num_classes);
  const std::vector<double> shares = profile_shares(spec, num_classes);
  const auto by_class = [&](const std::vector<std::int64_t>& by_position) {
    std::vector<std::int64_t> counts(num_classes);
    for (std::size_t k = 0; k < num_classes; ++k)
      counts[k] = by_position[static_cast<std::size_t>(position[k])];
    return counts;
  };
  const auto first_short = [&](const std::vector<std::int64_t>& counts) {
    std::size_t k = 0;
    while (k < num_classes && counts[k] <= available[k])
      ++k;
    return k;
  };

  std::vector<std::int64_t> counts;
  switch (spec.size) {
  case TailSize::kFixedMax: {
    if (spec.n_max > 0) {
      counts = by_class(counts_at(spec, shares, static_cast<double>(spec.n_max)));
      break;
    }
    // The largest n_max that every class can follow; counts grow with n_max.
    std::int64_t low = 0, high = *std::max_element(available.begin(), available.end());
    while (low < high) {
      const std::int64_t middle = low + (high - low + 1) / 2;
      const bool enough =
          first_short(by_class(counts_at(spec, shares, static_cast<double>(middle)))) == num_classes;
      (enough ? low : high) = enough ? middle : middle - 1;
    }
    counts = by_class(counts_at(spec, shares, static_cast<double>(std::max<std::int64_t>(low, 1))));
    break;
  }
  case TailSize::kFixedTotal:
    if (spec.total / static_cast<std::int64_t>(num_classes) < spec.min_per_class)
      return invalid_argument("total = ", spec.total, " is less than min_per_class = ", spec.min_per_class,
                              " for each of ", num_classes, " classes");
    if (spec.total > std::accumulate(available.begin(), available.end(), std::int64_t{0}))
      return invalid_argument("total = ", spec.total, " rows, the data have ",
                              std::accumulate(available.begin(), available.end(), std::int64_t{0}));
    counts = by_class(fixed_total_counts(spec, shares));
    break;
  case TailSize::kFixedMinority:
    counts = by_class(fixed_minority_counts(spec, shares));
    break;
  }
  if (const std::size_t k = first_short(counts); k < num_classes)
    return invalid_argument("the long tail needs ", counts[k], " rows of class ", k, ", the data have ",
                            available[k]);
  return counts;
}

Result<std::vector<std::int32_t>> long_tail_rows(const LongTailSpec& spec, std::span<const std::int32_t> rows,
                                                 std::span<const std::int32_t> labels,
                                                 std::int32_t num_classes) {
  std::vector<std::vector<std::int32_t>> by_class(static_cast<std::size_t>(num_classes));
  for (const std::int32_t row : rows)
    by_class[static_cast<std::size_t>(labels[static_cast<std::size_t>(row)])].push_back(row);
  std::vector<std::int64_t> available;
  for (const std::vector<std::int32_t>& members : by_class)
    available.push_back(std::ssize(members));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<std::int64_t> counts, long_tail_counts(spec, available));
  std::vector<std::int32_t> kept;
  for (std::size_t k = 0; k < by_class.size(); ++k) {
    DataRandom random(spec.subset_seed, DataPurpose::kSubset, 0, static_cast<std::uint32_t>(k));
    random.shuffle(by_class[k]);
    kept.insert(kept.end(), by_class[k].begin(), by_class[k].begin() + counts[k]);
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

} // namespace tailor::runtime
