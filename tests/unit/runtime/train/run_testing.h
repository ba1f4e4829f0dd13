/// What the tests of whole runs share: a quiet run of the toy program, and comparisons without measured times.
#pragma once
#include "runtime/train/run.h"
#include "tests/unit/runtime/train/toy_program.h"

#include <string>
#include <vector>

namespace tailor::runtime {

RunOptions options_for(const std::string& out, Settings set = {});

RunResult train(const RunOptions& options, const ToyOptions& toy = {});

/// Everything of a checkpoint that must be the same whenever and wherever it was made.
Checkpoint checkpoint_at(const std::string& path, const ToyOptions& toy = {});
void expect_same(const Checkpoint& a, const Checkpoint& b);

/// Lines of a log without the measured times.
std::vector<std::string> log_lines(const std::string& path);

} // namespace tailor::runtime
