#include "tools/tailor/quickstart.h"

#include "runtime/base/log.h"
#include "tools/tailor/commands.h"
#include "tools/tailor/compare.h"
#include "tools/tailor/recipe_program.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <sstream>

namespace tailor::tools {
namespace {

// `count` lines of an explanation in their order, of as many different passes as there are.
void print_lines(const std::string& text, std::size_t count) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    if (line.find('[') != std::string::npos) lines.push_back(line); // not the continuations
  const auto pass_of = [](const std::string& line) {
    const std::size_t begin = line.find('[');
    return line.substr(begin, line.find(']') - begin);
  };
  std::map<std::string, int> seen;
  std::vector<std::pair<int, std::size_t>> turns; // how often its pass spoke before, place
  for (std::size_t i = 0; i < lines.size(); ++i)
    turns.emplace_back(seen[pass_of(lines[i])]++, i);
  std::sort(turns.begin(), turns.end());
  turns.resize(std::min(count, turns.size()));
  std::sort(turns.begin(), turns.end(), [](auto& a, auto& b) { return a.second < b.second; });
  for (const auto& [turn, place] : turns)
    std::cout << "  " << lines[place] << "\n";
}

} // namespace

int run_quickstart(const QuickstartOptions& options) {
  const std::filesystem::path recipes = options.recipes;
  CompareArguments compare;
  compare.recipe = (recipes / "quickstart.toml").string();
  compare.out = options.out;
  compare.command_line = {"build/release/bin/tailor", "compare", compare.recipe, "--out", compare.out};
  std::cout << "methods compared, " << compare.seeds << " seeds each, on ten classes with a long tail, 1:100 "
            << "(validation and test balanced)" << std::endl;
  if (const int code = run_compare(compare); code != 0) return code;

  const std::string recipe = (recipes / "quickstart_sam_a.toml").string();
  runtime::Result<LoadedRecipe> loaded = load_recipe(recipe, {});
  if (!loaded.ok()) return report_source(loaded.status());
  const runtime::Result<backend::Compilation> compiled = compile_recipe(*loaded, backend::CompileOptions{});
  if (!compiled.ok()) return report_source(compiled.status());
  std::cout << "\nwhat the compiler did with " << recipe << " (tailor compile --explain shows all):\n";
  print_lines(backend::explain(compiled->remarks), 5);
  std::cout << "\nmore:\n"
            << "  build/release/bin/tailor inspect " << options.out
            << "/sam-a+smoothing/program.tailor --kernels\n"
            << "  build/release/bin/tailor compile " << recipe << " --explain -o /tmp/sam_a.tailor\n"
            << "  build/release/bin/tailor init YOUR.csv\n";
  return 0;
}

} // namespace tailor::tools
