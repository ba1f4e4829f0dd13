#pragma once
#include "runtime/data/open.h"
#include "runtime/data/profile.h"
#include "runtime/data/sources/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace tailor::runtime {

/// The value of a Result, or a failed test and a default value.
template <class T> T value_of(Result<T> result) {
  if (result.ok()) return std::move(*result);
  ADD_FAILURE() << result.status().message();
  if constexpr (std::is_default_constructible_v<T>) return T();
  std::abort();
}

/// A folder that goes away with the test.
class TemporaryFolder {
public:
  TemporaryFolder() {
    static int counter = 0;
    path_ = std::filesystem::temp_directory_path() /
            concat("tailor-data-test-", static_cast<long>(::getpid()), "-", counter++);
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_.string(); }
  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }

private:
  std::filesystem::path path_;
};

/// Real data (tests skip without them): the folder that holds tabular/*.gz.
inline std::string real_data(const std::string& name) {
  const char* folder = std::getenv("TAILOR_DATA_DIR");
  const std::string path = concat(folder ? folder : "", "/tabular/", name);
  return folder && std::filesystem::exists(path) ? path : "";
}

inline Result<FileProfile> profile_text(std::string_view text, CsvFormat format = {}) {
  return profile_csv(std::move(*memory_byte_source(text)), "t.csv", format);
}

inline Result<RawTable> read_text(std::string_view text, const DataSchema& schema, ReadOptions options = {}) {
  return read_table(std::move(*memory_byte_source(text)), "t.csv", schema, options);
}

/// A table to open, with everything a plan of one has in one place.
struct TablePlanToOpen : TablePlan {
  Normalisation normalisation = Normalisation::kNone;
  std::optional<LongTailSpec> long_tail, test_long_tail;

  operator DataPlan() const { return {make_csv_source(*this), normalisation, long_tail, test_long_tail, {}}; }
};

inline ColumnRef named(std::string name) {
  return {std::move(name), 0};
}

} // namespace tailor::runtime
