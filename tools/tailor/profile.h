#pragma once
// `tailor profile`: where the time of a step goes, command by command.

#include <cstdint>
#include <string>

namespace tailor::tools {

/// A median of a hundred hardly moves; of a network whose steps take seconds three have to do.
inline constexpr std::int64_t kMostSteps = 100, kFewestSteps = 3;
inline constexpr double kMostSeconds = 30;

struct ProfileArguments {
  std::string path;       ///< P.tailor
  std::string entry;      ///< empty: the step of the first stage
  std::int64_t batch = 0; ///< 0: the first that was compiled
  std::int64_t steps = 0; ///< 0: as many as fit into kMostSeconds, and no more than kMostSteps
  int threads = 1;
  bool layers = false; ///< the convolutions by layer instead of every command
  bool json = false;
};

/// Runs the entry on made-up rows and prints, the longest first, every command with its measured time (median of the
/// steps), its share of the step, its floor on this machine (the arithmetic it does at the measured peak, which for Winograd is less than the direct sum's, or bytes at the measured
/// bandwidth of the level that holds them, loads beside stores, whichever is longest), what it computes and for which line; and how much of
/// the step the commands cover. With `layers` the convolutions in the order of the step: layer, product, algorithm, rate,
/// what was fused into its loads and stores; then what the other commands take together. Times do not depend on the values of rows; losses do, and are not shown.
int run_profile(const ProfileArguments& arguments);

} // namespace tailor::tools
