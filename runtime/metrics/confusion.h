#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace tailor::runtime {

/// Counts of (true class, decided class). Integer, so any order of accumulation gives the same numbers.
/// Memory grows with K and with the pairs that occur, not with K * K.
class ConfusionMatrix {
public:
  explicit ConfusionMatrix(std::int32_t num_classes);

  /// Both in [0, K).
  void add(std::int32_t truth, std::int32_t decision);

  std::int32_t num_classes() const { return num_classes_; }
  std::int64_t at(std::int32_t truth, std::int32_t decision) const;
  std::int64_t num_rows() const { return num_rows_; }
  std::int64_t class_rows(std::int32_t truth) const;      ///< rows of the class
  std::int64_t decided_rows(std::int32_t decision) const; ///< rows decided to be of the class
  std::int64_t correct_rows(std::int32_t truth) const;    ///< rows of the class decided to be of it

  /// Absent (nullopt) where there is nothing to average over.
  std::optional<double> accuracy() const;
  std::optional<double> class_accuracy(std::int32_t truth) const; ///< recall of the class
  std::optional<double> balanced_accuracy() const;                ///< mean over the classes with rows
  std::optional<double>
  group_accuracy(std::span<const std::int32_t> classes) const; ///< mean over those with rows
  /// F1 = 2 tp / (2 tp + fp + fn); absent when the class neither occurs nor is decided.
  std::optional<double> f1(std::int32_t positive) const;
  /// Mean F1 of the classes that occur or are decided; absent without rows.
  std::optional<double> macro_f1() const;
  /// tp / (tp + fp); absent when no row is decided to be of the class.
  std::optional<double> precision(std::int32_t positive) const;
  /// Matthews correlation in the K-class form of Gorodkin (2004), the usual phi for K = 2; 0 when truth or
  /// decisions are constant.
  std::optional<double> mcc() const;
  /// Cohen's kappa (p_o - p_e) / (1 - p_e), p_e = sum_k t_k d_k / N^2; absent when p_e is 1.
  std::optional<double> kappa() const;
  /// Quadratic weighted kappa, w_ij = (i-j)^2 / (K-1)^2; absent when expected disagreement is 0.
  std::optional<double> quadratic_kappa() const;

private:
  /// The key of a pair in `counts_`.
  static std::uint64_t pair_of(std::int32_t truth, std::int32_t decision) {
    return static_cast<std::uint64_t>(truth) << 32 | static_cast<std::uint32_t>(decision);
  }

  std::int32_t num_classes_;
  std::int64_t num_rows_ = 0;
  std::vector<std::int64_t> class_rows_, decided_rows_, correct_rows_; ///< [K]
  std::unordered_map<std::uint64_t, std::int64_t> counts_;             ///< pairs that occur
};

} // namespace tailor::runtime
