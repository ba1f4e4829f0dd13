/// `--check reference` on optimizers: rounding that a later op makes large is no fault of anybody's, a small error of the
/// update itself is, and so is memory that changes between two launches.
#include "backend/driver/Driver.h"
#include "backend/reference/Bytes.h"
#include "backend/reference/ReferenceCheck.h"
#include "backend/reference/ReferenceExecutor.h"
#include "runtime/artifact/layout.h"
#include "runtime/artifact/writer.h"
#include "runtime/base/philox.h"
#include "runtime/device/code_memory.h"
#include "runtime/exec/cpu_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <tuple>
#include <vector>

namespace tailor::backends {
namespace {

using backend::reference::Tensor;
using namespace runtime;

/// The gradient of a bias before batch norm: a sum over rows of what has mean zero over them. It is zero but for
/// rounding, and Adam's first step divides it by its own size.
constexpr const char* kProgram = R"(tailor.program @p {
  tailor.state_group @net kind(net) {
    tailor.state @x : tensor<257x8xf32> init(zeros)
    tailor.state @w : tensor<8xf32> init(zeros)
    tailor.state @m : tensor<8xf32> init(zeros)
    tailor.state @s : tensor<8xf32> init(zeros)
  }
  tailor.entry @run kind(eval) batch(257) {
    %x = tailor.load @net::@x : tensor<257x8xf32>
    %w = tailor.load @net::@w : tensor<8xf32>
    %m = tailor.load @net::@m : tensor<8xf32>
    %s = tailor.load @net::@s : tensor<8xf32>
    %mean = tailor.reduce_mean %x dims([0]) {op_id = 1 : i64} : tensor<257x8xf32> to tensor<8xf32>
    %means = tailor.broadcast %mean dims([1]) {op_id = 2 : i64} : tensor<8xf32> to tensor<257x8xf32>
    %apart = tailor.sub %x, %means {op_id = 3 : i64} : tensor<257x8xf32>
    %g = tailor.reduce_sum %apart dims([0]) {op_id = 4 : i64} : tensor<257x8xf32> to tensor<8xf32>
    %lr = tailor.constant dense<1.0e-3> : tensor<f32>
    %b1 = tailor.constant dense<0.9> : tensor<f32>
    %b2 = tailor.constant dense<0.999> : tensor<f32>
    %epsilon = tailor.constant dense<1.0e-8> : tensor<f32>
    %decay = tailor.constant dense<1.0e-2> : tensor<f32>
    %step = tailor.constant dense<0> : tensor<i32>
    %w1, %m1, %s1 = tailor.adamw_update params(%w) grads(%g) first_moments(%m) second_moments(%s) lr(%lr) beta1(%b1)
        beta2(%b2) epsilon(%epsilon) weight_decay(%decay) step(%step) decayed([true]) {op_id = 5 : i64} :
        (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<f32>, tensor<f32>, tensor<f32>,
         tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<8xf32>), (tensor<8xf32>), (tensor<8xf32>)
    tailor.output "w", %w1 : tensor<8xf32>
    tailor.output "m", %m1 : tensor<8xf32>
    tailor.output "s", %s1 : tensor<8xf32>
    tailor.yield
  }
})";

/// A sum of 4096 terms of about 1.5 that is nothing but rounding: that of partial sums in the thousands.
constexpr const char* kSum = R"(tailor.program @p {
  tailor.state_group @net kind(net) {
    tailor.state @x : tensor<4096x8xf32> init(zeros)
  }
  tailor.entry @run kind(eval) batch(4096) {
    %x = tailor.load @net::@x : tensor<4096x8xf32>
    %sum = tailor.reduce_sum %x dims([0]) {op_id = 1 : i64} : tensor<4096x8xf32> to tensor<8xf32>
    tailor.output "sum", %sum : tensor<8xf32>
    tailor.yield
  }
})";

/// The compiled program with every kernel behind a function that a test may replace.
class ReferenceCheckTest : public testing::Test {
protected:
  using Kernel = std::function<void(void* const* buffers, const int64_t* sizes, int64_t begin, int64_t end)>;
  static constexpr size_t kMost = 8;
  static inline std::array<Kernel, kMost> kernels_;
  template <size_t I>
  static void call(void* const* buffers, const int64_t* sizes, int64_t begin, int64_t end) {
    kernels_[I](buffers, sizes, begin, end);
  }
  template <size_t... I> static std::vector<KernelFunction> functions(std::index_sequence<I...>) {
    return {call<I>...};
  }

  void SetUp() override { compile(kProgram); }

  void compile(const char* program) {
    const auto compiled = backend::compileText(program, "p.mlir", backend::CompileOptions());
    ASSERT_TRUE(compiled.ok()) << compiled.status().message();
    auto artifact = Artifact::from_bytes(compiled->artifact);
    ASSERT_TRUE(artifact.ok()) << artifact.status().message();
    artifact_ = *artifact;
    uint64_t checksum = 0;
    for (const SectionView& section : artifact_->sections())
      if (section.name == kCodeSection) checksum = section.checksum;
    auto code = CodeMemory::load(artifact_->section(kCodeSection), checksum);
    ASSERT_TRUE(code.ok()) << code.status().message();
    code_ = std::move(*code);
    const auto& compiledKernels = artifact_->spec().kernels;
    ASSERT_LE(compiledKernels.size(), kMost);
    for (size_t k = 0; k < compiledKernels.size(); ++k)
      kernels_[k] = reinterpret_cast<KernelFunction>(
          const_cast<std::byte*>(code_.base() + compiledKernels[k].code_offset));
  }

  [[nodiscard]] size_t kernelOf(const std::string& part) const {
    const auto& all = artifact_->spec().kernels;
    for (size_t k = 0; k < all.size(); ++k)
      if (all[k].name.find(part) != std::string::npos) return k;
    ADD_FAILURE() << "no kernel '" << part << "'";
    return 0;
  }

  /// Buffers of the adamw kernel: params, grads, first and second moments, six scalars, the new params and moments.
  enum Buffer : size_t { params, grads, first, second, newParams = 10, newFirst, newSecond };

  /// What the adamw kernel adds to `before` is off by a thousandth.
  void changeUpdate(Buffer before, Buffer after) {
    const size_t k = kernelOf("adamw_update");
    kernels_[k] = [whole = kernels_[k], before, after](void* const* buffers, const int64_t* sizes,
                                                       int64_t begin, int64_t end) {
      std::array<float, 8> old{};
      std::memcpy(old.data(), buffers[before], sizeof old);
      whole(buffers, sizes, begin, end);
      auto* next = static_cast<float*>(buffers[after]);
      for (size_t i = 0; i < old.size(); ++i)
        next[i] = old[i] + 1.001F * (next[i] - old[i]);
    };
  }

  /// One checked step. `noise`: whether the gradient is nothing else.
  Status run(bool noise = true) {
    return runFrom([noise](const std::string& name, int64_t i) {
      return name == "x"   ? std::sin(0.7 * double(i)) + 0.01 * double(i % 8)
             : name == "w" ? 0.1 - 0.01 * double(i)
             : noise       ? 0
             : name == "m" ? 0.01
                           : 1e-4;
    });
  }

  /// One checked step from these states.
  Status runFrom(const std::function<double(const std::string& name, int64_t element)>& valueOf) {
    auto executor = CpuExecutor::create_with_kernels(artifact_, {}, [&] {
      auto all = functions(std::make_index_sequence<kMost>());
      all.resize(artifact_->spec().kernels.size());
      return all;
    }());
    EXPECT_TRUE(executor.ok()) << executor.status().message();
    EXPECT_TRUE(backend::reference::attachCheck(**executor).ok());
    for (size_t s = 0; s < artifact_->spec().states.size(); ++s) {
      const State& state = artifact_->spec().states[s];
      Tensor value(backend::reference::Element::f32, state.shape);
      for (int64_t i = 0; i < value.size(); ++i)
        value.set(i, valueOf(state.name, i));
      std::vector<std::byte> bytes(state.bytes);
      backend::reference::toBytes(value, state.dtype, bytes);
      EXPECT_TRUE((*executor)->write_state(static_cast<int32_t>(s), bytes).ok());
    }
    return (*executor)->run({0, 0}, 1);
  }

  std::shared_ptr<const Artifact> artifact_;
  CodeMemory code_;
};

TEST_F(ReferenceCheckTest, AGradientOfRoundingAloneIsNoFaultOfAdam) {
  EXPECT_EQ(run().message(), "");
}

TEST_F(ReferenceCheckTest, AThousandthOfAnUpdateIsFound) {
  EXPECT_EQ(run(/*noise=*/false).message(), "");
  const size_t k = kernelOf("adamw_update");
  const Kernel whole = kernels_[k];
  for (const auto& [before, after, result] :
       {std::tuple{params, newParams, 0}, std::tuple{first, newFirst, 1}, std::tuple{second, newSecond, 2}}) {
    kernels_[k] = whole;
    changeUpdate(before, after);
    EXPECT_THAT(run(/*noise=*/false).message(),
                testing::AllOf(testing::HasSubstr("kernel 'adamw_update"),
                               testing::HasSubstr("result " + std::to_string(result) + " element ")));
  }
}

// What is left of a sum that cancels says nothing of its rounding; what was added up does. A row that is left out is found.
TEST_F(ReferenceCheckTest, ASumThatCancelsIsHeldByTheSizeOfItsTerms) {
  compile(kSum);
  const auto cancelling = [](const std::string&, int64_t i) {
    const int64_t row = i / 8, pair = row % 2048;
    return (row < 2048 ? 1 : -1) * (1.5 + 0.4 * std::sin(0.7 * double(pair * 8 + i % 8)));
  };
  EXPECT_EQ(runFrom(cancelling).message(), "");
  const size_t k = kernelOf("reduce_sum");
  kernels_[k] = [whole = kernels_[k]](void* const* buffers, const int64_t* sizes, int64_t begin,
                                      int64_t end) {
    whole(buffers, sizes, begin, end);
    static_cast<float*>(buffers[1])[3] -= static_cast<const float*>(buffers[0])[8 * 100 + 3];
  };
  EXPECT_THAT(runFrom(cancelling).message(), testing::HasSubstr("result 0 element 3 is"));
}

TEST_F(ReferenceCheckTest, AnOperandThatIsOverwrittenBetweenTwoLaunchesIsFound) {
  const size_t k = kernelOf("adamw_update");
  kernels_[k] = [whole = kernels_[k]](void* const* buffers, const int64_t* sizes, int64_t begin,
                                      int64_t end) {
    static_cast<float*>(buffers[grads])[3] += 1;
    whole(buffers, sizes, begin, end);
  };
  EXPECT_THAT(run().message(), testing::HasSubstr("result 0 element 3 is"));
}

TEST_F(ReferenceCheckTest, StateThatChangesBesideTheKernelsIsFound) {
  const size_t k = kernelOf("adamw_update");
  kernels_[k] = [whole = kernels_[k]](void* const* buffers, const int64_t* sizes, int64_t begin,
                                      int64_t end) {
    whole(buffers, sizes, begin, end);
    static_cast<float*>(buffers[second])[5] = 7;
  };
  EXPECT_THAT(run().message(),
              testing::HasSubstr("state 's' element 5 is 7 after the step, but its kernels left 0"));
}

/// The code of an artifact draws as it was compiled to; whoever interprets its IR draws as this build does.
TEST_F(ReferenceCheckTest, ProgramsThatDrawOtherwiseAreNotInterpreted) {
  ArtifactSpec spec = artifact_->spec();
  spec.random_version = kRandomVersion - 1;
  std::vector<RawSection> sections;
  for (const SectionView& section : artifact_->sections())
    sections.push_back({section.name, {section.bytes.begin(), section.bytes.end()}});
  auto bytes = write_artifact(spec, sections);
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  const auto old = Artifact::from_bytes(*std::move(bytes));
  ASSERT_TRUE(old.ok()) << old.status().message();
  auto cpu = CpuExecutor::create(*old, {});
  ASSERT_TRUE(cpu.ok()) << cpu.status().message();
  for (const Status& refused : {backend::reference::ReferenceExecutor::create(*old, {}).status(),
                                backend::reference::attachCheck(**cpu)}) {
    EXPECT_EQ(refused.code(), StatusCode::kIncompatible);
    EXPECT_THAT(refused.message(),
                testing::HasSubstr("may draw random numbers of version 1, interpreted it would "
                                   "draw those of version 2"));
  }
}

} // namespace
} // namespace tailor::backends
