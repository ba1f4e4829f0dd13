#include "runtime/data/column_signal.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace tailor::runtime {
namespace {

/// Enough to follow a curve, few enough that a bin of a small table still holds rows of both folds.
constexpr std::size_t kNumberBins = 64;

/// A fold of a row that no pattern of the file can follow (the finaliser of MurmurHash3).
bool second_fold(std::size_t row) {
  std::uint64_t h = row + 1;
  h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDull;
  h = (h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53ull;
  return (h >> 40) & 1;
}

/// The measured classes against the rest.
class Classes {
public:
  Classes(const RawTable& table, std::int32_t num_classes, std::int32_t positive_class)
      : labels_(table.label), place_(static_cast<std::size_t>(num_classes), -1) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(num_classes), 0);
    for (const std::int32_t label : labels_)
      ++rows[static_cast<std::size_t>(label)];
    std::vector<std::int32_t> classes(static_cast<std::size_t>(num_classes));
    std::iota(classes.begin(), classes.end(), 0);
    if (num_classes == 2) classes = {positive_class < 0 ? 1 : positive_class};
    std::erase_if(classes, [&](std::int32_t k) {
      const std::int64_t here = rows[static_cast<std::size_t>(k)];
      return std::min(here, std::ssize(labels_) - here) < ColumnSignal::kMinClassRows;
    });
    std::stable_sort(classes.begin(), classes.end(), [&](std::int32_t a, std::int32_t b) {
      return rows[static_cast<std::size_t>(a)] > rows[static_cast<std::size_t>(b)];
    });
    if (classes.size() > ColumnSignal::kMaxClasses) classes.resize(ColumnSignal::kMaxClasses);
    for (const std::int32_t k : classes) {
      place_[static_cast<std::size_t>(k)] = static_cast<std::int32_t>(rows_.size());
      rows_.push_back(rows[static_cast<std::size_t>(k)]);
    }
  }

  std::size_t size() const { return rows_.size(); }
  std::size_t num_rows() const { return labels_.size(); }
  std::int64_t rows_of(std::size_t measured) const { return rows_[measured]; }
  /// Place of the row's class among the measured ones, or -1.
  std::int32_t of(std::size_t row) const { return place_[static_cast<std::size_t>(labels_[row])]; }

private:
  const std::vector<std::int32_t>& labels_;
  std::vector<std::int32_t> place_;
  std::vector<std::int64_t> rows_;
};

struct Score {
  double auc = 0, average_precision = 0;
};

Score better(const Score& a, const Score& b) {
  return {std::max(a.auc, b.auc), std::max(a.average_precision, b.average_precision)};
}

/// Steps of equal score from the highest down, given to add(); AUC and average precision of one class.
class RankSum {
public:
  RankSum(double positives, double negatives) : positives_(positives), negatives_(negatives) {}
  void add(double positives, double negatives) {
    ordered_ += positives * (negatives_ - seen_negatives_ - negatives / 2);
    seen_positives_ += positives;
    seen_negatives_ += negatives;
    if (positives > 0) precision_ += positives * seen_positives_ / (seen_positives_ + seen_negatives_);
  }
  Score score() const { return {ordered_ / (positives_ * negatives_), precision_ / positives_}; }

private:
  double positives_, negatives_, ordered_ = 0, precision_ = 0, seen_positives_ = 0, seen_negatives_ = 0;
};

/// Rows in the order of their values, as groups of equal value: (first, last) in `order`.
struct Order {
  std::vector<std::int32_t> order;
  std::vector<std::pair<std::size_t, std::size_t>> groups;
};

Order order_of(const std::vector<double>& values, bool missing_first) {
  Order result;
  result.order.resize(values.size());
  std::iota(result.order.begin(), result.order.end(), 0);
  const auto key = [&](std::int32_t row) {
    const double value = values[static_cast<std::size_t>(row)];
    const double none = std::numeric_limits<double>::infinity();
    return std::isnan(value) ? (missing_first ? -none : none) : value;
  };
  std::sort(result.order.begin(), result.order.end(),
            [&](std::int32_t a, std::int32_t b) { return key(a) < key(b); });
  for (std::size_t begin = 0; begin < values.size();) {
    std::size_t end = begin + 1;
    while (end < values.size() && key(result.order[end]) == key(result.order[begin]))
      ++end;
    result.groups.emplace_back(begin, end);
    begin = end;
  }
  return result;
}

/// Every class ranked by the values, from the better end.
std::vector<Score> rank_scores(const Order& order, const Classes& classes) {
  const auto total = static_cast<double>(classes.num_rows());
  std::vector<Score> best(classes.size());
  std::vector<std::int64_t> here(classes.size());
  for (const bool descending : {false, true}) {
    std::vector<RankSum> sums;
    for (std::size_t k = 0; k < classes.size(); ++k)
      sums.emplace_back(static_cast<double>(classes.rows_of(k)),
                        total - static_cast<double>(classes.rows_of(k)));
    for (std::size_t g = 0; g < order.groups.size(); ++g) {
      const auto [begin, end] = order.groups[descending ? order.groups.size() - 1 - g : g];
      std::fill(here.begin(), here.end(), 0);
      for (std::size_t i = begin; i < end; ++i)
        if (const std::int32_t k = classes.of(static_cast<std::size_t>(order.order[i])); k >= 0)
          ++here[static_cast<std::size_t>(k)];
      for (std::size_t k = 0; k < classes.size(); ++k)
        sums[k].add(static_cast<double>(here[k]),
                    static_cast<double>(end - begin) - static_cast<double>(here[k]));
    }
    for (std::size_t k = 0; k < classes.size(); ++k)
      best[k] = better(best[k], sums[k].score());
  }
  return best;
}

/// Every class ranked by its share in the row's bin, as the other fold knows it.
std::vector<Score> bin_scores(const std::vector<std::int32_t>& bins, std::size_t num_bins,
                              const Classes& classes) {
  std::vector<Score> result(classes.size());
  const std::size_t num_classes = classes.size();
  std::vector<std::int64_t> rows[2], members[2];
  for (int fold = 0; fold < 2; ++fold) {
    rows[fold].assign(num_bins, 0);
    members[fold].assign(num_bins * num_classes, 0);
  }
  std::vector<std::int64_t> fold_rows(2, 0), fold_members[2] = {std::vector<std::int64_t>(num_classes, 0),
                                                                std::vector<std::int64_t>(num_classes, 0)};
  for (std::size_t row = 0; row < bins.size(); ++row) {
    const bool fold = second_fold(row);
    const auto bin = static_cast<std::size_t>(bins[row]);
    ++rows[fold][bin];
    ++fold_rows[fold];
    if (const std::int32_t k = classes.of(row); k >= 0) {
      ++members[fold][bin * num_classes + static_cast<std::size_t>(k)];
      ++fold_members[fold][static_cast<std::size_t>(k)];
    }
  }
  std::vector<std::pair<double, std::size_t>> scored(num_bins);
  for (std::size_t k = 0; k < num_classes; ++k) {
    const double share = static_cast<double>(classes.rows_of(k)) / static_cast<double>(classes.num_rows());
    int measured = 0;
    Score sum;
    for (int fold = 0; fold < 2; ++fold) {
      const std::int64_t positives = fold_members[fold][k], negatives = fold_rows[fold] - positives;
      if (positives == 0 || negatives == 0) continue;
      for (std::size_t bin = 0; bin < num_bins; ++bin)
        // One row of the overall share stands for what the other fold did not see.
        scored[bin] = {(static_cast<double>(members[1 - fold][bin * num_classes + k]) + share) /
                           static_cast<double>(rows[1 - fold][bin] + 1),
                       bin};
      std::sort(scored.begin(), scored.end(), std::greater<>());
      RankSum ranks(static_cast<double>(positives), static_cast<double>(negatives));
      for (std::size_t i = 0; i < num_bins;) {
        double with = 0, without = 0;
        std::size_t end = i;
        for (; end < num_bins && scored[end].first == scored[i].first; ++end) {
          const auto here = static_cast<double>(members[fold][scored[end].second * num_classes + k]);
          with += here;
          without += static_cast<double>(rows[fold][scored[end].second]) - here;
        }
        ranks.add(with, without);
        i = end;
      }
      sum.auc += ranks.score().auc;
      sum.average_precision += ranks.score().average_precision;
      ++measured;
    }
    if (measured > 0) result[k] = {sum.auc / measured, sum.average_precision / measured};
  }
  return result;
}

void set_scores(ColumnSignal& signal, const std::vector<Score>& a, const std::vector<Score>& b) {
  if (a.empty()) return;
  double auc = 0, average_precision = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const Score score = better(a[k], b[k]);
    auc += score.auc;
    average_precision += score.average_precision;
  }
  signal.auc = auc / static_cast<double>(a.size());
  signal.average_precision = average_precision / static_cast<double>(a.size());
}

/// How the values lie; `order` is theirs with missing values last.
void set_shape(ColumnSignal& signal, const std::vector<double>& values, const Order& order) {
  signal.whole = signal.rising = signal.falling = true;
  double last = std::numeric_limits<double>::quiet_NaN();
  for (const double value : values) {
    if (std::isnan(value)) continue;
    ++signal.num_values;
    signal.whole &= value == std::floor(value);
    if (value < last) signal.rising = false;
    if (value > last) signal.falling = false;
    last = value;
  }
  if (signal.num_values == 0) {
    signal.whole = signal.rising = signal.falling = false;
    return;
  }
  const auto at = [&](std::size_t place) { return values[static_cast<std::size_t>(order.order[place])]; };
  const auto count = static_cast<std::size_t>(signal.num_values);
  signal.distinct = std::ssize(order.groups) - (count < values.size());
  signal.min = at(0);
  signal.max = at(count - 1);
  if (signal.distinct != signal.num_values || count < 3) return;
  // 1e-6 of a step: decimal fractions such as 0.1, 0.2, 0.3 are not exact.
  const double step = (signal.max - signal.min) / static_cast<double>(count - 1);
  signal.equal_steps = true;
  for (std::size_t i = 1; i < count && signal.equal_steps; ++i)
    signal.equal_steps = std::abs(at(i) - at(i - 1) - step) <= 1e-6 * step;
}

} // namespace

ColumnSignal measure_numeric(const RawTable& table, std::size_t numeric, std::int32_t num_classes,
                             std::int32_t positive_class) {
  const std::vector<double>& values = table.numeric[numeric];
  const Classes classes(table, num_classes, positive_class);
  ColumnSignal signal;
  const Order last = order_of(values, false);
  set_shape(signal, values, last);
  if (classes.size() == 0) return signal;
  std::vector<Score> ranked = rank_scores(last, classes);
  if (signal.num_values < std::ssize(values)) {
    const std::vector<Score> first = rank_scores(order_of(values, true), classes);
    for (std::size_t k = 0; k < ranked.size(); ++k)
      ranked[k] = better(ranked[k], first[k]);
  }
  // Equal values share a bin; with more than kNumberBins of them so do neighbours.
  std::vector<std::int32_t> bins(values.size());
  std::int32_t bin = -1;
  std::size_t filled = 0;
  const std::size_t target = last.groups.size() <= kNumberBins ? 1 : values.size() / kNumberBins + 1;
  for (const auto& [begin, end] : last.groups) {
    const bool none = std::isnan(values[static_cast<std::size_t>(last.order[begin])]);
    if (bin < 0 || none || filled >= target) ++bin, filled = 0;
    for (std::size_t i = begin; i < end; ++i)
      bins[static_cast<std::size_t>(last.order[i])] = bin;
    filled += end - begin;
  }
  set_scores(signal, ranked, bin_scores(bins, static_cast<std::size_t>(bin + 1), classes));
  return signal;
}

ColumnSignal measure_category(const RawTable& table, std::size_t category, std::int32_t num_classes,
                              std::int32_t positive_class) {
  const TextColumn& column = table.category[category];
  const Classes classes(table, num_classes, positive_class);
  ColumnSignal signal;
  const auto none = std::find(column.values.begin(), column.values.end(), kMissingCategory);
  const auto missing = static_cast<std::int32_t>(none - column.values.begin());
  signal.num_values =
      std::ssize(column.codes) - std::count(column.codes.begin(), column.codes.end(), missing);
  signal.distinct = std::ssize(column.values) - (none != column.values.end());
  if (classes.size() == 0) return signal;
  const std::vector<Score> scores = bin_scores(column.codes, column.values.size(), classes);
  set_scores(signal, scores, scores);
  return signal;
}

} // namespace tailor::runtime
