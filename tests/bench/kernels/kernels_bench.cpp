// GFLOP/s of the generated matrix products against the multiply-add peak of one core.
//   kernels_bench [TARGET]
// Not a test: prints one line per shape.

#include "backend/cpu/kinds/GemmEmitter.h"
#include "tests/bench/ceilings.h"
#include "tests/unit/backend/cpu/harness/abi_values.h"
#include "tests/unit/backend/cpu/harness/compile_function.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>

namespace tailor::backend::testing {
namespace {

using mlir::Value;

struct Shape {
  const char* name;
  bool lhsTransposed, rhsTransposed;
  int64_t rows, m, n, k; // m or k is `rows`
};

std::unique_ptr<float, decltype(&std::free)> floats(size_t size) {
  auto* memory = static_cast<float*>(std::aligned_alloc(64, (size * 4 + 63) / 64 * 64 + 64));
  std::fill_n(memory, size, 0.01f);
  return {memory, &std::free};
}

/// Time this thread computed: a wide product takes longer than a slice of a busy machine's scheduler.
double threadSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

double measure(const Shape& shape, const CpuTarget& target) {
  GemmProblem problem;
  problem.lhsTransposed = shape.lhsTransposed;
  problem.rhsTransposed = shape.rhsTransposed;
  problem.n = shape.n;
  problem.m = shape.lhsTransposed ? shape.m : GemmProblem::kRows;
  problem.k = shape.lhsTransposed ? GemmProblem::kRows : shape.k;
  GemmPlan plan = planGemm(problem, target);
  auto code = compileFunction(target, "gemm", [&](VectorBuilder& b, const AbiValues& abi) {
    Value y = b.loadPointer(abi.buffers, 2), rows = b.load(abi.sizes, b.i64(), b.index(0));
    emitGemm(b, problem, plan, b.loadPointer(abi.buffers, 0), b.loadPointer(abi.buffers, 1),
             b.loadPointer(abi.buffers, 3), rows, abi.begin, abi.end, [&](const GemmTile& tile) {
               for (unsigned r = 0; r < tile.rows; ++r)
                 for (unsigned v = 0; v < tile.vectors; ++v) {
                   Value row = b.add(tile.firstRow, b.index(r));
                   Value column = b.add(tile.firstColumn, b.index(int64_t(v) * b.lanes()));
                   bool ragged = v + 1 == tile.vectors && tile.lastLanes < int64_t(b.lanes());
                   b.store(tile.sums[r * tile.vectors + v], y, b.add(b.mul(row, b.index(shape.n)), column),
                           ragged ? b.prefixMask(tile.lastLanes) : Value());
                 }
             });
  });
  auto a = floats(shape.m * shape.k), w = floats(shape.k * shape.n), y = floats(shape.m * shape.n);
  auto scratch = floats(plan.scratchBytes / 4 + 16);
  void* buffers[] = {a.get(), w.get(), y.get(), scratch.get()};
  int64_t sizes[] = {shape.rows}, units = plan.units.count(shape.rows);
  auto kernel = code->function("gemm");
  double flops = 2.0 * double(shape.m) * double(shape.n) * double(shape.k), best = 0;
  auto repeats = static_cast<int>(std::max(1.0, 2e7 / flops));
  for (int round = 0; round < 40; ++round) {
    double start = threadSeconds();
    for (int i = 0; i < repeats; ++i)
      kernel(buffers, sizes, 0, units);
    double seconds = threadSeconds() - start;
    best = std::max(best, flops * repeats / seconds);
  }
  return best * 1e-9;
}

} // namespace
} // namespace tailor::backend::testing

int main(int argc, char** argv) {
  using namespace tailor::backend::testing;
  auto target = targetNamed(argc > 1 ? argv[1] : "cpu:native");
  double peak = tailor::bench::peak_flops() * 1e-9;
  std::printf("target %s, peak %.1f GFLOP/s\n%-22s %5s %5s %5s %10s %6s\n", target.text.c_str(), peak, "form",
              "rows", "out", "in", "GFLOP/s", "peak");
  for (int64_t rows : {8, 32, 128, 256})
    for (int64_t width : {64, 256, 1024, 2048}) {
      if ((rows < 256) != (width < 1024)) continue; // small networks, then wide layers with full batches
      const Shape shapes[] = {{"forward x w^T", false, true, rows, rows, width, width},
                              {"data gradient dy w", false, false, rows, rows, width, width},
                              {"weight gradient dy^T x", true, false, rows, width, width, rows}};
      for (const Shape& shape : shapes) {
        double rate = measure(shape, target);
        std::printf("%-22s %5ld %5ld %5ld %10.1f %5.0f%%\n", shape.name, long(rows), long(width), long(width),
                    rate, 100 * rate / peak);
      }
    }
  return 0;
}
