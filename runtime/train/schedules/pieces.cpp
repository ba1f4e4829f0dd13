#include "runtime/options/schedule_keys.h"
#include "runtime/train/schedules/curves.h"

#include <numeric>

namespace tailor::runtime {
namespace {

constexpr std::string_view kName = "pieces";

struct PiecesKeys {
  std::vector<std::string> pieces = {};
  std::vector<double> ends = {};
  std::vector<double> peaks = {};

  static const KeySet<PiecesKeys>& keys();
};

const KeySet<PiecesKeys>& PiecesKeys::keys() {
  static const KeySet<PiecesKeys> set{
      ScheduleKeys::key_prefix(),
      {
          key("pieces", &PiecesKeys::pieces,
              {.text =
                   "schedules that follow one another, each as if its part of the run were the run, with the "
                   "keys of its name, which two of one name share",
               .choices_of = std::string(ScheduleSpec::kKind)}),
          key("piece_ends", &PiecesKeys::ends,
              {.min = 0,
               .max = 1,
               .above_min = true,
               .text = "share of the run at which each piece ends, rounded up to an epoch; the last is 1. "
                       "Default: equal parts"}),
          key("piece_peaks", &PiecesKeys::peaks,
              {.text = "factor on the peak in each piece; default: 1 in all"}),
      }};
  return set;
}

struct Piece {
  Schedule schedule;
  double end = 1, peak = 1;
};

/// First epoch after `share` of E epochs. 0.1 * 30 is 3.0000000000000004 in binary: what is that near to a whole
/// number is one.
std::int64_t border(double share, std::int64_t num_epochs) {
  constexpr double kRounding = 1e-9; // above the error of a product below 2^31, far below an epoch
  return static_cast<std::int64_t>(std::ceil(share * static_cast<double>(num_epochs) - kRounding));
}

/// The options as piece i sees them: `<prefix>pieceI.KEY`, which a program may write, stands for `<prefix>KEY`.
Options options_of_piece(const ScheduleRequest& request, std::size_t i, const std::string& name) {
  Options own = request.options;
  const std::string nested = concat(request.prefix, "piece", i, ".");
  for (const auto& [key, option] : request.options)
    if (key.starts_with(nested)) own.set(request.prefix + key.substr(nested.size()), option);
  own.set(request.prefix + "name", OptionValue(name));
  return own;
}

Result<ScheduleCurve> make(const ScheduleRequest& request) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(PiecesKeys keys, read_keys<PiecesKeys>(request.options, request.prefix));
  const std::size_t count = keys.pieces.size();
  const auto wrong = [&](const char* key, auto... parts) {
    return invalid_argument("'", request.prefix, key, "' ", parts...).about(request.prefix + key);
  };
  if (count == 0) return wrong("pieces", "is empty, expected the names of schedules");
  if (keys.ends.empty())
    for (std::size_t i = 1; i <= count; ++i)
      keys.ends.push_back(static_cast<double>(i) / static_cast<double>(count));
  if (keys.ends.size() != count)
    return wrong("piece_ends", "has ", keys.ends.size(), " values for ", count, " pieces");
  if (std::adjacent_find(keys.ends.begin(), keys.ends.end(), std::greater_equal<>()) != keys.ends.end() ||
      keys.ends.back() != 1)
    return wrong("piece_ends", "must ascend to 1, not ",
                 OptionValue(OptionValue::List(keys.ends.begin(), keys.ends.end())).to_json());
  if (keys.peaks.empty()) keys.peaks.assign(count, 1.0);
  if (keys.peaks.size() != count)
    return wrong("piece_peaks", "has ", keys.peaks.size(), " values for ", count, " pieces");
  if (request.prefix == ScheduleKeys::key_prefix())
    for (const double peak : keys.peaks)
      if (peak < 0) return wrong("piece_peaks", "makes the learning rate negative: ", peak);
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < count; ++i) {
    if (keys.pieces[i] == kName)
      return wrong("pieces", "holds \"", kName, "\" itself, expected other schedules");
    const Options own = options_of_piece(request, i, keys.pieces[i]);
    TAILOR_ASSIGN_OR_RETURN(Schedule schedule,
                            Schedule::create(own, request.prefix.substr(0, request.prefix.size() - 1)),
                            concat("piece ", i, " of '", request.prefix, "pieces'"));
    pieces.push_back({std::move(schedule), keys.ends[i], keys.peaks[i]});
  }
  const auto factor = [pieces = std::move(pieces)](const TrainingClock& clock) {
    const std::int64_t num_epochs = clock.num_epochs();
    std::size_t i = 0;
    std::int64_t first = 0, last = border(pieces[0].end, num_epochs);
    while (i + 1 < pieces.size() && clock.epoch() >= last) {
      first = last;
      last = border(pieces[++i].end, num_epochs);
    }
    TrainingClock own = clock;
    own.step -= first * clock.n();
    own.total_steps = std::min(last * clock.n(), clock.total_steps) - first * clock.n();
    return pieces[i].peak * pieces[i].schedule.factor(own);
  };
  return ScheduleCurve{factor};
}

const Registered<ScheduleSpec> registered{
    {.name = std::string(kName),
     .text = "schedule.pieces one after another, each over its part of the run",
     .keys = PiecesKeys::keys().specs(),
     .make = make}};

} // namespace
} // namespace tailor::runtime
