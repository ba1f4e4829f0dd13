#include "tests/golden/method_recording.h"

namespace tailor::golden {
namespace {

using runtime::OptionValue;

std::vector<std::vector<int64_t>> lists(const OptionValue* json) {
  std::vector<std::vector<int64_t>> result;
  if (json)
    for (const OptionValue& list : *json->as_list())
      result.push_back(numbers<int64_t>(&list));
  return result;
}

MethodRun parse_run(uint32_t seed, uint32_t anew_op, const OptionValue& json) {
  MethodRun run{.stages = {},
                .loss = numbers<double>(json.find("loss")),
                .norm = numbers<double>(json.find("norm")),
                .sum = numbers<double>(json.find("sum")),
                .final = final_tensors(json),
                .parameters = initial_tensors(seed, *json.find("tensors")),
                .anew = initial_tensors(seed, *json.find("tensors"), anew_op)};
  for (const OptionValue& stage : *json.find("stages")->as_list())
    run.stages.push_back({.options = *stage.find("options"),
                          .lr = numbers<double>(stage.find("lr")),
                          .lambda = numbers<double>(stage.find("lambda")),
                          .rows = lists(stage.find("rows")),
                          .partner = lists(stage.find("partner")),
                          .table_row = numbers<int64_t>(stage.find("table_row"))});
  return run;
}

} // namespace

std::string MethodStage::word(const std::string& option) const {
  const OptionValue* value = options.find(option);
  return value ? *value->as_string() : std::string();
}

double MethodStage::number_of(const std::string& option, double absent) const {
  const OptionValue* value = options.find(option);
  return value ? number(*value) : absent;
}

std::vector<std::string> MethodStage::names(const std::string& option) const {
  std::vector<std::string> names;
  const OptionValue* value = options.find(option);
  const OptionValue::List* list = value ? value->as_list() : nullptr;
  for (const OptionValue& name : list ? *list : OptionValue::List())
    names.push_back(*name.as_string());
  return names;
}

MethodRecording MethodRecording::load(const std::string& file) {
  MethodRecording recording;
  const OptionValue json = read_recording(file);
  if (json.is_null()) return recording;
  const auto seed = static_cast<uint32_t>(number(*json.find("seed")));
  const auto num_samples = static_cast<int64_t>(number(*json.find("num_samples")));
  recording.batch = static_cast<int64_t>(number(*json.find("batch")));
  recording.num_columns = numbers<int64_t>(json.find("input"))[0];
  recording.widths = numbers<int64_t>(json.find("widths"));
  recording.class_counts = numbers<double>(json.find("class_counts"));
  recording.momentum = number(*json.find("momentum"));
  recording.weight_decay = number(*json.find("weight_decay"));
  recording.beta = number(*json.find("beta"));
  recording.eps = number(*json.find("eps"));
  recording.largest_margin = number(*json.find("largest_margin"));
  recording.samples = drawn_samples(seed, num_samples, {recording.num_columns});
  recording.labels = drawn_labels(seed, num_samples, recording.class_counts.size());
  const auto weight_op = static_cast<uint32_t>(number(*json.find("row_weight_op")));
  for (int64_t n = 0; n < num_samples; ++n)
    recording.row_weights.push_back(0.5 + drawn(seed, weight_op, n, 0));
  const std::vector<double> las = numbers<double>(json.find("las"));
  recording.las_head = las.at(0);
  recording.las_tail = las.at(1);
  const auto anew_op = static_cast<uint32_t>(number(*json.find("reinitialise_op")));
  for (const auto& [name, run] : *json.find("runs")->as_table())
    recording.runs[name] = parse_run(seed, anew_op, run);
  return recording;
}

} // namespace tailor::golden
