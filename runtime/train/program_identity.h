#pragma once
#include "runtime/artifact/spec.h"

#include <string>
#include <string_view>

namespace tailor::runtime {

/// What a program must have in common with the one that wrote a checkpoint to go on from it: the value of
/// every compile key, the columns of the data, the traced program (ArtifactSpec::meaning) and the version of the random
/// numbers that its steps draw. Run options, the source's text and lines, passes and the machine are no part of it.
/// (States and target are checked beside it.)
std::string program_identity(const ArtifactSpec& spec);

/// Ok if `identity` is that of `spec`. Else kIncompatible naming the first thing that differs, with both
/// values, or kDataLoss if `identity` is no such text.
Status check_program_identity(const ArtifactSpec& spec, std::string_view identity);

/// Compile keys of network and data that may decide what is computed from a row with the same weights (so not those of frozen
/// parameters, or of columns that are no input) and whose values differ in `identity` and `spec`: "'data.image.mean' was
/// null, here it is [0.9]". Empty: none, or `identity` is none.
std::string forward_difference(const ArtifactSpec& spec, std::string_view identity);

} // namespace tailor::runtime
