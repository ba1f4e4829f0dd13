#pragma once

namespace tailor::runtime {

/// What every binary does first. Standard streams that are closed are opened on /dev/null: else the first file
/// opened takes their number and what is printed goes into it. A write past the limit on the size of files
/// (`ulimit -f`) is an error (EFBIG) instead of the end of the process. An exception that nobody can catch (out of
/// memory in a thread or in code without exceptions) ends the process with a message and exit code 1, others
/// with 70: never an abort.
void prepare_process();

} // namespace tailor::runtime
