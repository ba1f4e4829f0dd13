#include "runtime/metrics/confusion.h"

#include <cassert>
#include <cmath>

namespace tailor::runtime {

ConfusionMatrix::ConfusionMatrix(std::int32_t num_classes)
    : num_classes_(num_classes), class_rows_(static_cast<std::size_t>(num_classes), 0),
      decided_rows_(class_rows_), correct_rows_(class_rows_) {}

void ConfusionMatrix::add(std::int32_t truth, std::int32_t decision) {
  assert(truth >= 0 && truth < num_classes_ && decision >= 0 && decision < num_classes_);
  ++class_rows_[static_cast<std::size_t>(truth)];
  ++decided_rows_[static_cast<std::size_t>(decision)];
  correct_rows_[static_cast<std::size_t>(truth)] += truth == decision;
  ++counts_[pair_of(truth, decision)];
  ++num_rows_;
}

std::int64_t ConfusionMatrix::at(std::int32_t truth, std::int32_t decision) const {
  const auto found = counts_.find(pair_of(truth, decision));
  return found == counts_.end() ? 0 : found->second;
}

std::int64_t ConfusionMatrix::class_rows(std::int32_t truth) const {
  return class_rows_[static_cast<std::size_t>(truth)];
}

std::int64_t ConfusionMatrix::decided_rows(std::int32_t decision) const {
  return decided_rows_[static_cast<std::size_t>(decision)];
}

std::int64_t ConfusionMatrix::correct_rows(std::int32_t truth) const {
  return correct_rows_[static_cast<std::size_t>(truth)];
}

std::optional<double> ConfusionMatrix::accuracy() const {
  if (num_rows_ == 0) return std::nullopt;
  std::int64_t correct = 0;
  for (std::int32_t k = 0; k < num_classes_; ++k)
    correct += correct_rows(k);
  return static_cast<double>(correct) / static_cast<double>(num_rows_);
}

std::optional<double> ConfusionMatrix::class_accuracy(std::int32_t truth) const {
  const std::int64_t rows = class_rows(truth);
  if (rows == 0) return std::nullopt;
  return static_cast<double>(correct_rows(truth)) / static_cast<double>(rows);
}

std::optional<double> ConfusionMatrix::balanced_accuracy() const {
  std::vector<std::int32_t> all;
  for (std::int32_t k = 0; k < num_classes_; ++k)
    all.push_back(k);
  return group_accuracy(all);
}

std::optional<double> ConfusionMatrix::group_accuracy(std::span<const std::int32_t> classes) const {
  double sum = 0;
  std::int64_t present = 0;
  for (const std::int32_t k : classes)
    if (const std::optional<double> accuracy = class_accuracy(k)) {
      sum += *accuracy;
      ++present;
    }
  if (present == 0) return std::nullopt;
  return sum / static_cast<double>(present);
}

std::optional<double> ConfusionMatrix::f1(std::int32_t positive) const {
  const std::int64_t both = class_rows(positive) + decided_rows(positive); // 2 tp + fp + fn
  if (both == 0) return std::nullopt;
  return 2.0 * static_cast<double>(correct_rows(positive)) / static_cast<double>(both);
}

std::optional<double> ConfusionMatrix::macro_f1() const {
  double sum = 0;
  std::int64_t present = 0;
  for (std::int32_t k = 0; k < num_classes_; ++k)
    if (const std::optional<double> value = f1(k)) {
      sum += *value;
      ++present;
    }
  if (present == 0) return std::nullopt;
  return sum / static_cast<double>(present);
}

std::optional<double> ConfusionMatrix::precision(std::int32_t positive) const {
  const std::int64_t decided = decided_rows(positive);
  if (decided == 0) return std::nullopt;
  return static_cast<double>(correct_rows(positive)) / static_cast<double>(decided);
}

std::optional<double> ConfusionMatrix::kappa() const {
  if (num_rows_ == 0) return std::nullopt;
  const auto rows = static_cast<double>(num_rows_);
  double agreed = 0, by_chance = 0;
  for (std::int32_t k = 0; k < num_classes_; ++k) {
    agreed += static_cast<double>(correct_rows(k));
    by_chance += static_cast<double>(class_rows(k)) * static_cast<double>(decided_rows(k));
  }
  by_chance /= rows;
  if (by_chance == rows) return std::nullopt;
  return (agreed - by_chance) / (rows - by_chance);
}

std::optional<double> ConfusionMatrix::mcc() const {
  if (num_rows_ == 0) return std::nullopt;
  const auto s = static_cast<double>(num_rows_);
  double correct = 0, cross = 0, truth_squares = 0, decision_squares = 0;
  for (std::int32_t k = 0; k < num_classes_; ++k) {
    const auto truth = static_cast<double>(class_rows(k)), decided = static_cast<double>(decided_rows(k));
    correct += static_cast<double>(correct_rows(k));
    cross += truth * decided;
    truth_squares += truth * truth;
    decision_squares += decided * decided;
  }
  const double scale = (s * s - truth_squares) * (s * s - decision_squares);
  if (scale <= 0) return 0.0;
  return (correct * s - cross) / std::sqrt(scale);
}

std::optional<double> ConfusionMatrix::quadratic_kappa() const {
  if (num_rows_ == 0 || num_classes_ < 2) return std::nullopt;
  // sum_ij (i - j)^2 t_i d_j from the moments of t and d: whole numbers, exact below 2^53.
  double truth[3] = {}, decided[3] = {};
  for (std::int32_t k = 0; k < num_classes_; ++k) {
    const auto t = static_cast<double>(class_rows(k)), d = static_cast<double>(decided_rows(k));
    const double powers[3] = {1.0, static_cast<double>(k), static_cast<double>(k) * k};
    for (int p = 0; p < 3; ++p) {
      truth[p] += powers[p] * t;
      decided[p] += powers[p] * d;
    }
  }
  const double expected = truth[2] * decided[0] - 2 * truth[1] * decided[1] + truth[0] * decided[2];
  double observed = 0;
  for (const auto& [pair, rows] : counts_) {
    const double apart = static_cast<double>(pair >> 32) - static_cast<double>(pair & UINT32_MAX);
    observed += apart * apart * static_cast<double>(rows);
  }
  if (expected == 0) return std::nullopt;
  return 1 - observed * static_cast<double>(num_rows_) / expected;
}

} // namespace tailor::runtime
