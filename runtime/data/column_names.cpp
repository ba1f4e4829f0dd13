#include "runtime/data/column_names.h"

#include <algorithm>
#include <array>
#include <span>

namespace tailor::runtime {
namespace {

constexpr std::string_view kIdentifierWords[] = {"id",    "ids",    "uid", "uuid",      "guid",      "key",
                                                 "index", "idx",    "ref", "reference", "row",       "rownum",
                                                 "rowid", "serial", "pk",  "unnamed",   "identifier"};
constexpr std::string_view kRowWords[] = {"index", "idx", "row", "rownum", "rowid", "unnamed"};
/// Whose rows must not be on both sides of a split, the most personal first: a patient over the lesion it
/// has, a customer over the card.
constexpr std::string_view kEntities[] = {
    "patient",  "subject", "person",  "participant", "customer", "client",    "user",   "member", "student",
    "employee", "driver",  "player",  "donor",       "account",  "household", "family", "card",   "session",
    "visitor",  "device",  "machine", "vehicle",     "lesion",   "specimen",  "group"};
/// What may follow an entity in the name of its identifier.
constexpr std::string_view kEntitySuffixes[] = {"id", "ids",    "uid", "uuid", "key", "ref",
                                                "no", "number", "nr",  "num",  "code"};
constexpr std::string_view kTimeWords[] = {"time", "date", "datetime", "timestamp", "ts",  "epoch",
                                           "when", "dt",   "unixtime", "day",       "step"};

bool among(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_letter(char c) {
  return is_upper(c) || (c >= 'a' && c <= 'z') || (static_cast<unsigned char>(c) & 0x80);
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

} // namespace

std::vector<std::string> words_of_name(std::string_view name) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!is_letter(c) && !is_digit(c)) {
      end_word();
      continue;
    }
    if (!word.empty()) {
      const char last = name[i - 1];
      const bool lower_follows = i + 1 < name.size() && is_letter(name[i + 1]) && !is_upper(name[i + 1]);
      // "customerID", "IDNumber", "card1".
      if (is_digit(c) != is_digit(last) ||
          (is_upper(c) && (!is_upper(last) || lower_follows) && is_letter(last)))
        end_word();
    }
    word += is_upper(c) ? static_cast<char>(c | 0x20) : c;
  }
  end_word();
  return words;
}

bool is_identifier_name(std::string_view name) {
  const std::vector<std::string> words = words_of_name(name);
  if (words.empty()) return false;
  if (among(kIdentifierWords, words.back()) || words.front() == "unnamed") return true;
  return entity_rank(name) >= 0 && words.back() != "group";
}

bool is_row_number_name(std::string_view name) {
  const std::vector<std::string> words = words_of_name(name);
  return !words.empty() && (among(kRowWords, words.back()) || words.front() == "unnamed");
}

int entity_rank(std::string_view name) {
  const std::vector<std::string> words = words_of_name(name);
  if (words.empty()) return -1;
  std::string entity = words.back();
  if (words.size() > 1 && among(kEntitySuffixes, entity)) entity = words[words.size() - 2];
  // "customerid"
  for (const std::string_view suffix : kEntitySuffixes)
    if (words.size() == 1 && entity.size() > suffix.size() && entity.ends_with(suffix) &&
        among(kEntities, std::string_view(entity).substr(0, entity.size() - suffix.size())))
      entity.resize(entity.size() - suffix.size());
  const auto* found = std::find(std::begin(kEntities), std::end(kEntities), entity);
  return found == std::end(kEntities) ? -1 : static_cast<int>(found - std::begin(kEntities));
}

bool is_time_name(std::string_view name) {
  const std::vector<std::string> words = words_of_name(name);
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return among(kTimeWords, word); });
}

} // namespace tailor::runtime
