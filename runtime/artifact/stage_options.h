#pragma once
#include "runtime/base/options.h"

#include <string>
#include <string_view>
#include <vector>

namespace tailor::runtime {

/// What is a stage's own stands among the program's options under "stage.<name>.": `stage.head.optimizer.lr` is the
/// rate of stage `head`, and `--set` takes it like any other.
std::string stage_key(std::string_view stage, std::string_view key);

/// Options as stage `stage` has them: the program's, its own over them, and no key of any stage by its long name.
Options options_of_stage(const Options& program, std::string_view stage);

/// Ok if a stage of `stages` reads `key` of `options`, for a `--set key=text`. A key that each has of its own would
/// change nothing.
/// Errors   kInvalidArgument with the long keys as the hint.
Status check_some_stage_reads(const std::vector<std::string>& stages, const Options& options,
                              const std::string& key, const std::string& text);

} // namespace tailor::runtime
