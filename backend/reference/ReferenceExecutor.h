#pragma once

#include "backend/reference/Tensor.h"
#include "runtime/exec/executor.h"

#include <string>

namespace tailor::backend::reference {

struct ReferenceOptions {
  /// Phase of the IR to interpret; empty = the earliest differentiated one that the artifact holds.
  std::string phase = {};
  /// Round results to their declared types where a compiled program stores them (Interpreter.h).
  bool roundAtStores = false;
};

/// A tailor.launch of a step of phase `planned`.
struct Launch {
  struct Result {
    runtime::Operand
        place; ///< where a compiled step leaves it, as PlanMemory decided; for Executor::read_operand
    Shape shape;
    int changes = -1; ///< the operand whose next value it is (a parameter, a slot, an average); -1: none
  };
  std::string kernel;
  std::vector<Result> results;
};

/// Runs an artifact by interpreting the IR text stored in it: `--target reference`, and the other side of
/// `--check reference`.
///
/// State is f64 between steps for every real state, whatever type it is declared with; it starts as the same
/// f32 numbers as on any other backend. Rings, slots and outputs have the artifact's types. Command lists are
/// not looked at. Commands do not exist here, so observers and operands are refused.
///
/// Errors   kIncompatible if the artifact holds no IR that can be interpreted, or IR that does not fit its
///          metadata (a state, field, input or output of another name or shape); kDataLoss if the IR does
///          not parse or verify; kInvalidArgument with the op and its location if a step fails, for example
///          at a label outside its table.
class ReferenceExecutor final : public runtime::Executor {
public:
  static runtime::Result<std::unique_ptr<ReferenceExecutor>>
  create(std::shared_ptr<const runtime::Artifact> artifact, const runtime::ExecutorOptions& options,
         const ReferenceOptions& reference = {});
  ~ReferenceExecutor() override;

  runtime::Status initialise(uint64_t seed, std::span<const int32_t> groups) override;
  runtime::Status read_state(int32_t state, std::span<std::byte> destination) const override;
  runtime::Status write_state(int32_t state, std::span<const std::byte> source) override;
  runtime::Status copy_state(int32_t from, int32_t to) override;
  runtime::Status run(runtime::VariantId variant, uint32_t num_steps) override;
  runtime::Result<std::span<const std::byte>> read_output(runtime::VariantId variant,
                                                          int32_t output) override;
  runtime::Status set_observer(Observer observer) override;
  runtime::Result<std::span<const std::byte>> read_operand(const runtime::Operand& operand) const override;

  /// The launches of a step of `variant`, in the order in which they run. Phase `planned` alone has places.
  [[nodiscard]] std::vector<Launch> launchesOf(runtime::VariantId variant) const;

  /// Called after every tailor.launch of a step, in that order. What is put in the place of a result (a tensor of its
  /// shape and type) is what the rest of the step goes on with. An empty function turns it off.
  using LaunchObserver =
      std::function<void(std::span<const Tensor* const> operands, std::span<Tensor> results)>;
  void setLaunchObserver(LaunchObserver observer);

  /// What the kernel makes of `operands` when all its numbers are off by up to `noise` of themselves
  /// (Interpreter::callWithNoise).
  [[nodiscard]] runtime::Result<std::vector<Tensor>>
  runWithNoise(const std::string& kernel, std::span<const Tensor* const> operands, double noise) const;

  /// What it makes of them with what it rounds inside rounded to either side of a tie (Interpreter::callWithTiesEitherWay).
  [[nodiscard]] runtime::Result<std::vector<Tensor>>
  runWithTiesEitherWay(const std::string& kernel, std::span<const Tensor* const> operands,
                       double width) const;

  /// State `index` as the reference holds it, unrounded, row-major.
  [[nodiscard]] std::vector<double> exactState(int32_t index) const;
  /// The phase that is interpreted.
  [[nodiscard]] const std::string& phase() const;

private:
  struct Program; // the parsed IR and the environment: keeps MLIR out of this header
  ReferenceExecutor(std::shared_ptr<const runtime::Artifact> artifact, runtime::ExecutorOptions options);
  runtime::Status runStep(const runtime::Variant& variant);

  std::unique_ptr<Program> program_;
};

} // namespace tailor::backend::reference
