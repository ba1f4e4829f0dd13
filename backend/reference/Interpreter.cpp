#include "backend/reference/Interpreter.h"

#include "backend/reference/Evaluators.h"
#include "backend/reference/TermSizes.h"
#include "ir/Tailor.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

namespace tailor::backend::reference {

using llvm::failure;
using llvm::FailureOr;
using llvm::LogicalResult;
using llvm::success;

Interpreter::Interpreter(ir::ProgramOp program, InterpreterOptions options)
    : program_(program), symbols_(program), options_(options) {}

LogicalResult Interpreter::run(ir::EntryOp entry, Environment& environment) {
  environment_ = &environment;
  llvm::scope_exit restore([&] { environment_ = nullptr; });
  return runIsolated(entry.getBody().front(), {});
}

FailureOr<llvm::SmallVector<Tensor>> Interpreter::call(ir::BodyOp body, llvm::ArrayRef<Tensor> arguments) {
  if (arguments.size() != body.getArgumentTypes().size())
    return body.emitOpError("takes ")
           << body.getArgumentTypes().size() << " arguments, " << arguments.size() << " were given";
  return runIsolated(body.getBlock(), Tensors(arguments));
}

FailureOr<llvm::SmallVector<Tensor>>
Interpreter::callWithNoise(ir::KernelOp kernel, llvm::ArrayRef<const Tensor*> operands, double noise) {
  noise_ = noise;
  llvm::scope_exit leave([&] { noise_ = 0; });
  Tensors arguments;
  for (const Tensor* operand : operands)
    addNoise(arguments.emplace_back(*operand));
  return callKernel(kernel, std::move(arguments));
}

FailureOr<llvm::SmallVector<Tensor>>
Interpreter::callWithTiesEitherWay(ir::KernelOp kernel, llvm::ArrayRef<const Tensor*> operands,
                                   double width) {
  tieWidth_ = width;
  llvm::scope_exit leave([&] { tieWidth_ = 0; });
  Tensors arguments;
  for (const Tensor* operand : operands)
    arguments.push_back(*operand);
  return callKernel(kernel, std::move(arguments));
}

FailureOr<Interpreter::Tensors> Interpreter::callKernel(ir::KernelOp kernel, Tensors arguments) {
  ++kernelDepth_;
  llvm::scope_exit leave([&] { --kernelDepth_; });
  return runIsolated(kernel.getBlock(), std::move(arguments));
}

void Interpreter::roundTiesEitherWay(mlir::Operation& op, const Tensor& operand, Tensor& result) {
  if (llvm::isa<mlir::BlockArgument>(op.getOperand(0)))
    return; // was not computed here: there is one way to round it
  const bool toTf32 = llvm::isa<ir::RoundTf32Op>(op);
  if (!operand.isReal()) return;
  if (!toTf32 && !(llvm::isa<ir::CastOp>(op) && result.element() == Element::bf16)) return;
  const auto round = toTf32 ? roundToTf32 : roundToBf16;
  double size = 0; // what cancels before has the size of the others
  for (double value : operand.reals())
    size += std::abs(value) / static_cast<double>(operand.size());
  for (int64_t i = 0; i < operand.size(); ++i) {
    const double value = operand.at(i), off = tieWidth_ * (std::abs(value) + size);
    result.reals()[static_cast<size_t>(i)] = round(draw() & 1 ? value + off : value - off);
  }
}

uint64_t Interpreter::draw() {
  // SplitMix64 of the number of the draw: the same noise in every run.
  uint64_t word = ++draws_ * 0x9E3779B97F4A7C15;
  word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9;
  word = (word ^ word >> 27) * 0x94D049BB133111EB;
  return word ^ word >> 31;
}

void Interpreter::addNoise(Tensor& tensor) {
  if (!tensor.isReal()) return;
  for (double& value : tensor.reals())
    value *= 1 + noise_ * (static_cast<double>(draw() >> 11) * 0x1p-52 - 1);
}

void Interpreter::addNoiseOfSums(mlir::Operation& op, llvm::ArrayRef<const Tensor*> operands,
                                 llvm::MutableArrayRef<Tensor> results) {
  const llvm::SmallVector<Tensor> sizes = termSizes(&op, operands);
  for (auto [result, size] : llvm::zip(results, sizes))
    for (int64_t i = 0; result.isReal() && i < size.size(); ++i)
      result.reals()[i] += (draw() & 1 ? noise_ : -noise_) * size.reals()[i];
}

FailureOr<Interpreter::Tensors> Interpreter::runIsolated(mlir::Block& block, Tensors arguments) {
  Values values;
  for (auto [argument, tensor] : llvm::zip_equal(block.getArguments(), arguments))
    values.try_emplace(argument, std::move(tensor));
  return runBlock(block, values);
}

FailureOr<Interpreter::Tensors> Interpreter::runBlock(mlir::Block& block, Values& values) {
  for (mlir::Operation& op : block.without_terminator())
    if (failed(runOp(op, values))) return failure();
  Tensors results;
  for (mlir::Value value : block.getTerminator()->getOperands())
    results.push_back(values.at(value));
  return results;
}

LogicalResult Interpreter::runOp(mlir::Operation& op, Values& values) {
  llvm::SmallVector<const Tensor*> operands;
  for (mlir::Value operand : op.getOperands())
    operands.push_back(&values.find(operand)->second);
  const auto copies = [&] {
    Tensors arguments;
    for (const Tensor* operand : operands)
      arguments.push_back(*operand);
    return arguments;
  };

  FailureOr<Tensors> results =
      llvm::TypeSwitch<mlir::Operation*, FailureOr<Tensors>>(&op)
          .Case<ir::CallOp>([&](ir::CallOp call) {
            return runIsolated(symbols_.lookup<ir::BodyOp>(call.getCallee()).getBlock(), copies());
          })
          .Case<ir::FusedOp>([&](ir::FusedOp fused) {
            ++kernelDepth_;
            llvm::scope_exit leave([&] { --kernelDepth_; });
            return runIsolated(fused.getBlock(), copies());
          })
          .Case<ir::LaunchOp>([&](ir::LaunchOp launch) {
            ++kernelDepth_;
            llvm::scope_exit leave([&] { --kernelDepth_; });
            return runIsolated(symbols_.lookup<ir::KernelOp>(launch.getKernel()).getBlock(), copies());
          })
          .Case<ir::PartOp>(
              [&](ir::PartOp part) { return runIsolated(part.lookupKernel().getBlock(), copies()); })
          .Case<ir::RepeatOp>([&](ir::RepeatOp) { return runRepeat(op, values); })
          .Case<ir::ValueAndGradOp>([&](ir::ValueAndGradOp) -> FailureOr<Tensors> {
            return op.emitOpError("is not differentiated; run the pass tailor-differentiate first");
          })
          .Case<ir::LoadOp, ir::StoreOp, ir::ControlReadOp, ir::InputOp, ir::ReportOp, ir::OutputOp>(
              [&](mlir::Operation*) { return runEntryOp(op, operands); })
          .Default([&](mlir::Operation*) -> FailureOr<Tensors> {
            const Evaluators::Function evaluate = Evaluators::all().find(op.getName().getStringRef());
            if (!evaluate) return op.emitOpError("is unknown to the reference");
            Tensors computed;
            if (failed(evaluate(&op, operands, computed))) return failure();
            if (noise_ > 0) addNoiseOfSums(op, operands, computed);
            if (tieWidth_ > 0 && !operands.empty())
              roundTiesEitherWay(op, *operands.front(), computed.front());
            return computed;
          });
  if (failed(results)) return failure();
  return bind(op, operands, std::move(*results), values);
}

FailureOr<Interpreter::Tensors> Interpreter::runRepeat(mlir::Operation& op, Values& values) {
  auto repeat = llvm::cast<ir::RepeatOp>(op);
  Tensors carried;
  for (mlir::Value initial : repeat.getInitial())
    carried.push_back(values.at(initial));
  const auto count = static_cast<int64_t>(repeat.getCount());
  for (int64_t iteration = 0; iteration < count; ++iteration) {
    // The region sees values from outside; what it defines is overwritten by the next iteration.
    values.insert_or_assign(repeat.getIteration(), Tensor::integer({}, {iteration}));
    for (auto [argument, tensor] : llvm::zip_equal(repeat.getCarried(), carried))
      values.insert_or_assign(argument, std::move(tensor));
    FailureOr<Tensors> next = runBlock(repeat.getBlock(), values);
    if (failed(next)) return failure();
    carried = std::move(*next);
  }
  return carried;
}

FailureOr<Interpreter::Tensors> Interpreter::runEntryOp(mlir::Operation& op,
                                                        llvm::ArrayRef<const Tensor*> operands) {
  if (!environment_) return op.emitOpError("stands outside an entry");
  const auto read = [&](const llvm::StringMap<Tensor>& map, llvm::StringRef what,
                        llvm::StringRef key) -> FailureOr<Tensors> {
    const auto found = map.find(key);
    if (found == map.end()) return op.emitOpError("reads ") << what << " '" << key << "', which is not given";
    const mlir::Type type = op.getResult(0).getType();
    if (found->second.shape() != shapeOf(type) || found->second.isReal() != isReal(elementOf(type)))
      return op.emitOpError("reads ")
             << what << " '" << key << "' as " << type << " but it is given as "
             << toString(found->second.shape()) << " " << toString(found->second.element());
    return Tensors{found->second};
  };
  const auto keyOf = [](mlir::SymbolRefAttr state) {
    return stateKey(state.getRootReference().getValue(), state.getLeafReference().getValue());
  };
  return llvm::TypeSwitch<mlir::Operation*, FailureOr<Tensors>>(&op)
      .Case<ir::LoadOp>(
          [&](ir::LoadOp load) { return read(environment_->state, "state", keyOf(load.getState())); })
      .Case<ir::ControlReadOp>([&](ir::ControlReadOp control) {
        return read(environment_->control, "control field", control.getField());
      })
      .Case<ir::InputOp>(
          [&](ir::InputOp input) { return read(environment_->inputs, "input", input.getInput()); })
      .Case<ir::StoreOp>([&](ir::StoreOp store) {
        environment_->state.insert_or_assign(keyOf(store.getState()), *operands[0]);
        return Tensors{};
      })
      .Case<ir::ReportOp>([&](ir::ReportOp report) {
        environment_->reports.insert_or_assign(report.getMetric(), *operands[0]);
        return Tensors{};
      })
      .Case<ir::OutputOp>([&](ir::OutputOp output) {
        environment_->outputs.insert_or_assign(output.getOutput(), *operands[0]);
        return Tensors{};
      });
}

LogicalResult Interpreter::bind(mlir::Operation& op, llvm::ArrayRef<const Tensor*> operands, Tensors results,
                                Values& values) {
  if (results.size() != op.getNumResults())
    return op.emitOpError("has ") << op.getNumResults() << " results but the reference computed "
                                  << results.size();
  for (auto [value, tensor] : llvm::zip_equal(op.getResults(), results)) {
    const Element element = elementOf(value.getType());
    if (tensor.shape() != shapeOf(value.getType()) || tensor.isReal() != isReal(element))
      return op.emitOpError("declares ") << value.getType() << " but the reference computed "
                                         << toString(tensor.shape()) << " " << toString(tensor.element());
    if (tensor.isReal()) tensor.declareAs(element);
    if (options_.roundAtStores && kernelDepth_ == 0) tensor.roundToElement();
    if (noise_ > 0 && !llvm::isa<ir::PartOp>(op)) addNoise(tensor); // a part's ops have had theirs
  }
  if (observer_ && !results.empty()) observer_(&op, operands, results);
  for (auto [value, tensor] : llvm::zip_equal(op.getResults(), results))
    values.insert_or_assign(value, std::move(tensor));
  return success();
}

Tensor zerosOf(mlir::Type tensorType) {
  return Tensor(elementOf(tensorType), shapeOf(tensorType));
}

} // namespace tailor::backend::reference
