#pragma once
#include "runtime/artifact/reader.h"
#include "runtime/train/run.h"

#include <string>
#include <vector>

namespace tailor::runtime {

/// A training program made by hand, with kernels that are C++ functions of the test: logistic regression over
/// two numeric features with input noise (Philox, so that draws matter), momentum and an average of the
/// weights. The gradient is computed in four chunks with partial sums.
struct ToyOptions {
  std::string csv = {}; ///< train on this file (columns x0, x1, label); empty: two moons
  std::int64_t batch = 16;
  std::int64_t rows_per_class = 100;
  std::uint64_t ballast_elements = 0; ///< a further state, to make checkpoints large
  bool two_stages = false; ///< a second one of four epochs at half the rate, slots reset, average restarted
  /// The second stage goes on where the first ends, with its clock, rate, slots and average.
  bool continues = false;
  bool starts_slots = false; ///< of a stage that continues: its slots and average are new
  std::string name = "toy";
  std::string target = "test-kernels";
  std::vector<ControlField> more_fields = {}; ///< that no kernel reads
  Options more_options = {};
};

std::shared_ptr<const Artifact> make_toy_artifact(const ToyOptions& options = {});

/// Runs it: a CpuExecutor over the functions.
Result<std::unique_ptr<Executor>> make_toy_executor(std::shared_ptr<const Artifact> artifact,
                                                    const ExecutorOptions& options);

/// A new empty folder, removed when it goes.
class TemporaryFolder {
public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
  std::string path_;
};

} // namespace tailor::runtime
