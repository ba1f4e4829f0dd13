#pragma once

#include "frontend/program_tracer.h"

#include <vector>

namespace tailor {

/// What is wrong in a list of stages whatever the program holds.
/// Errors   TraceError at the stage's line: no usable name, two of one name, two lengths, a first one that continues.
void check_stages(const std::vector<Stage>& stages);

/// The stages of a program with the step and the evaluation of each, and its options.
/// Errors   TraceError for names that are not there, or left out where there are several; a step or an evaluation that
///          no stage uses; an option that is the same for all stages.
std::vector<TracedStage> name_stages(const TrainingProgram::Impl& program);

/// Looks up what the stages copy and initialise among the groups that were traced.
/// Errors   TraceError for an unknown group, for copies between groups that are not alike (naming the first tensors
///          that disagree) or from one that no stage before trains, for a group that is copied and initialised.
void resolve_stages(const TrainingProgram::Impl& program, TracedProgram& traced);

} // namespace tailor
