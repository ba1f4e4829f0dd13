#include "runtime/train/pretrained.h"

#include "runtime/artifact/stage_options.h"
#include "runtime/base/file.h"
#include "runtime/base/glob.h"
#include "runtime/base/log.h"
#include "runtime/base/wording.h"
#include "runtime/options/program_keys.h"
#include "runtime/options/words.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/finite_check.h"
#include "runtime/train/run_folder.h"
#include "runtime/train/safetensors.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <span>

namespace tailor::runtime {
namespace {

const std::string& kFile = key_name(&ModelKeys::weights_file);
const std::string& kNames = key_name(&ModelKeys::weights_names);
const std::string& kSkip = key_name(&ModelKeys::weights_skip);

constexpr std::size_t kShown = 5; // disagreements that are listed

/// Of IEEE binary16. Exact: every half is a double.
double half_to_double(std::uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
  double value = 0;
  if (exponent == 0x1f)
    value = fraction ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    value = std::ldexp(fraction, -24);
  else
    value = std::ldexp(fraction + 0x400, exponent - 25);
  return bits & 0x8000 ? -value : value;
}

template <class T> T element(std::span<const std::byte> bytes, std::size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

bool is_float(const TensorView& tensor) {
  return tensor.is_half || tensor.dtype == DType::kF32 || tensor.dtype == DType::kF64 ||
         tensor.dtype == DType::kBF16;
}

double float_at(const TensorView& tensor, std::size_t index) {
  if (tensor.is_half) return half_to_double(element<std::uint16_t>(tensor.bytes, index));
  if (tensor.dtype == DType::kF64) return element<double>(tensor.bytes, index);
  if (tensor.dtype == DType::kF32) return element<float>(tensor.bytes, index);
  const std::uint32_t wide = std::uint32_t{element<std::uint16_t>(tensor.bytes, index)} << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += concat(i ? ", " : "", shape[i]);
  return text + "]";
}

const char* type_text(const TensorView& tensor) {
  return tensor.is_half ? "f16" : tensor.dtype ? to_string(*tensor.dtype) : "u8";
}

std::string hash_of(std::span<const std::byte> bytes) {
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(bytes.data(), bytes.size())));
  return text;
}

/// PyTorch's batch norms count the batches that they saw.
bool is_batch_counter(std::string_view name, const TensorView& tensor) {
  constexpr std::string_view kCounter = "num_batches_tracked";
  return (name == kCounter || name.ends_with(concat(".", kCounter))) && tensor.shape.empty() &&
         (tensor.dtype == DType::kI64 || tensor.dtype == DType::kI32);
}

/// What would skip the tensors `names`: their layers, each once, at most kShown.
std::string skip_hint(const std::vector<std::string>& names) {
  std::vector<std::string> patterns;
  for (const std::string& name : names) {
    const std::size_t dot = name.rfind('.');
    const std::string pattern = dot == std::string::npos ? name : name.substr(0, dot) + ".*";
    if (std::find(patterns.begin(), patterns.end(), pattern) == patterns.end()) patterns.push_back(pattern);
  }
  std::string list;
  for (std::size_t i = 0; i < std::min(patterns.size(), kShown); ++i)
    list += concat(i ? ", \"" : "\"", patterns[i], "\"");
  return concat(kSkip, " = [", list, patterns.size() > kShown ? ", ..." : "",
                "] leaves them as the program initialises them; ", kNames,
                " = [\"FROM=TO\"] puts one prefix of the file's names in the place of another");
}

} // namespace

bool is_of_network(const ArtifactSpec& spec, const State& state) {
  const StateGroup& group = spec.groups[static_cast<std::size_t>(state.group)];
  if (group.kind == GroupKind::kNet) return true;
  return group.kind == GroupKind::kBatchNorm &&
         std::any_of(spec.groups.begin(), spec.groups.end(), [&](const StateGroup& net) {
           return net.kind == GroupKind::kNet && group.name == net.name + "_batchnorm";
         });
}

struct PretrainedWeights::Fill {
  std::int32_t state = -1;
  const TensorView* tensor = nullptr;
};
struct PretrainedWeights::Contents {
  std::vector<std::byte> bytes;
  SafetensorsView view; ///< into `bytes`
  std::string hash;
  std::vector<Fill> fills;
  std::size_t skipped = 0;        ///< states
  std::set<std::string> left;     ///< groups of a checkpoint that are no network of the program
  std::size_t batch_counters = 0; ///< that are left
};

Result<PretrainedWeights> PretrainedWeights::from(const Options& options) {
  PretrainedWeights weights;
  TAILOR_ASSIGN_OR_RETURN_AS_IS(weights.file_, options.get_string(kFile, ""));
  std::vector<std::string> names;
  if (options.has_value(kNames)) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(names, options.get_strings(kNames));
  }
  if (options.has_value(kSkip)) {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(weights.skip_, options.get_strings(kSkip));
  }
  for (const std::string& name : names) {
    const std::size_t equals = name.find('=');
    if (equals == std::string::npos)
      return invalid_argument("'", kNames, "' holds '", name, "', which is no FROM=TO")
          .with_hint("names that are the model's, as torchvision's are for its networks, need no entry");
    weights.renames_.emplace_back(name.substr(0, equals), name.substr(equals + 1));
  }
  if (weights.file_.starts_with("stage:") && !file_exists(weights.file_))
    return invalid_argument("'", kFile, "' = \"", weights.file_, "\": there is no such file")
        .with_hint(concat("the weights of an earlier stage are \"", weights.file_,
                          "\" for the whole section, in a [[stage]]: ", kFile.substr(0, kFile.rfind('.')),
                          " = \"", weights.file_, "\""));
  if (weights.file_.empty() && (!names.empty() || !weights.skip_.empty()))
    return invalid_argument("'", names.empty() ? kSkip : kNames, "' has no effect: there is no '", kFile,
                            "'");
  return weights;
}

bool PretrainedWeights::skips(std::string_view name, std::vector<bool>& used) const {
  bool found = false;
  for (std::size_t i = 0; i < skip_.size(); ++i)
    if (matches_glob(skip_[i], name)) used[i] = found = true;
  return found;
}

namespace {

/// What torch.save writes: a zip archive, or a pickle that begins with a number of ten bytes. A safetensors file of the same
/// first bytes would have zeros behind them, its length being a number of eight.
bool is_pytorch_file(std::span<const std::byte> bytes) {
  const auto begins_with = [&](std::string_view start) {
    return bytes.size() > 8 && std::memcmp(bytes.data(), start.data(), start.size()) == 0;
  };
  std::uint64_t length = 0;
  if (bytes.size() > 8) std::memcpy(&length, bytes.data(), sizeof(length));
  return (begins_with("PK\x03\x04") && length >> 32 != 0) || begins_with("\x80\x02\x8a\x0a");
}

Status refuse_pytorch_file(const std::string& path) {
  return invalid_argument("it is a file of torch.save, and safetensors are read")
      .with_hint(concat(
          "python3 -c ",
          shell_words({concat("import torch, safetensors.torch as s; s.save_file(torch.load('", path,
                              "', map_location='cpu', weights_only=True), '", path, ".safetensors')")}),
          " converts a state_dict"));
}

/// Variances are no less than 0: what is less would show as NaN in the first evaluation.
Status check_variance(const State& state, const std::string& name, std::span<const std::byte> bytes) {
  if (!name.ends_with("running_var") || state.dtype != DType::kF32) return {};
  for (std::size_t i = 0; i < bytes.size() / sizeof(float); ++i) {
    float value = 0;
    std::memcpy(&value, bytes.data() + i * sizeof(value), sizeof(value));
    if (value < 0)
      return invalid_argument("element ", i, " of '", name, "' is ", value, ", and a variance is at least 0");
  }
  return {};
}

} // namespace

Result<PretrainedWeights::Contents> PretrainedWeights::read(const ArtifactSpec& spec) const {
  Contents contents;
  if (std::error_code ignored; std::filesystem::is_directory(file_, ignored))
    return invalid_argument("it is a folder")
        .with_hint(
            concat("the weights of a run are a file in it: ", file_, "/seed-0/last.safetensors, or best"));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(contents.bytes, read_bytes(file_));
  if (is_pytorch_file(contents.bytes)) return refuse_pytorch_file(file_);
  contents.hash = hash_of(contents.bytes);
  if (!hash_.empty() && contents.hash != hash_)
    return invalid_argument("it has the hash ", contents.hash, ", but the run began with ", hash_)
        .with_hint("put the file back, or start a run of its own with another --out");
  TAILOR_ASSIGN_OR_RETURN_AS_IS(contents.view, SafetensorsView::parse(contents.bytes));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const bool of_a_run, is_checkpoint(contents.view));

  std::vector<bool> used_skip(skip_.size(), false), used_rename(renames_.size(), false);
  std::map<std::string, const TensorView*, std::less<>> by_name;
  for (const TensorView& tensor : contents.view.tensors) {
    std::string name = tensor.name;
    for (std::size_t i = 0; i < renames_.size(); ++i)
      if (name.starts_with(renames_[i].first)) {
        name = renames_[i].second + name.substr(renames_[i].first.size());
        used_rename[i] = true;
        break;
      }
    if (skips(name, used_skip)) continue;
    if (!by_name.emplace(name, &tensor).second)
      return invalid_argument("two of its tensors are called '", name, "' after ", kNames);
  }

  std::vector<std::string> problems, names;
  const auto disagree = [&](const std::string& name, std::string text) {
    names.push_back(name);
    problems.push_back(std::move(text));
  };
  for (std::size_t i = 0; i < spec.states.size(); ++i) {
    const State& state = spec.states[i];
    if (!is_of_network(spec, state)) continue;
    const std::string name = checkpoint_name(spec, state);
    if (skips(name, used_skip)) {
      ++contents.skipped;
      continue;
    }
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      disagree(name, concat("the file has no '", name, "'"));
      continue;
    }
    const TensorView& tensor = *found->second;
    const bool is_real = state.dtype == DType::kF32 || state.dtype == DType::kF64;
    if (tensor.shape != state.shape)
      disagree(name, concat("'", name, "' is ", shape_text(tensor.shape), " in the file, the program has ",
                            shape_text(state.shape)));
    else if (is_real ? !is_float(tensor) : tensor.dtype != state.dtype)
      disagree(name, concat("'", name, "' is ", type_text(tensor), " in the file, the program has ",
                            to_string(state.dtype)));
    else
      contents.fills.push_back({static_cast<std::int32_t>(i), &tensor});
    by_name.erase(found);
  }
  for (const auto& [name, tensor] : by_name) {
    if (is_batch_counter(name, *tensor)) {
      ++contents.batch_counters;
      continue;
    }
    // Of our own runs: slots, averages, what was fitted on their data.
    const std::string& in_file = tensor->name;
    if (const std::size_t slash = in_file.find('/'); of_a_run && slash != std::string::npos)
      contents.left.insert(in_file.substr(0, slash));
    else if (!of_a_run || !is_checkpoint_text(in_file))
      disagree(name, concat("the program has no '", name, "'"));
  }
  if (!problems.empty()) {
    std::string list;
    for (std::size_t i = 0; i < std::min(problems.size(), kShown); ++i)
      list += (i ? "; " : "") + problems[i];
    if (problems.size() > kShown) list += concat("; and ", problems.size() - kShown, " more");
    return invalid_argument(problems.size() == 1 ? "a tensor disagrees"
                                                 : concat(problems.size(), " tensors disagree"),
                            " with the program: ", list)
        .with_hint(skip_hint(names));
  }
  for (std::size_t i = 0; i < skip_.size(); ++i)
    if (!used_skip[i])
      return invalid_argument("'", skip_[i], "' of ", kSkip, " matches no tensor of the file or the program");
  for (std::size_t i = 0; i < renames_.size(); ++i)
    if (!used_rename[i])
      return invalid_argument("no name of the file begins with '", renames_[i].first, "', which ", kNames,
                              " renames");
  if (contents.fills.empty()) return invalid_argument("nothing of it is left to read: ", kSkip, " skips all");
  return contents;
}

Result<std::string> PretrainedWeights::check(const ArtifactSpec& spec) const {
  TAILOR_ASSIGN_OR_RETURN(const Contents contents, read(spec), concat("reading weights '", file_, "'"));
  if (!contents.left.empty())
    log_info(concat("note: '", file_, "' is a checkpoint: its network is read, ",
                    listed(std::vector<std::string>(contents.left.begin(), contents.left.end())),
                    " are left"));
  if (contents.batch_counters > 0)
    log_info(concat("note: '", file_, "': num_batches_tracked of ", contents.batch_counters,
                    contents.batch_counters == 1 ? " batch norm is" : " batch norms are",
                    " left: none counts its batches here"));
  return contents.hash;
}

Status PretrainedWeights::load(Executor& executor, std::uint64_t seed) const {
  const ArtifactSpec& spec = executor.spec();
  const std::string context = concat("reading weights '", file_, "'");
  TAILOR_ASSIGN_OR_RETURN(const Contents contents, read(spec), context);
  for (const Fill& fill : contents.fills) {
    const State& state = spec.states[static_cast<std::size_t>(fill.state)];
    std::vector<std::byte> bytes(state.bytes);
    if (state.dtype == DType::kF32 || state.dtype == DType::kF64) {
      const std::size_t count = state.bytes / dtype_bytes(state.dtype);
      for (std::size_t i = 0; i < count; ++i) {
        const double wide = float_at(*fill.tensor, i);
        const float narrow = static_cast<float>(wide);
        if (state.dtype == DType::kF64)
          std::memcpy(bytes.data() + i * sizeof(wide), &wide, sizeof(wide));
        else
          std::memcpy(bytes.data() + i * sizeof(narrow), &narrow, sizeof(narrow));
      }
    } else {
      std::copy(fill.tensor->bytes.begin(), fill.tensor->bytes.end(), bytes.begin());
    }
    if (const std::int64_t place = first_nonfinite(state.dtype, bytes); place >= 0)
      return invalid_argument("element ", place, " of '", checkpoint_name(spec, state),
                              "' is no finite number in the program's ", to_string(state.dtype))
          .with_context(context);
    TAILOR_RETURN_IF_ERROR(check_variance(state, checkpoint_name(spec, state), bytes), context);
    TAILOR_RETURN_IF_ERROR(executor.write_state(fill.state, bytes), context);
  }
  // What starts as a copy has copied the initial values. A source is declared before its copies.
  for (std::size_t i = 0; i < spec.states.size(); ++i) {
    const InitRule& init = spec.states[i].init;
    const auto state = static_cast<std::int32_t>(i);
    const bool filled = std::any_of(contents.fills.begin(), contents.fills.end(),
                                    [&](const Fill& fill) { return fill.state == state; });
    if (init.kind == InitKind::kCopyOf && !filled)
      TAILOR_RETURN_IF_ERROR_AS_IS(executor.copy_state(init.source_state, state));
  }
  return {};
}

Status check_stage_weights(const ArtifactSpec& spec) {
  for (const Stage& stage : spec.stages)
    for (const std::string& key : {kFile, kNames, kSkip})
      if (spec.options.contains(stage_key(stage.name, key)))
        return unimplemented("stage '", stage.name, "' has '", key,
                             "', but weights are read once, when training starts");
  return {};
}

Status check_same_weights(const Options& begun, const Options& now) {
  const auto text_of = [](const Options& options, const std::string& key) -> std::string {
    const std::string text = options.has_value(key) ? options.find(key)->value.to_json() : "";
    return text == "" || text == "\"\"" || text == "[]" ? "none" : text;
  };
  for (const std::string& key : {kFile, kNames, kSkip}) {
    const std::string was = text_of(begun, key), is = text_of(now, key);
    if (was != is)
      return invalid_argument("'", key, "' is ", is, ", but the run began with ", was)
          .with_hint("other weights need a run of its own, with another --out");
  }
  return {};
}

} // namespace tailor::runtime
