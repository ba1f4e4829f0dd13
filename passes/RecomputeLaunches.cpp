#include "passes/RecomputeLaunches.h"

#include "passes/analysis/Intervals.h"
#include "passes/EntryPlan.h"
#include "passes/Remarks.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <limits>

using namespace mlir;

namespace tailor::passes {
namespace {

/// A core does about so many multiply-adds in the time in which it moves a byte to or from memory (60 GFLOP/s in
/// kernels of middling quality, 10 GB/s): only the order of the candidates depends on it.
constexpr double kMultiplyAddsPerByte = 3;

/// The value whose bytes `value` shows.
Value rootOf(Value value) {
  while (auto reshape = value.getDefiningOp<ir::ReshapeOp>()) {
    if (isCopy(reshape)) break;
    value = reshape.getOperand();
  }
  return value;
}

int64_t elementsOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getNumElements();
}

/// Ten rounds of two products, two shifts and four xors for four elements.
constexpr int64_t kMultiplyAddsPerDraw = 20;

int64_t multiplyAddsIn(ir::KernelOp kernel) {
  int64_t sum = 0;
  kernel.walk([&](Operation* op) {
    if (auto part = dyn_cast<ir::PartOp>(op)) sum += multiplyAddsIn(part.lookupKernel());
    if (op->hasTrait<ir::RandomOp>() && !isa<ir::RngKeyOp>(op))
      sum += kMultiplyAddsPerDraw * elementsOf(op->getResult(0));
    if (auto dot = dyn_cast<ir::DotOp>(op)) {
      int64_t depth = 1;
      for (int64_t dim : dot.getLhsContract())
        depth *= cast<RankedTensorType>(dot.getLhs().getType()).getDimSize(dim);
      sum += depth * elementsOf(dot.getResult());
    } else if (ir::fusionClassOf(op) == ir::FusionClass::Convolution) {
      // Every output element, or its gradient, meets the weights of one output channel.
      Value weight = ir::weightOf(op);
      Value output = isa<ir::Conv2dOp>(op)           ? op->getResult(0)
                     : isa<ir::Conv2dDataGradOp>(op) ? op->getOperand(0)
                                                     : op->getOperand(1);
      Value weights = weight ? weight : op->getResult(0);
      sum += elementsOf(output) *
             (elementsOf(weights) / cast<RankedTensorType>(weights.getType()).getDimSize(0));
    }
  });
  return sum;
}

/// The ops of an entry in order, with the values in memory that they touch; a launch may come several times.
class Schedule {
public:
  Schedule(ir::EntryOp entry, const ProgramPlan& program, const EntryPlan& plan) : program_(program) {
    DenseMap<Value, int> known;
    for (Operation& op : entry.getBody().front()) {
      Node node;
      node.op = &op;
      for (Value operand : op.getOperands()) {
        auto instance = known.find(rootOf(operand));
        node.operands.push_back(instance == known.end() ? -1 : instance->second);
      }
      for (Value result : op.getResults()) {
        if (!plan.hasOwnPlace(result)) continue;
        known[result] = instances_.size();
        node.results.push_back(instances_.size());
        instances_.push_back({result, int(nodes_.size()), alignTo64(bytesOf(result.getType()))});
      }
      if (auto launch = dyn_cast<ir::LaunchOp>(op)) {
        ir::KernelOp kernel = program.kernelOf(launch);
        for (ir::TemporaryAttr temporary : temporariesOf(kernel))
          node.temporaries += alignTo64(temporary.getBytes());
        node.mayRunAgain =
            kernel.getKind() != ir::FusionKind::MultiTensor && node.results.size() == op.getNumResults();
        for (Value value :
             llvm::concat<Value>(llvm::to_vector(op.getOperands()), llvm::to_vector(op.getResults())))
          node.bytes += bytesOf(value.getType());
        node.multiplyAdds = multiplyAddsIn(kernel);
      }
      if (auto store = dyn_cast<ir::StoreOp>(op)) {
        // Of a value that is written in place the launch overwrites the state, else the store.
        auto writer = store.getValue().getDefiningOp<ir::LaunchOp>();
        Operation* at = writer && !plan.hasOwnPlace(store.getValue()) ? writer.getOperation() : &op;
        writers_[program.states[store.getState()]].push_back(at);
      }
      node.isOutput = isa<ir::OutputOp>(op);
      order_.push_back(nodes_.size());
      nodes_.push_back(std::move(node));
    }
  }

  /// Runs launches again until at most `target` bytes are held, or no more can be saved.
  RecomputeCost cutTo(int64_t target) {
    RecomputeCost cost;
    for (;;) {
      measure();
      size_t peak = std::max_element(held_.begin(), held_.end()) - held_.begin();
      if (held_[peak] <= target) break;
      std::optional<Choice> best;
      for (size_t instance = 0; instance < instances_.size(); ++instance)
        if (std::optional<Choice> choice = consider(instance, peak, target))
          if (!best || choice->worth > best->worth) best = choice;
      if (!best) break;
      const Node& node = nodes_[instances_[best->instance].producer];
      ++cost.launches;
      cost.bytes += node.bytes;
      cost.multiplyAdds += node.multiplyAdds;
      runAgain(*best);
    }
    return cost;
  }

  /// Writes the schedule into the entry.
  void apply() {
    SmallVector<Value> values;
    for (const Instance& instance : instances_)
      values.push_back(instance.original);
    for (auto [position, id] : llvm::enumerate(order_)) {
      Node& node = nodes_[id];
      if (!node.isAgain) {
        for (auto [index, instance] : llvm::enumerate(node.operands))
          if (instance >= 0 && values[instance] != instances_[instance].original) {
            OpBuilder builder(node.op);
            node.op->setOperand(index, shownAs(builder, node.op->getOperand(index), values[instance]));
          }
        continue;
      }
      OpBuilder builder(nextOriginal(position));
      Operation* again = builder.clone(*node.op);
      builder.setInsertionPoint(again); // views of its operands stand in front of it
      for (auto [index, instance] : llvm::enumerate(node.operands))
        if (instance >= 0) {
          // The launch may have been given other operands meanwhile: those of its own are what counts.
          Value original = node.originalOperands[index];
          again->setOperand(index, values[instance] == instances_[instance].original
                                       ? original
                                       : shownAs(builder, original, values[instance]));
        }
      for (auto [index, instance] : llvm::enumerate(node.results))
        values[instance] = again->getResult(index);
    }
  }

private:
  struct Node {
    Operation* op = nullptr;
    SmallVector<int> operands;           ///< by operand: the instance it reads, -1: nothing that moves
    SmallVector<int> results;            ///< instances
    SmallVector<Value> originalOperands; ///< of a launch that runs again
    int64_t temporaries = 0, bytes = 0, multiplyAdds = 0;
    bool mayRunAgain = false, isAgain = false, isOutput = false;
  };
  /// A value in memory, or what a launch that ran again made of it.
  struct Instance {
    Value original;
    int producer; ///< node
    int64_t bytes;
  };
  struct Choice {
    size_t instance;
    size_t next;  ///< position of the reader in front of which the launch runs again
    double worth; ///< bytes over the target that go, times how long, by price
  };

  /// Where values are touched, and how much is held at each position.
  void measure() {
    touches_.assign(instances_.size(), {});
    for (auto [position, id] : llvm::enumerate(order_)) {
      const Node& node = nodes_[id];
      for (int instance : node.results)
        touches_[instance].push_back(position);
      for (int instance : node.operands)
        if (instance >= 0 && (touches_[instance].empty() || touches_[instance].back() != position))
          touches_[instance].push_back(position);
    }
    for (int id : order_)
      if (nodes_[id].isOutput)
        for (int instance : nodes_[id].operands)
          if (instance >= 0) touches_[instance].push_back(order_.size() - 1); // read when the entry has run
    held_.assign(order_.size(), 0);
    for (auto [instance, touches] : llvm::enumerate(touches_))
      for (size_t position = touches.front(); position <= touches.back(); ++position)
        held_[position] += instances_[instance].bytes;
    for (auto [position, id] : llvm::enumerate(order_))
      held_[position] += nodes_[id].temporaries;
  }

  /// The instance of the same value that a launch at `position` would read: one that lives then, else the last before.
  int nearest(int instance, size_t position) const {
    int best = instance;
    for (size_t other = 0; other < instances_.size(); ++other)
      if (instances_[other].original == instances_[instance].original && touches_[other].front() < position &&
          touches_[other].back() > touches_[best].back())
        best = other;
    return best;
  }

  /// Giving up `instance` while it lies idle around `peak`; nothing if it is not idle then or that saves nothing.
  std::optional<Choice> consider(size_t instance, size_t peak, int64_t target) const {
    ArrayRef<size_t> touches = touches_[instance];
    if (touches.front() >= peak || touches.back() <= peak) return std::nullopt;
    const Node& maker = nodes_[instances_[instance].producer];
    if (!maker.mayRunAgain) return std::nullopt;
    const auto* next = llvm::upper_bound(touches, peak);
    if (*std::prev(next) == peak) return std::nullopt; // in use
    const size_t from = *std::prev(next) + 1, to = *next;
    if (to + 1 == order_.size()) return std::nullopt; // an output: the host reads it when all has run
    if (isStale(maker, to)) return std::nullopt;

    // What changes at each position of [from, to): the launch would stand in front of `to`, at its memory.
    int64_t excess = 0;
    std::vector<int64_t> change(to - from + 1, -instances_[instance].bytes);
    change.back() = 0;                 // alive again
    int64_t again = maker.temporaries; // while the launch runs
    for (int result : maker.results)
      again += instances_[result].bytes;
    for (int operand : maker.operands) {
      if (operand < 0) continue;
      const int read = nearest(operand, to);
      const size_t last = touches_[read].back();
      if (last >= to) continue;
      again += instances_[read].bytes;
      for (size_t position = std::max(last + 1, from); position < to; ++position)
        change[position - from] += instances_[read].bytes;
      for (size_t position = last + 1; position < from; ++position) // it stays longer than what it saves
        excess += std::max<int64_t>(held_[position] + instances_[read].bytes - target, 0) -
                  std::max<int64_t>(held_[position] - target, 0);
    }
    for (size_t position = from; position < to; ++position)
      excess += std::max<int64_t>(held_[position] + change[position - from] - target, 0) -
                std::max<int64_t>(held_[position] - target, 0);
    // At the launch itself: what lives on both sides, and what it touches.
    int64_t across = 0;
    for (auto [other, where] : llvm::enumerate(touches_))
      if (other != instance && where.front() < to && where.back() >= to) across += instances_[other].bytes;
    excess += std::max<int64_t>(across + again - target, 0);
    if (excess >= 0) return std::nullopt;
    const double price = double(maker.bytes) + double(maker.multiplyAdds) / kMultiplyAddsPerByte;
    return Choice{instance, to, -double(excess) / price};
  }

  /// True if a state that the launch reads is written before `position`.
  bool isStale(const Node& maker, size_t position) const {
    const Operation* next = nextOriginal(position);
    for (Value operand : maker.op->getOperands()) {
      auto load = rootOf(operand).getDefiningOp<ir::LoadOp>();
      if (!load) continue;
      for (Operation* writer : writers_.lookup(program_.states[load.getState()]))
        if (load->isBeforeInBlock(writer) && writer->isBeforeInBlock(const_cast<Operation*>(next)))
          return true;
    }
    return false;
  }

  Operation* nextOriginal(size_t position) const {
    while (nodes_[order_[position]].isAgain)
      ++position;
    return nodes_[order_[position]].op;
  }

  void runAgain(const Choice& choice) {
    const int instance = choice.instance;
    Node node = nodes_[instances_[instance].producer];
    if (!node.isAgain) node.originalOperands.assign(node.op->operand_begin(), node.op->operand_end());
    node.isAgain = true;
    for (int& operand : node.operands)
      if (operand >= 0) operand = nearest(operand, choice.next);
    int made = -1;
    for (int& result : node.results) {
      const Instance copy{instances_[result].original, int(nodes_.size()), instances_[result].bytes};
      if (result == instance) made = instances_.size();
      result = instances_.size();
      instances_.push_back(copy);
    }
    for (size_t position = choice.next; position < order_.size(); ++position)
      for (int& operand : nodes_[order_[position]].operands)
        if (operand == instance) operand = made;
    order_.insert(order_.begin() + choice.next, nodes_.size());
    nodes_.push_back(std::move(node));
  }

  /// `value` under the shape that `shown`, a view of another value, has.
  static Value shownAs(OpBuilder& builder, Value shown, Value value) {
    if (shown.getType() == value.getType()) return value;
    return ir::ReshapeOp::create(builder, shown.getLoc(), shown.getType(), value);
  }

  const ProgramPlan& program_;
  std::vector<Node> nodes_;
  std::vector<Instance> instances_;
  std::vector<int> order_; ///< nodes
  std::vector<std::vector<size_t>> touches_;
  std::vector<int64_t> held_;
  DenseMap<Operation*, SmallVector<Operation*>> writers_; ///< of states
};

} // namespace

int64_t multiplyAddsOf(ir::EntryOp entry, const ProgramPlan& program) {
  int64_t sum = 0;
  for (auto launch : entry.getOps<ir::LaunchOp>())
    sum += multiplyAddsIn(program.kernelOf(launch));
  return sum;
}

RecomputeCost recomputeLaunches(ir::EntryOp entry, const ProgramPlan& program, const EntryPlan& plan,
                                int64_t target) {
  Schedule schedule(entry, program, plan);
  RecomputeCost cost = schedule.cutTo(target);
  schedule.apply();
  return cost;
}

} // namespace tailor::passes
