#include "backend/driver/Driver.h"

#include "backend/driver/Diagnostics.h"
#include "backend/driver/EmitArtifact.h"
#include "backend/driver/KernelChoices.h"
#include "backend/driver/ModuleText.h"
#include "backend/driver/OpTable.h"
#include "frontend/emit/emit.h"
#include "frontend/graph/error.h"
#include "frontend/traced_program.h"
#include "ir/Tailor.h"
#include "models/recipe/parse.h"
#include "runtime/artifact/stage_options.h"
#include "runtime/artifact/writer.h"
#include "runtime/base/file.h"
#include "runtime/base/philox.h"
#include "runtime/options/eval_keys.h"
#include "runtime/options/run_keys.h"
#include "runtime/train/evaluate.h"
#include "runtime/train/run_folder.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/xxhash.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <tuple>

using namespace mlir;

namespace tailor::backend {
namespace {

using runtime::Status;
using runtime::StatusCode;

constexpr StringLiteral kLowered = "lowered", kLlvm = "llvm", kPacked = "packed";

/// Adds the time from its making to its end.
class Stopwatch {
public:
  Stopwatch(Compilation& result, std::string step) : result_(result), step_(std::move(step)) {}
  ~Stopwatch() {
    std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start_;
    result_.milliseconds.emplace_back(std::move(step_), time.count());
  }

private:
  Compilation& result_;
  std::string step_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

bool needsCode(StringRef emit) {
  return emit == kLowered || emit == kLlvm;
}

Status unknownPhase(const std::string& name) {
  if (name == kPacked)
    return runtime::invalid_argument("'", name, "' is the artifact, which has no text")
        .with_hint("leave --emit away and write it with -o FILE");
  std::string names;
  for (const std::string& phase : phaseNames())
    names += (names.empty() ? "" : ", ") + phase;
  return runtime::invalid_argument("there is no phase '", name, "'").with_hint("phases are " + names);
}

recipe::SourceTexts textsOf(const ProgramInfo& info) {
  recipe::SourceTexts texts;
  if (!info.sourceText.empty()) texts.add(info.sourceName, info.sourceText);
  return texts;
}

/// ArtifactSpec::meaning of a program in its first phase. Its name is not part of it: a recipe may be
/// renamed.
uint64_t meaningOf(ModuleOp module) {
  std::string text = moduleText(module);
  const std::string head = "tailor.program @";
  size_t begin = text.find(head);
  if (begin != std::string::npos)
    text.erase(begin + head.size(), text.find('{', begin) - begin - head.size());
  return llvm::xxh3_64bits(llvm::StringRef(text));
}

/// ArtifactSpec::random_version of a program in its first phase.
uint32_t randomVersionOf(ModuleOp module) {
  const WalkResult draws = module.walk([](Operation* op) {
    return op->hasTrait<ir::RandomOp>() ? WalkResult::interrupt() : WalkResult::advance();
  });
  return draws.wasInterrupted() ? runtime::kRandomVersion : 0;
}

/// The options that change code, as words of the command line; the target is not among them.
std::vector<std::string> compileFlags(const CompileOptions& options) {
  std::vector<std::string> words;
  for (const std::string& name : options.disabled)
    words.insert(words.end(), {"--disable-pass", name});
  if (options.allOff) words.insert(words.end(), {"--disable-pass", "all"});
  for (const std::string& choice : options.setKernel)
    words.insert(words.end(), {"--set-kernel", choice});
  if (options.fuseLimit >= 0) words.insert(words.end(), {"--fuse-limit", std::to_string(options.fuseLimit)});
  return words;
}

/// `--set key=text` on a C++ program, before it is compiled.
Status replaceOption(runtime::Options& options, const std::string& key, const std::string& text) {
  const runtime::Option* option = options.find(key);
  if (option && option->stage == runtime::OptionStage::kCompile)
    return runtime::invalid_argument("--set ", key, "=", text, ": '", key, "' is part of the program's code",
                                     option->origin == "default" ? "" : ", at " + option->origin)
        .with_hint("change it there and build the program again");
  TAILOR_RETURN_IF_ERROR(options.set_from_text(key, text), "--set " + key + "=" + text);
  return {};
}

std::vector<std::string> stageNames(const TracedProgram& traced) {
  std::vector<std::string> names;
  for (const TracedStage& stage : traced.stages)
    names.push_back(stage.name);
  return names;
}

/// What stages have of their own, as keys of the program (runtime/artifact/stage_options.h), checked like those.
Status addStageOptions(runtime::Options& options, const TracedProgram& traced) {
  for (const TracedStage& stage : traced.stages) {
    runtime::Options own = stage.options;
    TAILOR_RETURN_IF_ERROR(recipe::complete(own, traced.declared), "stage '" + stage.name + "'");
    for (const auto& [key, given] : stage.options) {
      runtime::Option option = *own.find(key);
      const runtime::Option* whole = options.find(key);
      const bool of_recipe = given.stage == runtime::OptionStage::kCompile; // its step is made of it
      if (!of_recipe && (option.stage == runtime::OptionStage::kCompile ||
                         (whole && whole->stage == runtime::OptionStage::kCompile)))
        return runtime::invalid_argument(given.origin, ": error: stage '", stage.name, "' sets '", key,
                                         "', which is compiled into the program for all stages");
      option.only_if.clear(); // it speaks of the program's choice, which is not the stage's
      options.set(runtime::stage_key(stage.name, key), std::move(option));
    }
  }
  return {};
}

/// A metric that there is not would be found after the first epoch.
Status checkMetrics(const ProgramInfo& info) {
  const runtime::Option* option = info.options.find(runtime::key_name(&runtime::EvalKeys::metrics));
  if (!option || info.schema.num_classes < 2) return {};
  runtime::FittedState fitted;
  fitted.class_counts.assign(info.schema.num_classes, 1);
  runtime::ArtifactSpec spec;
  spec.schema = info.schema;
  auto check = [&]() -> Status {
    TAILOR_ASSIGN_OR_RETURN_AS_IS(runtime::EvaluationPlan plan,
                                  runtime::evaluation_plan(spec, info.options, fitted));
    return runtime::Evaluation::create(std::move(plan)).status();
  };
  Status status = check();
  if (status.ok()) return {};
  std::string place = option->origin == "default" ? "" : option->origin + ": error: ";
  return Status(status.code(), place + "'eval.metrics': " + status.message()).with_hint(status.hint());
}

/// One compilation: its context, the module on its way, and what is collected beside it.
class CompilerRun {
public:
  CompilerRun(const CompileOptions& options) : options_(options), context_(MLIRContext::Threading::DISABLED) {
    context_.loadDialect<ir::TailorDialect>();
    context_.printOpOnDiagnostic(false); // the user's line says more than our form of it
  }

  runtime::Result<Compilation> run(const ProgramInfo& info, SourceFiles files,
                                   const std::function<OwningOpRef<ModuleOp>(MLIRContext&)>& makeModule) {
    info_ = info;
    diagnostics_ = std::make_unique<Diagnostics>(context_, textsOf(info), files);
    TAILOR_RETURN_IF_ERROR_AS_IS(checkOptions(options_));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(target_, parseTarget(options_.target));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(choices_, KernelChoices::read(options_.setKernel, target_));
    if (failed(passes::collectRemarks(context_, result_.remarks)))
      return runtime::internal_error("the context already collects remarks");
    {
      Stopwatch watch(result_, "emit");
      module_ = makeModule(context_);
    }
    if (!module_)
      return diagnostics_->toStatus(StatusCode::kInvalidArgument, "the program could not be read");
    // After reading: it loads dialects that text from outside must not use.
    generator_ = target_.backend->codeGenerator(
        &context_, target_.processor, {options_.emit == kLowered.str(), options_.emit == kLlvm.str()});
    TAILOR_RETURN_IF_ERROR_AS_IS(onlyProgram());
    TAILOR_RETURN_IF_ERROR_AS_IS(choosePhases());
    TAILOR_RETURN_IF_ERROR_AS_IS(runPasses());
    if (options_.emit && !needsCode(*options_.emit)) return finish();
    TAILOR_RETURN_IF_ERROR_AS_IS(writeArtifact());
    return finish();
  }

  /// Reads text; what it says about itself replaces the info given to run().
  OwningOpRef<ModuleOp> parse(std::string_view text, const std::string& name) {
    inputName_ = name;
    bool isText =
        llvm::none_of(text, [](unsigned char c) { return c < 32 && c != '\n' && c != '\r' && c != '\t'; });
    if (isText) diagnostics_->addText(name, std::string(text));
    ParsedModule parsed = parseModule({text.data(), text.size()}, name, context_);
    if (!(parsed.info == ProgramInfo())) info_ = std::move(parsed.info);
    if (info_.sourceName.empty())
      info_.sourceName = name;
    else if (!info_.sourceText.empty())
      diagnostics_->addText(info_.sourceName, info_.sourceText);
    return std::move(parsed.module);
  }

private:
  /// From where to where this program goes.
  Status choosePhases() {
    std::optional<passes::Phase> found = passes::phaseOf(*module_);
    firstPhase_ = options_.from ? *options_.from : found.value_or(passes::Phase::traced);
    lastPhase_ = target_.backend->lastPhase();
    if (options_.emit && !needsCode(*options_.emit)) lastPhase_ = *passes::symbolizePhase(*options_.emit);
    std::string file = inputName_.empty() ? "" : inputName_ + ": ";
    if (found && *found != firstPhase_)
      return runtime::incompatible(file, "the module is in phase '", passes::stringifyPhase(*found).str(),
                                   "' and not in '", passes::stringifyPhase(firstPhase_).str(), "'");
    if (lastPhase_ < firstPhase_)
      return runtime::incompatible(file, "the module is in phase '",
                                   passes::stringifyPhase(firstPhase_).str(), "', past '",
                                   passes::stringifyPhase(lastPhase_).str(), "'");
    return {};
  }

  Status onlyProgram() {
    auto programs = module_->getOps<ir::ProgramOp>();
    if (std::distance(programs.begin(), programs.end()) != 1)
      return runtime::invalid_argument("a module holds one tailor.program, this one has ",
                                       static_cast<int64_t>(std::distance(programs.begin(), programs.end())));
    return {};
  }

  Status runPasses() {
    passes::PipelineOptions pipeline;
    pipeline.startFrom = firstPhase_;
    pipeline.stopAfter = lastPhase_;
    if (const runtime::Result<std::string> precision =
            info_.options.get_string(runtime::key_name(&runtime::RunKeys::precision));
        precision.ok())
      pipeline.precision = *precision;
    if (const runtime::Result<int64_t> budget =
            info_.options.get_int(runtime::key_name(&runtime::RunKeys::memory_budget));
        budget.ok())
      pipeline.memoryBudget = *budget;
    const std::vector<std::string> precisions = target_.backend->precisions();
    if (!llvm::is_contained(precisions, pipeline.precision))
      return runtime::invalid_argument("run.precision is ", pipeline.precision, ", for which target ",
                                       target_.name(), " has no code")
          .with_hint("one of " + llvm::join(precisions, ", "));
    pipeline.narrowProducts = target_.backend->multipliesNarrow();
    pipeline.disabled = options_.disabled;
    pipeline.allOff = options_.allOff;
    pipeline.fuseLimit = options_.fuseLimit;
    std::string start = dumpText(*module_, info_);
    meaning_ = meaningOf(*module_);
    randomVersion_ = randomVersionOf(*module_);

    Status dumped;
    passes::PipelineHooks hooks;
    hooks.afterPass = [&](StringRef pass, double milliseconds) {
      result_.milliseconds.emplace_back(pass.str(), milliseconds);
    };
    bool hasCode = true;
    if (generator_)
      hooks.describeKernels = [&](ModuleOp module) {
        choices_.chooseKernels(module);
        hasCode = succeeded(generator_->describe(module));
        return success(hasCode);
      };
    hooks.atPhase = [&](passes::Phase phase, ModuleOp module) {
      if (phase == passes::Phase::placed) choices_.choose(module);
      // A dump of a later phase is all that is left of its ops.
      if (phase <= passes::Phase::differentiated || phase == pipeline.startFrom) ops_.add(module);
      if (dumped.ok()) dumped = atPhase(phase, module);
    };
    if (failed(passes::runPipeline(*module_, pipeline, hooks))) {
      // A refusal leaves valid IR and a diagnostic at the user's line; a pass that broke the IR is ours.
      if (failed(verify(*module_)) || !diagnostics_->hasErrors()) return ourBug(start, pipeline.startFrom);
      return diagnostics_->toStatus(hasCode ? StatusCode::kInvalidArgument : StatusCode::kUnimplemented,
                                    "the program was refused");
    }
    if (lastPhase_ >= passes::Phase::kernels) TAILOR_RETURN_IF_ERROR_AS_IS(choices_.allMatched());
    return dumped;
  }

  Status atPhase(passes::Phase phase, ModuleOp module) {
    std::string name = passes::stringifyPhase(phase).str();
    if (options_.emit == name) result_.emitted = dumpText(module, info_, TextLocations::none);
    if (options_.keepIr && !options_.emit) {
      std::string text = moduleText(module, TextLocations::inline_);
      std::span<const std::byte> bytes = runtime::as_bytes(text);
      sections_.push_back({std::string(runtime::kIrSectionPrefix) + name, {bytes.begin(), bytes.end()}});
    }
    bool wanted = options_.dumpFilter.empty() || llvm::Regex(options_.dumpFilter).match(name);
    if (options_.dumpFolder.empty() || !wanted) return {};
    TAILOR_RETURN_IF_ERROR(runtime::make_folders(options_.dumpFolder), "dumping phase '" + name + "'");
    std::string number = std::to_string(static_cast<int>(phase));
    std::string path = runtime::join_path(options_.dumpFolder, "0" + number + "-" + name + ".mlir");
    runtime::InputFile input = {"program that is compiled", inputName_};
    TAILOR_RETURN_IF_ERROR_AS_IS(runtime::check_output(path, {&input, 1}));
    return runtime::write_file_atomic(path, dumpText(module, info_));
  }

  Status ourBug(const std::string& input, passes::Phase phase) {
    std::string message =
        diagnostics_->toStatus(StatusCode::kInternal, "a pass failed without saying why").message();
    if (options_.reproducerFolder.empty()) return {StatusCode::kInternal, message};
    std::string path = runtime::join_path(options_.reproducerFolder, "tailor-reproducer.mlir");
    TAILOR_RETURN_IF_ERROR(runtime::write_file_atomic(path, input), message);
    std::vector<std::string> command = {
        "tailor", "compile", path, "--from", passes::stringifyPhase(phase).str(), "--target", target_.name()};
    llvm::append_range(command, compileFlags(options_));
    return Status(StatusCode::kInternal, message)
        .with_hint("this is a bug of the compiler; run it again with: " + runtime::shell_words(command));
  }

  Status writeArtifact() {
    auto program = *module_->getOps<ir::ProgramOp>().begin();
    TAILOR_RETURN_IF_ERROR_AS_IS(checkSupport(program));
    KernelCode code;
    if (generator_) {
      FailureOr<KernelCode> compiled = generator_->generate(*module_);
      if (failed(compiled)) return diagnostics_->toStatus(StatusCode::kUnimplemented, "a kernel has no code");
      code = std::move(*compiled);
      llvm::append_range(result_.milliseconds, code.milliseconds);
    }
    if (options_.emit) {
      result_.emitted = options_.emit == kLowered.str() ? code.loweredText : code.llvmText;
      return {};
    }
    Stopwatch watch(result_, "write");
    FailureOr<runtime::ArtifactSpec> spec = emitSpec(program, info_, target_, generator_ ? &code : nullptr);
    if (failed(spec))
      return diagnostics_->toStatus(StatusCode::kInternal, "the program has no artifact form");
    spec->compile_flags = compileFlags(options_);
    if (!inputName_.empty() && inputName_ != info_.sourceName) // a dump, which may have been edited
      spec->compile_flags.insert(spec->compile_flags.end(),
                                 {"--from", passes::stringifyPhase(firstPhase_).str()});
    spec->meaning = meaning_;
    spec->random_version = randomVersion_;
    spec->ops = ops_.records(*module_, result_.remarks);
    for (const passes::Remark& remark : result_.remarks)
      spec->remarks.push_back(convert(remark));
    std::vector<runtime::RawSection> sections;
    if (generator_) {
      sections.push_back({std::string(runtime::kCodeSection), std::move(code.bytes)});
      sections.push_back({std::string(runtime::kConstantSection), constantBytes(program)});
    }
    std::move(sections_.begin(), sections_.end(), std::back_inserter(sections));
    TAILOR_ASSIGN_OR_RETURN(result_.artifact, runtime::write_artifact(*spec, sections),
                            "writing the artifact");
    return {};
  }

  /// Every op the target has no code for, not just the first.
  Status checkSupport(ir::ProgramOp program) {
    bool all = true;
    program.walk([&](ir::KernelOp kernel) {
      for (Operation& op : kernel.getBlock().without_terminator()) {
        std::string reason;
        if (target_.backend->supports(&op, reason)) continue;
        all = false;
        // The kernel itself has no lines; its launches do.
        program.walk([&](ir::LaunchOp launch) {
          if (launch.getKernel() == kernel.getSymName()) emitError(launch.getLoc()) << reason;
        });
      }
    });
    return all ? Status() : diagnostics_->toStatus(StatusCode::kUnimplemented, "");
  }

  static runtime::Remark convert(const passes::Remark& remark) {
    runtime::Remark record;
    record.kind = remark.kind == passes::Remark::Kind::passed   ? runtime::RemarkKind::kPassed
                  : remark.kind == passes::Remark::Kind::missed ? runtime::RemarkKind::kMissed
                                                                : runtime::RemarkKind::kAnalysis;
    record.pass = remark.pass;
    record.reason = remark.reason;
    record.message = remark.hint.empty() ? remark.text : remark.text + "; hint: " + remark.hint;
    for (const passes::SourceLine& line : remark.locations)
      record.location += (record.location.empty() ? "" : "; ") + line.text();
    record.ops.assign(remark.ops.begin(), remark.ops.end());
    record.bytes_saved = remark.bytesSaved;
    return record;
  }

  runtime::Result<Compilation> finish() {
    result_.warnings = diagnostics_->text();
    return std::move(result_);
  }

  const CompileOptions& options_;
  MLIRContext context_;
  ProgramInfo info_;
  std::string inputName_; ///< of the file that was parsed
  passes::Phase firstPhase_ = passes::Phase::traced, lastPhase_ = passes::Phase::traced;
  std::unique_ptr<Diagnostics> diagnostics_;
  Target target_;
  KernelChoices choices_;
  std::unique_ptr<CodeGenerator> generator_; ///< null for an interpreter
  OwningOpRef<ModuleOp> module_;
  OpTable ops_;
  uint64_t meaning_ = 0;
  uint32_t randomVersion_ = 0;
  std::vector<runtime::RawSection> sections_;
  Compilation result_;
};

} // namespace

Status checkOptions(const CompileOptions& options) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const Target target, parseTarget(options.target));
  TAILOR_RETURN_IF_ERROR_AS_IS(KernelChoices::read(options.setKernel, target).status());
  if (!options.setKernel.empty() && options.from && *options.from > passes::Phase::kernels)
    return runtime::invalid_argument("--set-kernel ", options.setKernel.front(),
                                     ": the kernels of a program in phase '",
                                     passes::stringifyPhase(*options.from).str(), "' are chosen and planned")
        .with_hint("compile it from phase 'kernels' or before");
  if (options.emit && !needsCode(*options.emit)) {
    std::optional<passes::Phase> phase = passes::symbolizePhase(*options.emit);
    if (!phase) return unknownPhase(*options.emit);
    if (*phase > target.backend->lastPhase())
      return runtime::invalid_argument("target '", target.name(), "' runs programs in phase '",
                                       passes::stringifyPhase(target.backend->lastPhase()).str(),
                                       "', so there is no '", *options.emit, "' to emit");
  }
  if (!options.dumpFilter.empty()) {
    std::string error;
    if (!llvm::Regex(options.dumpFilter).isValid(error))
      return runtime::invalid_argument("'", options.dumpFilter, "' is not a regular expression: ", error);
  }
  for (const std::string& name : options.disabled) {
    if (llvm::any_of(passes::passTable(), [&](const auto& entry) { return entry.name == name; })) continue;
    Status unknown = runtime::invalid_argument("there is no pass '", name, "'");
    StringRef near = passes::nearestPassName(name);
    return near.empty() ? std::move(unknown)
                        : std::move(unknown).with_hint("did you mean '" + near.str() + "'?");
  }
  return {};
}

runtime::Result<Compilation> compile(const TracedProgram& traced, const CompileOptions& options,
                                     const std::string& sourceName, const std::string& sourceText) {
  CompilerRun compiler(options);
  ProgramInfo info{traced.options, traced.schema, sourceName, sourceText};
  // A recipe has all of it already, a C++ program only what it set.
  TAILOR_RETURN_IF_ERROR_AS_IS(recipe::complete(info.options, traced.declared));
  TAILOR_RETURN_IF_ERROR_AS_IS(addStageOptions(info.options, traced));
  for (const auto& [key, text] : options.set) {
    TAILOR_RETURN_IF_ERROR_AS_IS(
        runtime::check_some_stage_reads(stageNames(traced), info.options, key, text));
    TAILOR_RETURN_IF_ERROR_AS_IS(replaceOption(info.options, key, text));
  }
  TAILOR_RETURN_IF_ERROR_AS_IS(checkMetrics(info));
  if (info.sourceName.empty() && traced.location.known()) info.sourceName = traced.location.file;
  return compiler.run(info, SourceFiles::fromDisk,
                      [&](MLIRContext& context) { return emit(traced, context); });
}

runtime::Result<Compilation> compile(const TrainingProgram& program, const CompileOptions& options,
                                     const std::string& sourceName, const std::string& sourceText) {
  try {
    return compile(program.trace(), options, sourceName, sourceText);
  } catch (const TraceError& error) {
    return Status(StatusCode::kInvalidArgument, error.what());
  }
}

runtime::Result<Compilation> compileText(std::string_view text, const std::string& name,
                                         const CompileOptions& options) {
  CompilerRun compiler(options);
  return compiler.run({}, SourceFiles::given, [&](MLIRContext&) { return compiler.parse(text, name); });
}

std::string explain(std::vector<passes::Remark> remarks) {
  auto key = [](const passes::Remark& remark) {
    return remark.locations.empty() ? std::tuple(std::string(), 0u, 0u)
                                    : std::tuple(remark.locations.front().file, remark.locations.front().line,
                                                 remark.locations.front().column);
  };
  std::stable_sort(remarks.begin(), remarks.end(),
                   [&](const passes::Remark& a, const passes::Remark& b) { return key(a) < key(b); });
  // Layers of one shape are fused alike: their lines are shown once, with how many there are.
  std::vector<std::pair<std::string, int>> lines;
  for (const passes::Remark& remark : remarks) {
    std::string line = passes::formatRemark(remark);
    auto known = llvm::find_if(lines, [&](const auto& entry) { return entry.first == line; });
    if (known != lines.end())
      ++known->second;
    else
      lines.emplace_back(std::move(line), 1);
  }
  std::string text;
  for (const auto& [line, times] : lines) {
    const size_t head = std::min(line.find('\n'), line.size());
    text += line.substr(0, head) + (times > 1 ? " x" + std::to_string(times) : "") + line.substr(head) + "\n";
  }
  return text;
}

runtime::Result<passes::Phase> phaseToStartFrom(const std::string& name) {
  if (std::optional<passes::Phase> phase = passes::symbolizePhase(name)) return *phase;
  std::string names;
  for (passes::Phase phase : passes::allPhases())
    names += (names.empty() ? "" : ", ") + passes::stringifyPhase(phase).str();
  bool isLater = name == kLowered || name == kLlvm || name == kPacked;
  return (isLater ? runtime::invalid_argument("--from: phase '", name, "' is code and cannot be compiled on")
                  : runtime::invalid_argument("--from: there is no phase '", name, "'"))
      .with_hint("a dump is read back from " + names);
}

std::vector<std::string> phaseNames() {
  std::vector<std::string> names;
  for (passes::Phase phase : passes::allPhases())
    names.push_back(passes::stringifyPhase(phase).str());
  names.push_back(kLowered.str());
  names.push_back(kLlvm.str());
  return names;
}

} // namespace tailor::backend
