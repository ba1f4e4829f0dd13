#include "runtime/data/column_roles.h"

#include "runtime/data/column_names.h"
#include "runtime/data/header.h"
#include "runtime/data/text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace tailor::runtime {
namespace {

/// Fewer values say nothing of their spacing or repeats.
constexpr std::int64_t kFewValues = 20;
/// A split by group has three parts to fill; with fewer groups than this the shares are far off.
constexpr std::int64_t kFewGroups = 10;
/// As many repeats expected by chance and not seen are no accident: e^-10 for none at all.
constexpr double kExpectedRepeats = 10;
/// Values of one category, in rows: below it a table has more names than examples of them.
constexpr std::int64_t kRowsPerCategory = 10;

std::string number_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

/// A cell as the profile counted it is a number for a reader too.
bool all_numbers(const ColumnProfile& column) {
  return column.num_values > 0 && column.num_numbers == column.num_values;
}

/// Every cell is a date in some reading; of digits alone five are asked for, since 20210304 is a number too.
bool all_dates(const ColumnProfile& column) {
  return column.num_values > 0 && column.dates.num_dates == column.num_values &&
         (!column.is_numeric() || column.num_values >= 5);
}

/// Whole numbers of the years 2000 to 2100 in a column named for a time.
bool is_unix_time(const ColumnProfile& column) {
  constexpr double kFrom = 946684800, kTo = 4102444800;
  const double unit = column.max >= kTo ? 1000 : 1;
  return all_numbers(column) && column.all_integers && is_time_name(column.name) &&
         column.min >= kFrom * unit && column.max < kTo * unit;
}

bool has_blanks(const ColumnProfile& column) {
  return std::any_of(column.distinct.begin(), column.distinct.end(), [](const auto& entry) {
    return entry.first != kMissingCategory && entry.first.find(' ') != std::string::npos;
  });
}

/// Repeats among `count` independent draws from `range` equally likely values; fewer than any other
/// distribution gives.
double expected_repeats(double count, double range) {
  return count + range * std::expm1(count * std::log1p(-1 / std::max(range, 1.0)));
}

/// Why these numbers are no quantity but name their row; empty if they may be one.
std::string number_identifies(const ColumnProfile& column, const ColumnSignal& signal) {
  const std::int64_t repeats = signal.num_values - signal.distinct;
  if (signal.num_values < kFewValues || signal.distinct < 2) return "";
  const bool in_order = signal.rising || signal.falling;
  if (signal.equal_steps && (signal.whole || in_order)) {
    const double step = (signal.max - signal.min) / static_cast<double>(signal.num_values - 1);
    if (signal.rising && signal.whole && std::round(step) == 1)
      return "counts the rows one by one: a row number";
    return concat(signal.num_values, " different ", signal.whole ? "whole numbers" : "numbers",
                  " in equal steps of ", number_text(step), in_order ? ", in row order" : "",
                  ": an identifier");
  }
  if (!signal.whole) return "";
  if (repeats == 0 && is_identifier_name(column.name))
    return concat("its name, and ", signal.num_values,
                  " different whole numbers in as many rows: an identifier");
  const double expected =
      expected_repeats(static_cast<double>(signal.num_values), signal.max - signal.min + 1);
  if (expected >= kExpectedRepeats && static_cast<double>(repeats) * 10 <= expected)
    return concat(signal.num_values, " whole numbers from ", number_text(signal.min), " to ",
                  number_text(signal.max), " with ", repeats, repeats == 1 ? " repeat" : " repeats",
                  ", where chance gives ", static_cast<std::int64_t>(std::llround(expected)),
                  " or more: an identifier");
  return "";
}

/// Why these texts are no categories; empty if they may be.
std::string text_identifies(const ColumnProfile& column) {
  if (!column.names_rows()) return "";
  const char* const kind = has_blanks(column) ? "free text or an identifier" : "an identifier";
  return column.many_distinct ? concat("text with more than ", ColumnProfile::kMaxDistinct, " values: ", kind)
                              : concat("text with ", column.num_distinct(), " values in ",
                                       column.num_values + column.num_missing, " rows: ", kind);
}

/// Amounts, dates and measures in a form that is not read are text too: "(12.50)", "4.5 kg", "25/10/20". Names
/// and codes begin with a letter.
bool looks_measured(const ColumnProfile& column) {
  const char first = column.first_text.empty() ? 'a' : column.first_text[0];
  const bool letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
  return column.dates.num_dates > 0 || !letter;
}

std::string figures(const ColumnSignal& signal) {
  char text[80];
  std::snprintf(text, sizeof text, "AUC %.4f, average precision %.4f", *signal.auc,
                *signal.average_precision);
  return text;
}

class RoleChooser {
public:
  RoleChooser(const FileProfile& profile, const TablePlan& plan, const DataSchema& classes)
      : profile_(profile), classes_(classes), users_(plan) {
    found_.plan = plan;
    found_.reasons.resize(profile.columns.size());
    found_.signals.resize(profile.columns.size());
    mark_declared(plan);
  }

  Result<ColumnRoles> choose() {
    measure();
    leave_out_empty();
    choose_dates();
    choose_time();
    choose_identifiers();
    choose_groups();
    choose_categories();
    question_leaks();
    keep_something();
    return std::move(found_);
  }

private:
  const ColumnProfile& column(std::int32_t position) const {
    return profile_.columns[static_cast<std::size_t>(position)];
  }

  bool means(const ColumnRef& ref, const ColumnProfile& candidate) const {
    if (!ref.name.empty()) return candidate.name == ref.name;
    const auto count = static_cast<std::int32_t>(profile_.columns.size());
    return candidate.position == (ref.position < 0 ? count + ref.position : ref.position);
  }

  void mark_declared(const TablePlan& plan) {
    open_.assign(profile_.columns.size(), true);
    const auto close = [&](const ColumnRef& ref) {
      for (const ColumnProfile& candidate : profile_.columns)
        if (means(ref, candidate)) open_[static_cast<std::size_t>(candidate.position)] = false;
    };
    for (const std::optional<ColumnRef>* ref : {&plan.label, &plan.time, &plan.group, &plan.id})
      if (*ref) close(**ref);
    for (const std::vector<ColumnRef>* refs : {&plan.drop, &plan.categorical, &plan.numeric, &plan.date})
      for (const ColumnRef& ref : *refs)
        close(ref);
  }

  template <class Visit> void each_open(const Visit& visit) {
    for (const ColumnProfile& candidate : profile_.columns)
      if (open_[static_cast<std::size_t>(candidate.position)]) visit(candidate);
  }

  void decide(const ColumnProfile& chosen, std::string reason) {
    open_[static_cast<std::size_t>(chosen.position)] = false;
    found_.reasons[static_cast<std::size_t>(chosen.position)] = std::move(reason);
  }
  void drop(const ColumnProfile& chosen, std::string reason) {
    found_.plan.drop.push_back({"", chosen.position});
    decide(chosen, std::move(reason));
  }

  std::optional<ColumnSignal>& signal(const ColumnProfile& of) {
    return found_.signals[static_cast<std::size_t>(of.position)];
  }

  /// Reads every column that can be read and looks at each against the label.
  void measure() {
    if (profile_.num_damaged > 0) {
      found_.notes.push_back(
          concat("no column was measured against the label: ", profile_.num_damaged, " rows are damaged"));
      return;
    }
    DataSchema schema = classes_;
    schema.named = false; // by position: names may occur twice
    schema.missing = word_of(MissingPolicy::kMean);
    for (Column& wanted : schema.columns) {
      const ColumnProfile& here = column(wanted.position);
      if (wanted.role == ColumnRole::kLabel) continue;
      wanted.role = here.num_values == 0 ? ColumnRole::kDrop
                    : all_numbers(here)  ? ColumnRole::kNumeric
                                         : ColumnRole::kCategorical;
      if (wanted.role == ColumnRole::kNumeric) wanted.sign = here.sign();
      if (const std::optional<DateForm> form = form_of(here)) {
        wanted.role = ColumnRole::kDate;
        wanted.date_form = *form;
        wanted.date_features = bit(DateFeature::kElapsed);
      }
    }
    ReadOptions read{.csv = found_.plan.csv};
    read.csv.separator = profile_.separator;
    read.csv.header = profile_.has_header ? HeaderLine::kYes : HeaderLine::kNo;
    Result<RawTable> table = read_table(profile_.path, schema, read);
    if (!table.ok()) {
      found_.notes.push_back(concat("no column was measured against the label: ", table.status().message()));
      return;
    }
    std::size_t numeric = 0, category = 0;
    for (const Column& wanted : schema.columns) {
      std::optional<ColumnSignal>& here = found_.signals[static_cast<std::size_t>(wanted.position)];
      if (wanted.role == ColumnRole::kNumeric || wanted.role == ColumnRole::kDate)
        here = measure_numeric(*table, numeric++, schema.num_classes, schema.positive_class);
      if (wanted.role == ColumnRole::kCategorical)
        here = measure_category(*table, category++, schema.num_classes, schema.positive_class);
    }
    found_.rows.label = table->label;
    table_ = *std::move(table);
    table_columns_ = std::move(schema.columns);
  }

  /// How a column of dates is written; nullopt for other columns and where that is open.
  std::optional<DateForm> form_of(const ColumnProfile& here) const {
    if (is_unix_time(here)) return unix_form(here.max);
    if (!all_dates(here)) return std::nullopt;
    return here.dates.is_open() ? found_.plan.date_order : here.dates.form();
  }

  /// Dates become columns.date, and columns.time as well where the rows are in their order.
  void choose_dates() {
    /// Two weeks show each weekday twice, two months a change of month; a time split holds out a season that
    /// training must have seen, so there it takes a year.
    constexpr double kWeekdays = 14, kMonths = 60, kYear = 366;
    std::uint16_t features = 0;
    each_open([&](const ColumnProfile& here) {
      const std::optional<DateForm> form = form_of(here);
      const std::optional<ColumnSignal>& values = signal(here);
      if (!form && all_dates(here)) {
        const char* const why = here.dates.is_open() ? "day and month cannot be told apart"
                                                     : "some have the day first and some the month";
        drop(here, concat("dates, but ", why));
        found_.notes.push_back(concat(
            "column ", in_quotes(here.name), " is left out: its cells are dates, but ", why,
            here.dates.is_open()
                ? concat("; columns.date and ", key_name(&TableKeys::date_order), " make features of it")
                : ""));
        return;
      }
      if (!form || !values) return;
      const bool orders = !found_.plan.time && here.num_missing == 0 && values->num_values >= kFewValues &&
                          values->distinct > 1 && (values->rising || values->falling);
      const double days = values->max - values->min;
      std::uint16_t own = orders ? 0 : bit(DateFeature::kElapsed);
      if (days >= (orders ? kYear : kMonths)) own |= bit(DateFeature::kMonth);
      if (days >= kWeekdays) own |= bit(DateFeature::kDayOfWeek);
      if (here.dates.num_with_time > 0 || is_unix_form(*form)) own |= bit(DateFeature::kHour);
      features |= own;
      if (orders) {
        found_.plan.time = ColumnRef{"", here.position};
        found_.rows.time = table_.numeric[*place_of(here, ColumnRole::kNumeric)];
      } else {
        found_.notes.push_back(
            concat("column ", in_quotes(here.name),
                   " holds dates but the rows are not in their "
                   "order: if later rows are to be predicted from earlier ones, name it as "
                   "columns.time as well and split by it"));
      }
      if (own == 0) {
        decide(here, concat("the rows are in its order; ", static_cast<std::int64_t>(days),
                            " days show no season"));
        return;
      }
      found_.plan.date.push_back({"", here.position});
      open_[static_cast<std::size_t>(here.position)] = false;
      if (orders) orders_ = here.position;
    });
    if (features != 0) found_.plan.date_features = features;
  }

  void leave_out_empty() {
    each_open([&](const ColumnProfile& here) {
      if (here.is_index)
        drop(here, kIndexReason);
      else if (here.num_values == 0)
        drop(here, "every cell is missing");
      else if (here.distinct.size() == 1 && !here.many_distinct)
        drop(here, concat("one value in every row (", in_quotes(here.distinct[0].first), ")"));
    });
  }

  /// Identifiers first get out of the way; the best becomes the id that predictions carry.
  void choose_identifiers() {
    const ColumnProfile* best = nullptr;
    int best_rank = 0;
    each_open([&](const ColumnProfile& here) {
      const std::optional<ColumnSignal>& values = signal(here);
      if (all_numbers(here) && !values) return; // not measured: what it is remains open
      std::string reason = all_numbers(here) ? number_identifies(here, *values) : "";
      if (!here.is_numeric()) reason = text_identifies(here);
      if (reason.empty() || (entity_rank(here.name) >= 0 && is_group(here))) return;
      if (values && values->auc && *values->auc >= kQuestionedAuc)
        reason += concat("; alone it has ", figures(*values), ": as a feature it would tell the label");
      drop(here, reason);
      if (!here.is_numeric() && !is_identifier_name(here.name) && looks_measured(here))
        found_.notes.push_back(concat("column ", in_quotes(here.name), " is no feature: ", reason,
                                      ", such as ", in_quotes(here.first_text), " at ", here.first_text_where,
                                      here.dates.num_dates > 0
                                          ? concat("; ", here.dates.num_dates, " of ", here.num_values,
                                                   " cells are dates that can be read")
                                          : "",
                                      "; written as plain numbers or dates it could be learnt from"));
      // Every row its own value, or it cannot name one.
      const bool names_rows = here.num_missing == 0 && values && values->distinct == here.num_values &&
                              (!here.is_numeric() || values->whole) && !has_blanks(here);
      const int rank = !names_rows || is_row_number_name(here.name) ? 0
                       : is_identifier_name(here.name)              ? 3
                       : !here.is_numeric()                         ? 2
                                                                    : 1;
      if (rank > best_rank) best = &here, best_rank = rank;
    });
    if (!best || found_.plan.id) return;
    std::erase_if(found_.plan.drop,
                  [&](const ColumnRef& ref) { return ref.name.empty() && ref.position == best->position; });
    found_.plan.id = ColumnRef{"", best->position};
    found_.reasons[static_cast<std::size_t>(best->position)] += "; predictions carry it";
  }

  bool is_group(const ColumnProfile& here) {
    const std::optional<ColumnSignal>& values = signal(here);
    if (here.num_missing > 0 || !values) return false;
    if (all_numbers(here) && !values->whole) return false;
    return values->distinct >= kFewGroups && values->distinct < here.num_values;
  }

  void choose_groups() {
    const ColumnProfile* best = nullptr;
    each_open([&](const ColumnProfile& here) {
      if (entity_rank(here.name) < 0 || !is_group(here)) return;
      if (!best || entity_rank(here.name) < entity_rank(best->name)) best = &here;
    });
    if (!best) return;
    if (!found_.plan.group) {
      found_.plan.group = ColumnRef{"", best->position};
      decide(*best, concat("its name, and ", signal(*best)->distinct, " values in ", best->num_values,
                           " rows: what a split must not tear apart"));
      take_keys(*best);
    }
    each_open([&](const ColumnProfile& here) {
      if (entity_rank(here.name) >= 0 && is_group(here))
        drop(here, concat("its name, and ", signal(here)->distinct, " values in ", here.num_values,
                          " rows: known rows would be learnt by heart"));
    });
  }

  /// The rows' groups, for the split.
  void take_keys(const ColumnProfile& chosen) {
    if (const auto category = place_of(chosen, ColumnRole::kCategorical)) {
      found_.rows.group = table_.category[*category].codes;
    } else if (const auto numeric = place_of(chosen, ColumnRole::kNumeric)) {
      std::map<double, std::int32_t> codes;
      for (const double value : table_.numeric[*numeric])
        found_.rows.group.push_back(
            codes.emplace(value, static_cast<std::int32_t>(codes.size())).first->second);
    }
  }

  /// Which column of its role in the table that was read.
  std::optional<std::size_t> place_of(const ColumnProfile& of, ColumnRole role) const {
    std::size_t place = 0;
    for (const Column& read : table_columns_) {
      // Dates were read as one number each, so they count among those.
      const bool number = read.role == ColumnRole::kNumeric || read.role == ColumnRole::kDate;
      if (role == ColumnRole::kNumeric ? !number : read.role != role) continue;
      if (read.position == of.position) return place;
      ++place;
    }
    return std::nullopt;
  }

  void choose_time() {
    each_open([&](const ColumnProfile& here) {
      const std::optional<ColumnSignal>& values = signal(here);
      if (!all_numbers(here) || !values || here.num_missing > 0 || values->num_values < kFewValues ||
          !is_time_name(here.name))
        return;
      if (!values->rising && !values->falling) {
        found_.notes.push_back(concat("column ", in_quotes(here.name),
                                      " is named for a time but the rows are not in its order: it stays a "
                                      "feature; if later rows are to be predicted from earlier ones, name "
                                      "it as columns.time and split by it"));
        return;
      }
      if (found_.plan.time) return;
      found_.plan.time = ColumnRef{"", here.position};
      decide(here, "its name, and the rows are in its order");
      if (const auto numeric = place_of(here, ColumnRole::kNumeric))
        found_.rows.time = table_.numeric[*numeric];
    });
  }

  void choose_categories() {
    each_open([&](const ColumnProfile& here) {
      const std::optional<ColumnSignal>& values = signal(here);
      const bool few = here.num_distinct() * kRowsPerCategory <= here.num_values;
      if (all_numbers(here)) {
        if (!is_identifier_name(here.name) || !few || !values || !values->whole || values->distinct < 3)
          return;
        found_.plan.categorical.push_back({"", here.position});
        decide(here, concat("its name, and ", values->distinct, " values: numbers without an order"));
      } else if (here.is_numeric() && few && here.num_not_finite == 0) {
        found_.plan.categorical.push_back({"", here.position});
        decide(here, concat(here.num_distinct(), " values, not all of them numbers (",
                            in_quotes(here.first_text), " at ", here.first_text_where, ")"));
      } else if (here.is_numeric()) {
        const std::string what =
            concat("numbers in ", here.num_numbers, " of ", here.num_values, " cells, but ",
                   in_quotes(here.first_text), " at ", here.first_text_where);
        drop(here, concat(what, ": left out until those cells are mended"));
        found_.notes.push_back(concat("column ", in_quotes(here.name), " is left out: ", what,
                                      "; to learn from it, mend those cells, or list what means no value in ",
                                      key_name(&TableKeys::missing_markers), " and the column in ",
                                      key_name(&TableKeys::columns_numeric)));
      }
    });
  }

  void question_leaks() {
    std::vector<const ColumnProfile*> copies;
    std::size_t num_features = 0;
    for (const ColumnProfile& here : profile_.columns)
      num_features += open_[static_cast<std::size_t>(here.position)] || is_declared_feature(here.position);
    each_open_or_chosen([&](const ColumnProfile& here) {
      const std::optional<ColumnSignal>& values = signal(here);
      if (!values || !is_questioned(*values)) return;
      found_.questioned.push_back(here.position);
      if (is_copy_of_label(*values)) {
        copies.push_back(&here);
        return;
      }
      found_.reasons[static_cast<std::size_t>(here.position)] =
          concat("alone it has ", figures(*values), ": is it known before the label is?");
      found_.notes.push_back(concat("column ", in_quotes(here.name), " alone has ", figures(*values),
                                    " for the label: it is kept, but drop it if it is only known once the "
                                    "label is (a leak)"));
    });
    const bool nothing_else = copies.size() == num_features;
    for (const ColumnProfile* here : copies) {
      const std::string figure = figures(*signal(*here));
      if (nothing_else) {
        found_.reasons[static_cast<std::size_t>(here->position)] =
            concat("alone it has ", figure, ": a leak? kept, there is no other feature");
        found_.notes.push_back(concat("column ", in_quotes(here->name), " alone has ", figure,
                                      " for the label, as a leak would; it is kept because nothing else is "
                                      "left to learn from"));
        continue;
      }
      for (std::vector<ColumnRef>* refs : {&found_.plan.categorical, &found_.plan.date})
        std::erase_if(
            *refs, [&](const ColumnRef& ref) { return ref.name.empty() && ref.position == here->position; });
      drop(*here,
           concat("alone it has ", figure, ": a leak? delete this line if it is known before the label"));
      found_.notes.push_back(concat("column ", in_quotes(here->name), " alone has ", figure,
                                    " for the label: it is left out as a leak; if it is known before the "
                                    "label is, take it out of columns.drop"));
    }
  }

  bool is_declared_feature(std::int32_t position) const {
    for (const std::vector<ColumnRef>* refs :
         {&found_.plan.categorical, &found_.plan.numeric, &found_.plan.date})
      for (const ColumnRef& ref : *refs)
        if (means(ref, column(position))) return true;
    return false;
  }

  /// Features of this class's choosing, the categories above among them.
  template <class Visit> void each_open_or_chosen(const Visit& visit) {
    for (const ColumnProfile& here : profile_.columns) {
      bool chosen = false;
      for (const auto& [refs, users] : {std::pair(&found_.plan.categorical, &users_.categorical),
                                        std::pair(&found_.plan.date, &users_.date)})
        for (std::size_t i = users->size(); i < refs->size(); ++i)
          chosen |= (*refs)[i].position == here.position;
      if (here.position == orders_) continue; // its elapsed time is no feature
      if (open_[static_cast<std::size_t>(here.position)] || chosen) visit(here);
    }
  }

  /// A description of a table without any feature still shows its columns: what was left out as an
  /// identifier comes back, and `features_left` keeps `init` from building on it.
  void keep_something() {
    for (const ColumnProfile& here : profile_.columns)
      if (open_[static_cast<std::size_t>(here.position)] || is_declared_feature(here.position)) return;
    found_.features_left = false;
    found_.plan = users_;
    for (const ColumnProfile& here : profile_.columns) {
      if (found_.reasons[static_cast<std::size_t>(here.position)].empty()) continue;
      const bool readable =
          all_numbers(here) || (!here.is_numeric() && !here.many_distinct && here.num_values > 0);
      (!readable           ? found_.plan.drop
       : all_numbers(here) ? found_.plan.numeric
                           : found_.plan.categorical)
          .push_back({"", here.position});
    }
  }

  const FileProfile& profile_;
  const DataSchema& classes_;
  const TablePlan& users_;
  ColumnRoles found_;
  std::vector<bool> open_;   ///< nobody has decided on it yet
  std::int32_t orders_ = -1; ///< position of the date that is the time column too
  RawTable table_;
  std::vector<Column> table_columns_;
};

} // namespace

bool is_questioned(const ColumnSignal& signal) {
  return signal.auc && *signal.auc >= kQuestionedAuc && *signal.average_precision >= kQuestionedPrecision;
}

bool is_copy_of_label(const ColumnSignal& signal) {
  return is_questioned(signal) && *signal.average_precision >= kCopyPrecision;
}

Result<ColumnRoles> choose_roles(const FileProfile& profile, const TablePlan& plan,
                                 const DataSchema& classes) {
  return RoleChooser(profile, plan, classes).choose();
}

} // namespace tailor::runtime
