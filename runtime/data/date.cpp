#include "runtime/data/date.h"

#include "runtime/data/csv.h"

#include <array>
#include <chrono>
#include <cmath>
#include <numbers>
#include <utility>

namespace tailor::runtime {
namespace {

constexpr double kDaySeconds = 86400;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Reads a text from the left.
class Scanner {
public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_[0]; }
  bool take(char c) {
    if (peek() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_blanks() {
    while (take(' ')) {
    }
  }
  /// Digits, between `min` and `max` of them and none after.
  bool number(std::size_t min, std::size_t max, int& value) {
    std::size_t count = 0;
    value = 0;
    while (count < rest_.size() && is_digit(rest_[count]) && count < max)
      value = value * 10 + (rest_[count++] - '0');
    if (count < min || (count < rest_.size() && is_digit(rest_[count]))) return false;
    rest_.remove_prefix(count);
    return true;
  }
  /// Exactly `count` digits, whatever follows.
  bool digits(std::size_t count, int& value) {
    value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (i >= rest_.size() || !is_digit(rest_[i])) return false;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return true;
  }
  /// A word of letters, lower case.
  std::string word() {
    std::string word;
    while (!rest_.empty() && ((rest_[0] | 0x20) >= 'a') && ((rest_[0] | 0x20) <= 'z') && rest_[0] > 0) {
      word += static_cast<char>(rest_[0] | 0x20);
      rest_.remove_prefix(1);
    }
    return word;
  }
  std::size_t num_digits() const {
    std::size_t count = 0;
    while (count < rest_.size() && is_digit(rest_[count]))
      ++count;
    return count;
  }
  std::size_t size() const { return rest_.size(); }

private:
  std::string_view rest_;
};

/// "mar", "march" -> 3; 0 for no month.
int month_of(const std::string& word) {
  constexpr std::array<std::string_view, 12> kMonths = {"january",   "february", "march",    "april",
                                                        "may",       "june",     "july",     "august",
                                                        "september", "october",  "november", "december"};
  if (word.size() < 3) return 0;
  for (std::size_t i = 0; i < kMonths.size(); ++i)
    if (kMonths[i] == word || (word.size() <= 4 && kMonths[i].starts_with(word)))
      return static_cast<int>(i) + 1;
  return 0;
}

struct Calendar {
  int year = 0, month = 0, day = 0;
};

bool days_since_epoch(const Calendar& date, double& days) {
  const std::chrono::year_month_day day{std::chrono::year(date.year),
                                        std::chrono::month(static_cast<unsigned>(date.month)),
                                        std::chrono::day(static_cast<unsigned>(date.day))};
  if (date.year < 1 || !day.ok()) return false;
  days = static_cast<double>(std::chrono::sys_days(day).time_since_epoch().count());
  return true;
}

/// The day in front of a text, in all readings it has.
struct Day {
  Calendar year_first, day_first, month_first; ///< year 0: no such reading
  bool digits = false;                         ///< no separators: a time of day may follow as digits
};

bool scan_day(Scanner& scan, Day& day) {
  int a = 0, b = 0, c = 0;
  const std::size_t leading = scan.num_digits();
  if (leading == 8 || leading == 14) { // 20210304, 20210304123015
    day.digits = true;
    return scan.digits(4, day.year_first.year) && scan.digits(2, day.year_first.month) &&
           scan.digits(2, day.year_first.day);
  }
  if (leading == 4) { // 2021-3-4
    if (!scan.number(4, 4, a)) return false;
    const char separator = scan.peek();
    if ((separator != '-' && separator != '/' && separator != '.') || !scan.take(separator) ||
        !scan.number(1, 2, b) || !scan.take(separator) || !scan.number(1, 2, c))
      return false;
    day.year_first = {a, b, c};
    return true;
  }
  if (leading == 1 || leading == 2) {
    if (!scan.number(1, 2, a)) return false;
    const char separator = scan.peek();
    if ((separator != '-' && separator != '/' && separator != '.' && separator != ' ') ||
        !scan.take(separator))
      return false;
    if (is_digit(scan.peek())) { // 4/3/2021
      if (separator == ' ' || !scan.number(1, 2, b) || !scan.take(separator) || !scan.number(4, 4, c))
        return false;
      day.day_first = {c, b, a};
      // Points are never written with the month first.
      if (separator != '.') day.month_first = {c, a, b};
      return true;
    }
    const int month = month_of(scan.word()); // 4 Mar 2021
    if (month == 0 || !scan.take(separator) || !scan.number(4, 4, c)) return false;
    day.year_first = {c, month, a};
    return true;
  }
  if (leading != 0) return false;
  const int month = month_of(scan.word()); // Mar 4, 2021
  if (month == 0 || !scan.take(' ') || !scan.number(1, 2, a)) return false;
  scan.take(',');
  if (!scan.take(' ') || !scan.number(4, 4, c)) return false;
  day.year_first = {c, month, a};
  return true;
}

/// What follows the day: nothing, or a time of day with or without a zone. The whole text is used up.
bool scan_time(Scanner& scan, bool digits, double& seconds, DateTime& date) {
  seconds = 0;
  if (scan.done()) return true;
  int hour = 0, minute = 0, second = 0;
  if (digits && is_digit(scan.peek())) {
    if (!scan.digits(2, hour) || !scan.digits(2, minute) || !scan.digits(2, second)) return false;
  } else {
    if (!scan.take('T') && !scan.take(' ')) return false;
    scan.skip_blanks();
    if (!scan.number(1, 2, hour) || !scan.take(':') || !scan.number(2, 2, minute)) return false;
    if (scan.take(':')) {
      if (!scan.number(2, 2, second)) return false;
      if (scan.take('.') || scan.take(',')) {
        double place = 0.1;
        if (!is_digit(scan.peek())) return false;
        for (int digit = 0; is_digit(scan.peek()) && scan.digits(1, digit); place /= 10)
          seconds += digit * place;
      }
    }
    scan.skip_blanks();
    if ((scan.peek() | 0x20) == 'a' || (scan.peek() | 0x20) == 'p') {
      const std::string half = scan.word();
      if ((half != "am" && half != "pm") || hour < 1 || hour > 12) return false;
      hour = hour % 12 + (half == "pm" ? 12 : 0);
      scan.skip_blanks();
    }
  }
  if (hour > 23 || minute > 59 || second > 60) return false;
  seconds += hour * 3600.0 + minute * 60.0 + second;
  date.has_time = true;
  if (scan.done()) return true;
  if (scan.peek() == '+' || scan.peek() == '-') {
    const double sign = scan.take('-') ? -1 : 1;
    if (sign > 0) scan.take('+');
    int zone_hours = 0, zone_minutes = 0;
    if (!scan.digits(2, zone_hours)) return false;
    scan.take(':');
    if (!scan.done() && !scan.digits(2, zone_minutes)) return false;
    if (zone_hours > 14 || zone_minutes > 59) return false;
    date.utc_offset = sign * (zone_hours * 3600.0 + zone_minutes * 60.0);
    return scan.done();
  }
  const std::string zone = scan.word();
  return (zone == "z" || zone == "utc" || zone == "gmt") && scan.done();
}

/// All readings of a text; false if it has none.
struct Readings {
  std::optional<double> year_first, day_first, month_first; ///< days since 1970
  double seconds = 0;
  DateTime date;
  bool digits = false;
};

bool read(std::string_view text, Readings& readings) {
  if (text.size() < 8 || text.size() > 48) return false; // 1/1/2021 .. a date, a time with digits, a zone
  Scanner scan(text);
  Day day;
  if (!scan_day(scan, day) || !scan_time(scan, day.digits, readings.seconds, readings.date)) return false;
  double days = 0;
  if (days_since_epoch(day.year_first, days)) readings.year_first = days;
  if (days_since_epoch(day.day_first, days)) readings.day_first = days;
  if (days_since_epoch(day.month_first, days)) readings.month_first = days;
  readings.digits = day.digits;
  return readings.year_first || readings.day_first || readings.month_first;
}

} // namespace

std::optional<DateForm> unix_form(double largest) {
  constexpr double kMaxSeconds = 1e11, kMaxMilliseconds = 1e14;
  if (largest < kMaxSeconds) return DateForm::kUnixSeconds;
  if (largest < kMaxMilliseconds) return DateForm::kUnixMilliseconds;
  return std::nullopt;
}

bool parse_date(std::string_view text, DateForm form, DateTime& date) {
  if (is_unix_form(form)) {
    double number = 0;
    if (parse_number(text, number) != NumberParse::kOk) return false;
    date = {form == DateForm::kUnixSeconds ? number : number / 1000, 0, true};
    // Year 9999: beyond it a calendar means nothing.
    return std::abs(date.local_seconds) < 253402300800.0;
  }
  Readings readings;
  if (!read(text, readings)) return false;
  const std::optional<double>& day = readings.year_first             ? readings.year_first
                                     : form == DateForm::kDayFirst   ? readings.day_first
                                     : form == DateForm::kMonthFirst ? readings.month_first
                                                                     : readings.year_first;
  if (!day) return false;
  date = readings.date;
  date.local_seconds = *day * kDaySeconds + readings.seconds;
  return true;
}

void DateEvidence::add(std::string_view text) {
  Readings readings;
  if (!read(text, readings)) return;
  // Any number of 8 digits might be a date; those of 1900 to 2100 are more than chance when all are.
  if (readings.digits && (*readings.year_first < -25567 || *readings.year_first >= 47847)) return;
  ++num_dates;
  num_digits += readings.digits;
  num_with_time += readings.date.has_time;
  if (readings.year_first) return;
  if (!readings.month_first)
    ++num_day_first;
  else if (!readings.day_first)
    ++num_month_first;
  else // 4/4/2021 too: it is one day either way, but the cells of another table need not be
    ++num_open;
}

std::optional<DateForm> DateEvidence::form() const {
  if (num_dates == 0 || is_open() || (num_day_first > 0 && num_month_first > 0)) return std::nullopt;
  return num_day_first > 0     ? DateForm::kDayFirst
         : num_month_first > 0 ? DateForm::kMonthFirst
                               : DateForm::kYearFirst;
}

namespace {

struct CirclePoint {
  double sin, cos;
};

/// The point at 0 <= part / whole < 1 of a turn. It is computed in the first eighth and mirrored, so that places
/// which lie opposite share a coordinate to the last bit: sin of February and of June is one value.
CirclePoint on_circle(double part, double whole) {
  const bool below = part * 2 > whole;
  if (below) part = whole - part;
  const bool left = part * 4 > whole;
  if (left) part = whole / 2 - part;
  const bool steep = part * 8 > whole;
  if (steep) part = whole / 4 - part;
  const double angle = 2 * std::numbers::pi * part / whole;
  CirclePoint point{std::sin(angle), std::cos(angle)};
  if (steep) std::swap(point.sin, point.cos);
  if (left) point.cos = 0.0 - point.cos; // no -0
  if (below) point.sin = 0.0 - point.sin;
  return point;
}

} // namespace

void date_inputs(const DateTime& date, std::uint16_t mask, std::span<double> inputs) {
  const double days = std::floor(date.local_seconds / kDaySeconds);
  const std::chrono::sys_days day{std::chrono::days(static_cast<std::int64_t>(days))};
  const std::chrono::year_month_day civil(day);
  std::size_t at = 0;
  const auto has = [&](DateFeature feature) { return (mask >> static_cast<int>(feature)) & 1; };
  const auto circle = [&](double part, double whole) {
    const CirclePoint point = on_circle(part, whole);
    inputs[at++] = point.sin;
    inputs[at++] = point.cos;
  };
  if (has(DateFeature::kElapsed)) inputs[at++] = (date.local_seconds - date.utc_offset) / kDaySeconds;
  if (has(DateFeature::kYear)) inputs[at++] = static_cast<int>(civil.year());
  if (has(DateFeature::kMonth)) circle(static_cast<unsigned>(civil.month()) - 1, 12);
  if (has(DateFeature::kDay)) {
    const std::chrono::year_month_day_last last(civil.year(), std::chrono::month_day_last(civil.month()));
    circle(static_cast<unsigned>(civil.day()) - 1, static_cast<unsigned>(last.day()));
  }
  if (has(DateFeature::kDayOfWeek)) circle(std::chrono::weekday(day).iso_encoding() - 1, 7);
  if (has(DateFeature::kHour)) circle(date.local_seconds - days * kDaySeconds, kDaySeconds);
}

} // namespace tailor::runtime
