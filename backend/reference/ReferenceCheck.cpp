#include "backend/reference/ReferenceCheck.h"

#include "backend/reference/Bytes.h"
#include "backend/reference/ReferenceExecutor.h"
#include "backend/reference/Tolerance.h"

namespace tailor::backend::reference {

using namespace runtime;

namespace {

/// A sum in f32 is rounded after every term, each time by at most a rounding of all that is added up, which is what the
/// noise of the reference moves it by: by the square root of its length more if roundings are independent; lengths up to
/// 1e4, as in Tolerance.h.
constexpr double kSumsOverNoise = 100;
/// A product's operand that is rounded to the other side of a tie than in the reference moves a sum once; how many meet in
/// one sum is seen in one run with them drawn, and may be several times as many in another.
constexpr double kTiesOverSeen = 4;

double largestOf(const Tensor& tensor) {
  double largest = 0;
  for (int64_t i = 0; i < tensor.size(); ++i)
    if (std::isfinite(tensor.at(i))) largest = std::max(largest, std::abs(tensor.at(i)));
  return largest;
}

double largestChange(const Tensor& before, const Tensor& after) {
  double largest = 0;
  for (int64_t i = 0; i < after.size(); ++i)
    if (const double change = std::abs(after.at(i) - before.at(i)); std::isfinite(change))
      largest = std::max(largest, change);
  return largest;
}

/// What a launch of the compiled step left in memory.
struct Kept {
  size_t index; ///< of its last command
  const Command* command;
  std::vector<Tensor> results;
};

class Checker {
public:
  Checker(Executor& executor, std::unique_ptr<ReferenceExecutor> reference, CheckOptions options)
      : executor_(executor), reference_(std::move(reference)), options_(std::move(options)) {
    if (!options_.counts) options_.counts = std::make_shared<CheckCounts>();
    reference_->setLaunchObserver([this](std::span<const Tensor* const> operands, std::span<Tensor> results) {
      compareAndAdopt(operands, results);
    });
  }

  Status observe(const ObservedCommand& observed) {
    const Command& command = *observed.command;
    if (command.kind == CommandKind::kBeginStep) return beginStep(observed.variant);
    if (!checking_) return {};
    if (command.kind == CommandKind::kFinishStep) return finishStep(observed.variant);
    if (command.kind != CommandKind::kLaunch && command.kind != CommandKind::kLibrary) return {};
    if (!runtime::has_results(executor_.spec(), observed)) return {};
    return keepResults(observed);
  }

private:
  const Variant& variantOf(VariantId id) const {
    return executor_.spec().entries[static_cast<size_t>(id.entry)].variants[static_cast<size_t>(id.variant)];
  }
  /// The reference gets what the step about to be run sees.
  Status beginStep(VariantId variant) {
    step_ = executor_.counter();
    checking_ = step_ % options_.every == 0;
    if (!checking_) return {};
    const ArtifactSpec& spec = executor_.spec();
    std::vector<std::byte> bytes;
    for (size_t state = 0; state < spec.states.size(); ++state) {
      bytes.resize(spec.states[state].bytes);
      TAILOR_RETURN_IF_ERROR_AS_IS(executor_.read_state(static_cast<int32_t>(state), bytes));
      TAILOR_RETURN_IF_ERROR_AS_IS(reference_->write_state(static_cast<int32_t>(state), bytes));
    }
    const std::byte* row = executor_.control_row(step_);
    std::copy_n(row, spec.memory.control_host, reference_->control_row(reference_->counter()));
    std::ranges::copy(executor_.device_control(), reference_->device_control().begin());
    if (const int32_t field = find_control(spec, "slot"); field >= 0) {
      int32_t slot = 0;
      std::memcpy(&slot, row + spec.control[static_cast<size_t>(field)].offset, sizeof(slot));
      std::copy_n(executor_.slot(static_cast<uint32_t>(slot)), spec.memory.slot,
                  reference_->slot(static_cast<uint32_t>(slot)));
    }
    launches_ = reference_->launchesOf(variant);
    kept_.clear();
    ++options_.counts->steps;
    return {};
  }

  /// Memory of a result is used again later in the step, so what a launch left is copied at once.
  Status keepResults(const ObservedCommand& observed) {
    if (kept_.size() == launches_.size())
      return internal_error("the step launches more kernels than its IR has launches (", launches_.size(),
                            ")");
    Kept& kept = kept_.emplace_back(Kept{observed.index, observed.command, {}});
    for (const Launch::Result& result : launches_[kept_.size() - 1].results) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const auto bytes, executor_.read_operand(result.place));
      kept.results.push_back(fromBytes(bytes, result.place.dtype, result.shape));
    }
    return {};
  }

  /// Runs the step on the reference, launch beside launch, then compares what is left of it.
  Status finishStep(VariantId variant) {
    if (kept_.size() != launches_.size())
      return internal_error("the step launches ", kept_.size(), " kernels, its IR ", launches_.size());
    replayed_ = 0;
    wrong_ = {};
    TAILOR_RETURN_IF_ERROR_AS_IS(reference_->run(variant, 1));
    TAILOR_RETURN_IF_ERROR_AS_IS(wrong_);
    return compareLeft(variant);
  }

  void compareAndAdopt(std::span<const Tensor* const> operands, std::span<Tensor> results) {
    const Launch& launch = launches_[replayed_];
    Kept& kept = kept_[replayed_++];
    ++options_.counts->launches;
    for (size_t r = 0; r < results.size(); ++r) {
      if (wrong_.ok()) wrong_ = compare(launch, kept, r, results[r], operands);
      results[r] = std::move(kept.results[r]);
    }
  }

  Status compare(const Launch& launch, const Kept& kept, size_t r, const Tensor& expected,
                 std::span<const Tensor* const> operands) {
    const Tensor& actual = kept.results[r];
    const DType dtype = launch.results[r].place.dtype;
    double allowed = allowedOf(launch.results[r], expected, operands);
    int64_t furthest = -1;
    double distance = 0;
    for (int64_t i = 0; i < expected.size(); ++i) {
      if (isClose(actual.at(i), expected.at(i), distance)) continue;
      const double difference = std::abs(actual.at(i) - expected.at(i));
      furthest = i;
      if (!std::isfinite(difference)) return differs(launch, kept, r, i, expected, allowed);
      distance = difference;
    }
    if (distance > allowed && launch.results[r].changes < 0) {
      // Sums that cancel inside the kernel: their rounding has the size of what cancelled.
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<Tensor> moved,
                                    reference_->runWithNoise(launch.kernel, operands, roundingOf(dtype)));
      allowed += kSumsOverNoise * largestChange(expected, moved[r]);
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<Tensor> tied,
                                    reference_->runWithTiesEitherWay(
                                        launch.kernel, operands, kSumsOverNoise * roundingOf(DType::kF32)));
      allowed += kTiesOverSeen * largestChange(expected, tied[r]);
    }
    if (distance > allowed) return differs(launch, kept, r, furthest, expected, allowed);
    if (distance > 0) options_.counts->worst = std::max(options_.counts->worst, distance / allowed);
    return {};
  }

  static double allowedOf(const Launch::Result& result, const Tensor& expected,
                          std::span<const Tensor* const> operands) {
    const double largest = largestOf(expected);
    if (result.changes >= 0) {
      const Tensor& before = *operands[static_cast<size_t>(result.changes)];
      return allowedDifferenceOfNext(result.place.dtype, largestChange(before, expected),
                                     std::max(largestOf(before), largest));
    }
    return allowedDifference(result.place.dtype, largest);
  }

  Status differs(const Launch& launch, const Kept& kept, size_t r, int64_t i, const Tensor& expected,
                 double allowed) const {
    return internal_error("step ", step_, ", command ", kept.index, " (kernel '", launch.kernel, "'",
                          locationsOf(*kept.command), "): result ", r, " element ", i, " is ",
                          kept.results[r].at(i), " but the reference says ", expected.at(i), "; ",
                          runtime::to_string(launch.results[r].place.dtype),
                          " values of this tensor may differ by ", allowed);
  }

  /// State and outputs are moved, not computed, from what the launches made: they must be equal to the bit.
  Status compareLeft(VariantId variant) {
    const ArtifactSpec& spec = executor_.spec();
    std::vector<std::byte> theirs, ours;
    for (size_t s = 0; s < spec.states.size(); ++s) {
      const State& state = spec.states[s];
      theirs.resize(state.bytes);
      ours.resize(state.bytes);
      TAILOR_RETURN_IF_ERROR_AS_IS(executor_.read_state(static_cast<int32_t>(s), theirs));
      TAILOR_RETURN_IF_ERROR_AS_IS(reference_->read_state(static_cast<int32_t>(s), ours));
      TAILOR_RETURN_IF_ERROR_AS_IS(
          compareExactly("state", state.name, state.dtype, state.shape, theirs, ours));
    }
    const std::vector<Output>& outputs = variantOf(variant).outputs;
    for (size_t o = 0; o < outputs.size(); ++o) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const auto left, executor_.read_output(variant, static_cast<int32_t>(o)));
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const auto right,
                                    reference_->read_output(variant, static_cast<int32_t>(o)));
      TAILOR_RETURN_IF_ERROR_AS_IS(
          compareExactly("output", outputs[o].name, outputs[o].dtype, outputs[o].shape, left, right));
    }
    return {};
  }

  Status compareExactly(std::string_view what, std::string_view name, DType dtype, const Shape& shape,
                        std::span<const std::byte> left, std::span<const std::byte> right) const {
    if (std::ranges::equal(left, right)) return {};
    const Tensor actual = fromBytes(left, dtype, shape), expected = fromBytes(right, dtype, shape);
    for (int64_t i = 0; i < expected.size(); ++i)
      if (!isClose(actual.at(i), expected.at(i), 0))
        return internal_error("step ", step_, ": ", what, " '", name, "' element ", i, " is ", actual.at(i),
                              " after the step, but its kernels left ", expected.at(i), " to be there");
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
  // Of the step in progress:
  std::vector<Launch> launches_;
  std::vector<Kept> kept_; ///< one for each launch that has run
  size_t replayed_ = 0;
  uint64_t step_ = 0;
  bool checking_ = false;
  Status wrong_; ///< the first difference
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
