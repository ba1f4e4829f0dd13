// Matrix products of every form and many sizes against double loops; rows do not depend on the batch.

#include "backend/cpu/kinds/GemmEmitter.h"
#include "tests/unit/backend/cpu/harness/abi_values.h"
#include "tests/unit/backend/cpu/harness/compile_function.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

namespace tailor::backend::testing {
namespace {

using mlir::Value;

/// 64-byte aligned floats between canaries, so that writing outside is seen.
class Floats {
public:
  explicit Floats(size_t size) : size_(size), storage_(size + 64, kCanary) {
    auto address = reinterpret_cast<uintptr_t>(storage_.data() + 16);
    offset_ = ((address + 63) / 64 * 64 - reinterpret_cast<uintptr_t>(storage_.data())) / sizeof(float);
  }
  float* data() { return storage_.data() + offset_; }
  float& operator[](size_t i) { return data()[i]; }
  bool intact() const {
    for (size_t i = 0; i < storage_.size(); ++i)
      if ((i < offset_ || i >= offset_ + size_) && storage_[i] != kCanary) return false;
    return true;
  }

private:
  static constexpr float kCanary = 12345.0f;
  size_t size_, offset_;
  std::vector<float> storage_;
};

struct Form {
  const char* name;
  bool lhsTransposed, rhsTransposed;
};
constexpr Form kForward{"forward", false, true}, kDataGradient{"data_gradient", false, false},
    kWeightGradient{"weight_gradient", true, false};

/// The compiled product y[m, n] for one static shape; m (or k for a weight gradient) is the number of rows.
struct Product {
  GemmProblem problem;
  GemmPlan plan;
  std::unique_ptr<MappedCode> code;

  Product(const Form& form, int64_t fixed, int64_t n, const CpuTarget& target) {
    problem.lhsTransposed = form.lhsTransposed;
    problem.rhsTransposed = form.rhsTransposed;
    problem.n = n;
    if (form.lhsTransposed) {
      problem.m = fixed;
      problem.k = GemmProblem::kRows;
    } else {
      problem.k = fixed;
    }
    plan = planGemm(problem, target);
    code = compileFunction(target, "gemm", [&](VectorBuilder& b, const AbiValues& abi) {
      Value y = b.loadPointer(abi.buffers, 2), rows = b.load(abi.sizes, b.i64(), b.index(0));
      emitGemm(b, problem, plan, b.loadPointer(abi.buffers, 0), b.loadPointer(abi.buffers, 1),
               b.loadPointer(abi.buffers, 3), rows, abi.begin, abi.end, [&](const GemmTile& tile) {
                 for (unsigned r = 0; r < tile.rows; ++r)
                   for (unsigned v = 0; v < tile.vectors; ++v) {
                     Value row = b.add(tile.firstRow, b.index(r));
                     Value column = b.add(tile.firstColumn, b.index(int64_t(v) * b.lanes()));
                     bool ragged = v + 1 == tile.vectors && tile.lastLanes < int64_t(b.lanes());
                     b.store(tile.sums[r * tile.vectors + v], y, b.add(b.mul(row, b.index(n)), column),
                             ragged ? b.prefixMask(tile.lastLanes) : Value());
                   }
               });
    });
  }

  void run(Floats& a, Floats& b, Floats& y, int64_t rows, int64_t chunks = 1) const {
    Floats scratch(plan.scratchBytes / sizeof(float) + 1);
    void* buffers[] = {a.data(), b.data(), y.data(), scratch.data()};
    int64_t sizes[] = {rows}, units = plan.units.count(rows);
    auto kernel = code->function("gemm");
    for (int64_t chunk = 0; chunk < chunks; ++chunk)
      kernel(buffers, sizes, chunk * units / chunks, (chunk + 1) * units / chunks);
    EXPECT_TRUE(scratch.intact());
  }
};

void fill(Floats& x, size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (size_t i = 0; i < size; ++i)
    x[i] = uniform(random);
}

void check(const Form& form, int64_t fixed, int64_t n, int64_t rows, const CpuTarget& target,
           const Product& product) {
  SCOPED_TRACE(std::string(form.name) + " fixed " + std::to_string(fixed) + " n " + std::to_string(n) +
               " rows " + std::to_string(rows) + " " + target.text);
  int64_t m = form.lhsTransposed ? fixed : rows, k = form.lhsTransposed ? rows : fixed;
  Floats a(m * k), b(k * n), y(m * n), chunked(m * n);
  fill(a, m * k, 1);
  fill(b, k * n, 2);
  product.run(a, b, y, rows);
  product.run(a, b, chunked, rows, 3);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0, size = 0;
      for (int64_t l = 0; l < k; ++l) {
        double term = double(form.lhsTransposed ? a[l * m + i] : a[i * k + l]) *
                      (form.rhsTransposed ? b[j * k + l] : b[l * n + j]);
        sum += term;
        size += std::fabs(term);
      }
      ASSERT_NEAR(y[i * n + j], sum, 1e-6 * (size + 1e-30) + 1e-30) << i << ", " << j;
      ASSERT_EQ(y[i * n + j], chunked[i * n + j]) << "chunks change a bit at " << i << ", " << j;
    }
  EXPECT_TRUE(y.intact() && a.intact() && b.intact());
}

void checkTarget(const CpuTarget& target) {
  for (const Form& form : {kForward, kDataGradient, kWeightGradient})
    for (auto [fixed, n] : {std::pair{7, 17}, {33, 100}, {16, 9}, {100, 70}, {1, 1}, {3, 16}, {64, 64}}) {
      Product product(form, fixed, n, target);
      for (int64_t rows : {0, 1, 3, 7, 16, 17, 33, 100})
        check(form, fixed, n, rows, target, product);
    }
}

TEST(Gemm, EveryFormAndSizeOnTheNativeTarget) {
  checkTarget(nativeTarget());
}

TEST(Gemm, EveryFormAndSizeWithEightLanes) {
  checkTarget(targetNamed("cpu:x86-64-v3"));
}

TEST(Gemm, ARowDoesNotDependOnItsBatch) {
  for (const Form& form : {kForward, kDataGradient}) {
    constexpr int64_t kInner = 37, kColumns = 41, kRows = 29;
    Product product(form, kInner, kColumns, nativeTarget());
    Floats a(kRows * kInner), b(kInner * kColumns), y(kRows * kColumns);
    fill(a, kRows * kInner, 3);
    fill(b, kInner * kColumns, 4);
    product.run(a, b, y, kRows);
    for (int64_t row = 0; row < kRows; ++row) {
      Floats one(kInner), alone(kColumns);
      for (int64_t i = 0; i < kInner; ++i)
        one[i] = a[row * kInner + i];
      product.run(one, b, alone, 1);
      for (int64_t j = 0; j < kColumns; ++j)
        ASSERT_EQ(alone[j], y[row * kColumns + j]) << form.name << " row " << row << " column " << j;
    }
  }
}

} // namespace
} // namespace tailor::backend::testing
