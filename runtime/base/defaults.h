#pragma once
// Defaults that the recipe's key table, the C++ API and the runtime share; those of a single reader stand with it.

#include <cstdint>

namespace tailor::runtime::defaults {

inline constexpr std::int64_t kEpochs = 300;
/// Classes of blobs, and rows a class of a generated set.
inline constexpr std::int32_t kClasses = 10;
inline constexpr std::int64_t kTrainPerClass = 500, kValPerClass = 100, kTestPerClass = 500;
/// Shares of all rows that are held out: a fifth for testing, and a fifth of the others for validation, which
/// leaves 64 % to train on. Where the test rows are a file of their own the fifth is one of all rows.
inline constexpr double kTestShare = 0.2, kValShare = 0.16, kValShareBesideTestFile = 0.2;

} // namespace tailor::runtime::defaults
