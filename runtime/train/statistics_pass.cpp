#include "runtime/train/statistics_pass.h"

#include "runtime/base/entry_names.h"
#include "runtime/data/sampler.h"

#include <algorithm>

namespace tailor::runtime {

Result<std::optional<StatisticsPass>> StatisticsPass::create(Executor& executor, std::int32_t eval_entry,
                                                             std::int64_t batch, std::uint32_t first_slot) {
  const std::vector<Entry>& entries = executor.spec().entries;
  const std::string name = statistics_entry_name(entries[static_cast<std::size_t>(eval_entry)].name);
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) {
    return entry.kind == EntryKind::kBatchNormRecompute && entry.name == name;
  });
  if (found == entries.end()) return std::optional<StatisticsPass>();
  const std::vector<Variant>& variants = found->variants; // of single micro-batches, unlike those of a step
  const auto variant = std::find_if(variants.begin(), variants.end(),
                                    [&](const Variant& each) { return each.batch == batch; });
  if (variant == variants.end())
    return incompatible("entry '", name, "' is not compiled for ", batch, " rows");
  const VariantId id{static_cast<std::int32_t>(found - entries.begin()),
                     static_cast<std::int32_t>(variant - variants.begin())};
  return std::optional<StatisticsPass>(StatisticsPass(executor, id, first_slot));
}

Status StatisticsPass::run(const Dataset& train, const ControlRows& control, const Options& options,
                           std::uint64_t seed) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::unique_ptr<Sampler> sampler,
                                make_sampler("uniform", {train.labels(), train.num_classes, options}));
  LoaderOptions loading;
  loading.batch = static_cast<std::int32_t>(variant_of(executor_->spec(), variant_).batch);
  loading.num_threads = 0; // a copy per batch, as in an evaluation
  loading.seed = seed;
  loading.end_epoch = 1;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(loading.slots, batch_slots(*executor_, variant_, train, first_slot_, kSlots));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::unique_ptr<BatchLoader> loader,
                                BatchLoader::create(std::move(sampler), std::move(loading)));
  for (;;) {
    BatchInfo info;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(const bool more, loader->acquire(info));
    if (!more) return {};
    StepValues values;
    values.valid = info.valid;
    values.slot = first_slot_ + static_cast<std::uint32_t>(info.slot);
    values.seed = seed;
    values.draw_position = info.draw_position;
    control.write(*executor_, executor_->counter(), values);
    TAILOR_RETURN_IF_ERROR_AS_IS(executor_->run(variant_, 1));
    loader->release(1);
  }
}

} // namespace tailor::runtime
