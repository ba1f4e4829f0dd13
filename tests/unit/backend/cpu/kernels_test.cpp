// Kernels of every kind against the f64 reference over odd sizes; chunks, batches and shared code.

#include "runtime/base/philox.h"
#include "tests/unit/backend/cpu/harness/check_kernels.h"

#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tailor::backend::testing {
namespace {

Tensor labels(int64_t rows, int64_t classes, unsigned seed = 7) {
  return draw(Element::i32, {rows}, 0, double(classes), seed);
}
Tensor count(int64_t value) {
  return Tensor::integer({}, {value});
}

// --- map

TEST(MapKernel, FlatChain) {
  KernelText text{"map", "%x: tensor<{N}x{C}xf32>, %y: tensor<{N}x{C}xf32>, %s: tensor<f32>",
                  R"(%b = tailor.broadcast %s dims([]) : tensor<f32> to tensor<{N}x{C}xf32>
                     %m = tailor.mul %x, %b : tensor<{N}x{C}xf32>
                     %a = tailor.add %m, %y : tensor<{N}x{C}xf32>
                     %r = tailor.relu %a : tensor<{N}x{C}xf32>)",
                  "%r", "tensor<{N}x{C}xf32>"};
  for (auto [n, c] : kSizes)
    check(sized(text, n, c), {floats({n, c}), floats({n, c}, 2), floats({}, 3)});
}

TEST(MapKernel, BiasAndActivations) {
  for (const char* op : {"gelu", "silu", "tanh", "sigmoid"}) {
    KernelText text{
        "map", "%x: tensor<{N}x{C}xf32>, %bias: tensor<{C}xf32>",
        std::string(R"(%b = tailor.broadcast %bias dims([1]) : tensor<{C}xf32> to tensor<{N}x{C}xf32>
                     %a = tailor.add %x, %b : tensor<{N}x{C}xf32>
                     %r = tailor.)") +
            op + " %a : tensor<{N}x{C}xf32>",
        "%r", "tensor<{N}x{C}xf32>"};
    for (auto [n, c] : {std::pair{3, 7}, {17, 33}, {2, 300}})
      check(sized(text, n, c), {floats({n, c}), floats({c}, 2)});
  }
}

TEST(MapKernel, MaskByRowsAndColumns) {
  KernelText text{"map",
                  "%x: tensor<{N}x{C}xf32>, %w: tensor<{C}xf32>, %y: tensor<{N}xi32>, %valid: tensor<i32>",
                  R"(%t = tailor.take %w, %y : (tensor<{C}xf32>, tensor<{N}xi32>) -> tensor<{N}xf32>
                     %rows = tailor.row_mask %valid : tensor<i32> to tensor<{N}xi1>
                     %m = tailor.broadcast %rows dims([0]) : tensor<{N}xi1> to tensor<{N}x{C}xi1>
                     %b = tailor.broadcast %t dims([0]) : tensor<{N}xf32> to tensor<{N}x{C}xf32>
                     %h = tailor.one_hot %y : tensor<{N}xi32> to tensor<{N}x{C}xf32>
                     %p = tailor.mul %b, %h : tensor<{N}x{C}xf32>
                     %r = tailor.where %m, %x, %p : tensor<{N}x{C}xi1>, tensor<{N}x{C}xf32>)",
                  "%r", "tensor<{N}x{C}xf32>"};
  for (auto [n, c] : {std::pair{5, 7}, {33, 17}, {3, 200}})
    for (int64_t valid : {int64_t(0), int64_t(1), int64_t(n)})
      check(sized(text, n, c), {floats({n, c}), floats({c}, 2), labels(n, c), count(valid)});
}

TEST(MapKernel, TableRowsByCode) {
  KernelText text{
      "map", "%table: tensor<6x{C}xf32>, %code: tensor<{N}xi32>",
      "%r = tailor.take %table, %code : (tensor<6x{C}xf32>, tensor<{N}xi32>) -> tensor<{N}x{C}xf32>", "%r",
      "tensor<{N}x{C}xf32>"};
  for (auto [n, c] : {std::pair{1, 1}, {9, 5}, {33, 20}})
    check(sized(text, n, c), {floats({6, c}), labels(n, 6)});
}

TEST(MapKernel, AnIndexOutsideTheTableReadsInside) {
  KernelText text{"map", "%table: tensor<4xf32>, %code: tensor<3xi32>",
                  "%r = tailor.take %table, %code : (tensor<4xf32>, tensor<3xi32>) -> tensor<3xf32>", "%r",
                  "tensor<3xf32>"};
  CompiledKernels kernels({text}, nativeTarget());
  auto got =
      kernels.run(0, {Tensor::real({4}, {1, 2, 3, 4}, Element::f32), Tensor::integer({3}, {-5, 2, 1 << 30})});
  EXPECT_EQ(got[0].at(0), 1);
  EXPECT_EQ(got[0].at(1), 3);
  EXPECT_EQ(got[0].at(2), 4);
}

TEST(MapKernel, DropoutKeepsWhatTheMaskKeeps) {
  KernelText text{"map", "%x: tensor<{N}x{C}xf32>, %mask: tensor<{N}x{C}xi1>",
                  "%r = tailor.dropout %x mask(%mask) rate(0.3) : tensor<{N}x{C}xi1>, tensor<{N}x{C}xf32>",
                  "%r", "tensor<{N}x{C}xf32>"};
  for (auto [n, c] : kSizes)
    check(sized(text, n, c), {floats({n, c}), draw(Element::i1, {n, c}, 0, 2, 4)});
}

TEST(MapKernel, AResultMayShareItsOperandsBuffer) {
  KernelText text{"map", "%x: tensor<37xf32>", "%r = tailor.mul %x, %x : tensor<37xf32>", "%r",
                  "tensor<37xf32>"};
  CompiledKernels kernels({text}, nativeTarget());
  GuardedMemory memory(37 * sizeof(float));
  for (int i = 0; i < 37; ++i)
    memory.as<float>()[i] = float(i);
  kernels.launch(0, {memory.data(), memory.data()}, {37});
  for (int i = 0; i < 37; ++i)
    EXPECT_EQ(memory.as<float>()[i], float(i) * float(i));
}

// --- draws

Tensor packedKey(const runtime::RandomKey& key) {
  Tensor words(Element::i32, {8});
  for (auto [i, word] : llvm::enumerate(key.packed()))
    words.integers()[i] = static_cast<int32_t>(word);
  return words;
}

/// One column (made where it is read), part of a block, a block, blocks with every kind of rest, an image.
const std::vector<std::pair<int64_t, std::string>> kDrawnRows = {
    {3, "3"},      {5, "5x1"},  {5, "5x7"},   {2, "2x16"},   {3, "3x17"},    {2, "2x40"},
    {17, "17x64"}, {3, "3x65"}, {3, "3x150"}, {2, "2x1003"}, {40, "40x300"}, {2, "2x3x5x9"}};

TEST(DrawsKernel, EveryKindOfDrawIsThatOfTheReference) {
  const Tensor key =
      packedKey(runtime::make_random_key({11, 22, 3, 0xfffffffeu}, {.op_id = 9, .stream = 2, .pass = 1}));
  for (const char* op : {"random_uniform %key from(-0.5) to(2.0)", "random_normal %key mean(1.0) std(2.0)",
                         "bernoulli %key probability(0.3)", "bernoulli %key probability(0.0)",
                         "bernoulli %key probability(1.0)"})
    for (const auto& [rows, shape] : kDrawnRows) {
      SCOPED_TRACE(std::string(op) + " " + shape);
      const std::string type =
          "tensor<" + shape + (std::string(op).starts_with("bernoulli") ? "xi1>" : "xf32>");
      check({"single", "%key: tensor<8xi32>",
             "%r = tailor." + std::string(op) + " : tensor<8xi32> -> " + type, "%r", type},
            {key});
    }
}

TEST(DrawsKernel, APlaceDependsOnRowAndColumnAlone) {
  const runtime::RandomKey key = runtime::make_random_key({1, 2, 3, 100}, {.op_id = 4});
  auto drawn = [&](int64_t rows, int64_t columns, const char* target) {
    const std::string type = "tensor<" + std::to_string(rows) + "x" + std::to_string(columns) + "xf32>";
    CompiledKernels kernels({{"single", "%key: tensor<8xi32>",
                              "%r = tailor.random_uniform %key : tensor<8xi32> -> " + type, "%r", type}},
                            targetNamed(target));
    return kernels.run(0, {packedKey(key)})[0];
  };
  for (const char* target : {"cpu:native", "cpu:x86-64-v3"})
    for (int64_t columns : {9, 64, 200}) {
      const Tensor y = drawn(6, columns, target);
      for (int64_t row = 0; row < 6; ++row)
        for (int64_t column = 0; column < columns; ++column)
          ASSERT_EQ(y.at(row * columns + column),
                    runtime::uniform_from_word(key.word(uint32_t(row), uint32_t(column))))
              << target << ", " << columns << " columns: " << row << ", " << column;
    }
}

TEST(DrawsKernel, PermutationsAreThoseOfTheReference) {
  for (int64_t rows : {1, 7, 64, 131})
    for (int64_t valid : {int64_t(0), int64_t(1), rows / 2, rows, rows + 3}) {
      const std::string type = "tensor<" + std::to_string(rows) + "xi32>";
      check({"single", "%key: tensor<8xi32>, %valid: tensor<i32>",
             "%r = tailor.random_permutation %key valid(%valid : tensor<i32>) : tensor<8xi32> -> " + type,
             "%r", type},
            {packedKey(runtime::make_random_key({5, 6, 7, 8}, {.op_id = 3})), count(valid)});
    }
}

// --- rows

TEST(RowsKernel, SoftmaxArgmaxLogSumExp) {
  KernelText text{"rows", "%x: tensor<{N}x{C}xf32>",
                  R"(%s = tailor.softmax %x dim(1) : tensor<{N}x{C}xf32>
                     %a = tailor.argmax %x dim(1) : tensor<{N}x{C}xf32> to tensor<{N}xi32>
                     %l = tailor.logsumexp %x dim(1) : tensor<{N}x{C}xf32> to tensor<{N}xf32>
                     %m = tailor.reduce_max %x dims([1]) : tensor<{N}x{C}xf32> to tensor<{N}xf32>)",
                  "%s, %a, %l, %m", "tensor<{N}x{C}xf32>, tensor<{N}xi32>, tensor<{N}xf32>, tensor<{N}xf32>"};
  for (auto [n, c] : kSizes)
    check(sized(text, n, c), {floats({n, c}, 3, -20, 20)});
}

TEST(RowsKernel, MaskedMeanOfRowResults) {
  KernelText text{"rows", "%x: tensor<{N}x{C}xf32>, %y: tensor<{N}xi32>, %valid: tensor<i32>",
                  R"(%l = tailor.log_softmax %x dim(1) : tensor<{N}x{C}xf32>
                     %t = tailor.take_along %l, %y : (tensor<{N}x{C}xf32>, tensor<{N}xi32>) -> tensor<{N}xf32>
                     %n = tailor.neg %t : tensor<{N}xf32>
                     %r = tailor.masked_mean %n valid(%valid) : (tensor<{N}xf32>, tensor<i32>) -> tensor<f32>)",
                  "%r", "tensor<f32>"};
  for (auto [n, c] : {std::pair{1, 3}, {33, 10}, {70, 150}})
    for (int64_t valid : {int64_t(0), int64_t(1), int64_t(n)})
      check(sized(text, n, c), {floats({n, c}), labels(n, c), count(valid)});
}

struct LossCase {
  const char* name;
  std::string extraArguments, words;
  std::vector<std::string> tables; ///< "C", "N", "NC" or "label": how to draw the extra arguments
};

std::vector<LossCase> lossCases() {
  const std::string C = "tensor<{C}xf32>", N = "tensor<{N}xf32>";
  return {
      {"plain", "", ", %y : tensor<{N}xi32> reduction(sum)", {}},
      {"weighted_mean",
       ", %w: " + C,
       ", %y : tensor<{N}xi32> weights(%w : " + C + ") reduction(weighted_mean)",
       {"C"}},
      {"smoothing",
       ", %w: " + C + ", %e: " + C,
       ", %y : tensor<{N}xi32> weights(%w : " + C + ") smoothing(%e : " + C + ") reduction(batch_mean)",
       {"C", "C"}},
      {"margin_bias_scale",
       ", %m: " + C + ", %b: " + C,
       ", %y : tensor<{N}xi32> margin(%m : " + C + ") bias(%b : " + C + ") scale(3.0) reduction(batch_mean)",
       {"C", "C"}},
      {"mix",
       ", %y2: tensor<{N}xi32>, %lam: " + N + ", %w: " + C + ", %m: " + C,
       ", %y : tensor<{N}xi32> mix(%y2, %lam : tensor<{N}xi32>, " + N + ") weights(%w : " + C +
           ") margin(%m : " + C + ") reduction(weighted_mean)",
       {"label", "N", "C", "C"}},
      {"soft", ", %t: tensor<{N}x{C}xf32>", " soft(%t : tensor<{N}x{C}xf32>) reduction(batch_mean)", {"NC"}},
      {"focal",
       ", %e: " + C,
       ", %y : tensor<{N}xi32> smoothing(%e : " + C + ") focal(2.0) reduction(batch_mean)",
       {"C"}},
      {"focal_half", "", ", %y : tensor<{N}xi32> focal(0.5) reduction(batch_mean)", {}},
      {"focal_of_weighted",
       ", %w: " + C,
       ", %y : tensor<{N}xi32> weights(%w : " + C + ") focal(1.0 of_weighted) reduction(batch_mean)",
       {"C"}},
  };
}

std::vector<Tensor> lossArguments(const LossCase& loss, int64_t n, int64_t c) {
  std::vector<Tensor> arguments = {floats({n, c}, 3, -4, 4), labels(n, c)};
  unsigned seed = 20;
  for (const std::string& table : loss.tables) {
    ++seed;
    if (table == "C") arguments.push_back(floats({c}, seed, 0.05, 0.9));
    if (table == "N") arguments.push_back(floats({n}, seed, 0.1, 0.9));
    if (table == "NC") arguments.push_back(floats({n, c}, seed, 0, 0.5));
    if (table == "label") arguments.push_back(labels(n, c, seed));
  }
  return arguments;
}

class LossKernel : public ::testing::TestWithParam<LossCase> {};

TEST_P(LossKernel, LossAndGradientMatchTheReference) {
  const LossCase& loss = GetParam();
  KernelText text{"rows",
                  "%z: tensor<{N}x{C}xf32>, %y: tensor<{N}xi32>" + loss.extraArguments + ", %g: tensor<f32>",
                  "%l, %dz = tailor.softmax_cross_entropy_with_grad %g, %z" + loss.words +
                      " : (tensor<f32>, tensor<{N}x{C}xf32>) -> (tensor<f32>, tensor<{N}x{C}xf32>)",
                  "%l, %dz", "tensor<f32>, tensor<{N}x{C}xf32>"};
  for (auto [n, c] : {std::pair{1, 2}, {33, 9}, {70, 17}, {5, 150}}) {
    SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(c));
    std::vector<Tensor> arguments = lossArguments(loss, n, c);
    arguments.push_back(Tensor::scalar(1.5, Element::f32));
    check(sized(text, n, c), arguments, 5e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(All, LossKernel, ::testing::ValuesIn(lossCases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(RowsKernel, LossOfAPartBatch) {
  KernelText text{
      "rows",
      "%z: tensor<{N}x{C}xf32>, %y: tensor<{N}xi32>, %w: tensor<{C}xf32>, %v: tensor<i32>, %g: tensor<f32>",
      R"(%l, %dz = tailor.softmax_cross_entropy_with_grad %g, %z, %y : tensor<{N}xi32>
                     weights(%w : tensor<{C}xf32>) valid(%v : tensor<i32>) reduction(weighted_mean)
                     : (tensor<f32>, tensor<{N}x{C}xf32>) -> (tensor<f32>, tensor<{N}x{C}xf32>))",
      "%l, %dz", "tensor<f32>, tensor<{N}x{C}xf32>"};
  for (int64_t valid : {0, 1, 20, 40}) {
    Tensor z = floats({40, 9});
    for (int64_t i = valid * 9; i < 40 * 9; ++i)
      z.reals()[i] = std::nan(""); // rows from `valid` on may hold anything
    check(sized(text, 40, 9),
          {z, labels(40, 9), floats({9}, 3, 0.1, 2), count(valid), Tensor::scalar(1, Element::f32)});
  }
}

TEST(RowsKernel, BinaryLoss) {
  KernelText text{
      "rows",
      "%z: tensor<{N}xf32>, %y: tensor<{N}xi32>, %w: tensor<2xf32>, %e: tensor<2xf32>, %g: tensor<f32>",
      R"(%l, %dz = tailor.sigmoid_cross_entropy_with_grad %g, %z, %y : tensor<{N}xi32>
                     weights(%w : tensor<2xf32>) smoothing(%e : tensor<2xf32>) reduction(weighted_mean)
                     : (tensor<f32>, tensor<{N}xf32>) -> (tensor<f32>, tensor<{N}xf32>))",
      "%l, %dz", "tensor<f32>, tensor<{N}xf32>"};
  for (int64_t n : {1, 7, 70})
    check(sized(text, n, 1), {floats({n}, 3, -6, 6), labels(n, 2), floats({2}, 4, 0.1, 2),
                              floats({2}, 5, 0, 0.3), Tensor::scalar(1, Element::f32)});
}

TEST(RowsKernel, TheLargestOfTheRowsLosses) {
  KernelText text{"rows", "%z: tensor<{N}x{C}xf32>, %y: tensor<{N}xi32>, %valid: tensor<i32>",
                  R"(%n = tailor.softmax_cross_entropy %z, %y : tensor<{N}xi32> valid(%valid : tensor<i32>)
                         reduction(none) : tensor<{N}x{C}xf32> -> tensor<{N}xf32>
                     %m = tailor.reduce_max %n dims([0]) : tensor<{N}xf32> to tensor<f32>
                     %l = tailor.logsumexp %n dim(0) : tensor<{N}xf32> to tensor<f32>)",
                  "%m, %l", "tensor<f32>, tensor<f32>"};
  for (auto [n, c] : {std::pair{1, 3}, {8, 3}, {33, 10}, {70, 150}})
    check(sized(text, n, c), {floats({n, c}), labels(n, c), count(n)});
}

TEST(RowsKernel, ARowDoesNotDependOnItsBatch) {
  KernelText text{"rows", "%x: tensor<{N}x{C}xf32>", "%s = tailor.softmax %x dim(1) : tensor<{N}x{C}xf32>",
                  "%s", "tensor<{N}x{C}xf32>"};
  CompiledKernels kernels({sized(text, 37, 10), sized(text, 1, 10)}, nativeTarget());
  EXPECT_TRUE(kernels.info(1).reused) << "the number of rows is not part of the code";
  Tensor x = floats({37, 10});
  Tensor all = kernels.run(0, {x})[0];
  for (int64_t row = 0; row < 37; ++row) {
    Tensor one(Element::f32, {1, 10});
    std::copy_n(x.reals().begin() + row * 10, 10, one.reals().begin());
    Tensor alone = kernels.run(1, {one})[0];
    for (int64_t c = 0; c < 10; ++c)
      ASSERT_EQ(alone.at(c), all.at(row * 10 + c));
  }
}

// --- columns

TEST(ColumnsKernel, BiasGradientOfMaskedRows) {
  KernelText text{"columns", "%dy: tensor<{N}x{C}xf32>, %a: tensor<{N}x{C}xf32>",
                  R"(%zero = tailor.constant dense<0.0> : tensor<{N}x{C}xf32>
                     %m = tailor.compare %a gt %zero : tensor<{N}x{C}xf32>
                     %dz = tailor.where %m, %dy, %zero : tensor<{N}x{C}xi1>, tensor<{N}x{C}xf32>
                     %db = tailor.reduce_sum %dz dims([0]) : tensor<{N}x{C}xf32> to tensor<{C}xf32>)",
                  "%dz, %db", "tensor<{N}x{C}xf32>, tensor<{C}xf32>"};
  for (auto [n, c] : kSizes)
    check(sized(text, n, c), {floats({n, c}), floats({n, c}, 2)});
}

TEST(ColumnsKernel, BatchNormForward) {
  KernelText text{
      "columns", "%x: tensor<{N}x{C}xf32>, %s: tensor<{C}xf32>, %b: tensor<{C}xf32>, %v: tensor<i32>",
      R"(%y, %m, %i, %var = tailor.batch_norm_train %x, %s, %b valid(%v) epsilon(1.0e-05)
                     : (tensor<{N}x{C}xf32>, tensor<{C}xf32>, tensor<{C}xf32>, tensor<i32>)
                     -> (tensor<{N}x{C}xf32>, tensor<{C}xf32>, tensor<{C}xf32>, tensor<{C}xf32>)
                     %r = tailor.relu %y : tensor<{N}x{C}xf32>)",
      "%r, %m, %i, %var", "tensor<{N}x{C}xf32>, tensor<{C}xf32>, tensor<{C}xf32>, tensor<{C}xf32>"};
  for (auto [n, c] : {std::pair{4, 3}, {33, 17}, {10, 64}})
    for (int64_t valid : {int64_t(2), int64_t(n)})
      check(sized(text, n, c), {floats({n, c}), floats({c}, 2, 0.5, 2), floats({c}, 3), count(valid)}, 5e-5);
}

TEST(ColumnsKernel, BatchNormBackward) {
  KernelText text{
      "columns",
      "%dy: tensor<{N}x{C}xf32>, %x: tensor<{N}x{C}xf32>, %s: tensor<{C}xf32>, %m: tensor<{C}xf32>, "
      "%i: tensor<{C}xf32>, %v: tensor<i32>",
      R"(%dx, %ds, %db = tailor.batch_norm_grad %dy, %x, %s, %m, %i valid(%v)
                     : (tensor<{N}x{C}xf32>, tensor<{N}x{C}xf32>, tensor<{C}xf32>, tensor<{C}xf32>, tensor<{C}xf32>, tensor<i32>)
                     -> (tensor<{N}x{C}xf32>, tensor<{C}xf32>, tensor<{C}xf32>))",
      "%dx, %ds, %db", "tensor<{N}x{C}xf32>, tensor<{C}xf32>, tensor<{C}xf32>"};
  for (auto [n, c] : {std::pair{4, 3}, {33, 17}})
    for (int64_t valid : {int64_t(0), int64_t(n)})
      check(sized(text, n, c),
            {floats({n, c}), floats({n, c}, 2), floats({c}, 3), floats({c}, 4), floats({c}, 5, 0.5, 2),
             count(valid)},
            5e-5);
}

// --- gemm

TEST(GemmKernel, ForwardWithBiasAndActivation) {
  for (const char* op : {"relu", "gelu"}) {
    KernelText text{
        "gemm", "%x: tensor<{N}x37xf32>, %w: tensor<{C}x37xf32>, %bias: tensor<{C}xf32>",
        std::string(
            R"(%d = tailor.dot %x, %w contract([1] x [1]) : (tensor<{N}x37xf32>, tensor<{C}x37xf32>) -> tensor<{N}x{C}xf32>
                       %b = tailor.broadcast %bias dims([1]) : tensor<{C}xf32> to tensor<{N}x{C}xf32>
                       %a = tailor.add %d, %b : tensor<{N}x{C}xf32>
                       %r = tailor.)") +
            op + " %a : tensor<{N}x{C}xf32>",
        "%r", "tensor<{N}x{C}xf32>"};
    for (auto [n, c] : {std::pair{1, 1}, {7, 17}, {100, 9}, {33, 100}})
      check(sized(text, n, c), {floats({n, 37}), floats({c, 37}, 2), floats({c}, 3)}, 1e-4);
  }
}

TEST(GemmKernel, DataGradientWithMask) {
  KernelText text{
      "gemm", "%dy: tensor<{N}x{C}xf32>, %w: tensor<{C}x37xf32>, %a: tensor<{N}x37xf32>",
      R"(%d = tailor.dot %dy, %w contract([1] x [0]) : (tensor<{N}x{C}xf32>, tensor<{C}x37xf32>) -> tensor<{N}x37xf32>
                     %zero = tailor.constant dense<0.0> : tensor<{N}x37xf32>
                     %m = tailor.compare %a gt %zero : tensor<{N}x37xf32>
                     %r = tailor.where %m, %d, %zero : tensor<{N}x37xi1>, tensor<{N}x37xf32>)",
      "%r", "tensor<{N}x37xf32>"};
  for (auto [n, c] : {std::pair{1, 1}, {7, 17}, {100, 9}})
    check(sized(text, n, c), {floats({n, c}), floats({c, 37}, 2), floats({n, 37}, 3)}, 1e-4);
}

TEST(GemmKernel, WeightGradient) {
  KernelText text{"gemm", "%dy: tensor<{N}x{C}xf32>, %x: tensor<{N}x37xf32>",
                  "%r = tailor.dot %dy, %x contract([0] x [0]) : (tensor<{N}x{C}xf32>, tensor<{N}x37xf32>) "
                  "-> tensor<{C}x37xf32>",
                  "%r", "tensor<{C}x37xf32>"};
  for (auto [n, c] : {std::pair{1, 1}, {7, 17}, {100, 9}})
    check(sized(text, n, c), {floats({n, c}), floats({n, 37}, 2)}, 1e-4);
}

TEST(GemmKernel, BothOperandsTransposed) {
  KernelText text{"gemm", "%a: tensor<19x{N}xf32>, %b: tensor<{C}x19xf32>",
                  "%r = tailor.dot %a, %b contract([0] x [1]) : (tensor<19x{N}xf32>, tensor<{C}x19xf32>) -> "
                  "tensor<{N}x{C}xf32>",
                  "%r", "tensor<{N}x{C}xf32>"};
  check(sized(text, 21, 33), {floats({19, 21}), floats({33, 19}, 2)}, 1e-4);
}

TEST(GemmKernel, BatchedDot) {
  KernelText text{"single", "%a: tensor<3x5x7xf32>, %b: tensor<3x9x7xf32>",
                  "%r = tailor.dot %a, %b batch([0] x [0]) contract([2] x [2]) : (tensor<3x5x7xf32>, "
                  "tensor<3x9x7xf32>) -> tensor<3x5x9xf32>",
                  "%r", "tensor<3x5x9xf32>"};
  check(text, {floats({3, 5, 7}), floats({3, 9, 7}, 2)}, 1e-4);
}

// --- shared code and refusals

TEST(KernelCompiler, VariantsOfABatchShareCode) {
  KernelText text{"gemm", "%x: tensor<{N}x8xf32>, %w: tensor<{C}x8xf32>",
                  "%r = tailor.dot %x, %w contract([1] x [1]) : (tensor<{N}x8xf32>, tensor<{C}x8xf32>) -> "
                  "tensor<{N}x{C}xf32>",
                  "%r", "tensor<{N}x{C}xf32>"};
  CompiledKernels kernels({sized(text, 16, 5), sized(text, 64, 5), sized(text, 16, 6)}, nativeTarget());
  EXPECT_FALSE(kernels.info(0).reused);
  EXPECT_TRUE(kernels.info(1).reused);
  EXPECT_EQ(kernels.info(1).symbol, kernels.info(0).symbol);
  EXPECT_EQ(kernels.info(1).rows, 64);
  EXPECT_FALSE(kernels.info(2).reused);
}

// Far more ops than one part of a compilation has.
TEST(KernelCompiler, LargeProgramsAreTheSameBytesInTheOrderOfTheirKernels) {
  KernelText text{"gemm", "%x: tensor<{N}x48xf32>, %w: tensor<{C}x48xf32>",
                  "%d = tailor.dot %x, %w contract([1] x [1]) : (tensor<{N}x48xf32>, tensor<{C}x48xf32>) -> "
                  "tensor<{N}x{C}xf32>\n%r = tailor.tanh %d : tensor<{N}x{C}xf32>",
                  "%r", "tensor<{N}x{C}xf32>"};
  std::vector<KernelText> texts;
  for (int64_t columns = 17; columns < 29; ++columns)
    texts.push_back(sized(text, 16, columns));
  const CompiledKernels once(texts, nativeTarget()), again(texts, nativeTarget());
  const CodeBlob &blob = once.code().blob(), &other = again.code().blob();
  EXPECT_EQ(blob.bytes, other.bytes);
  ASSERT_EQ(blob.functions.size(), texts.size());
  bool inParts = false; // each has its constants behind its functions
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(blob.functions[i].symbol, once.info(i).symbol);
    EXPECT_EQ(blob.functions[i].offset % 64, 0u);
    if (i == 0) continue;
    const uint64_t end = blob.functions[i - 1].offset + blob.functions[i - 1].size;
    EXPECT_GE(blob.functions[i].offset, end);
    inParts |= blob.functions[i].offset >= end + 64;
  }
  EXPECT_TRUE(inParts) << "too few ops for what this shows";
  for (size_t i : {size_t(0), texts.size() / 2, texts.size() - 1}) {
    const std::vector<Tensor> arguments = {floats({16, 48}), floats({17 + static_cast<int64_t>(i), 48})};
    expectClose(once.run(i, arguments), once.expected(i, arguments), 2e-5);
  }
}

TEST(KernelCompiler, OpsThatMoveWithinRowsShareCode) {
  const std::string wide = "%x: tensor<{N}x{C}xf32>", same = "tensor<{N}x{C}xf32>";
  const std::vector<KernelText> texts = {
      {"single", wide,
       "%r = tailor.slice %x from([0, 2]) to([{N}, 3]) by([1, 1]) : " + same + " to tensor<{N}x1xf32>", "%r",
       "tensor<{N}x1xf32>"},
      {"single", wide,
       "%r = tailor.concat %x, %x dim(1) : (" + same + ", " + same + ") -> tensor<{N}x10xf32>", "%r",
       "tensor<{N}x10xf32>"},
      {"single", wide,
       "%r = tailor.pad %x low([0, 1]) high([0, 2]) interior([0, 1]) : " + same + " to tensor<{N}x12xf32>",
       "%r", "tensor<{N}x12xf32>"},
      {"single", wide, "%r = tailor.roll %x shift(2) dim(1) : " + same, "%r", same}};
  for (const KernelText& text : texts) {
    CompiledKernels kernels({sized(text, 16, 5), sized(text, 64, 5)}, nativeTarget());
    EXPECT_TRUE(kernels.info(1).reused) << text.ops;
    for (int64_t rows : {1, 3, 300})
      check(sized(text, rows, 5), {floats({rows, 5})});
  }
}

TEST(KernelCompiler, TheSameKernelsGiveTheSameBytes) {
  KernelText text{"map", "%x: tensor<{N}x{C}xf32>", "%r = tailor.tanh %x : tensor<{N}x{C}xf32>", "%r",
                  "tensor<{N}x{C}xf32>"};
  CompiledKernels first({sized(text, 4, 5)}, nativeTarget()), second({sized(text, 4, 5)}, nativeTarget());
  EXPECT_EQ(first.code().blob().bytes, second.code().blob().bytes);
}

TEST(KernelCompiler, AnElementTypeIsRefusedByName) {
  KernelText text{"single", "%x: tensor<1x4x4x2xbf16>, %w: tensor<3x2x1x1xbf16>",
                  "%r = tailor.conv2d %x, %w strides([1, 1]) padding([0, 0, 0, 0]) dilation([1, 1]) : "
                  "(tensor<1x4x4x2xbf16>, tensor<3x2x1x1xbf16>) -> tensor<1x4x4x3xbf16>",
                  "%r", "tensor<1x4x4x3xbf16>"};
  try {
    CompiledKernels kernels({text}, nativeTarget());
    FAIL() << "compiled";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(
        std::string(error.what()).find("computes with bf16, which target cpu only stores: cast it to f32"),
        std::string::npos)
        << error.what();
  }
}

} // namespace
} // namespace tailor::backend::testing
