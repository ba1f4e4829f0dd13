#pragma once
#include "runtime/base/result.h"

#include <string>

namespace tailor::runtime {

/// "runs/fraud-latest" for runs of the program `name` whose folder nobody named: the link that commands after a
/// run can use without knowing when it began.
std::string latest_run_link(const std::string& name);

/// Makes `link` a symbolic link to `folder`, which lies beside it; a link that points elsewhere is replaced in one
/// step, so that it always leads somewhere.
/// Errors   kInvalidArgument: something that is no link has that name; what the file system says.
Status link_latest_run(const std::string& folder, const std::string& link);

} // namespace tailor::runtime
