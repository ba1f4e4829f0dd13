#include "passes/analysis/TensorLanes.h"

#include "passes/analysis/Intervals.h"

#include "llvm/ADT/STLExtras.h"

#include <limits>
#include <map>
#include <numeric>

using namespace mlir;

namespace tailor::passes {

SmallVector<LaunchRole> launchRoles(ir::LaunchOp launch, ir::KernelOp kernel) {
  SmallVector<LaunchRole> roles;
  if (kernel.getKind() != ir::FusionKind::MultiTensor) return roles;
  for (const KernelBuffer& buffer : kernelBuffers(kernel)) {
    if (!buffer.isRole) continue;
    LaunchRole& role = roles.emplace_back(LaunchRole{launch, buffer, {}});
    for (unsigned i = buffer.first; i < buffer.first + buffer.count; ++i)
      role.values.push_back(buffer.isResult ? Value(launch.getResult(i)) : launch.getInputs()[i]);
  }
  return roles;
}

void* TensorLanes::keyOf(Value value) const {
  if (auto load = value.getDefiningOp<ir::LoadOp>()) return states_[load.getState()].getOperation();
  return value.getAsOpaquePointer();
}

unsigned TensorLanes::nodeOf(void* key) {
  auto [position, isNew] = nodes_.try_emplace(key, parents_.size());
  if (isNew) parents_.push_back(parents_.size());
  return position->second;
}

unsigned TensorLanes::rootOf(unsigned node) {
  while (parents_[node] != node)
    node = parents_[node] = parents_[parents_[node]];
  return node;
}

const TensorLanes::Lane* TensorLanes::find(void* key) const {
  auto node = nodes_.find(key);
  return node == nodes_.end() ? nullptr : &lanes_[laneOfNode_[node->second]];
}

const TensorLanes::Lane* TensorLanes::laneOf(ir::StateOp state) const {
  return find(state.getOperation());
}

const TensorLanes::Lane* TensorLanes::laneOf(Value value) const {
  return find(keyOf(value));
}

FailureOr<TensorLanes> TensorLanes::compute(ir::ProgramOp program) {
  TensorLanes lanes;
  lanes.states_ = States(program);
  SymbolTable symbols(program);
  SmallVector<LaunchRole> roles;
  program.walk([&](ir::LaunchOp launch) {
    llvm::append_range(roles, launchRoles(launch, symbols.lookup<ir::KernelOp>(launch.getKernel())));
  });

  // Values at the same place of the roles of one launch share a lane.
  const LaunchRole* first = nullptr; // first role of the current launch
  for (LaunchRole& role : roles) {
    if (!first || first->launch != role.launch) first = &role;
    if (role.values.size() != first->values.size())
      return role.launch.emitError("the roles of a multi-tensor op have ")
             << first->values.size() << " and " << role.values.size() << " tensors";
    for (auto [value, neighbour] : llvm::zip_equal(role.values, first->values)) {
      unsigned a = lanes.rootOf(lanes.nodeOf(lanes.keyOf(value)));
      unsigned b = lanes.rootOf(lanes.nodeOf(lanes.keyOf(neighbour)));
      lanes.parents_[std::max(a, b)] = std::min(a, b);
    }
  }
  if (failed(lanes.order(roles))) return failure();
  return lanes;
}

LogicalResult TensorLanes::order(ArrayRef<LaunchRole> roles) {
  // One lane per root, in order of first appearance.
  laneOfNode_.assign(parents_.size(), 0);
  std::vector<int64_t> laneOfRoot(parents_.size(), -1);
  for (unsigned node = 0; node < parents_.size(); ++node) {
    int64_t& lane = laneOfRoot[rootOf(node)];
    if (lane < 0) {
      lane = lanes_.size();
      lanes_.emplace_back();
    }
    laneOfNode_[node] = lane;
  }

  // Sizes, decay, and which launches each lane takes part in.
  std::vector<std::vector<unsigned>> launches(lanes_.size());
  std::vector<unsigned> componentOf(lanes_.size());
  std::iota(componentOf.begin(), componentOf.end(), 0u);
  auto component = [&](unsigned lane) {
    while (componentOf[lane] != lane)
      lane = componentOf[lane] = componentOf[componentOf[lane]];
    return lane;
  };
  unsigned launchNumber = 0;
  ir::LaunchOp current;
  for (LaunchRole role : roles) {
    if (current != role.launch) current = role.launch, ++launchNumber;
    auto kernel = SymbolTable::lookupNearestSymbolFrom<ir::KernelOp>(current, current.getKernelAttr());
    llvm::SmallDenseSet<unsigned> seen;
    for (auto [index, value] : llvm::enumerate(role.values)) {
      unsigned number = laneOfNode_[nodes_.lookup(keyOf(value))];
      if (!seen.insert(number).second)
        return role.launch.emitError("a tensor stands twice in one role of a multi-tensor op");
      Lane& lane = lanes_[number];
      int64_t bytes = alignTo64(bytesOf(value.getType()));
      if (lane.bytes != 0 && lane.bytes != bytes)
        return role.launch.emitError("multi-tensor ops pair tensors of ")
               << lane.bytes << " and " << bytes << " bytes";
      lane.bytes = bytes;
      lane.decayed |= isDecayedTensor(kernel, index);
      lane.segment = std::max(lane.segment, segmentOfTensor(kernel, index));
      if (launches[number].empty() || launches[number].back() != launchNumber)
        launches[number].push_back(launchNumber);
      unsigned a = component(number), b = component(laneOfNode_[nodes_.lookup(keyOf(role.values.front()))]);
      componentOf[std::max(a, b)] = std::min(a, b);
    }
  }

  for (unsigned lane = 0; lane < lanes_.size(); ++lane)
    lanes_[lane].component = component(lane);

  // Lanes that take part in the same launches stay together (so that each op's lanes are neighbours).
  std::map<std::vector<unsigned>, unsigned> rankOfSet;
  for (unsigned lane = 0; lane < lanes_.size(); ++lane)
    rankOfSet.try_emplace(launches[lane], rankOfSet.size());
  std::vector<unsigned> order(lanes_.size());
  auto sortBy = [&](auto&& rank) {
    std::iota(order.begin(), order.end(), 0u);
    llvm::stable_sort(order, [&](unsigned a, unsigned b) {
      auto key = [&](unsigned number) {
        const Lane& lane = lanes_[number];
        return std::make_tuple(lane.component, rank(number), lane.segment, !lane.decayed);
      };
      return key(a) < key(b);
    });
    place(order);
  };
  sortBy([&](unsigned lane) { return rankOfSet[launches[lane]]; });
  if (!firstTorn(roles)) return success();

  // Sets inside sets: by whether a lane is in the largest launch, then in the next, and so on. Any family of sets of
  // which two are disjoint or one inside the other lies in neighbours then.
  std::vector<unsigned> members(launchNumber + 1, 0), bySize(launchNumber + 1);
  for (const std::vector<unsigned>& set : launches)
    for (unsigned launch : set)
      ++members[launch];
  std::iota(bySize.begin(), bySize.end(), 0u);
  llvm::stable_sort(bySize, [&](unsigned a, unsigned b) { return members[a] > members[b]; });
  sortBy([&](unsigned lane) {
    std::vector<bool> outside;
    for (unsigned launch : bySize)
      outside.push_back(!llvm::is_contained(launches[lane], launch));
    return outside;
  });
  if (std::optional<ir::LaunchOp> torn = firstTorn(roles))
    return torn->emitError(
        "the optimizer ops work on overlapping sets of parameters for which there is no common "
        "order; of two sets one must hold the other, or they must be apart");
  return success();
}

void TensorLanes::place(ArrayRef<unsigned> order) {
  std::map<unsigned, int64_t> ends;
  for (unsigned number : order) {
    Lane& lane = lanes_[number];
    lane.offset = ends[lane.component];
    ends[lane.component] += lane.bytes;
  }
}

std::optional<ir::LaunchOp> TensorLanes::firstTorn(ArrayRef<LaunchRole> roles) const {
  struct Part {
    int64_t bytes = 0, decayed = 0;
  };
  for (LaunchRole role : roles) {
    auto kernel =
        SymbolTable::lookupNearestSymbolFrom<ir::KernelOp>(role.launch, role.launch.getKernelAttr());
    SmallVector<Part> parts(numSegments(kernel));
    int64_t low = std::numeric_limits<int64_t>::max();
    for (auto [index, value] : llvm::enumerate(role.values)) {
      const Lane& lane = *find(keyOf(value));
      Part& part = parts[segmentOfTensor(kernel, index)];
      low = std::min(low, lane.offset), part.bytes += lane.bytes;
      if (isDecayedTensor(kernel, index)) part.decayed += lane.bytes;
    }
    // Lanes do not overlap: if each lies within its part, the parts are full.
    for (auto [index, value] : llvm::enumerate(role.values)) {
      const Lane& lane = *find(keyOf(value));
      unsigned segment = segmentOfTensor(kernel, index);
      int64_t begin = low;
      for (const Part& part : ArrayRef(parts).take_front(segment))
        begin += part.bytes;
      int64_t end = begin + (isDecayedTensor(kernel, index) ? parts[segment].decayed : parts[segment].bytes);
      if (lane.offset < begin || lane.offset + lane.bytes > end) return role.launch;
    }
  }
  return std::nullopt;
}

} // namespace tailor::passes
