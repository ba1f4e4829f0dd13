#pragma once
#include "runtime/artifact/spec.h"

#include <cstddef>
#include <span>

namespace tailor::runtime {

/// Writes the initial value of a state: a function of (seed, checkpoint name of the state, element) alone, so
/// it does not change when other states come or go.
///
///   words   = philox4x32_10((element lo, element hi, attempt, 0x494E4954), seed ^ XXH3-64(checkpoint name))
///   uniform = (2 u - 1) value          with u, z as runtime/base/philox.h defines them
///   normal  = z value
///   truncated_normal: attempts until |z| <= 2
///
/// `destination` holds exactly state.bytes. kCopyOf is the caller's: it copies the source state.
/// Computed in f64 and rounded once for f32 states.
void write_initial_value(const ArtifactSpec& spec, const State& state, std::uint64_t seed,
                         std::span<std::byte> destination);

} // namespace tailor::runtime
