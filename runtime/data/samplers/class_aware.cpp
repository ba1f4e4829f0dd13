#include "runtime/data/random.h"
#include "runtime/data/sampler.h"
#include "runtime/options/data_keys.h"

#include <algorithm>
#include <numeric>

namespace tailor::runtime {
namespace {

struct ClassAwareKeys {
  std::int64_t run = 4;

  static const KeySet<ClassAwareKeys>& keys();
};

const KeySet<ClassAwareKeys>& ClassAwareKeys::keys() {
  static const KeySet<ClassAwareKeys> set{
      "data.sampler_",
      {
          key("run", &ClassAwareKeys::run,
              {
                  .min = 1,
                  .max = 1048576,
                  .text = "consecutive rows of one class that sampler class_aware draws",
                  .source = "methods 3",
              }),
      }};
  return set;
}

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
  ClassAwareSampler(std::vector<std::vector<std::int32_t>> rows, std::int64_t run)
      : run_(run), rows_(std::move(rows)) {
    std::size_t most = 0;
    for (const std::vector<std::int32_t>& members : rows_)
      most = std::max(most, members.size());
    length_ = static_cast<std::int64_t>(most) * std::ssize(rows_);
  }
  std::int64_t epoch_length() const override { return length_; }
  void draw_epoch(std::uint64_t seed, std::int64_t epoch, std::span<std::int32_t> rows) const override {
    DataRandom random = epoch_random(seed, epoch);
    std::vector<std::int32_t> classes(rows_.size());
    std::iota(classes.begin(), classes.end(), 0);
    ShuffledCycle class_cycle(std::move(classes));
    std::vector<ShuffledCycle> row_cycles(rows_.begin(), rows_.end());
    for (std::size_t i = 0; i < rows.size();) {
      ShuffledCycle& members = row_cycles[static_cast<std::size_t>(class_cycle.next(random))];
      for (std::int64_t k = 0; k < run_ && i < rows.size(); ++k)
        rows[i++] = members.next(random);
    }
  }

private:
  std::int64_t run_;
  std::int64_t length_ = 0;
  std::vector<std::vector<std::int32_t>> rows_; ///< of the classes that have any
};

Result<std::unique_ptr<Sampler>> make(const SamplerRequest& request) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const ClassAwareKeys keys, read_keys<ClassAwareKeys>(request.options));
  std::vector<std::vector<std::int32_t>> rows = rows_by_class(request.labels, request.num_classes);
  std::erase_if(rows, [](const auto& members) { return members.empty(); });
  if (rows.size() < 2)
    return invalid_argument("the training split has rows of ", rows.size(), " class of ", request.num_classes,
                            ", expected at least 2 to draw in turn")
        .about(key_name(&DataKeys::sampler))
        .with_hint(concat(key_name(&DataKeys::sampler),
                          " = \"uniform\" draws the rows as they are; or check how the classes are split"));
  return std::unique_ptr<Sampler>(new ClassAwareSampler(std::move(rows), keys.run));
}

const Registered<SamplerSpec> registered{
    {.name = "class_aware",
     .text = "the classes in shuffled turns, each turn a run of rows of the class's own shuffled cycle; "
             "n_max K draws an epoch",
     .source = "methods 3",
     .keys = ClassAwareKeys::keys().specs(),
     .make = make,
     .favours_rare = true}};

} // namespace
} // namespace tailor::runtime
