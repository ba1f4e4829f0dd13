#include "backend/driver/ModuleText.h"

#include "ir/ReadText.h"
#include "runtime/data/schema.h"

#include "mlir/IR/AsmState.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace tailor::backend {
namespace {

constexpr StringLiteral kResource = "tailor";

std::string print(ModuleOp module, TextLocations locations, const ProgramInfo* info) {
  OpPrintingFlags flags;
  flags.printNameLocAsPrefix(); // constants have no other name
  if (locations == TextLocations::inline_) flags.enableDebugInfo();
  std::string text;
  llvm::raw_string_ostream stream(text);
  AsmState state(module, flags);
  if (info)
    state.attachResourcePrinter(kResource, [&](Operation*, AsmResourceBuilder& builder) {
      if (info->options.size() > 0) builder.buildString("options", info->options.to_json());
      if (info->schema != runtime::DataSchema())
        builder.buildString("schema", runtime::schema_to_json(info->schema));
      if (!info->sourceName.empty()) builder.buildString("source_name", info->sourceName);
      if (!info->sourceText.empty()) builder.buildString("source_text", info->sourceText);
    });
  module->print(stream, state);
  stream << '\n';
  return text;
}

/// Puts one resource of a dump into `info`.
LogicalResult readResource(AsmParsedResourceEntry& entry, ProgramInfo& info) {
  FailureOr<std::string> text = entry.parseAsString();
  if (failed(text)) return failure();
  if (entry.getKey() == "options") {
    auto options = runtime::Options::from_json(*text);
    if (!options.ok()) return entry.emitError() << "options: " << options.status().message();
    info.options = std::move(*options);
  } else if (entry.getKey() == "schema") {
    auto schema = runtime::schema_from_json(*text);
    if (!schema.ok()) return entry.emitError() << "schema: " << schema.status().message();
    info.schema = std::move(*schema);
  } else if (entry.getKey() == "source_name") {
    info.sourceName = std::move(*text);
  } else if (entry.getKey() == "source_text") {
    info.sourceText = std::move(*text);
  } else {
    return entry.emitError() << "unknown resource '" << entry.getKey() << "'";
  }
  return success();
}

} // namespace

std::string moduleText(ModuleOp module, TextLocations locations) {
  return print(module, locations, nullptr);
}

std::string dumpText(ModuleOp module, const ProgramInfo& info, TextLocations locations) {
  return print(module, locations, &info);
}

ParsedModule parseModule(StringRef text, StringRef name, MLIRContext& context) {
  ParsedModule parsed;
  ParserConfig config(&context);
  config.attachResourceParser(
      kResource, [&](AsmParsedResourceEntry& entry) { return readResource(entry, parsed.info); });
  parsed.module = ir::readModule(text, name, config);
  return parsed;
}

} // namespace tailor::backend
