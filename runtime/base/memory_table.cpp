#include "runtime/base/memory_table.h"

#include <map>
#include <mutex>
#include <utility>

namespace tailor::runtime {
namespace {

struct Kept {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const MemoryTable>, std::less<>> tables;
};

Kept& kept() {
  static Kept instance;
  return instance;
}

/// NaN is a missing value here, and equal to itself.
bool same_values(const MemoryColumn& a, const MemoryColumn& b) {
  const auto *x = std::get_if<std::vector<double>>(&a.values),
             *y = std::get_if<std::vector<double>>(&b.values);
  if (!x || !y) return a.values == b.values;
  if (x->size() != y->size()) return false;
  for (std::size_t i = 0; i < x->size(); ++i)
    if ((*x)[i] != (*y)[i] && ((*x)[i] == (*x)[i] || (*y)[i] == (*y)[i])) return false;
  return true;
}

bool same_table(const MemoryTable& a, const MemoryTable& b) {
  if (a.columns.size() != b.columns.size()) return false;
  for (std::size_t i = 0; i < a.columns.size(); ++i)
    if (a.columns[i].name != b.columns[i].name || !same_values(a.columns[i], b.columns[i])) return false;
  return a.images == b.images && a.label_name == b.label_name && a.class_names == b.class_names &&
         a.positive_class == b.positive_class && a.labels == b.labels && a.row_weights == b.row_weights &&
         a.parts == b.parts;
}

} // namespace

bool keep_memory_table(const std::string& name, MemoryTable table) {
  const std::lock_guard lock(kept().mutex);
  const auto found = kept().tables.find(name);
  if (found != kept().tables.end()) return same_table(*found->second, table);
  kept().tables.emplace(name, std::make_shared<const MemoryTable>(std::move(table)));
  return true;
}

std::shared_ptr<const MemoryTable> find_memory_table(std::string_view name) {
  const std::lock_guard lock(kept().mutex);
  const auto found = kept().tables.find(name);
  return found == kept().tables.end() ? nullptr : found->second;
}

} // namespace tailor::runtime
