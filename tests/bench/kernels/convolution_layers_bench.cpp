// GFLOP/s of the generated convolutions against the multiply-add peak of one core.
//   convolution_layers_bench [TARGET [IMAGES [LAYER [ALGORITHM]]]]
// LAYER: the number of a line, -1 for all. ALGORITHM: instead of the one that would be chosen.
// Not a test: one line per layer; forward, data gradient, weight gradient. A rate counts 2 N H' W' O C/g kh kw operations
// whatever the algorithm does, and the time of prepare, launch and combine. Hot: one set of buffers. Cold: sets in turn
// that no cache holds together, as in a training step.

#include "tests/bench/ceilings.h"
#include "tests/unit/backend/cpu/harness/compile_function.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>

namespace tailor::backend::testing {
namespace {

struct Layer {
  const char* name;
  int64_t side, channels, outputs, kernel, stride, padding, groups;

  int64_t outputSide() const { return (side + 2 * padding - kernel) / stride + 1; }
};

constexpr Layer kLayers[] = {
    {"stem 3x3", 32, 3, 16, 3, 1, 1, 1},
    {"3x3", 32, 16, 16, 3, 1, 1, 1},
    {"3x3", 16, 32, 32, 3, 1, 1, 1},
    {"3x3", 8, 64, 64, 3, 1, 1, 1},
    {"3x3", 16, 64, 64, 3, 1, 1, 1},
    {"3x3", 8, 128, 128, 3, 1, 1, 1},
    {"3x3", 32, 160, 160, 3, 1, 1, 1},
    {"3x3", 16, 320, 320, 3, 1, 1, 1},
    {"3x3", 8, 640, 640, 3, 1, 1, 1},
    {"3x3 stride 2", 32, 16, 32, 3, 2, 1, 1},
    {"3x3 stride 2", 16, 32, 64, 3, 2, 1, 1},
    {"1x1", 16, 64, 256, 1, 1, 0, 1},
    {"1x1", 8, 256, 64, 1, 1, 0, 1},
    {"1x1 stride 2", 32, 16, 32, 1, 2, 0, 1},
    {"depthwise 3x3", 16, 128, 128, 3, 1, 1, 128},
    {"depthwise 7x7", 16, 128, 128, 7, 1, 3, 128},
    {"grouped 3x3, 4 each", 16, 128, 128, 3, 1, 1, 32},
};

std::string typeOf(std::initializer_list<int64_t> sizes) {
  std::string text = "tensor<";
  for (int64_t size : sizes)
    text += std::to_string(size) + "x";
  return text + "f32>";
}

std::vector<KernelText> kernelTexts(const Layer& l, int64_t images, const std::string& algorithm) {
  std::string attributes = algorithm.empty() ? "" : " {algorithm = \"" + algorithm + "\"}";
  auto text = [&](const char* op, const std::string& a, const std::string& b, const std::string& result) {
    std::string stride = std::to_string(l.stride), padding = std::to_string(l.padding);
    return KernelText{"single", "%a: " + a + ", %b: " + b,
                      std::string("%r = tailor.") + op + " %a, %b strides([" + stride + ", " + stride +
                          "]) padding([" + padding + ", " + padding + ", " + padding + ", " + padding +
                          "]) dilation([1, 1]) groups(" + std::to_string(l.groups) + ")" + attributes +
                          " : (" + a + ", " + b + ") -> " + result,
                      "%r", result};
  };
  std::string x = typeOf({images, l.side, l.side, l.channels}),
              w = typeOf({l.outputs, l.channels / l.groups, l.kernel, l.kernel}),
              y = typeOf({images, l.outputSide(), l.outputSide(), l.outputs});
  return {text("conv2d", x, w, y), text("conv2d_data_grad", y, w, x), text("conv2d_weight_grad", x, y, w)};
}

using Floats = std::unique_ptr<float, decltype(&std::free)>;
Floats floats(size_t size) {
  auto* memory = static_cast<float*>(std::aligned_alloc(64, (size * 4 + 63) / 64 * 64 + 64));
  std::fill_n(memory, size, 0.01f);
  return {memory, &std::free};
}

/// Time this thread computed: a busy machine's scheduler does not count.
double threadSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

/// Best seconds of one run of a kernel over buffers of these sizes, `sets` of them in turn.
double measure(const CompiledKernels& kernels, size_t kernel, std::initializer_list<size_t> sizes,
               int64_t images, size_t sets) {
  const KernelInfo& info = kernels.info(kernel);
  std::vector<Floats> memory;
  std::vector<std::vector<void*>> tables(sets);
  std::vector<void*> shared;
  auto add = [&](size_t bytes) {
    memory.push_back(floats(bytes / 4 + 16));
    return static_cast<void*>(memory.back().get());
  };
  for (const Temporary& temporary : info.temporaries)
    shared.push_back(add(temporary.bytes * static_cast<size_t>(temporary.per.count(images))));
  if (info.scratchBytes > 0) shared.push_back(add(info.scratchBytes));
  for (std::vector<void*>& table : tables) {
    for (size_t size : sizes)
      table.push_back(add(4 * size));
    table.insert(table.end(), shared.begin(), shared.end());
  }
  auto function = [&](const std::string& symbol) {
    return symbol.empty() ? nullptr : kernels.code().function(symbol);
  };
  auto prepare = function(info.prepareSymbol), launch = function(info.symbol),
       combine = function(info.combineSymbol);
  double best = 1e9, total = 0;
  for (size_t round = 0; round < 8 || (total < 0.15 && round < 400); ++round) {
    void** buffers = tables[round % sets].data();
    double start = threadSeconds();
    if (prepare) prepare(buffers, &images, 0, info.prepareUnits.count(images));
    launch(buffers, &images, 0, info.units.count(images));
    if (combine) combine(buffers, &images, 0, info.combineUnits.count(images));
    double seconds = threadSeconds() - start;
    best = std::min(best, seconds);
    total += seconds;
  }
  return best;
}

} // namespace
} // namespace tailor::backend::testing

int main(int argc, char** argv) {
  using namespace tailor::backend::testing;
  auto target = targetNamed(argc > 1 ? argv[1] : "cpu:native");
  int64_t images = argc > 2 ? std::atol(argv[2]) : 32;
  double peak = tailor::bench::peak_flops() * 1e-9;
  std::printf(
      "target %s, %ld images, peak %.1f GFLOP/s; hot / cold\n%-20s %5s %5s %5s | %15s | %15s | %15s\n",
      target.text.c_str(), long(images), peak, "layer", "side", "in", "out", "forward", "data gradient",
      "weight gradient");
  long only = argc > 3 ? std::atol(argv[3]) : -1, number = -1;
  for (const Layer& layer : kLayers) {
    if (++number != only && only >= 0) continue;
    CompiledKernels kernels(kernelTexts(layer, images, argc > 4 ? argv[4] : ""), target);
    size_t x = size_t(images * layer.side * layer.side * layer.channels),
           y = size_t(images * layer.outputSide() * layer.outputSide() * layer.outputs),
           w = size_t(layer.outputs * layer.channels / layer.groups * layer.kernel * layer.kernel);
    double flops = 2.0 * double(y) * double(w) / double(layer.outputs) * 1e-9;
    std::printf("%-20s %5ld %5ld %5ld", layer.name, long(layer.side), long(layer.channels),
                long(layer.outputs));
    size_t sets = std::clamp<size_t>((size_t(64) << 20) / (4 * (x + y)), 2, 24);
    for (size_t product = 0; product < 3; ++product) {
      size_t a = product == 1 ? y : x, b = product == 2 ? y : w,
             result = product == 0   ? y
                      : product == 1 ? x
                                     : w;
      double hot = measure(kernels, product, {a, b, result}, images, 1);
      double cold = measure(kernels, product, {a, b, result}, images, sets);
      std::printf(" | %6.1f / %6.1f", flops / hot, flops / cold);
      std::fflush(stdout);
    }
    std::printf("\n");
  }
  return 0;
}
