// Remarks: every fusion taken or missed says why, what it saves, and which source lines it concerns.
//
// Passes call `taken` and `missed`. They travel through MLIR's remark engine (category "tailor"), so
// tailor-opt prints them (`--remarks-filter=tailor --remark-format=emitRemark`) and the driver collects them
// for the artifact and `--explain` with `collectRemarks`.
#pragma once

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mlir {
class MLIRContext;
class Operation;
} // namespace mlir

namespace tailor::passes {

/// A line of the user's recipe or source. `line` and `column` count from 1; column 0 is the file as a whole.
struct SourceLine {
  std::string file;
  uint32_t line = 0;
  uint32_t column = 0;

  std::string text() const; ///< "fraud.toml:4:3", "fraud.toml"
  bool operator==(const SourceLine&) const = default;
};

struct Remark {
  enum class Kind { passed, missed, analysis };

  std::string pass; ///< name without prefix: "fuse-class-weights"
  Kind kind = Kind::passed;
  std::string reason;                ///< stable code for tests and tools: "loss-used-elsewhere"
  std::string text;                  ///< one sentence for the user, lower case, no final stop
  std::string hint;                  ///< the way out of a missed fusion; may be empty
  int64_t bytesSaved = 0;            ///< memory traffic per run of the entry or body; 0 = none or unknown
  std::vector<SourceLine> locations; ///< in the order of the fused ops, without repetitions
  std::vector<int64_t> ops; ///< ids of the traced ops that the decision was about, sorted; may be empty
};

llvm::StringRef stringifyRemarkKind(Remark::Kind kind);

/// The ids of the ops a remark is about, for its last argument: ask before they are erased.
llvm::SmallVector<int64_t> tracedOps(llvm::ArrayRef<mlir::Operation*> ops);

/// A fusion was made. `bytesSaved` counts reads and writes of full-size values that no longer happen.
void taken(mlir::Location loc, llvm::StringRef pass, llvm::StringRef reason, const llvm::Twine& text,
           int64_t bytesSaved = 0, llvm::ArrayRef<int64_t> ops = {});

/// A fusion that would have paid was not made. `reason` names the broken clause, `hint` the way out.
void missed(mlir::Location loc, llvm::StringRef pass, llvm::StringRef reason, const llvm::Twine& text,
            const llvm::Twine& hint = "", llvm::ArrayRef<int64_t> ops = {});

/// A fact worth knowing without a verdict (sizes, counts).
void noted(mlir::Location loc, llvm::StringRef pass, llvm::StringRef reason, const llvm::Twine& text);

/// The source lines inside a location, flattened through fused, named and call-site locations, each once.
std::vector<SourceLine> sourceLines(mlir::Location loc);

/// Installs a streamer on `context` that appends every remark of this compiler to `remarks`. `remarks` must
/// outlive the context's remark engine. Fails if the context already has an engine.
llvm::LogicalResult collectRemarks(mlir::MLIRContext& context, std::vector<Remark>& remarks);

/// One line per remark as `--explain` prints it:
///   `recipe.toml:4:3: fused [fuse-class-weights] weights moved into the loss (saves 512 bytes)`.
std::string formatRemark(const Remark& remark);

} // namespace tailor::passes
