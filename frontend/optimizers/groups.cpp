#include "frontend/optimizers/groups.h"

#include "frontend/graph/error.h"
#include "runtime/base/edit_distance.h"

#include <algorithm>
#include <utility>

namespace tailor::optim {

std::string nearest_names(std::string_view pattern, const std::vector<std::string>& names) {
  std::string letters;
  for (char letter : pattern)
    if (letter != '*') letters += letter;
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const std::string& name : names)
    // A prefix of a name is as near as what a star behind it would add.
    ranked.emplace_back(
        std::min(runtime::edit_distance(letters, name),
                 runtime::edit_distance(letters, std::string_view(name).substr(0, letters.size()))),
        name);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, ranked.size()); ++i)
    text += (i ? ", '" : "'") + ranked[i].second + "'";
  return text.empty() ? text : "the nearest names are " + text;
}

} // namespace tailor::optim
