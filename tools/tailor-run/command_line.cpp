#include "tools/tailor-run/command_line.h"

#include "runtime/base/log.h"
#include "runtime/base/wording.h"
#include "runtime/train/run_folder.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace tailor::runtime {
namespace {

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

/// The innermost command the words have named.
const CLI::App& chosen(const CLI::App& app) {
  const CLI::App* innermost = &app;
  while (!innermost->get_subcommands().empty())
    innermost = innermost->get_subcommands().back();
  return *innermost;
}

/// "tailor train" of the app and its parents.
std::string full_name(const CLI::App& app) {
  return app.get_parent() ? full_name(*app.get_parent()) + " " + app.get_name() : app.get_name();
}

int refuse_extra(const CLI::App& app, const std::string& word, const std::string& help) {
  if (!word.starts_with("-")) return wrong_command_line(concat("unexpected word '", word, "'"), help);
  const std::string name = word.substr(0, word.find('='));
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; }))
    for (const std::string& long_name : option->get_lnames())
      known.push_back("--" + long_name);
  const std::string near = did_you_mean(name, known);
  return wrong_command_line(concat("unknown option '", name, "'"), near.empty() ? help : near);
}

/// CLI11 writes sentences: "--threads: Value 0 not in range", "A subcommand is required".
std::string as_message(std::string text) {
  const std::size_t colon = text.find(": ");
  const std::size_t begin = text.starts_with("--") && colon != std::string::npos ? colon + 2 : 0;
  if (begin < text.size())
    text[begin] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[begin])));
  return text;
}

} // namespace

int wrong_command_line(const std::string& message, const std::string& hint) {
  log_error(message);
  if (!hint.empty()) log_info("hint: " + hint);
  return kWrongCommandLine;
}

CLI::Validator is_named() {
  return CLI::Validator(
      [](std::string& text) {
        return std::string(text.empty() ? "a name is needed, this one is empty" : "");
      },
      "");
}

std::optional<int> read_words(CLI::App& app, const std::vector<std::string>& words) {
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend()); // CLI11 takes arguments from the back
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) { // help or version
      std::ostringstream text;
      const int code = app.exit(error, text, text);
      print(text.str());
      return code;
    }
    const CLI::App& command = chosen(app);
    const std::string help = full_name(command) + " --help shows what it takes";
    const std::vector<std::string> extras = app.remaining(true);
    // A word that is not known explains more than the one that is missing because of it.
    if (!extras.empty()) return refuse_extra(command, extras.front(), help);
    return wrong_command_line(as_message(error.what()), help);
  }
  return std::nullopt;
}

std::optional<int> refuse_unknown_command(const CLI::App& app, const std::vector<std::string>& words) {
  if (words.empty() || words.front().starts_with("-")) return std::nullopt;
  const std::vector<std::string> known = commands_of(app);
  const std::string& word = words.front();
  if (std::find(known.begin(), known.end(), word) != known.end()) return std::nullopt;
  const std::string program = app.get_name();
  std::string hint = did_you_mean(word, known);
  if (!hint.empty()) return wrong_command_line(concat("unknown command '", word, "'"), hint);
  if (word.ends_with(".toml")) {
    hint = shell_words({program, "train", word});
  } else if (word.ends_with(".tailor")) {
    hint = shell_words({program, "run", word});
  } else {
    hint = "commands: " + listed(known);
  }
  return wrong_command_line(concat("unknown command '", word, "'"), hint);
}

} // namespace tailor::runtime
