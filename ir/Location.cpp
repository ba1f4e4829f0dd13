#include "ir/Location.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tailor::ir {

Location sourceLocation(MLIRContext* context, StringRef file, unsigned line, unsigned column) {
  return FileLineColLoc::get(context, file, line, column);
}

static void collect(Location location, SmallVectorImpl<SourcePosition>& positions) {
  llvm::TypeSwitch<Location>(location)
      .Case<FileLineColLoc>([&](FileLineColLoc loc) {
        SourcePosition position{loc.getFilename().getValue(), loc.getLine(), loc.getColumn()};
        if (!llvm::is_contained(positions, position)) positions.push_back(position);
      })
      .Case<FusedLoc>([&](FusedLoc loc) {
        for (Location part : loc.getLocations())
          collect(part, positions);
      })
      .Case<NameLoc>([&](NameLoc loc) { collect(loc.getChildLoc(), positions); })
      .Case<CallSiteLoc>([&](CallSiteLoc loc) {
        collect(loc.getCallee(), positions);
        collect(loc.getCaller(), positions);
      })
      .Case<OpaqueLoc>([&](OpaqueLoc loc) { collect(loc.getFallbackLocation(), positions); });
}

SmallVector<SourcePosition> sourcePositions(Location location) {
  SmallVector<SourcePosition> positions;
  collect(location, positions);
  return positions;
}

std::string describe(Location location) {
  std::string text;
  for (const SourcePosition& position : sourcePositions(location)) {
    if (!text.empty()) text += "; ";
    text += position.file;
    if (position.column != 0)
      text += ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
  }
  return text;
}

} // namespace tailor::ir
