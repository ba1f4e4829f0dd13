#pragma once

#include "frontend/program.h"

#include <functional>
#include <memory>

namespace tailor {

/// Makes data::csv and Array::eval work: registers the reader and the compiler. A program built with
/// tailor_program() of CMake has them before main(); with another build system call this first.
void register_services();

/// The command line of a user's own binary, as `tailor` has it: train | compile -o FILE | inspect | run | ...
/// Without a source `train` and `compile` take the program of the binary; with one they take that recipe,
/// which may name what the binary registered (models/recipe/registry.h). Linked from tailor_main
/// (tools/tailor).
///
/// Returns  the exit code: 0 done, 1 input wrong (what the program's own code throws is that too, with its what()), 2
///          command line wrong, 70 our bug. Throws nothing.

/// For recipes only: a binary that registers losses, methods or models.
int main(int argc, char** argv);

/// For `program`, which is made already.
int main(TrainingProgram& program, int argc, char** argv);

/// For the program that `build` makes when a command needs one. What it throws (TraceError) is reported with
/// its line, where an exception before main() would end the process.
int main(int argc, char** argv, const std::function<std::shared_ptr<TrainingProgram>()>& build);

/// The same for a class that holds the program as its member `program`, beside the modules and optimizers it
/// refers to. Make them in its constructor: an initialiser at the member answers to the line of the class.
template <class Owner> int main(int argc, char** argv) {
  return main(argc, argv, [] {
    auto owner = std::make_shared<Owner>();
    return std::shared_ptr<TrainingProgram>(owner, &owner->program);
  });
}

} // namespace tailor
