#include "passes/Remarks.h"

#include "ir/OpIds.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <set>

using namespace mlir;

namespace tailor::passes {
namespace {

constexpr llvm::StringLiteral kCategory = "tailor";
constexpr llvm::StringLiteral kReason = "Reason", kText = "Remark", kHint = "Suggestion",
                              kBytes = "BytesSaved", kOps = "Ops";

remark::RemarkOpts optionsFor(StringRef pass) {
  return remark::RemarkOpts::name(pass).category(kCategory);
}

/// Copies every remark of this compiler out of the engine. The engine owns the streamer.
class CollectingStreamer : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit CollectingStreamer(std::vector<Remark>& remarks) : remarks_(remarks) {}

  void streamOptimizationRemark(const remark::detail::Remark& source) override {
    Remark& remark = remarks_.emplace_back();
    remark.pass = source.getRemarkName().str();
    remark.kind = llvm::StringSwitch<Remark::Kind>(source.getRemarkTypeString())
                      .Case("Passed", Remark::Kind::passed)
                      .Cases({"Missed", "Failure"}, Remark::Kind::missed)
                      .Default(Remark::Kind::analysis);
    for (const remark::detail::Remark::Arg& arg : source.getArgs()) {
      if (arg.key == kReason)
        remark.reason = arg.val;
      else if (arg.key == kText)
        remark.text = arg.val;
      else if (arg.key == kHint)
        remark.hint = arg.val;
      else if (arg.key == kBytes)
        StringRef(arg.val).getAsInteger(10, remark.bytesSaved);
      else if (arg.key == kOps)
        for (StringRef id : llvm::split(arg.val, ','))
          id.getAsInteger(10, remark.ops.emplace_back());
    }
    remark.locations = sourceLines(source.getLocation());
  }

private:
  std::vector<Remark>& remarks_;
};

template <typename Emitter> void addOps(Emitter& remark, ArrayRef<int64_t> ops) {
  if (ops.empty()) return;
  remark << remark::metric(
      kOps, llvm::join(llvm::map_range(ops, [](int64_t id) { return std::to_string(id); }), ","));
}

} // namespace

StringRef stringifyRemarkKind(Remark::Kind kind) {
  switch (kind) {
  case Remark::Kind::passed:
    return "passed";
  case Remark::Kind::missed:
    return "missed";
  case Remark::Kind::analysis:
    return "analysis";
  }
  llvm_unreachable("every kind has a name");
}

SmallVector<int64_t> tracedOps(ArrayRef<Operation*> ops) {
  std::set<int64_t> ids;
  for (Operation* op : ops)
    for (int64_t id : ir::tracedOps(op))
      ids.insert(id);
  return SmallVector<int64_t>(ids.begin(), ids.end());
}

void taken(Location loc, StringRef pass, StringRef reason, const Twine& text, int64_t bytesSaved,
           ArrayRef<int64_t> ops) {
  auto remark = remark::passed(loc, optionsFor(pass));
  remark << remark::metric(kReason, reason.str()) << remark::metric(kText, text.str());
  if (bytesSaved > 0) remark << remark::metric(kBytes, bytesSaved);
  addOps(remark, ops);
}

void missed(Location loc, StringRef pass, StringRef reason, const Twine& text, const Twine& hint,
            ArrayRef<int64_t> ops) {
  auto remark = remark::missed(loc, optionsFor(pass));
  remark << remark::metric(kReason, reason.str()) << remark::metric(kText, text.str());
  if (std::string words = hint.str(); !words.empty()) remark << remark::metric(kHint, words);
  addOps(remark, ops);
}

void noted(Location loc, StringRef pass, StringRef reason, const Twine& text) {
  remark::analysis(loc, optionsFor(pass))
      << remark::metric(kReason, reason.str()) << remark::metric(kText, text.str());
}

std::vector<SourceLine> sourceLines(Location loc) {
  std::vector<SourceLine> lines;
  loc->walk([&](Location part) {
    if (auto line = dyn_cast<FileLineColLoc>(part)) {
      SourceLine found{line.getFilename().str(), line.getLine(), line.getColumn()};
      if (!llvm::is_contained(lines, found)) lines.push_back(std::move(found));
    }
    return WalkResult::advance();
  });
  return lines;
}

LogicalResult collectRemarks(MLIRContext& context, std::vector<Remark>& remarks) {
  remark::RemarkCategories categories;
  // `all` alone enables nothing in LLVM 22: it only widens the filters that are set.
  categories.all = categories.passed = categories.missed = categories.analysis = kCategory.str();
  return remark::enableOptimizationRemarks(context, std::make_unique<CollectingStreamer>(remarks),
                                           std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}

std::string SourceLine::text() const {
  return column == 0 ? file : file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string formatRemark(const Remark& remark) {
  std::string line;
  if (!remark.locations.empty()) line = remark.locations.front().text() + ": ";
  line += remark.kind == Remark::Kind::passed   ? "fused"
          : remark.kind == Remark::Kind::missed ? "missed"
                                                : "note";
  line += " [" + remark.pass + "] " + remark.text;
  if (remark.bytesSaved > 0) line += " (saves " + std::to_string(remark.bytesSaved) + " bytes)";
  for (const SourceLine& other : ArrayRef(remark.locations).drop_front(remark.locations.empty() ? 0 : 1))
    line += "\n  with " + other.text();
  if (!remark.hint.empty()) line += "\n  hint: " + remark.hint;
  return line;
}

} // namespace tailor::passes
