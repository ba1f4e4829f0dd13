// The command line of the compiler.
#include "tools/tailor/commands.h"

#include "backend/driver/FrontendServices.h"
#include "frontend/graph/error.h"
#include "models/recipe/bases.h"
#include "runtime/base/log.h"
#include "runtime/base/status.h"
#include "tools/tailor-run/command_line.h"
#include "tools/tailor/compare.h"
#include "tools/tailor/data.h"
#include "tools/tailor/init.h"
#include "tools/tailor/llvm_errors.h"
#include "tools/tailor/profile.h"
#include "tools/tailor/quickstart.h"
#include "tools/tailor/recipe.h"

#include <cstdio>

namespace tailor::tools {
namespace {

/// A recipe or dump; a user's binary may be given one too, instead of the program it is.
void add_source(CLI::App& app, Source& source) {
  std::string what = "a recipe (.toml) or a program in the dialect (.mlir)";
  CLI::Option* path =
      app.add_option("source", source.path, source.program ? what + "; default: this program" : what)
          ->check(runtime::is_named());
  if (!source.program) path->required();
  app.add_option("--set", source.set,
                 source.program ? "key=value over the program's options or the recipe; may be repeated"
                                : "key=value over the recipe; may be repeated")
      ->allow_extra_args(false);
}

void add_flags(CLI::App& app, CompileFlags& flags) {
  app.add_option("--target", flags.target,
                 "cpu:native (default), cpu:x86-64-v3, cpu:znver4, ... or reference");
  app.add_flag("--explain", flags.explain, "print what was fused or not and why, by the source's lines");
  app.add_option("--disable-pass", flags.disabled, "passes to switch off, or 'all'; results stay the same")
      ->delimiter(',');
  app.add_option("--no-fuse", flags.disabled, "the same for the fusing passes")->delimiter(',');
  app.add_option("--set-kernel", flags.set_kernel,
                 "LAYER=ALGORITHM for convolutions, as 'layer1.*=implicit_gemm'; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--fuse-limit", flags.fuse_limit, "make only the first N fusions")
      ->check(CLI::Range(0L, 1'000'000'000L));
  app.add_option("--dump-ir", flags.dump_folder, "write the program at every phase to this folder")
      ->check(runtime::is_named());
  app.add_option("--dump-ir-filter", flags.dump_filter, "only phases that match this regular expression");
  app.add_flag("--time-passes", flags.time_passes, "print the time of every pass");
}

/// The flags of `tailor run`, passed on as words.
void add_run_flags(CLI::App& app, std::vector<std::string>& words) {
  for (auto [name, what] :
       {std::pair("--data", "a file, or the folder that the data paths start from"),
        std::pair("--out", "folder for checkpoints, log and result"),
        std::pair("--steps", "stop with a checkpoint after this many steps"),
        std::pair("--batch", "which of the compiled batch sizes to train with"),
        std::pair("--threads", "compute threads; 0, the default: all cores (same results for any number)"),
        std::pair("--loader-threads", "threads that gather batches (same results)"),
        std::pair("--check", "reference[:every N]: compare every command with the reference")})
    app.add_option_function<std::string>(
        name,
        [&words, name = std::string(name)](const std::string& value) {
          words.insert(words.end(), {name, value});
        },
        what);
  for (auto [name, what] :
       {std::pair("--resume", "go on from the last checkpoint in --out"),
        std::pair("--dry-run", "say how much memory and time the run will take, and write nothing"),
        std::pair("--quiet", "no progress"),
        std::pair("--trap-nonfinite", "stop at the first command that writes NaN or infinity")})
    app.add_flag_callback(
        name, [&words, name = std::string(name)] { words.push_back(name); }, what);
}

void add_table(CLI::App& app, TableArguments& table) {
  app.add_option("path", table.path, "a csv or csv.gz file")->required()->check(runtime::is_named());
  app.add_option("--label", table.label, "label column: its name or position");
  app.add_option("--separator", table.separator, "column separator: tab or one character, as , ; |");
  app.add_option("--header", table.header, "whether the first line holds names")
      ->check(CLI::IsMember({"yes", "no"}));
}

void add_compare(CLI::App& app, CompareArguments& compare) {
  app.add_option("recipe", compare.recipe, "a recipe (.toml)")->required();
  app.add_option(
         "--methods", compare.methods,
         "names separated by commas: values of method.use, balanced-sampling, sqrt-sampling, "
         "effective-sampling, class-aware-sampling, several joined by + (sam-a+smoothing), or recipe, what "
         "it says itself; default: erm, weighted, logit-adjustment, balanced-sampling, smoothing, sam-a, "
         "sam-a+smoothing, recipe")
      ->delimiter(',');
  app.add_option("--seeds", compare.seeds, "runs of each method (5); 3 at least for an interval")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{10000}));
  app.add_option("--set", compare.set, "key=value over the recipe, for every method; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--data", compare.data, "the folder that the recipe's data paths start from")
      ->check(runtime::is_named());
  app.add_option(
      "--out", compare.out,
      "folder for compare.md, .csv, .json and a run folder per method (runs/compare-RECIPE); methods "
      "that are finished there are not trained again");
  app.add_option("--target", compare.target, "cpu:native (default), cpu:x86-64-v3, ... or reference");
  app.add_option("--threads", compare.threads, "compute threads (same results for any number)")
      ->check(CLI::Range(0, 1024));
  app.add_flag("--quiet", compare.quiet, "no progress");
}

/// A subcommand that reads its own words.
struct Verb {
  const char* name;
  const char* what;
  runtime::RunMode mode;
};

constexpr Verb kVerbs[] = {
    {"run", "train from an artifact", runtime::RunMode::kTrain},
    {"predict", "write class probabilities and decisions of every row", runtime::RunMode::kPredict},
    {"eval", "print the metrics of labelled data", runtime::RunMode::kEval},
};

/// The way of a new table through the commands, or of the program that this binary is.
std::string road(const std::string& name, bool has_program) {
  if (has_program)
    return "The program of this binary:\n  " + name + " train\n  " + name + " compile -o program.tailor\n  " +
           name + " run program.tailor\n\n`" + name + " COMMAND --help` says more and has examples.";
  return "A table of your own:\n  " + name + " data fraud.csv --label Class\n  " + name +
         " init fraud.csv --label Class\n  " + name + " compare fraud.toml\n  " + name +
         " train fraud.toml --out runs/first\n  " + name + " predict runs/first --data new.csv\n\n`" + name +
         " COMMAND --help` says more and has examples.";
}

struct Example {
  const char *command, *words;
};
constexpr Example kExamples[] = {
    {"train", "fraud.toml"},
    {"train", "fraud.toml --set method.use=weighted --set run.seeds=3 --out runs/weighted"},
    {"compile", "fraud.toml -o fraud.tailor --target cpu:x86-64-v3"},
    {"compile", "fraud.toml --explain"},
    {"compile", "fraud.toml --emit fused"},
    {"inspect", "fraud.tailor"},
    {"inspect", "fraud.tailor --kernels --memory"},
    {"profile", "fraud.tailor"},
    {"profile", "fraud.tailor --threads 2 --steps 1000 --json"},
    {"profile", "network.tailor --layers"},
    {"data", "fraud.csv --label Class"},
    {"data", "measurements.csv --separator ';' --header no --label -1"},
    {"init", "fraud.csv --label Class"},
    {"init", "train.csv --test test.csv -o recipes/train.toml"},
    {"compare", "fraud.toml"},
    {"compare", "fraud.toml --methods erm,weighted,logit-adjustment --seeds 10"},
    {"recipe", "--describe"},
    {"recipe", "--describe optimizer"},
    {"recipe", "--list method"},
    {"recipe", "fraud.toml --set optimizer.lr=0.01"},
    {"recipe", "--base tabular"},
    {"quickstart", "--recipes models/recipes --out runs/quickstart"},
};

/// The examples of every command below its help; one that has none is left as it is.
void add_examples(CLI::App& app, const std::string& name) {
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    std::string text;
    for (const Example& example : kExamples)
      if (command->get_name() == example.command)
        text += "\n  " + name + " " + example.command + " " + example.words;
    if (!text.empty()) command->footer("Examples:" + text);
  }
}

std::string base_names() {
  std::string names;
  for (const std::string& base : recipe::built_in_bases())
    names += (names.empty() ? "" : ", ") + base;
  return names;
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

int run_words(int argc, char** argv, const ProgramBuilder& program) {
  backend::registerFrontendServices();
  int code = 0;
  const std::string name = argc > 0 ? base_name(argv[0]) : "tailor"; // a user's binary has its own
  // run, predict and eval have the command line of tailor-run.
  if (argc > 1)
    for (const Verb& verb : kVerbs)
      if (std::string_view(argv[1]) == verb.name)
        return run_artifact(verb.mode == runtime::RunMode::kTrain ? name + " run" : name, verb.mode,
                            {argv + 2, argv + argc}, program);

  CLI::App app("Compiles training programs for imbalanced classes, and runs them.", name);
  app.require_subcommand(1);
  app.footer(road(name, static_cast<bool>(program)));
  app.set_version_flag("--version", std::string("tailor " TAILOR_VERSION));

  TrainArguments train;
  train.source.program = program;
  CLI::App* train_app = app.add_subcommand("train", "compile in memory and train");
  add_source(*train_app, train.source);
  train.command_line.assign(argv, argv + argc);
  train.command_line.front() = name;
  add_flags(*train_app, train.flags);
  add_run_flags(*train_app, train.run);

  CompileArguments compile;
  compile.source.program = program;
  CLI::App* compile_app = app.add_subcommand("compile", "compile into an artifact");
  add_source(*compile_app, compile.source);
  add_flags(*compile_app, compile.flags);
  compile_app->add_option("-o,--out", compile.out, "file to write")->check(runtime::is_named());
  compile_app->add_option(
      "--emit", compile.emit,
      "stop at a phase and print it: traced, differentiated, fused, placed, kernels, planned, "
      "lowered, llvm");
  compile_app->add_option("--from", compile.from, "phase of an edited dump");

  compile_app->add_flag_callback(
      "--list-passes",
      [] {
        std::fputs(list_passes().c_str(), stdout);
        throw CLI::Success();
      },
      "print the passes in order and which may be switched off");

  InspectArguments inspect;
  CLI::App* inspect_app =
      app.add_subcommand("inspect", "show what is in an artifact; executes nothing of it");
  inspect_app->add_option("artifact", inspect.path, "P.tailor")->required()->check(runtime::is_named());
  CLI::Option* ir =
      inspect_app->add_option("--ir", inspect.ir, "the program at a phase, as compile --from takes it");
  inspect_app->add_flag("--locations", inspect.locations, "with --ir: the source line of every op")
      ->needs(ir);
  inspect_app->add_flag("--kernels", inspect.kernels, "every kernel: ops, source lines, work, floor");
  inspect_app->add_flag("--graph", inspect.graph,
                        "every command in the order of a step: work, floor, source lines");
  inspect_app->add_flag("--memory", inspect.memory, "every buffer: place, size, life");
  CLI::Option* kernel =
      inspect_app->add_option("--kernel", inspect.kernel, "one kernel, with --asm or --llvm");
  inspect_app->add_flag("--asm", inspect.as_asm, "its instructions")->needs(kernel);
  inspect_app->add_flag("--llvm", inspect.as_llvm, "its LLVM IR, compiled again from the stored program")
      ->needs(kernel);
  inspect_app
      ->add_option("--why", inspect.why,
                   "two ops (id, name, line, layer or kernel): why they are in one kernel or not")
      ->expected(2);
  inspect_app->add_flag("--json", inspect.json, "print JSON");

  ProfileArguments profile;
  CLI::App* profile_app = app.add_subcommand(
      "profile",
      "run steps of an artifact on made-up rows and show where their time goes, command by command");
  profile_app->add_option("artifact", profile.path, "P.tailor")->required()->check(runtime::is_named());
  profile_app->add_option("--entry", profile.entry, "default: the training step of the first stage");
  profile_app->add_option("--batch", profile.batch, "which of the compiled batch sizes; default: the first")
      ->check(CLI::PositiveNumber);
  profile_app
      ->add_option("--steps", profile.steps,
                   "steps whose median is shown (as many as fit into 30 s, from 3 to 100)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}));
  profile_app->add_option("--threads", profile.threads, "compute threads (1)")->check(CLI::Range(1, 1024));
  CLI::Option* layers = profile_app->add_flag(
      "--layers", profile.layers, "the convolutions by layer: algorithm, rate, what is fused into each");
  profile_app->add_flag("--json", profile.json, "print JSON, which has both")->excludes(layers);

  DataArguments data;
  CLI::App* data_app = app.add_subcommand("data", "show what is in a table: columns, classes, counts, ratio");
  add_table(*data_app, data.table);
  data_app->add_option("--groups", data.groups, "class groups: thresholds(a,b), thirds, head_med_tail(a,b)");
  data_app->add_option("--schema-out", data.schema_out, "write the schema to this file")
      ->check(runtime::is_named());

  InitArguments init;
  CLI::App* init_app = app.add_subcommand("init", "look at a table and write a commented recipe for it");
  add_table(*init_app, init.table);
  init_app->add_option("--test", init.test, "test table")->check(runtime::is_named());
  init_app
      ->add_option("-o,--out", init.output,
                   "recipe to write, - for the terminal; default: the table's name with .toml")
      ->check(runtime::is_named());
  init_app->add_flag("--force", init.overwrite, "replace an existing file");

  RecipeOptions recipe;
  CLI::App* recipe_app = app.add_subcommand("recipe", "the grammar of recipes, or what a recipe says");
  const CLI::Option* describe =
      recipe_app
          ->add_option(
              "--describe", recipe.described,
              "every key with type, default, stage, meaning and source, or those of a section, a key or a "
              "component: --describe sam-a")
          ->expected(0, 1);
  recipe_app->add_option("--list", recipe.list,
                         "print the components of a kind (method, model, sampler, ...) as a table");
  recipe_app->add_option("--base", recipe.base, "print a built-in base recipe: " + base_names());
  recipe_app
      ->add_option("path", recipe.path, "a recipe: print the value of every key and the place that set it")
      ->check(runtime::is_named());
  recipe_app->add_option("--set", recipe.overrides, "key=value over the recipe; may be repeated")
      ->allow_extra_args(false);

  CompareArguments compare;
  CLI::App* compare_app = app.add_subcommand(
      "compare", "train a recipe with several methods on the same seeds and rows, and print what differs");
  add_compare(*compare_app, compare);
  compare.command_line.assign(argv, argv + argc);
  if (!compare.command_line.empty()) compare.command_line.front() = name;

  QuickstartOptions quickstart;
  CLI::App* quickstart_app =
      app.add_subcommand("quickstart", "methods compared on a built-in long-tailed set");
  quickstart_app->add_option("--recipes", quickstart.recipes, "folder of the recipes")->required();
  quickstart_app->add_option("--out", quickstart.out, "output folder")->required();

  for (const Verb& verb : kVerbs)
    app.add_subcommand(verb.name, verb.what); // for --help; they run above

  add_examples(app, name);

  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (words.empty()) {
    std::fputs(app.help().c_str(), stderr);
    return kWrongCommandLine;
  }
  if (words.front() == "help") { // help train: train --help
    words.erase(words.begin());
    words.push_back("--help");
  }
  if (const std::optional<int> code = runtime::refuse_unknown_command(app, words)) return *code;
  if (const std::optional<int> code = runtime::read_words(app, words)) return *code;
  recipe.describe = describe->count() > 0;
  if (*recipe_app && !recipe.describe && recipe.list.empty() && recipe.base.empty() && recipe.path.empty())
    return runtime::wrong_command_line(
        "recipe: name a recipe, or give --describe, --list KIND or --base NAME",
        name + " recipe --help shows what it takes");
  if (*recipe_app && !recipe.path.empty() &&
      (recipe.describe || !recipe.list.empty() || !recipe.base.empty()))
    return runtime::wrong_command_line(
        runtime::concat("recipe: --describe, --list and --base read no recipe, and '", recipe.path,
                        "' was given"),
        name + " recipe --help shows what it takes");
  // The program of this binary is trained with `--set` as `run` takes it.
  if (program && train.source.is_program()) {
    for (const std::string& assignment : train.source.set)
      train.run.insert(train.run.end(), {"--set", assignment});
    train.source.set.clear();
  }
  if (*train_app) code = run_train(train);
  if (*compile_app) code = run_compile(compile);
  if (*inspect_app) code = run_inspect(inspect);
  if (*profile_app) code = run_profile(profile);
  if (*data_app) code = run_data(data);
  if (*init_app) code = run_init(init);
  if (*recipe_app) code = run_recipe(recipe);
  if (*compare_app) code = run_compare(compare);
  if (*quickstart_app) code = run_quickstart(quickstart);
  return code;
}

} // namespace

int run_tool(int argc, char** argv, const ProgramBuilder& program) {
  install_llvm_error_handlers();
  try {
    return run_words(argc, argv, program);
  } catch (const TraceError& error) {
    runtime::log_info(error.what());
    return 1;
  } catch (const std::bad_alloc&) {
    return runtime::report(runtime::resource_exhausted("out of memory"));
  } catch (const std::exception& error) {
    return runtime::report(runtime::internal_error(error.what()).with_hint("this is a bug of the tool"));
  }
}

} // namespace tailor::tools
