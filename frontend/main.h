#pragma once

#include "frontend/program.h"

namespace tailor {

/// The command line of a user's own binary: train | compile -o FILE | inspect | --explain, ... as `tailor`
/// has it, for this program. Returns the exit code (0 done, 1 input wrong, 2 command line wrong, 70 our bug).
/// Linked from tailor_main (tools/tailor).
int main(TrainingProgram& program, int argc, char** argv);

} // namespace tailor
