#include "tools/tailor/quickstart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <sstream>

#include "backend/driver/Driver.h"
#include "runtime/artifact/reader.h"
#include "runtime/base/file.h"
#include "runtime/base/log.h"
#include "runtime/train/run.h"
#include "runtime/train/stop_signal.h"
#include "tools/tailor-run/run_command.h"
#include "tools/tailor/recipe_program.h"

namespace tailor::tools {
namespace {

using runtime::Result;
using runtime::RunResult;
using runtime::Status;

struct Row {
  std::string method, recipe;
  RunResult result;
  std::string explained;
  std::string program;
};

constexpr std::pair<const char*, const char*> kRows[] = {
    {"ERM", "quickstart.toml"},
    {"ERM + smoothing", "quickstart_smoothing.toml"},
    {"SAM-A + smoothing", "quickstart_sam_a.toml"},
};
constexpr const char* kMetrics[] = {"test/minority", "test/majority", "test/balanced_accuracy"};

const runtime::SeedSummary* find(const RunResult& result, std::string_view metric) {
  for (const runtime::MetricSummary& entry : result.metrics)
    if (entry.name == metric) return &entry.summary;
  return nullptr;
}

double half_width(const runtime::SeedSummary& summary) {
  return summary.standard_error.value_or(0);
}

std::string percent(const runtime::SeedSummary* summary) {
  if (!summary) return "absent";
  char text[64];
  std::snprintf(text, sizeof text, "%5.1f +- %.1f", 100 * summary->mean, 100 * half_width(*summary));
  return text;
}

Result<Row> train(const std::string& method, const std::filesystem::path& recipe,
                  const std::filesystem::path& out) {
  Row row{method, recipe.string(), {}, {}, (out / "program.tailor").string()};
  TAILOR_ASSIGN_OR_RETURN_AS_IS(LoadedRecipe loaded, load_recipe(recipe.string(), {}));
  TAILOR_ASSIGN_OR_RETURN_AS_IS(backend::Compilation compiled,
                                compile_recipe(loaded, backend::CompileOptions{}));
  row.explained = backend::explain(compiled.remarks);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::shared_ptr<const runtime::Artifact> artifact,
                                runtime::Artifact::from_bytes(std::move(compiled.artifact)));
  if (runtime::file_exists((out / "manifest.json").string()))
    std::filesystem::remove_all(out); // an earlier quickstart
  runtime::RunOptions run;
  run.out = out.string();
  run.quiet = true;
  TAILOR_ASSIGN_OR_RETURN(row.result, runtime::run_training(artifact, run),
                          "training '" + recipe.string() + "'");
  return row;
}

void print_counts(const RunResult& result) {
  std::cout << "training rows a class:";
  for (int64_t count : result.class_counts)
    std::cout << " " << count;
  const double r = result.imbalance_ratio();
  std::cout << "   r = " << r << " (1:" << std::lround(1 / r) << ")\n\n";
}

void print_row(const Row& row) {
  double ms = 0;
  for (const runtime::SeedResult& seed : row.result.seeds)
    ms += seed.ms_per_step / row.result.seeds.size();
  std::printf("%-20s", row.method.c_str());
  for (const char* metric : kMetrics)
    std::printf("  %14s", percent(find(row.result, metric)).c_str());
  std::printf("  %8.4f\n", ms);
  std::fflush(stdout);
}

// One sentence per metric, and none where mean +- standard error overlap.
void print_comparison(const Row& base, const Row& other) {
  for (const char* metric : kMetrics) {
    const runtime::SeedSummary *a = find(base.result, metric), *b = find(other.result, metric);
    if (!a || !b) continue;
    const double gap = b->mean - a->mean;
    const bool apart = std::abs(gap) > half_width(*a) + half_width(*b);
    std::printf("%s against %s, %s accuracy: ", other.method.c_str(), base.method.c_str(),
                std::string(metric).substr(5, std::string(metric).find('_') - 5).c_str());
    if (apart)
      std::printf("%+.1f points\n", 100 * gap);
    else
      std::printf("the intervals overlap, no difference claimed\n");
  }
}

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
  std::cout << "three methods, three seeds each, on ten classes with a long tail (test set balanced)"
            << std::endl;
  std::vector<Row> rows;
  for (const auto& [method, file] : kRows) {
    const std::filesystem::path recipe = std::filesystem::path(options.recipes) / file;
    Result<Row> row = train(method, recipe, std::filesystem::path(options.out) / recipe.stem());
    if (!row.ok()) return runtime::report(row.status());
    if (row->result.signal != 0) {
      runtime::log_info(runtime::concat("stopped by ", runtime::signal_name(row->result.signal),
                                        " while training '", recipe.string(), "'"));
      return 128 + row->result.signal;
    }
    if (rows.empty()) {
      print_counts(row->result);
      std::printf("%-20s  %14s  %14s  %14s  %8s\n", "accuracy in %", "minority", "majority", "balanced",
                  "ms/step");
    }
    rows.push_back(std::move(*row));
    print_row(rows.back());
  }
  std::cout << "mean +- standard error over the seeds; minority and majority: the two rarest and the two "
               "largest classes\n\n";
  print_comparison(rows.front(), rows.back());
  std::cout << "\nwhat the compiler did with " << rows.back().recipe
            << " (tailor compile --explain shows all):\n";
  print_lines(rows.back().explained, 5);
  const Row& last = rows.back();
  std::cout << "\nwritten: " << last.result.out << "/ (program.tailor, manifest.json, result.json, seed-*/)\n"
            << "\nnext:\n"
            << "  build/release/bin/tailor inspect " << last.program << " --kernels\n"
            << "  build/release/bin/tailor compile " << last.recipe << " --explain -o /tmp/sam_a.tailor\n"
            << "  build/release/bin/tailor init YOUR.csv\n";
  return 0;
}

} // namespace tailor::tools
