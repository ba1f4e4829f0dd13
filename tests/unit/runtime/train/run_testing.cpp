#include "tests/unit/runtime/train/run_testing.h"

#include "runtime/base/file.h"

#include <fstream>
#include <gtest/gtest.h>

namespace tailor::runtime {

RunOptions options_for(const std::string& out, Settings set) {
  RunOptions options;
  options.out = out;
  options.set = std::move(set);
  options.quiet = true;
  options.make_executor = make_toy_executor;
  return options;
}

RunResult train(const RunOptions& options, const ToyOptions& toy) {
  Result<RunResult> result = run_training(make_toy_artifact(toy), options);
  EXPECT_TRUE(result.ok()) << result.status().message();
  return result.ok() ? *std::move(result) : RunResult();
}

Checkpoint checkpoint_at(const std::string& path, const ToyOptions& toy) {
  const auto artifact = make_toy_artifact(toy);
  const Result<std::vector<std::byte>> file = read_bytes(path);
  EXPECT_TRUE(file.ok()) << file.status().message();
  Result<Checkpoint> checkpoint = parse_checkpoint(*artifact, *file, CheckpointUse::kResume);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  checkpoint->record.train_seconds = 0;
  checkpoint->record.log_bytes = 0; // lines hold times
  return *std::move(checkpoint);
}

void expect_same(const Checkpoint& a, const Checkpoint& b) {
  EXPECT_EQ(a.states, b.states);
  EXPECT_EQ(record_to_json(a.record), record_to_json(b.record));
  EXPECT_EQ(a.fitted, b.fitted);
}

std::vector<std::string> log_lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    const Result<OptionValue> json = OptionValue::from_json(line);
    EXPECT_TRUE(json.ok()) << line;
    OptionValue::Table kept;
    for (const auto& [key, value] : *json->as_table())
      if (key != "ms_per_step" && key != "loader_share" && key != "seconds_left")
        kept.emplace_back(key, value);
    lines.push_back(OptionValue(std::move(kept)).to_json());
  }
  return lines;
}

} // namespace tailor::runtime
