#pragma once
#include "runtime/base/options.h"
#include "runtime/exec/executor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tailor::runtime {

/// Of a network: its parameters, and the buffers beside them.
bool is_of_network(const ArtifactSpec& spec, const State& state);

/// Weights of another training as the start of this one: `model.weights.file`, a safetensors file, read whenever a
/// seed starts. A resumed seed has its checkpoint and reads nothing.
///
///   model.weights.file    "" = none; a relative path starts from the working folder
///   model.weights.names   how names of the file become names of the model, in this order: "FROM=TO" puts prefix TO
///                         in the place of prefix FROM ("module.=" takes it away; of several that fit a name the first
///                         counts)
///   model.weights.skip    globs (runtime/base/glob.h) over names of the model: left as the program initialises
///                         them, and what the file has there is not looked at
///
/// What is filled: every tensor of a network's groups, parameters and running statistics, under the name that a
/// checkpoint has for it. The file must have all of them in their shapes, and nothing else. Left, and said: in a
/// checkpoint of a run its slots, averages and fitted states; the integer *.num_batches_tracked of PyTorch's batch norm,
/// which enter its statistics only with momentum = None. F16, BF16, F32 and F64
/// are converted to the program's type, rounded to nearest even. Averages start as copies of what was read.
class PretrainedWeights {
public:
  /// Errors   a rename that is none.
  static Result<PretrainedWeights> from(const Options& options);

  bool empty() const { return file_.empty(); }
  const std::string& file() const { return file_; }
  /// Checks the file against the program and returns XXH3-64 of its bytes, 16 hexadecimal digits. What differs is
  /// said before any data are opened.
  Result<std::string> check(const ArtifactSpec& spec) const;
  /// Only a file with these bytes will be read from now on: several seeds start from the same weights.
  void expect(std::string hash) { hash_ = std::move(hash); }

  /// Writes the states of an executor that was initialised with `seed`, and again those that are copies.
  /// Errors   a file that cannot be read or is damaged; other bytes than expected; names and shapes that disagree
  ///          (the first five, and the keys that skip or rename them); an element that is no finite number; a pattern or
  ///          rename that fits nothing.
  Status load(Executor& executor, std::uint64_t seed) const;

private:
  /// A state to fill and what from.
  struct Fill;
  struct Contents;
  Result<Contents> read(const ArtifactSpec& spec) const;
  bool skips(std::string_view name, std::vector<bool>& used) const;

  std::string file_, hash_;
  std::vector<std::pair<std::string, std::string>> renames_;
  std::vector<std::string> skip_;
};

/// A stage cannot bring other weights, and a run that goes on cannot change where it started.
/// Errors   naming the stage, or both values.
Status check_stage_weights(const ArtifactSpec& spec);
Status check_same_weights(const Options& begun, const Options& now);

} // namespace tailor::runtime
