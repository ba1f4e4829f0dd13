#include "runtime/data/find_format.h"

#include "runtime/data/text.h"

#include <algorithm>

namespace tailor::runtime {
namespace {

constexpr std::size_t kDecimalComma = 1, kThousandsComma = 2; // in kNumberFormats
static_assert(kNumberFormats[kDecimalComma] == NumberFormat{',', 0} &&
              kNumberFormats[kThousandsComma] == NumberFormat{'.', ','});

std::int64_t num_markers(const ColumnProfile& column) {
  std::int64_t count = 0;
  for (const TextCount& marker : column.markers)
    count += marker.count;
  return count;
}

/// Every cell with a value is a number under the format, a known sign taken off.
bool fits(const ColumnProfile& column, std::size_t format) {
  const std::int64_t values = column.num_values - num_markers(column);
  return values > 0 && column.num_fitting[format] == values;
}

std::string shown(const FileProfile& profile, const TextCount& text) {
  return concat(in_quotes(text.text), " at ", profile.where(text.place));
}

/// Two signs in one column, or percent signs in some of its cells only; empty if they agree.
std::string sign_conflict(const FileProfile& profile, const ColumnProfile& column) {
  const TextCount *sign = nullptr, *other = nullptr;
  bool bare = column.num_numbers > 0;
  for (const TextCount& known : column.known_signs) {
    if (known.text.empty())
      bare = true;
    else
      (sign ? other : sign) = &known;
  }
  if (other)
    return concat("column '", column.name, "' mixes '", sign->text, "' at ", profile.where(sign->place),
                  " and '", other->text, "' at ", profile.where(other->place), ": left as text");
  if (sign && sign->text == kPercent && bare)
    return concat("column '", column.name, "' has '%' at ", profile.where(sign->place),
                  " but not in every cell: left as text");
  return "";
}

/// The first cell that needs another format than the plain one.
const TextCount* evidence(const FileProfile& profile, std::size_t format) {
  for (const ColumnProfile& column : profile.columns)
    if (column.shaped.count > 0 && fits(column, format) && !fits(column, 0)) return &column.shaped;
  return nullptr;
}

const char* name_of(char c) {
  return c == ',' ? "comma" : c == '.' ? "point" : c == ' ' ? "blank" : "apostrophe";
}

} // namespace

std::vector<std::string> FoundFormat::lines() const {
  std::vector<std::string> all;
  for (const std::string* reason : {&number_reason, &signs_reason, &markers_reason, &ambiguity})
    if (!reason->empty()) all.push_back(*reason);
  all.insert(all.end(), conflicts.begin(), conflicts.end());
  return all;
}

FoundFormat find_format(const FileProfile& profile) {
  std::array<std::int64_t, kNumberFormats.size()> num_columns{};
  for (const ColumnProfile& column : profile.columns)
    for (std::size_t f = 0; f < kNumberFormats.size(); ++f)
      num_columns[f] += fits(column, f);
  auto best = static_cast<std::size_t>(std::max_element(num_columns.begin(), num_columns.end()) -
                                       num_columns.begin());
  FoundFormat found;
  const bool ambiguous = best == kDecimalComma && num_columns[kDecimalComma] == num_columns[kThousandsComma];
  if (ambiguous && profile.separator != ';') best = kThousandsComma;
  found.cells.number = kNumberFormats[best];
  if (const TextCount* cell = best == 0 ? nullptr : evidence(profile, best)) {
    const auto [decimal, thousands] = found.cells.number;
    found.number_reason =
        concat("decimal ", name_of(decimal), thousands ? concat(", thousands ", name_of(thousands)) : "",
               ": ", shown(profile, *cell));
    if (ambiguous)
      found.ambiguity =
          concat(shown(profile, *cell), " is read as ", best == kDecimalComma ? "a decimal" : "thousands",
                 ", but could be ", best == kDecimalComma ? "thousands" : "a decimal", " (",
                 best == kDecimalComma ? keys_of({.decimal = '.', .thousands = ','}, "")
                                       : concat(keys_of({.decimal = ',', .thousands = 0}, ""), " without ",
                                                key_name(&TableKeys::thousands)),
                 "): no cell of the table decides it");
  }
  for (const ColumnProfile& column : profile.columns) {
    if (!fits(column, best)) continue;
    if (std::string conflict = sign_conflict(profile, column); !conflict.empty()) {
      found.conflicts.push_back(std::move(conflict));
      continue;
    }
    for (const TextCount& sign : column.known_signs)
      if (!sign.text.empty() && std::find(found.cells.signs.begin(), found.cells.signs.end(), sign.text) ==
                                    found.cells.signs.end()) {
        found.cells.signs.push_back(sign.text);
        found.signs_reason += concat(found.signs_reason.empty() ? "'" : ", '", sign.text,
                                     "' beside numbers: ", shown(profile, column.shaped));
      }
    for (const TextCount& marker : column.markers)
      if (std::find(found.cells.missing.begin(), found.cells.missing.end(), marker.text) ==
          found.cells.missing.end()) {
        found.cells.missing.push_back(marker.text);
        found.markers_reason +=
            concat(found.markers_reason.empty() ? "no value in column '" : ", in column '", column.name,
                   "': ", shown(profile, marker));
      }
  }
  return found;
}

} // namespace tailor::runtime
