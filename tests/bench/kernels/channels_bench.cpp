// Rates of the reductions over images against a plain read of the same memory.
//   channels_bench [TARGET [IMAGES]]
// Not a test: one line per shape; GB/s of a read, of batch_norm_statistics, and of batch_norm_grad_statistics behind the
// mask of a ReLU, whose bytes are those of its two images. Sets of buffers in turn that no cache holds together.

#include "tests/unit/backend/cpu/harness/compile_function.h"
#include "tests/unit/backend/cpu/harness/compile_kernels.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>

namespace tailor::backend::testing {
namespace {

struct Shape4 {
  int64_t side, channels;
};
constexpr Shape4 kShapes[] = {{32, 16}, {32, 32}, {16, 32}, {16, 64}, {8, 64}, {8, 256}, {32, 160}, {8, 640}};

using Floats = std::unique_ptr<float, decltype(&std::free)>;
Floats floats(size_t size) {
  auto* memory = static_cast<float*>(std::aligned_alloc(64, (size * 4 + 63) / 64 * 64 + 64));
  for (size_t i = 0; i < size; ++i)
    memory[i] = 0.25f * float(i % 7) - 0.5f;
  return {memory, &std::free};
}

/// Time this thread computed: a busy machine's scheduler does not count.
double threadSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

double best(const std::function<void(size_t)>& run) {
  double least = 1e9, total = 0;
  for (size_t round = 0; round < 8 || (total < 0.2 && round < 400); ++round) {
    double start = threadSeconds();
    run(round);
    double seconds = threadSeconds() - start;
    least = std::min(least, seconds);
    total += seconds;
  }
  return least;
}

std::vector<KernelText> kernelTexts(const Shape4& s, int64_t images) {
  std::string sizes = std::to_string(images) + "x" + std::to_string(s.side) + "x" + std::to_string(s.side) +
                      "x" + std::to_string(s.channels);
  std::string x = "tensor<" + sizes + "xf32>", m = "tensor<" + sizes + "xi1>",
              c = "tensor<" + std::to_string(s.channels) + "xf32>";
  return {{"channels", "%x: " + x,
           "%m, %v = tailor.batch_norm_statistics %x : (" + x + ") -> (" + c + ", " + c + ")", "%m, %v",
           c + ", " + c},
          {"channels", "%d: " + x + ", %x: " + x + ", %c: " + c,
           "%y = tailor.batch_norm_apply %x, %c, %c, %c : (" + x + ", " + c + ", " + c + ", " + c + ") -> " +
               x + "\n%z = tailor.constant dense<0.0> : " + x + "\n%on = tailor.compare %y gt %z : " + x +
               "\n%dy = tailor.where %on, %d, %z : " + m + ", " + x +
               "\n%s, %b = tailor.batch_norm_grad_statistics %dy, %x, %c, %c : (" + x + ", " + x + ", " + c +
               ", " + c + ") -> (" + c + ", " + c + ")",
           "%s, %b", c + ", " + c}};
}

} // namespace
} // namespace tailor::backend::testing

int main(int argc, char** argv) {
  using namespace tailor::backend::testing;
  auto target = targetNamed(argc > 1 ? argv[1] : "cpu:native");
  int64_t images = argc > 2 ? std::atol(argv[2]) : 32;
  std::printf("target %s, %ld images; GB/s\n%5s %8s %8s %12s %16s\n", target.text.c_str(), long(images),
              "side", "channels", "read", "statistics", "grad statistics");
  for (const Shape4& shape : kShapes) {
    CompiledKernels kernels(kernelTexts(shape, images), target);
    size_t size = size_t(images * shape.side * shape.side * shape.channels);
    size_t sets = std::clamp<size_t>((size_t(96) << 20) / (4 * size), 2, 64);
    std::vector<Floats> memory;
    for (size_t set = 0; set < sets + 1; ++set)
      memory.push_back(floats(size));
    Floats vector = floats(size_t(shape.channels)), mean = floats(size_t(shape.channels)),
           variance = floats(size_t(shape.channels));
    uint64_t seen = 0;
    double read = best([&](size_t round) {
      const auto* words = reinterpret_cast<const uint64_t*>(memory[round % sets].get());
      uint64_t sum = 0;
      for (size_t i = 0; i < size / 2; ++i)
        sum += words[i];
      seen ^= sum;
    });
    auto kernel = [&](size_t which, size_t numImages) {
      const auto& info = kernels.info(which);
      Floats partials = floats(info.temporaries[0].bytes / 4 * size_t(images));
      auto launch = kernels.code().function(info.symbol);
      return best([&](size_t round) {
        std::vector<void*> buffers;
        for (size_t image = 0; image < numImages; ++image)
          buffers.push_back(memory[(round * numImages + image) % (sets + 1)].get());
        if (numImages == 2) buffers.push_back(vector.get());
        for (float* result : {mean.get(), variance.get(), partials.get()})
          buffers.push_back(result);
        launch(buffers.data(), &images, 0, info.units.count(images));
      });
    };
    double bytes = 4e-9 * double(size);
    std::printf("%5ld %8ld %8.1f %12.1f %16.1f%s\n", long(shape.side), long(shape.channels), bytes / read,
                bytes / kernel(0, 1), 2 * bytes / kernel(1, 2), seen == 1 ? " " : "");
    std::fflush(stdout);
  }
  return 0;
}
