#pragma once
// What the command lines of tailor and tailor-run share. The files that include it pay for CLI11: seconds each.

#include "tools/tailor-run/run_command.h"

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

namespace tailor::runtime {

/// Prints "error: MESSAGE" and "hint: HINT", if there is one; returns the exit code of a wrong command line.
int wrong_command_line(const std::string& message, const std::string& hint = {});

/// Of an option that names a file or folder: refuses the empty word that an unset variable leaves, which would
/// stand for "not given".
CLI::Validator is_named();

/// Reads the words behind the program's name into `app`. Nothing: go on. Otherwise the exit code, after help or
/// version was printed (0) or what is wrong (2): "unknown option '--thread'" with the nearest one as hint.
std::optional<int> read_words(CLI::App& app, const std::vector<std::string>& words);

/// "unknown command 'tran'" with the nearest of the commands of `app` as hint, if the first word is none of them
/// and no option.
std::optional<int> refuse_unknown_command(const CLI::App& app, const std::vector<std::string>& words);

} // namespace tailor::runtime
