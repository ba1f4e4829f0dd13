#include "tests/golden/recording.h"

#include "runtime/base/file.h"
#include "runtime/base/philox.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tailor::golden {
namespace {

using runtime::OptionValue;

// op_id of the draws; those of parameters are their places in the list.
constexpr uint32_t kInputs = 1000, kLabels = 1001;

Run parse_run(const OptionValue& json) {
  const OptionValue& options = *json.find("options");
  const auto flag = [&](const char* name) { return options.find(name) && *options.find(name)->as_bool(); };
  const auto word = [&](const char* name) {
    return options.find(name) ? *options.find(name)->as_string() : std::string();
  };
  Run run{.adaptive = flag("adaptive"),
          .nesterov = flag("nesterov"),
          .ema = flag("ema"),
          .adamw = word("optimizer") == "adamw",
          .descent = word("descent"),
          .ascent = word("ascent"),
          .rho = options.find("rho") ? number(*options.find("rho")) : 0,
          .lr = numbers<double>(json.find("lr")),
          .loss = numbers<double>(json.find("loss")),
          .ascent_loss = numbers<double>(json.find("ascent_loss")),
          .ema_decay = numbers<double>(json.find("ema_decay")),
          .valid = numbers<int64_t>(json.find("valid")),
          .final = final_tensors(json)};
  return run;
}

} // namespace

double drawn(uint32_t seed, uint32_t op_id, int64_t row, int64_t element) {
  const runtime::RandomKey key = runtime::make_random_key({.seed_lo = seed}, {.op_id = op_id});
  return runtime::uniform_from_word(key.block(static_cast<uint32_t>(row), static_cast<uint32_t>(element))[0]);
}

double number(const OptionValue& value) {
  return value.as_number().value();
}

OptionValue read_recording(const std::string& name) {
  const auto text = runtime::read_file(TAILOR_SOURCE_DIR "/tests/golden/" + name + ".json");
  auto json = text.ok() ? OptionValue::from_json(*text) : runtime::Result<OptionValue>(text.status());
  if (json.ok()) return std::move(*json);
  ADD_FAILURE() << json.status().message();
  return {};
}

std::map<std::string, FinalTensor> final_tensors(const OptionValue& json) {
  std::map<std::string, FinalTensor> tensors;
  for (const auto& [name, tensor] : *json.find("final")->as_table())
    tensors[name] = {number(*tensor.find("norm")), number(*tensor.find("sum")),
                     numbers<int64_t>(tensor.find("places")), numbers<double>(tensor.find("values"))};
  return tensors;
}

std::map<std::string, Tensor> initial_tensors(uint32_t seed, const OptionValue& list, uint32_t first) {
  std::map<std::string, Tensor> tensors;
  uint32_t place = first;
  for (const OptionValue& entry : *list.as_list()) {
    Tensor tensor(Element::f64, numbers<int64_t>(entry.find("shape")));
    const double bound = number(*entry.find("bound")), offset = number(*entry.find("offset"));
    for (int64_t j = 0; j < tensor.size(); ++j)
      tensor.reals()[j] = offset + bound * (2 * drawn(seed, place, 0, j) - 1);
    tensors[*entry.find("name")->as_string()] = std::move(tensor);
    ++place;
  }
  return tensors;
}

Tensor drawn_samples(uint32_t seed, int64_t num_samples, Shape shape) {
  shape.insert(shape.begin(), num_samples);
  Tensor samples(Element::f64, shape);
  const int64_t width = samples.size() / num_samples;
  for (int64_t n = 0; n < num_samples; ++n)
    for (int64_t j = 0; j < width; ++j)
      samples.reals()[n * width + j] = 2 * (2 * drawn(seed, kInputs, n, j) - 1);
  return samples;
}

std::vector<int64_t> drawn_labels(uint32_t seed, int64_t num_samples, size_t num_classes) {
  std::vector<int64_t> labels;
  for (int64_t n = 0; n < num_samples; ++n)
    labels.push_back(
        static_cast<int64_t>(static_cast<double>(num_classes) * std::pow(drawn(seed, kLabels, n, 0), 2)));
  return labels;
}

Recording Recording::load(const std::string& net) {
  Recording recording;
  const OptionValue json = read_recording(net);
  if (json.is_null()) return recording;
  const auto seed = static_cast<uint32_t>(number(*json.find("seed")));
  const auto num_samples = static_cast<int64_t>(number(*json.find("num_samples")));
  recording.batch = static_cast<int64_t>(number(*json.find("batch")));
  recording.adam_eps = number(*json.find("adam_eps"));
  recording.input = numbers<int64_t>(json.find("input"));
  recording.class_counts = numbers<double>(json.find("class_counts"));
  recording.parameters = initial_tensors(seed, *json.find("tensors"));
  recording.samples = drawn_samples(seed, num_samples, recording.input);
  recording.labels = drawn_labels(seed, num_samples, recording.class_counts.size());
  for (const auto& [name, run] : *json.find("runs")->as_table())
    recording.runs[name] = parse_run(run);
  return recording;
}

Tensor Recording::inputs(int64_t t, int64_t valid) const {
  Shape shape = input;
  shape.insert(shape.begin(), batch);
  Tensor rows(Element::f32, shape);
  const int64_t width = rows.size() / batch;
  for (int64_t n = 0; n < valid; ++n)
    for (int64_t j = 0; j < width; ++j)
      rows.copyFrom(n * width + j, samples, (t * batch + n) % samples.dim(0) * width + j);
  return rows;
}

Tensor Recording::batch_labels(int64_t t, int64_t valid) const {
  Tensor rows(Element::i32, {batch});
  for (int64_t n = 0; n < valid; ++n)
    rows.integers()[n] = labels[(t * batch + n) % labels.size()];
  return rows;
}

} // namespace tailor::golden
