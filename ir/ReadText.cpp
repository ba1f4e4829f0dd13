#include "ir/ReadText.h"

#include "ir/Tailor.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

#include <algorithm>
#include <string>

using namespace mlir;

namespace tailor::ir {
namespace {

/// Tokens of a text whose aliases are written out, which is what printing attributes and walking locations costs. A
/// network of 100 layers with every kind of state (tests/pipelines/Inputs/deep_mlp.py) has 5e5 in phase `placed`.
constexpr uint64_t kMaxExpandedTokens = uint64_t(1) << 26;

/// What an alias stands for, written out.
struct Expansion {
  unsigned nesting = 0;
  uint64_t tokens = 0;
  uint64_t earlyUses = 0; ///< before its definition: locations of ops stand before the list of them
};

/// One pass over the tokens, as MLIR's lexer separates them.
class TextCheck {
public:
  TextCheck(StringRef text, StringRef name, MLIRContext* context)
      : text_(text), name_(name), context_(context) {}

  LogicalResult run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (llvm::isSpace(c)) {
        ++at_;
      } else if (text_.substr(at_).starts_with("//")) {
        at_ = std::min(text_.find_first_of("\n\r", at_), text_.size());
      } else if (failed(token(c))) {
        return failure();
      }
    }
    for (const auto& [name, expansion] : expansions_)
      total_ += expansion.earlyUses * expansion.tokens; // both below 2^32
    return checkTotal(text_.size());
  }

private:
  LogicalResult refuse(size_t at, const Twine& what) {
    const StringRef before = text_.take_front(at);
    const size_t line = before.count('\n') + 1, column = at - (before.rfind('\n') + 1) + 1; // npos + 1 is 0
    return emitError(FileLineColLoc::get(context_, name_, line, column)) << what;
  }

  LogicalResult token(char c) {
    const size_t begin = at_++;
    if (c == '#' || c == '!') return alias(begin);
    if (c == '"' || c == '%' || llvm::isAlnum(c) || c == '_') { // what an op may begin with
      c == '"' ? string() : c == '%' ? prefixedIdentifier() : bareIdentifier();
      const StringRef word = text_.slice(begin, at_);
      if (word == "affine_map" || word == "affine_set")
        return refuse(begin, "'" + word + "' is not part of the dialect and is not read");
      if (open_.empty() && !expectsMore_) defined_ = StringRef();
      return add(begin, {0, 1});
    }
    if (c == '@' && text_.substr(at_).starts_with("\"")) {
      ++at_;
      string();
      return add(begin, {0, 1});
    }
    if (c == '@') bareIdentifier();
    if (c == '^') prefixedIdentifier();
    if (c == '=' && !last_.empty()) define(last_);
    const bool isArrow = c == '-' && text_.substr(at_).starts_with(">");
    if (isArrow) ++at_;
    if (StringRef("([{<").contains(c)) open_.push_back(c);
    if (failed(add(begin, {0, 1}))) return failure();
    expectsMore_ = isArrow || c == '=' || c == ':' || c == '-';
    // A bracket that closes nothing is an error, at which the parser stops.
    const size_t kind = isArrow ? StringRef::npos : StringRef(")]}>").find(c);
    if (kind != StringRef::npos && !open_.empty() && open_.back() == "([{<"[kind]) open_.pop_back();
    return success();
  }

  /// The rest of a string, behind its first quote.
  void string() {
    for (; at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n'; ++at_)
      if (text_[at_] == '\\') ++at_;
    at_ = std::min(at_ + 1, text_.size());
  }

  void bareIdentifier() {
    while (at_ < text_.size() && (llvm::isAlnum(text_[at_]) || StringRef("_$.").contains(text_[at_])))
      ++at_;
  }

  /// What follows %, #, ! or ^: a number, or a name that may hold hyphens.
  void prefixedIdentifier() {
    const bool isNumber = at_ < text_.size() && llvm::isDigit(text_[at_]);
    while (at_ < text_.size() &&
           (isNumber ? llvm::isDigit(text_[at_])
                     : llvm::isAlnum(text_[at_]) || StringRef("_$.-").contains(text_[at_])))
      ++at_;
  }

  /// `#name` or `!name`: what stands for something else, or, before "=", the name of a definition. A dialect's own
  /// attributes and types have a dot in their names.
  LogicalResult alias(size_t begin) {
    prefixedIdentifier();
    const StringRef name = text_.slice(begin, at_);
    Expansion& used = expansions_[name];
    if (used.tokens == 0) ++used.earlyUses;
    const bool isKnown = used.tokens > 0 && name != defined_;
    if (failed(add(begin, isKnown ? Expansion{used.nesting + 1, used.tokens + 1} : Expansion{0, 1})))
      return failure();
    if (open_.empty()) last_ = name;
    return success();
  }

  void define(StringRef name) {
    defined_ = name;
    expansions_[name] = {0, 0, expansions_[name].earlyUses};
  }

  /// Counts a token, or what an alias stands for, where it is used.
  LogicalResult add(size_t begin, Expansion expansion) {
    expectsMore_ = false;
    last_ = StringRef();
    const unsigned nesting = static_cast<unsigned>(open_.size()) + expansion.nesting;
    if (nesting > kMaxNesting)
      return refuse(begin, "brackets are nested more than " + Twine(kMaxNesting) + " deep");
    if (!defined_.empty()) {
      Expansion& whole = expansions_[defined_];
      whole.nesting = std::max(whole.nesting, nesting);
      whole.tokens += expansion.tokens;
    }
    total_ += expansion.tokens;
    return checkTotal(begin);
  }

  LogicalResult checkTotal(size_t at) {
    if (total_ <= kMaxExpandedTokens) return success();
    return refuse(at, "the aliases of the text stand for more than " + Twine(kMaxExpandedTokens) + " tokens");
  }

  StringRef text_, name_;
  MLIRContext* context_;
  size_t at_ = 0;
  std::string open_; ///< brackets that are open
  /// The token before asks for another: outside brackets a word then does not begin the next op.
  bool expectsMore_ = false;
  StringRef last_;     ///< the token before, if it is an alias outside brackets
  StringRef defined_;  ///< the alias whose definition is being read; the next op or alias ends it
  uint64_t total_ = 0; ///< tokens of the text so far, written out
  llvm::StringMap<Expansion> expansions_;
};

} // namespace

OwningOpRef<ModuleOp> readModule(StringRef text, StringRef name, const ParserConfig& config) {
  MLIRContext* context = config.getContext();
  if (isBytecode(llvm::MemoryBufferRef(text, name))) {
    emitError(FileLineColLoc::get(context, name, 1, 1))
        << "MLIR's binary form (bytecode) is not read, only its text";
    return nullptr;
  }
  if (failed(TextCheck(text, name, context).run())) return nullptr;
  llvm::SourceMgr sources; // a copy, because the parser reads up to a terminating 0
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, name), llvm::SMLoc());
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, config);
  if (!module) return nullptr;
  // Of the other forms of elements, one is in a section of the file that need not be there.
  WalkResult constants = module->walk([](ConstantOp constant) {
    if (isa<DenseElementsAttr>(constant.getValue())) return WalkResult::advance();
    constant.emitOpError("expects its numbers in the form dense<...>");
    return WalkResult::interrupt();
  });
  return constants.wasInterrupted() ? OwningOpRef<ModuleOp>() : std::move(module);
}

} // namespace tailor::ir
