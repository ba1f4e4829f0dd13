// The mean accuracy of a group of classes, one metric a group: in one file because the formula is one.
#include "runtime/metrics/metric.h"

namespace tailor::runtime {
namespace {

MetricSpec of_group(const char* name, int rank, bool of_size_groups, const char* text) {
  MetricSpec metric{.name = name, .text = text, .source = "methods 1.3"};
  metric.rank = rank;
  metric.of_size_groups = of_size_groups;
  metric.value = [group_name = std::string(name)](const EvaluatedSplit& split,
                                                  double) -> std::optional<double> {
    for (const ClassGroup& group : split.groups)
      if (group.name == group_name) return split.confusion.group_accuracy(group.classes);
    return std::nullopt;
  };
  return metric;
}

const Registered<MetricSpec> minority{
    of_group("minority", 50, false, "mean accuracy of the fifth of the classes with fewest training rows")};
const Registered<MetricSpec> majority{
    of_group("majority", 60, false, "mean accuracy of the fifth of the classes with most training rows")};
const Registered<MetricSpec> few{
    of_group("few", 70, true, "mean accuracy of the classes that eval.groups calls few")};
const Registered<MetricSpec> med{
    of_group("med", 80, true, "mean accuracy of the classes that eval.groups calls med")};
const Registered<MetricSpec> many{
    of_group("many", 90, true, "mean accuracy of the classes that eval.groups calls many")};

} // namespace
} // namespace tailor::runtime
