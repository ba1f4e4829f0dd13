#pragma once
#include "runtime/base/data_schema.h"

#include <optional>
#include <span>
#include <string_view>

namespace tailor::runtime {

/// Numbers that count from 1970.
constexpr bool is_unix_form(DateForm form) {
  return form == DateForm::kUnixSeconds || form == DateForm::kUnixMilliseconds;
}
/// What numbers up to `largest` count: seconds up to the year 5138, from there (10^11) milliseconds; nothing from
/// 10^14 on.
std::optional<DateForm> unix_form(double largest);

/// A date, or a date and a time of day, as a clock on the wall there shows it.
struct DateTime {
  double local_seconds = 0; ///< since 1970-01-01 00:00 of that clock
  double utc_offset = 0;    ///< seconds the clock is ahead of UTC; 0 where the text has no zone
  bool has_time = false;
};

/// Reads `2021-03-04`, `2021/3/4`, `20210304` (year first); `4 Mar 2021`, `Mar 4, 2021`; and `4/3/2021`,
/// `4-3-2021`, `4.3.2021` as `form` says. A time of day may follow a blank or `T`: `12:30`, `12:30:15.25`,
/// `1:30 PM`, then `Z`, `UTC` or `+02:00`; `20210304123015` has one too. With a Unix form a number counts
/// from 1970. Years have four digits. False for anything else, days that no month has among it.
bool parse_date(std::string_view text, DateForm form, DateTime& date);

/// What the cells of one column say about being dates.
struct DateEvidence {
  std::int64_t num_dates = 0;       ///< cells that are dates in some reading
  std::int64_t num_day_first = 0;   ///< of them, only with the day before the month (31/12/2021, 4.3.2021)
  std::int64_t num_month_first = 0; ///< only with the month before the day (12/31/2021)
  std::int64_t num_open = 0;        ///< either way (4/3/2021; 4/4/2021, which leaves other tables open)
  std::int64_t num_digits = 0;      ///< digits alone: 20210304 or 20210304123015
  std::int64_t num_with_time = 0;

  void add(std::string_view text);
  /// The one reading in which all cells are dates; nullopt where there is none or there are two.
  std::optional<DateForm> form() const;
  /// Both readings are possible.
  bool is_open() const { return num_open > 0 && num_day_first == 0 && num_month_first == 0; }
};

/// The inputs of a date for the features of `mask` (bits of DateFeature), in the order of the enumeration:
///
///   elapsed      days since 1970-01-01 UTC, with their fraction
///   year         1970
///   month        sin, cos of 2 pi (month - 1) / 12
///   day          sin, cos of 2 pi (day - 1) / days of that month
///   day_of_week  sin, cos of 2 pi d / 7, Monday = 0
///   hour         sin, cos of 2 pi (time of day) / 24 h
///
/// Circles, because December is next to January; elapsed and year are lines. `inputs` holds
/// num_date_inputs(mask).
void date_inputs(const DateTime& date, std::uint16_t mask, std::span<double> inputs);

} // namespace tailor::runtime
