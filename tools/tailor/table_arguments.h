#pragma once
#include "runtime/data/describe.h"
#include "tools/tailor/data.h"

namespace tailor::tools {

/// Reads the table as the arguments say.
runtime::Result<runtime::DataDescription> describe(const TableArguments& arguments);

} // namespace tailor::tools
