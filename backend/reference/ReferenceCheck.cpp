#include "backend/reference/ReferenceCheck.h"

#include "backend/reference/Bytes.h"
#include "backend/reference/ReferenceExecutor.h"
#include "backend/reference/Tolerance.h"

namespace tailor::backend::reference {

using namespace runtime;

namespace {

class Checker {
public:
  Checker(Executor& executor, std::unique_ptr<ReferenceExecutor> reference, CheckOptions options)
      : executor_(executor), reference_(std::move(reference)), options_(std::move(options)) {
    if (!options_.counts) options_.counts = std::make_shared<CheckCounts>();
    reference_->setLaunchObserver([this](LaunchRecord record) { launches_.push_back(std::move(record)); });
  }

  Status observe(const ObservedCommand& observed) {
    const Command& command = *observed.command;
    if (command.kind == CommandKind::kBeginStep) return beginStep(observed.variant);
    if (!checking_ || command.kind != CommandKind::kLaunch) return {};
    if (isOf(command, "prepare")) return {}; // packs operands, makes no result
    // Chunked sums are whole only after the launch that combines them.
    const std::vector<Command>& commands = variantOf(observed.variant).commands;
    if (!isOf(command, "combine")) ++launched_;
    if (observed.index + 1 < commands.size() && isOf(commands[observed.index + 1], "combine")) return {};
    if (launched_ > launches_.size()) return internal_error("the step launches more kernels than its IR");
    return compare(observed, launches_[launched_ - 1]);
  }

private:
  const Variant& variantOf(VariantId id) const {
    return executor_.spec().entries[static_cast<size_t>(id.entry)].variants[static_cast<size_t>(id.variant)];
  }
  bool isOf(const Command& command, std::string_view family) const {
    return command.kind == CommandKind::kLaunch &&
           executor_.spec().kernels[static_cast<size_t>(command.kernel)].family == family;
  }

  /// Runs the step about to be run on the reference, from the executor's state.
  Status beginStep(VariantId variant) {
    checking_ = executor_.counter() % options_.every == 0;
    if (!checking_) return {};
    const ArtifactSpec& spec = executor_.spec();
    std::vector<std::byte> bytes;
    for (size_t state = 0; state < spec.states.size(); ++state) {
      bytes.resize(spec.states[state].bytes);
      TAILOR_RETURN_IF_ERROR_AS_IS(executor_.read_state(static_cast<int32_t>(state), bytes));
      TAILOR_RETURN_IF_ERROR_AS_IS(reference_->write_state(static_cast<int32_t>(state), bytes));
    }
    const std::byte* row = executor_.control_row(executor_.counter());
    std::copy_n(row, spec.memory.control_host, reference_->control_row(reference_->counter()));
    std::ranges::copy(executor_.device_control(), reference_->device_control().begin());
    if (const int32_t field = find_control(spec, "slot"); field >= 0) {
      int32_t slot = 0;
      std::memcpy(&slot, row + spec.control[static_cast<size_t>(field)].offset, sizeof(slot));
      std::copy_n(executor_.slot(static_cast<uint32_t>(slot)), spec.memory.slot,
                  reference_->slot(static_cast<uint32_t>(slot)));
    }
    launches_.clear();
    launched_ = 0;
    ++options_.counts->steps;
    return reference_->run(variant, 1);
  }

  Status compare(const ObservedCommand& observed, const LaunchRecord& launch) const {
    ++options_.counts->launches;
    for (size_t r = 0; r < launch.results.size(); ++r) {
      const auto& [place, expected] = launch.results[r];
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::span<const std::byte> bytes, executor_.read_operand(place));
      const Tensor actual = fromBytes(bytes, place.dtype, {static_cast<int64_t>(expected.size())});
      double largest = 0;
      for (double value : expected)
        if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
      const double allowed = allowedDifference(place.dtype, largest);
      for (size_t i = 0; i < expected.size(); ++i) {
        if (const double value = actual.at(static_cast<int64_t>(i)); !isClose(value, expected[i], allowed))
          return internal_error("step ", executor_.counter(), ", command ", observed.index, " (kernel '",
                                launch.kernel, "'", locationsOf(*observed.command), "): result ", r,
                                " element ", i, " is ", value, " but the reference says ", expected[i], "; ",
                                runtime::to_string(place.dtype), " values of this tensor may differ by ",
                                allowed);
        if (const double difference = std::abs(actual.at(static_cast<int64_t>(i)) - expected[i]);
            difference > 0)
          options_.counts->worst =
              std::max(options_.counts->worst, difference / allowed); // NaN compares false
      }
    }
    return {};
  }

  /// ", recipe.toml:4:3" from the first op of the command that has a place.
  std::string locationsOf(const Command& command) const {
    for (int32_t id : command.ops)
      for (const OpRecord& op : executor_.spec().ops)
        if (op.id == id && !op.location.empty()) return concat(", ", op.location);
    return {};
  }

  Executor& executor_;
  std::unique_ptr<ReferenceExecutor> reference_;
  CheckOptions options_;
  std::vector<LaunchRecord> launches_; ///< of the step in progress
  size_t launched_ = 0;
  bool checking_ = false;
};

} // namespace

Status attachCheck(Executor& executor, const CheckOptions& options) {
  if (options.every == 0) return invalid_argument("a check every 0 steps: use 1 or more");
  // The executor outlives its observer, so sharing its artifact without owning it is safe.
  const std::shared_ptr<const Artifact> artifact(&executor.artifact(), [](const Artifact*) {});
  TAILOR_ASSIGN_OR_RETURN(
      auto reference,
      ReferenceExecutor::create(artifact, executor.options(), {.phase = "planned", .roundAtStores = true}),
      "checking against the reference");
  auto checker = std::make_shared<Checker>(executor, std::move(reference), options);
  return executor.set_observer(
      {.end = [checker](const ObservedCommand& observed) { return checker->observe(observed); }});
}

} // namespace tailor::backend::reference
