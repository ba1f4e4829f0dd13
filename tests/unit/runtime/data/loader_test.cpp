#include "runtime/data/loader.h"

#include "runtime/data/dataset.h"

#include "data_testing.h"

#include <atomic>
#include <pthread.h>

namespace tailor::runtime {
namespace {

/// Two columns that are no names the loader could know, of another dtype and rank each, and what tables have.
Dataset make_data(std::int32_t rows) {
  Dataset data;
  data.num_rows = rows;
  data.num_classes = 3;
  data.columns = {DataColumn({"pixels", DType::kF32, {1, 3}}, rows),
                  DataColumn({"codes", DType::kI64, {2}}, rows),
                  DataColumn({"label", DType::kI32, {}, InputUse::kLabel}, rows),
                  DataColumn({"index", DType::kI32, {}, InputUse::kRow}, rows)};
  for (std::int32_t i = 0; i < rows; ++i) {
    const auto row = static_cast<std::size_t>(i);
    for (std::size_t c = 0; c < 3; ++c)
      data.columns[0].values<float>()[row * 3 + c] = static_cast<float>(i * 10) + static_cast<float>(c + 1);
    for (std::size_t c = 0; c < 2; ++c)
      data.columns[1].values<std::int64_t>()[row * 2 + c] = i * 100 + static_cast<std::int64_t>(c + 1);
    data.columns[2].values<std::int32_t>()[row] = i % 3;
    data.columns[3].values<std::int32_t>()[row] = i;
  }
  return data;
}

/// Slot memory for `count` slots, filled with rubbish so that padding is seen to be cleared.
class Slots {
public:
  Slots(const Dataset& data, std::int32_t batch, std::size_t count) : data_(data), memory_(count) {
    for (Memory& m : memory_)
      for (const DataColumn& column : data.columns)
        m.columns.emplace_back(static_cast<std::size_t>(batch) * column.row_bytes(), std::byte{0xF9});
  }
  std::vector<BatchSlot> slots() {
    std::vector<BatchSlot> result;
    for (Memory& m : memory_) {
      result.emplace_back();
      for (std::size_t c = 0; c < m.columns.size(); ++c)
        result.back().push_back({&data_.columns[c], m.columns[c].data()});
    }
    return result;
  }
  struct Memory {
    std::vector<std::vector<std::byte>> columns;
    template <class T> T at(std::size_t column, std::size_t element) const {
      return reinterpret_cast<const T*>(columns[column].data())[element];
    }
    bool operator==(const Memory&) const = default;
  };
  const Memory& at(std::int32_t slot) const { return memory_[static_cast<std::size_t>(slot)]; }

private:
  const Dataset& data_;
  std::vector<Memory> memory_;
};

/// While it lives the system refuses threads: their stacks would be larger than any address space.
class NoThreads {
public:
  NoThreads() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    pthread_attr_setstacksize(&huge, std::size_t{1} << 50);
    refuses_ = pthread_setattr_default_np(&huge) == 0;
    pthread_attr_destroy(&huge);
  }
  ~NoThreads() { pthread_setattr_default_np(&before_); }
  bool refuses() const { return refuses_; }

private:
  pthread_attr_t before_;
  bool refuses_ = false;
};

struct Seen {
  std::vector<Slots::Memory> batches;
  std::vector<BatchInfo> infos;
};

Seen run(const Dataset& data, LoaderOptions options, std::size_t num_slots, std::int64_t num_batches,
         int held = 1) {
  Slots slots(data, options.batch, num_slots);
  options.slots = slots.slots();
  auto loader = value_of(BatchLoader::create(
      value_of(make_sampler("uniform", {data.labels(), data.num_classes, Options()})), options));
  Seen seen;
  for (std::int64_t i = 0; i < num_batches; i += held) {
    std::vector<std::int32_t> taken;
    for (int k = 0; k < held; ++k) {
      BatchInfo info;
      EXPECT_TRUE(value_of(loader->acquire(info)));
      seen.infos.push_back(info);
      taken.push_back(info.slot);
    }
    for (const std::int32_t slot : taken) // read after all were acquired: none may have been overwritten
      seen.batches.push_back(slots.at(slot));
    loader->release(held);
  }
  return seen;
}

TEST(Loader, ThreadsThatAreRefusedAreDoneWithout) {
  const Dataset data = make_data(50);
  const LoaderOptions options{.batch = 8, .num_threads = 0, .seed = 3};
  const Seen expected = run(data, options, 4, 20);
  LoaderOptions threaded = options;
  threaded.num_threads = 3;
  const NoThreads refused;
  ASSERT_TRUE(refused.refuses());
  EXPECT_EQ(run(data, threaded, 4, 20).batches, expected.batches);
}

TEST(Loader, FillsSlotsRowByRowAndClearsPadding) {
  const Dataset data = make_data(10);
  const Seen seen = run(data, {.batch = 4, .num_threads = 0, .seed = 3}, 1, 3);
  std::vector<std::int32_t> order(10);
  value_of(make_sampler("uniform", {data.labels(), 3, Options()}))->draw_epoch(3, 0, order);
  for (std::size_t b = 0; b < 3; ++b) {
    const std::size_t valid = b < 2 ? 4 : 2;
    EXPECT_EQ(seen.infos[b].valid, static_cast<std::int32_t>(valid));
    EXPECT_EQ(seen.infos[b].draw_position, static_cast<std::int64_t>(b * 4));
    EXPECT_EQ(seen.infos[b].last_of_epoch, b == 2);
    for (std::size_t i = 0; i < 4; ++i) {
      const bool row_is_there = i < valid;
      const std::int32_t row = row_is_there ? order[b * 4 + i] : 0;
      EXPECT_EQ(seen.batches[b].at<std::int32_t>(3, i), row);
      EXPECT_EQ(seen.batches[b].at<std::int32_t>(2, i), row_is_there ? row % 3 : 0);
      for (std::size_t c = 0; c < 3; ++c)
        EXPECT_EQ(seen.batches[b].at<float>(0, i * 3 + c),
                  row_is_there ? static_cast<float>(row * 10) + static_cast<float>(c + 1) : 0.0f);
      for (std::size_t c = 0; c < 2; ++c)
        EXPECT_EQ(seen.batches[b].at<std::int64_t>(1, i * 2 + c),
                  row_is_there ? row * 100 + static_cast<std::int64_t>(c + 1) : 0);
    }
  }
}

TEST(Loader, SameBitsForAnyNumberOfThreadsAndSlots) {
  const Dataset data = make_data(53);
  const Seen reference = run(data, {.batch = 5, .num_threads = 0, .seed = 11}, 1, 60);
  for (const std::int32_t threads : {1, 2, 4})
    for (const std::size_t slots : {2u, 3u, 8u}) {
      const Seen seen = run(data, {.batch = 5, .num_threads = threads, .seed = 11}, slots, 60);
      EXPECT_EQ(seen.batches, reference.batches) << threads << " threads, " << slots << " slots";
      for (std::size_t i = 0; i < 60; ++i) {
        EXPECT_EQ(seen.infos[i].epoch, reference.infos[i].epoch);
        EXPECT_EQ(seen.infos[i].batch, reference.infos[i].batch);
      }
    }
}

TEST(Loader, SeveralBatchesMayBeHeldAtOnce) {
  const Dataset data = make_data(53);
  const Seen reference = run(data, {.batch = 5, .num_threads = 0, .seed = 11}, 1, 60);
  for (const std::size_t slots : {4u, 5u, 9u})
    EXPECT_EQ(run(data, {.batch = 5, .num_threads = 2, .seed = 11}, slots, 60, 4).batches, reference.batches)
        << slots;
}

TEST(Loader, ResumesAtAnyBatch) {
  const Dataset data = make_data(23);
  const Seen whole = run(data, {.batch = 4, .num_threads = 0, .seed = 5}, 1, 30);
  for (std::int64_t from = 0; from < 18; ++from) {
    const Seen rest =
        run(data, {.batch = 4, .num_threads = 2, .seed = 5, .start_epoch = from / 6, .start_batch = from % 6},
            3, 12);
    for (std::size_t i = 0; i < 12; ++i) {
      const std::size_t at = static_cast<std::size_t>(from) + i;
      EXPECT_EQ(rest.batches[i], whole.batches[at]) << from;
      EXPECT_EQ(rest.infos[i].epoch, whole.infos[at].epoch);
      EXPECT_EQ(rest.infos[i].draw_position, whole.infos[at].draw_position);
    }
  }
}

TEST(Loader, EpochsMayBeShorterThanTheRing) {
  const Dataset data = make_data(3);
  const Seen reference = run(data, {.batch = 4, .num_threads = 0, .seed = 1}, 1, 40);
  EXPECT_EQ(run(data, {.batch = 4, .num_threads = 4, .seed = 1}, 16, 40).batches, reference.batches);
}

TEST(Loader, DropLastLeavesTheRaggedBatchOut) {
  const Dataset data = make_data(10);
  const Seen seen = run(data, {.batch = 4, .num_threads = 1, .seed = 1, .drop_last = true}, 2, 6);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(seen.infos[i].valid, 4);
    EXPECT_EQ(seen.infos[i].epoch, static_cast<std::int64_t>(i / 2));
  }
}

TEST(Loader, EndsAfterTheLastEpoch) {
  const Dataset data = make_data(10);
  for (const std::int32_t threads : {0, 3}) {
    Slots slots(data, 4, 2);
    LoaderOptions options{.batch = 4,
                          .num_threads = threads,
                          .slots = slots.slots(),
                          .start_epoch = 1,
                          .start_batch = 1,
                          .end_epoch = 3};
    auto loader = value_of(BatchLoader::create(make_sequential_sampler(10), options));
    BatchInfo info;
    for (int i = 0; i < 5; ++i) { // 2 of epoch 1, 3 of epoch 2
      EXPECT_TRUE(value_of(loader->acquire(info)));
      loader->release(1);
    }
    EXPECT_TRUE(info.last_of_epoch);
    EXPECT_FALSE(value_of(loader->acquire(info)));
    EXPECT_FALSE(value_of(loader->acquire(info)));
  }
}

TEST(Loader, HoldingEverySlotIsAnErrorNotADeadlock) {
  const Dataset data = make_data(10);
  Slots slots(data, 2, 2);
  auto loader = value_of(BatchLoader::create(make_sequential_sampler(10),
                                             {.batch = 2, .num_threads = 1, .slots = slots.slots()}));
  BatchInfo info;
  EXPECT_TRUE(loader->acquire(info).ok());
  EXPECT_TRUE(loader->acquire(info).ok());
  EXPECT_THAT(loader->acquire(info).status().message(), testing::HasSubstr("all 2 batch slots are held"));
  loader->release(1);
  EXPECT_TRUE(loader->acquire(info).ok());
}

TEST(Loader, MayBeAbandonedAtAnyMoment) {
  const Dataset data = make_data(100);
  for (int i = 0; i < 50; ++i) {
    Slots slots(data, 2, 4);
    auto loader = value_of(BatchLoader::create(make_sequential_sampler(100),
                                               {.batch = 2, .num_threads = 3, .slots = slots.slots()}));
    BatchInfo info;
    for (int k = 0; k < i % 5; ++k) {
      EXPECT_TRUE(loader->acquire(info).ok());
      if (k % 2) loader->release(1);
    }
  }
}

TEST(Loader, WritesTheColumnsThatAreWanted) {
  const Dataset data = make_data(4);
  Slots slots(data, 4, 1);
  std::vector<BatchSlot> given = slots.slots();
  given[0] = {given[0][3], given[0][0]};
  auto loader = value_of(
      BatchLoader::create(make_sequential_sampler(4), {.batch = 4, .num_threads = 0, .slots = given}));
  BatchInfo info;
  EXPECT_TRUE(value_of(loader->acquire(info)));
  EXPECT_THAT(slots.at(0).columns[0], testing::ElementsAreArray(data.columns[0].bytes()));
  EXPECT_THAT(slots.at(0).columns[3], testing::ElementsAreArray(data.columns[3].bytes()));
  EXPECT_THAT(slots.at(0).columns[1], testing::Each(std::byte{0xF9}));
}

TEST(Loader, RefusesWhatCannotWork) {
  const Dataset data = make_data(10);
  Slots slots(data, 4, 2);
  const auto message = [&](LoaderOptions options, std::int64_t rows = 10) {
    return BatchLoader::create(make_sequential_sampler(rows), std::move(options)).status().message();
  };
  EXPECT_THAT(message({.batch = 0, .slots = slots.slots()}), testing::HasSubstr("a batch of 0 rows"));
  EXPECT_THAT(message({.batch = 4}), testing::HasSubstr("0 batch slots"));
  EXPECT_THAT(message({.batch = 4, .num_threads = 257, .slots = slots.slots()}),
              testing::HasSubstr("257 loader threads"));
  EXPECT_THAT(message({.batch = 11, .drop_last = true, .slots = slots.slots()}),
              testing::HasSubstr("no full batch of 11"));
  EXPECT_THAT(message({.batch = 4, .slots = slots.slots()}, 0), testing::HasSubstr("an epoch of 0 rows"));
  EXPECT_THAT(message({.batch = 4, .slots = slots.slots(), .start_batch = 3}),
              testing::HasSubstr("an epoch has 3 batches"));
}

} // namespace
} // namespace tailor::runtime
