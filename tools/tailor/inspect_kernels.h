#pragma once
// What `tailor inspect` shows of kernels. Needs no LLVM, so that the fuzzer reaches it.

#include "runtime/artifact/reader.h"

#include <string>

namespace tailor::tools {

/// What one run of every compiled variant launches, does and moves. Then every kernel (or the one called `name`),
/// the costliest first by the floors of all its launches: its share of them, what it computes, for which lines,
/// how often it is launched, its work, its floor and the ceiling that sets it (of a machine that the table names), vector width or
/// blocks and threads, code size, bytes of each operand. Plans of libraries stand among the kernels, with engine, version and
/// workspace. kNotFound for an unknown name.
runtime::Result<std::string> kernel_table(const runtime::Artifact& artifact, const std::string& name,
                                          bool json);

/// Index of the kernel called `name`. kNotFound naming those there are.
runtime::Result<std::size_t> find_kernel(const runtime::ArtifactSpec& spec, const std::string& name);

/// The op `id` of the table; nullptr if it is not there.
const runtime::OpRecord* op_record(const runtime::ArtifactSpec& spec, std::int32_t id);

/// "forward of x 5x32x32x3, w 16x3x3x3, y 5x32x32x16, stride 1 x 1, padding 1 1 1 1, dilation 1 x 1, 1 group"
std::string title_of(const runtime::LibraryPlan& plan);

} // namespace tailor::tools
