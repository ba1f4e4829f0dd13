/// An optional pass may make a program faster and may never make it impossible, or another program.
#include "backend/driver/Driver.h"
#include "runtime/exec/cpu_executor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>

namespace tailor::backend {
namespace {

struct Program {
  std::string name;
  std::string bodies; ///< @loss(%w: 5x4, %x: 8x5, %y: 8 labels, %t: 4) -> scalar, differentiated by %w
};

/// %z, the logits of a linear layer.
constexpr const char* kLogits = R"(
    %z = tailor.dot %x, %w contract([1] x [0]) : (tensor<8x5xf32>, tensor<5x4xf32>) -> tensor<8x4xf32>
)";
constexpr const char* kArguments =
    "(%w: tensor<5x4xf32>, %x: tensor<8x5xf32>, %y: tensor<8xi32>, %t: tensor<4xf32>) -> tensor<f32> {\n";

/// A cross-entropy of %z written by hand, as %nll.
std::string written(const std::string& logits) {
  return "    %lse = tailor.logsumexp " + logits +
         " dim(1) : tensor<8x4xf32> to tensor<8xf32>\n    %zy = tailor.take_along " + logits +
         ", %y : (tensor<8x4xf32>, tensor<8xi32>) -> tensor<8xf32>\n    %nll = tailor.sub %lse, %zy : "
         "tensor<8xf32>\n";
}
constexpr const char* kMean = R"(
    %l = tailor.reduce_mean %nll dims([0]) : tensor<8xf32> to tensor<f32>
    tailor.return %l : tensor<f32>
  }
)";

std::string numbers(int count) {
  std::string list;
  for (int i = 0; i < count; ++i)
    list += (i == 0 ? "" : ", ") + std::to_string(0.25 * (i % 7) - 0.5);
  return "dense<[" + list + "]>";
}

/// conv, norm, activation, conv, norm, shortcut, activation over 8 images of 4 x 3 and 4 channels, whose weights and
/// images come from %w and %x.
constexpr const char* kResidualBlock = R"(
    %taps = tailor.constant dense<[[0.5, -0.25, 0.125], [1.0, 0.75, -0.5], [-0.125, 0.25, 0.5]]> : tensor<3x3xf32>
    %places = tailor.constant dense<[[0.5, 1.0, -0.5], [-1.0, 0.25, 0.75], [1.5, -0.75, 0.5], [0.25, -0.25, 1.0]]> : tensor<4x3xf32>
    %square = tailor.slice %w from([0, 0]) to([4, 4]) by([1, 1]) : tensor<5x4xf32> to tensor<4x4xf32>
    %w0 = tailor.broadcast %square dims([0, 1]) : tensor<4x4xf32> to tensor<4x4x3x3xf32>
    %w1 = tailor.broadcast %taps dims([2, 3]) : tensor<3x3xf32> to tensor<4x4x3x3xf32>
    %weight = tailor.mul %w0, %w1 : tensor<4x4x3x3xf32>
    %x0 = tailor.broadcast %z dims([0, 3]) : tensor<8x4xf32> to tensor<8x4x3x4xf32>
    %x1 = tailor.broadcast %places dims([1, 2]) : tensor<4x3xf32> to tensor<8x4x3x4xf32>
    %image = tailor.mul %x0, %x1 : tensor<8x4x3x4xf32>
    %c1 = tailor.conv2d %image, %weight strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1])
        : (tensor<8x4x3x4xf32>, tensor<4x4x3x3xf32>) -> tensor<8x4x3x4xf32>
    %n1, %m1, %i1, %v1 = tailor.batch_norm_train %c1, %t, %t epsilon(1.0e-2)
        : (tensor<8x4x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<8x4x3x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
    %h1 = tailor.relu %n1 : tensor<8x4x3x4xf32>
    %c2 = tailor.conv2d %h1, %weight strides([1, 1]) padding([1, 1, 1, 1]) dilation([1, 1])
        : (tensor<8x4x3x4xf32>, tensor<4x4x3x3xf32>) -> tensor<8x4x3x4xf32>
    %n2, %m2, %i2, %v2 = tailor.batch_norm_train %c2, %t, %t epsilon(1.0e-2)
        : (tensor<8x4x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<8x4x3x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
    %s2 = tailor.add %n2, %image : tensor<8x4x3x4xf32>
    %h2 = tailor.relu %s2 : tensor<8x4x3x4xf32>
    %f = tailor.reduce_mean %h2 dims([1, 2]) : tensor<8x4x3x4xf32> to tensor<8x4xf32>
    %q = tailor.square %f : tensor<8x4xf32>
    %l = tailor.reduce_mean %q dims([0, 1]) : tensor<8x4xf32> to tensor<f32>
    tailor.return %l : tensor<f32>
  }
)";

/// Losses that one pass or another once refused, or made the code generator refuse.
std::vector<Program> programs() {
  const std::string loss = std::string("  tailor.body @loss") + kArguments + kLogits;
  std::vector<Program> all;
  all.push_back({"written", loss + written("%z") + kMean});
  all.push_back({"margin_by_expand_dims", loss + R"(
    %one_hot = tailor.one_hot %y : tensor<8xi32> to tensor<8x4xf32>
    %row = tailor.reshape %t : tensor<4xf32> to tensor<1x4xf32>
    %rows = tailor.broadcast %row dims([0, 1]) : tensor<1x4xf32> to tensor<8x4xf32>
    %m = tailor.mul %one_hot, %rows : tensor<8x4xf32>
    %u = tailor.sub %z, %m : tensor<8x4xf32>
)" + written("%u") + kMean});
  all.push_back({"weights_by_table", loss + written("%z") + R"(
    %table = tailor.constant dense<[0.5, 1.0, 2.0, 4.0]> : tensor<4xf32>
    %wy = tailor.take %table, %y : (tensor<4xf32>, tensor<8xi32>) -> tensor<8xf32>
    %weighted = tailor.mul %nll, %wy : tensor<8xf32>
    %l = tailor.reduce_mean %weighted dims([0]) : tensor<8xf32> to tensor<f32>
    tailor.return %l : tensor<f32>
  }
)"});
  all.push_back({"gradient_penalty", std::string("  tailor.body @inner") + kArguments + kLogits +
                                         written("%z") + kMean + "  tailor.body @loss" + kArguments + R"(
    %l, %g = tailor.value_and_grad @inner(%w, %x, %y, %t) wrt([1])
        : (tensor<5x4xf32>, tensor<8x5xf32>, tensor<8xi32>, tensor<4xf32>) -> (tensor<f32>, tensor<8x5xf32>)
    %gg = tailor.square %g : tensor<8x5xf32>
    %norm = tailor.reduce_sum %gg dims([0, 1]) : tensor<8x5xf32> to tensor<f32>
    %sum = tailor.add %l, %norm : tensor<f32>
    tailor.return %sum : tensor<f32>
  }
)"});
  // Tables of numbers beside the logits, short, long and of rank 2, read where they can be fused.
  for (int width : {4, 100}) {
    const std::string type = "tensor<8x" + std::to_string(width) + "xf32>",
                      table = "tensor<" + std::to_string(width) + "xf32>";
    all.push_back({"table_of_" + std::to_string(width), std::string("  tailor.body @loss") + kArguments +
                                                            kLogits + R"(
    %s = tailor.reduce_sum %z dims([1]) : tensor<8x4xf32> to tensor<8xf32>
    %wide = tailor.broadcast %s dims([0]) : tensor<8xf32> to )" +
                                                            type + R"(
    %c = tailor.constant )" + numbers(width) + " : " + table +
                                                            R"(
    %rows = tailor.broadcast %c dims([1]) : )" + table + " to " +
                                                            type + R"(
    %p = tailor.mul %wide, %rows : )" + type + R"(
    %e = tailor.tanh %p : )" + type + R"(
    %l = tailor.reduce_mean %e dims([0, 1]) : )" + type + R"( to tensor<f32>
    tailor.return %l : tensor<f32>
  }
)"});
  }
  all.push_back({"table_per_row", loss + R"(
    %c = tailor.constant )" + numbers(8) +
                                      R"( : tensor<8xf32>
    %columns = tailor.broadcast %c dims([0]) : tensor<8xf32> to tensor<8x4xf32>
    %p = tailor.mul %z, %columns : tensor<8x4xf32>
    %s = tailor.softmax %p dim(1) : tensor<8x4xf32>
    %q = tailor.square %s : tensor<8x4xf32>
    %l = tailor.reduce_sum %q dims([0, 1]) : tensor<8x4xf32> to tensor<f32>
    tailor.return %l : tensor<f32>
  }
)"});
  all.push_back({"residual_block", loss + kResidualBlock});
  return all;
}

std::string textOf(const Program& program) {
  return "tailor.program @p {\n" + program.bodies + R"(
  tailor.state_group @net kind(net) {
    tailor.state @w : tensor<5x4xf32> init(uniform(1.0))
    tailor.state @x : tensor<8x5xf32> init(uniform(1.0))
    tailor.state @t : tensor<4xf32> init(uniform(1.0))
  }
  tailor.entry @run kind(eval) batch(8) {
    %w = tailor.load @net::@w : tensor<5x4xf32>
    %x = tailor.load @net::@x : tensor<8x5xf32>
    %t = tailor.load @net::@t : tensor<4xf32>
    %y = tailor.constant dense<[0, 1, 2, 3, 1, 0, 3, 2]> : tensor<8xi32>
    %l, %g = tailor.value_and_grad @loss(%w, %x, %y, %t) wrt([0])
        : (tensor<5x4xf32>, tensor<8x5xf32>, tensor<8xi32>, tensor<4xf32>) -> (tensor<f32>, tensor<5x4xf32>)
    tailor.output "loss", %l : tensor<f32>
    tailor.output "gradient", %g : tensor<5x4xf32>
  }
}
)";
}

/// The loss and its gradient on the cpu.
std::vector<float> run(const Program& program, const CompileOptions& options) {
  const auto compiled = compileText(textOf(program), "case.mlir", options);
  if (!compiled.ok()) {
    ADD_FAILURE() << compiled.status().message();
    return {};
  }
  auto artifact = runtime::Artifact::from_bytes(compiled->artifact);
  if (!artifact.ok()) {
    ADD_FAILURE() << artifact.status().message();
    return {};
  }
  auto executor = runtime::CpuExecutor::create(*artifact, {});
  if (!executor.ok() || !(*executor)->initialise(7, {}).ok() || !(*executor)->run({0, 0}, 1).ok()) {
    ADD_FAILURE() << "does not run " << executor.status().message();
    return {};
  }
  std::vector<float> values;
  for (int32_t output : {0, 1}) {
    const auto bytes = (*executor)->read_output({0, 0}, output);
    EXPECT_TRUE(bytes.ok()) << bytes.status().message();
    const size_t first = values.size();
    values.resize(first + bytes->size() / sizeof(float));
    std::memcpy(values.data() + first, bytes->data(), bytes->size());
  }
  return values;
}

class OptionalPasses : public testing::TestWithParam<Program> {};

TEST_P(OptionalPasses, OnAndOffGiveTheSameNumbers) {
  CompileOptions off;
  off.allOff = true;
  const std::vector<float> plain = run(GetParam(), off);
  ASSERT_EQ(plain.size(), 21u);
  EXPECT_NE(plain[0], 0);
  std::map<std::string, CompileOptions> variants{{"all passes", {}}};
  for (const passes::PassEntry& entry : passes::passTable())
    variants["without " + entry.name.str()].disabled = {entry.name.str()};
  for (const auto& [name, options] : variants) {
    SCOPED_TRACE(name);
    const std::vector<float> values = run(GetParam(), options);
    ASSERT_EQ(values.size(), plain.size());
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_NEAR(values[i], plain[i], 1e-5) << "element " << i; // sums of 100 in another order
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, OptionalPasses, testing::ValuesIn(programs()),
                         [](const auto& info) { return info.param.name; });

} // namespace
} // namespace tailor::backend
