#include "passes/RecomputePlan.h"

#include "llvm/ADT/STLExtras.h"

#include "passes/Grouping.h"

using namespace mlir;

namespace tailor::passes {
namespace {

using ir::FusionClass;

/// A kernel that recomputes more than this many ops an element computes more than it saves in traffic: three
/// normalisations with their masks have fifteen.
constexpr unsigned kMaxRecomputed = 24;

/// A decision moves the prices of its neighbours' decisions; in networks two rounds settle them.
constexpr unsigned kMaxRounds = 4;

int64_t rankOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getRank() : 0;
}

/// Images, or values over them: smaller ones are not worth counting.
bool isOverImages(Value value) {
  return rankOf(value) > 2;
}

bool isLeaf(Operation* op) {
  return ir::fusionClassOf(op) == FusionClass::Leaf;
}

/// True if the op is a few instructions an element.
bool isCheap(Operation* op) {
  if (op->getNumResults() != 1) return false;
  switch (ir::fusionClassOf(op)) {
  case FusionClass::Leaf:
    return true;
  case FusionClass::Elementwise:
  case FusionClass::ChannelMap:
  case FusionClass::Movement:
    return isOverImages(op->getResult(0)) && !op->hasTrait<ir::Transcendental>();
  default:
    return false;
  }
}

int64_t bytesOfAll(ArrayRef<Value> values) {
  int64_t bytes = 0;
  for (Value value : values)
    bytes += bytesOf(value);
  return bytes;
}

} // namespace

bool takesInLoads(OpOperand& use) {
  Operation* op = use.getOwner();
  switch (ir::fusionClassOf(op)) {
  case FusionClass::Elementwise:
  case FusionClass::Leaf:
  case FusionClass::Movement:
    return true;
  case FusionClass::ChannelMap:
  case FusionClass::ChannelReduction:
    return rankOf(use.get()) > 1;
  case FusionClass::Convolution:
    return !ir::weightOf(op) || use.getOperandNumber() == 0;
  default:
    return false;
  }
}

RecomputePlan::RecomputePlan(Block& block) : block_(block) {
  for (Operation& op : block) {
    position_[&op] = ops_.size();
    ops_.push_back(&op);
  }
  SmallVector<Operation*> open;
  for (Operation* op : ops_) {
    if (!isCheap(op)) continue;
    if (isLeaf(op)) {
      recomputed_.insert(op); // where it must be in memory it is that as well
      continue;
    }
    if (memoryReaderOf(op->getResult(0))) continue;
    // A first guess, under which chains end.
    Values images;
    Ops inside;
    collectInputs(op, images, inside);
    if (images.size() < 2 || op->hasOneUse()) recomputed_.insert(op);
    open.push_back(op);
  }
  std::reverse(open.begin(), open.end()); // the end of a chain first: what leads to one reader is part of it
  placeInStores();
  bool changed = true;
  for (unsigned round = 0; changed && round < kMaxRounds; ++round) {
    changed = false;
    for (Operation* op : open)
      changed |= decide(op);
  }
  placeInStores();
}

void RecomputePlan::placeInStores() {
  for (Operation* op : ops_)
    if (isPlanned(op) && !recomputed_.contains(op)) hosts_[op] = findHost(op);
}

bool RecomputePlan::isRecomputed(Value value) const {
  Operation* op = value.getDefiningOp();
  return op && recomputed_.contains(op);
}

bool RecomputePlan::isPlanned(Operation* op) const {
  return position_.contains(op) && isCheap(op) && !isLeaf(op);
}

Operation* RecomputePlan::memoryReaderOf(Value value) const {
  for (OpOperand& use : value.getUses())
    if (use.getOwner()->getBlock() != &block_ || !takesInLoads(use)) return use.getOwner();
  return nullptr;
}

llvm::SmallSetVector<Operation*, 4> RecomputePlan::readersOf(Value value) const {
  llvm::SmallSetVector<Operation*, 4> readers;
  collectReaders(value, readers);
  return readers;
}

void RecomputePlan::collectReaders(Value value, llvm::SmallSetVector<Operation*, 4>& readers) const {
  for (Operation* user : value.getUsers()) {
    if (recomputed_.contains(user))
      collectReaders(user->getResult(0), readers);
    else
      readers.insert(user);
  }
}

void RecomputePlan::collectInputs(Operation* op, Values& images, Ops& recomputed) const {
  for (OpOperand& use : op->getOpOperands()) {
    Operation* maker = use.get().getDefiningOp();
    if (maker && recomputed_.contains(maker) && takesInLoads(use)) {
      if (recomputed.insert(maker)) collectInputs(maker, images, recomputed);
    } else if (isOverImages(use.get())) {
      images.insert(use.get());
    }
  }
}

/// What an op reads from memory: without the convolution's result, if it is computed in its stores.
int64_t RecomputePlan::bytesRead(Operation* op) const {
  Values images;
  Ops recomputed;
  collectInputs(op, images, recomputed);
  if (Operation* host = hosts_.lookup(op)) images.remove(host->getResult(0));
  return bytesOfAll(images.getArrayRef());
}

/// What is read and written if `op` is recomputed by `readers`, or written.
int64_t RecomputePlan::bytesReadWith(Operation* op, bool recomputed,
                                     const llvm::SmallSetVector<Operation*, 4>& readers) {
  recomputed ? (void)recomputed_.insert(op) : (void)recomputed_.erase(op);
  int64_t bytes = 0;
  for (Operation* reader : readers)
    bytes += bytesRead(reader);
  if (recomputed) return bytes;
  Operation* host = hosts_[op] = findHost(op);
  bytes += bytesRead(op) + bytesOf(op->getResult(0));
  if (host && readersOf(host->getResult(0)).getArrayRef() == ArrayRef<Operation*>(op))
    bytes -= bytesOf(host->getResult(0)); // which nobody else reads, so it is not written
  return bytes;
}

/// Returns true if the decision about `op` changed.
bool RecomputePlan::decide(Operation* op) {
  const bool before = recomputed_.contains(op);
  recomputed_.insert(op);
  llvm::SmallSetVector<Operation*, 4> readers = readersOf(op->getResult(0));
  // With one map as its reader it is part of that.
  bool again = true;
  if (readers.size() > 1 || (readers.size() == 1 && !isPlanned(readers.front()))) {
    const bool tooLong = llvm::any_of(readers, [&](Operation* reader) {
      Values images;
      Ops recomputed;
      collectInputs(reader, images, recomputed);
      return llvm::count_if(recomputed, [](Operation* made) { return !isLeaf(made); }) > kMaxRecomputed;
    });
    const int64_t written = bytesReadWith(op, false, readers);
    const bool hosted = hosts_.lookup(op) != nullptr;
    const int64_t read = bytesReadWith(op, true, readers);
    // In the stores each element is computed once, in loads once per tap or overlapping tile.
    again = !tooLong && (hosted ? read < written : read <= written);
  }
  again ? (void)recomputed_.insert(op) : (void)recomputed_.erase(op);
  if (again) hosts_.erase(op);
  return again != before;
}

/// The last convolution whose result `op` is made from, element by element, if nothing else that `op` needs waits for
/// that convolution.
Operation* RecomputePlan::findHost(Operation* op) {
  Values images;
  Ops inside;
  collectInputs(op, images, inside);
  inside.insert(op);
  Operation* host = nullptr;
  for (Value image : images) {
    Operation* maker = image.getDefiningOp();
    if (maker && maker->getBlock() == &block_ && ir::fusionClassOf(maker) == FusionClass::Convolution &&
        ir::weightOf(maker) && image.getType() == op->getResult(0).getType() &&
        (!host || position_.lookup(maker) > position_.lookup(host)))
      host = maker;
  }
  if (!host) return nullptr;
  const llvm::BitVector& dependents = dependentsOf(host);
  for (Operation* part : inside)
    for (Value operand : part->getOperands()) {
      Operation* maker = operand.getDefiningOp();
      if (maker == host && isLeaf(part)) return nullptr; // spread, not read element by element
      if (ir::fusionClassOf(part) == FusionClass::Movement && isMadeFrom(operand, host->getResult(0)))
        return nullptr; // read at another position
      if (maker && maker != host && maker->getBlock() == &block_ && !inside.contains(maker) &&
          dependents[position_.lookup(maker)])
        return nullptr;
    }
  return host;
}

/// True if `value` is `image` or is recomputed from it.
bool RecomputePlan::isMadeFrom(Value value, Value image) const {
  if (value == image) return true;
  Operation* maker = value.getDefiningOp();
  if (!maker || !recomputed_.contains(maker)) return false;
  Values images;
  Ops inside;
  collectInputs(maker, images, inside);
  return images.contains(image);
}

/// By position: everything that is computed from the results of `op`.
const llvm::BitVector& RecomputePlan::dependentsOf(Operation* op) {
  auto [entry, isNew] = dependents_.try_emplace(op);
  llvm::BitVector& dependents = entry->second;
  if (!isNew) return dependents;
  dependents.resize(ops_.size());
  dependents.set(position_.lookup(op));
  for (unsigned at = position_.lookup(op) + 1; at < ops_.size(); ++at)
    if (llvm::any_of(ops_[at]->getOperands(), [&](Value operand) {
          Operation* maker = operand.getDefiningOp();
          return maker && position_.contains(maker) && dependents[position_.lookup(maker)];
        }))
      dependents.set(at);
  return dependents;
}

} // namespace tailor::passes
