#include "backend/driver/Diagnostics.h"

#include "ir/Location.h"
#include "runtime/base/file.h"

using namespace mlir;

namespace tailor::backend {
namespace {

recipe::Place placeOf(Location location) {
  SmallVector<ir::SourcePosition> positions = ir::sourcePositions(location);
  if (positions.empty()) return {};
  const ir::SourcePosition& first = positions.front();
  return {first.file.str(), first.column == 0 ? 0 : first.line, first.column};
}

} // namespace

Diagnostics::Diagnostics(MLIRContext& context, recipe::SourceTexts texts, SourceFiles files)
    : texts_(std::move(texts)), files_(files), handler_(&context, [this](Diagnostic& diagnostic) {
        add(diagnostic);
        return success();
      }) {}

void Diagnostics::add(Diagnostic& diagnostic) {
  if (diagnostic.getSeverity() == DiagnosticSeverity::Remark) return; // --explain shows remarks
  hasErrors_ |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
  recipe::Diagnostic record;
  record.place = placeOf(diagnostic.getLocation());
  record.message = diagnostic.str();
  for (Diagnostic& note : diagnostic.getNotes()) {
    recipe::Place place = placeOf(note.getLocation());
    if (place.in_file() && place != record.place)
      record.notes.push_back({place, note.str()});
    else
      record.hint += (record.hint.empty() ? "" : "; ") + note.str();
  }
  // One line makes many ops, and each may be refused for the same reason.
  if (!llvm::is_contained(found_, record)) found_.push_back(std::move(record));
}

std::string Diagnostics::text() {
  std::string text;
  for (const recipe::Diagnostic& diagnostic : found_) {
    const recipe::Place& place = diagnostic.place;
    if (files_ == SourceFiles::fromDisk && place.in_file() && texts_.line(place).empty())
      if (auto file = runtime::read_file(place.file); file.ok()) texts_.add(place.file, std::move(*file));
    text += recipe::format(diagnostic, texts_); // an op without a line was made by the compiler
  }
  return text;
}

runtime::Status Diagnostics::toStatus(runtime::StatusCode code, const std::string& otherwise) {
  std::string message = text();
  while (!message.empty() && message.back() == '\n')
    message.pop_back();
  // Who prints a status adds this word unless a line of the source comes before it.
  StringRef word = "error: ";
  if (StringRef(message).starts_with(word) && message.find(": error: ") == std::string::npos)
    message.erase(0, word.size());
  return {code, message.empty() ? otherwise : message};
}

} // namespace tailor::backend
