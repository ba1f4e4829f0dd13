#include "runtime/metrics/confusion.h"

#include <cassert>
#include <cmath>

namespace tailor::runtime {

ConfusionMatrix::ConfusionMatrix(std::int32_t num_classes)
    : num_classes_(num_classes),
      counts_(static_cast<std::size_t>(num_classes) * static_cast<std::size_t>(num_classes), 0) {}

void ConfusionMatrix::add(std::int32_t truth, std::int32_t decision) {
  assert(truth >= 0 && truth < num_classes_ && decision >= 0 && decision < num_classes_);
  ++counts_[static_cast<std::size_t>(truth) * static_cast<std::size_t>(num_classes_) +
            static_cast<std::size_t>(decision)];
  ++num_rows_;
}

std::int64_t ConfusionMatrix::at(std::int32_t truth, std::int32_t decision) const {
  return counts_[static_cast<std::size_t>(truth) * static_cast<std::size_t>(num_classes_) +
                 static_cast<std::size_t>(decision)];
}

std::int64_t ConfusionMatrix::class_rows(std::int32_t truth) const {
  std::int64_t rows = 0;
  for (std::int32_t k = 0; k < num_classes_; ++k)
    rows += at(truth, k);
  return rows;
}

std::int64_t ConfusionMatrix::decided_rows(std::int32_t decision) const {
  std::int64_t rows = 0;
  for (std::int32_t k = 0; k < num_classes_; ++k)
    rows += at(k, decision);
  return rows;
}

std::optional<double> ConfusionMatrix::accuracy() const {
  if (num_rows_ == 0) return std::nullopt;
  std::int64_t correct = 0;
  for (std::int32_t k = 0; k < num_classes_; ++k)
    correct += at(k, k);
  return static_cast<double>(correct) / static_cast<double>(num_rows_);
}

std::optional<double> ConfusionMatrix::class_accuracy(std::int32_t truth) const {
  const std::int64_t rows = class_rows(truth);
  if (rows == 0) return std::nullopt;
  return static_cast<double>(at(truth, truth)) / static_cast<double>(rows);
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
  return 2.0 * static_cast<double>(at(positive, positive)) / static_cast<double>(both);
}

std::optional<double> ConfusionMatrix::mcc() const {
  if (num_rows_ == 0) return std::nullopt;
  const auto s = static_cast<double>(num_rows_);
  double correct = 0, cross = 0, truth_squares = 0, decision_squares = 0;
  for (std::int32_t k = 0; k < num_classes_; ++k) {
    const auto truth = static_cast<double>(class_rows(k)), decided = static_cast<double>(decided_rows(k));
    correct += static_cast<double>(at(k, k));
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
  std::vector<double> truth, decided;
  for (std::int32_t k = 0; k < num_classes_; ++k) {
    truth.push_back(static_cast<double>(class_rows(k)));
    decided.push_back(static_cast<double>(decided_rows(k)));
  }
  double observed = 0, expected = 0;
  for (std::int32_t i = 0; i < num_classes_; ++i)
    for (std::int32_t j = 0; j < num_classes_; ++j) {
      const double weight = static_cast<double>(i - j) * (i - j);
      observed += weight * static_cast<double>(at(i, j));
      expected += weight * truth[static_cast<std::size_t>(i)] * decided[static_cast<std::size_t>(j)];
    }
  if (expected == 0) return std::nullopt;
  return 1 - observed * static_cast<double>(num_rows_) / expected;
}

} // namespace tailor::runtime
