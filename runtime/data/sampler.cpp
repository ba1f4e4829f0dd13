#include "runtime/data/sampler.h"

#include "runtime/data/random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tailor::runtime {
namespace {

DataRandom epoch_random(std::uint64_t seed, std::int64_t epoch) {
  return DataRandom(seed, DataPurpose::kEpochOrder, static_cast<std::uint32_t>(epoch));
}

std::vector<std::vector<std::int32_t>> rows_by_class(std::span<const std::int32_t> labels,
                                                     std::int32_t num_classes) {
  std::vector<std::vector<std::int32_t>> rows(static_cast<std::size_t>(num_classes));
  for (std::size_t row = 0; row < labels.size(); ++row)
    rows[static_cast<std::size_t>(labels[row])].push_back(static_cast<std::int32_t>(row));
  return rows;
}

class SequentialSampler final : public Sampler {
public:
  explicit SequentialSampler(std::int64_t num_rows) : num_rows_(num_rows) {}
  const char* name() const override { return "sequential"; }
  std::int64_t epoch_length() const override { return num_rows_; }
  void draw_epoch(std::uint64_t, std::int64_t, std::span<std::int32_t> rows) const override {
    std::iota(rows.begin(), rows.end(), 0);
  }

private:
  std::int64_t num_rows_;
};

class UniformSampler final : public Sampler {
public:
  explicit UniformSampler(std::int64_t num_rows) : num_rows_(num_rows) {}
  const char* name() const override { return "uniform"; }
  std::int64_t epoch_length() const override { return num_rows_; }
  void draw_epoch(std::uint64_t seed, std::int64_t epoch, std::span<std::int32_t> rows) const override {
    std::iota(rows.begin(), rows.end(), 0);
    epoch_random(seed, epoch).shuffle(rows);
  }

private:
  std::int64_t num_rows_;
};

/// Draws with replacement: a class by weight, then one of its rows.
class WeightedSampler final : public Sampler {
public:
  /// `row_weight(n)`: weight of one row of a class with n rows.
  template <class Weight>
  WeightedSampler(const char* name, std::span<const std::int32_t> labels, std::int32_t num_classes,
                  Weight row_weight)
      : name_(name), num_rows_(std::ssize(labels)), rows_(rows_by_class(labels, num_classes)) {
    double sum = 0;
    for (const std::vector<std::int32_t>& members : rows_) {
      const auto n = static_cast<double>(members.size());
      sum += n > 0 ? n * row_weight(n) : 0;
      cumulative_.push_back(sum);
    }
  }
  const char* name() const override { return name_; }
  std::int64_t epoch_length() const override { return num_rows_; }
  void draw_epoch(std::uint64_t seed, std::int64_t epoch, std::span<std::int32_t> rows) const override {
    DataRandom random = epoch_random(seed, epoch);
    for (std::int32_t& row : rows) {
      // upper_bound passes over empty classes; the product stays below the last sum because uniform() < 1.
      const double at = random.uniform() * cumulative_.back();
      auto place = static_cast<std::size_t>(std::upper_bound(cumulative_.begin(), cumulative_.end(), at) -
                                            cumulative_.begin());
      while (place >= rows_.size() || rows_[place].empty()) // at == last sum after rounding
        --place;
      const std::vector<std::int32_t>& members = rows_[place];
      row = members[random.below(static_cast<std::uint32_t>(members.size()))];
    }
  }

private:
  const char* name_;
  std::int64_t num_rows_;
  std::vector<std::vector<std::int32_t>> rows_;
  std::vector<double> cumulative_;
};

/// Values handed out in shuffled order, shuffled again when they run out.
class ShuffledCycle {
public:
  explicit ShuffledCycle(std::vector<std::int32_t> values)
      : values_(std::move(values)), next_(values_.size()) {}
  std::int32_t next(DataRandom& random) {
    if (next_ == values_.size()) {
      random.shuffle(values_);
      next_ = 0;
    }
    return values_[next_++];
  }

private:
  std::vector<std::int32_t> values_;
  std::size_t next_;
};

class ClassAwareSampler final : public Sampler {
public:
  ClassAwareSampler(std::span<const std::int32_t> labels, std::int32_t num_classes, std::int32_t run)
      : run_(run), rows_(rows_by_class(labels, num_classes)) {
    std::erase_if(rows_, [](const auto& members) { return members.empty(); });
    std::size_t most = 0;
    for (const std::vector<std::int32_t>& members : rows_)
      most = std::max(most, members.size());
    length_ = static_cast<std::int64_t>(most) * std::ssize(rows_);
  }
  const char* name() const override { return "class_aware"; }
  std::int64_t epoch_length() const override { return length_; }
  void draw_epoch(std::uint64_t seed, std::int64_t epoch, std::span<std::int32_t> rows) const override {
    DataRandom random = epoch_random(seed, epoch);
    std::vector<std::int32_t> classes(rows_.size());
    std::iota(classes.begin(), classes.end(), 0);
    ShuffledCycle class_cycle(std::move(classes));
    std::vector<ShuffledCycle> row_cycles(rows_.begin(), rows_.end());
    for (std::size_t i = 0; i < rows.size();) {
      ShuffledCycle& members = row_cycles[static_cast<std::size_t>(class_cycle.next(random))];
      for (std::int32_t k = 0; k < run_ && i < rows.size(); ++k)
        rows[i++] = members.next(random);
    }
  }

private:
  std::int32_t run_;
  std::int64_t length_ = 0;
  std::vector<std::vector<std::int32_t>> rows_;
};

struct SamplerName {
  const char* name;
  SamplerKind kind;
};
constexpr SamplerName kSamplers[] = {{"uniform", SamplerKind::kUniform},
                                     {"class_balanced", SamplerKind::kClassBalanced},
                                     {"effective_balanced", SamplerKind::kEffectiveBalanced},
                                     {"sqrt", SamplerKind::kSqrt},
                                     {"class_aware", SamplerKind::kClassAware}};

} // namespace

Result<SamplerKind> parse_sampler_kind(std::string_view name) {
  std::string known;
  for (const SamplerName& entry : kSamplers) {
    if (name == entry.name) return entry.kind;
    known += concat(known.empty() ? "" : " | ", entry.name);
  }
  return invalid_argument("sampler '", name, "', expected ", known);
}

Result<std::unique_ptr<Sampler>> make_sampler(const SamplerSpec& spec, std::span<const std::int32_t> labels,
                                              std::int32_t num_classes) {
  if (labels.empty()) return invalid_argument("no labelled row to draw from");
  for (const std::int32_t label : labels)
    if (label < 0 || label >= num_classes)
      return invalid_argument("label ", label, " of ", num_classes, " classes reached the sampler");
  std::unique_ptr<Sampler> sampler;
  switch (spec.kind) {
  case SamplerKind::kUniform:
    sampler = std::make_unique<UniformSampler>(std::ssize(labels));
    break;
  case SamplerKind::kClassBalanced:
    sampler = std::make_unique<WeightedSampler>("class_balanced", labels, num_classes,
                                                [](double n) { return 1 / n; });
    break;
  case SamplerKind::kEffectiveBalanced:
    if (!(spec.beta >= 0 && spec.beta < 1))
      return invalid_argument("sampler beta = ", spec.beta, ", expected [0, 1)");
    sampler = std::make_unique<WeightedSampler>(
        "effective_balanced", labels, num_classes,
        [beta = spec.beta](double n) { return (1 - beta) / (1 - std::pow(beta, n)); });
    break;
  case SamplerKind::kSqrt:
    sampler = std::make_unique<WeightedSampler>("sqrt", labels, num_classes,
                                                [](double n) { return 1 / std::sqrt(n); });
    break;
  case SamplerKind::kClassAware:
    if (spec.run < 1) return invalid_argument("class_aware run of ", spec.run, " rows, expected at least 1");
    sampler = std::make_unique<ClassAwareSampler>(labels, num_classes, spec.run);
    break;
  }
  if (sampler->epoch_length() > std::numeric_limits<std::int32_t>::max())
    return invalid_argument("an epoch of ", sampler->epoch_length(), " draws, expected at most 2^31 - 1");
  return sampler;
}

std::unique_ptr<Sampler> make_sequential_sampler(std::int64_t num_rows) {
  return std::make_unique<SequentialSampler>(num_rows);
}

} // namespace tailor::runtime
