/// convolution_product [PROGRESS] [--target cpu:NAME] [--every N] [--seconds S]: every algorithm that can compute a
/// convolution, over the product of sizes below, against the f64 reference.
///
/// PROGRESS keeps what is done, a line for each block of shapes, and another call of the same build goes on there. Of the product
/// `--every` takes each N-th block, `--seconds` stops after that long. Prints the number of kernels and the worst error.
/// Exit status: 0 all right so far, 1 a kernel is wrong, 2 the command line is.
#include "backend/cpu/KernelCompiler.h"
#include "backend/cpu/kinds/Convolution.h"
#include "backend/cpu/target/CpuTarget.h"
#include "ir/Algorithm.h"
#include "tests/unit/backend/cpu/harness/compile_function.h"
#include "tests/unit/backend/cpu/harness/convolution_shapes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>
#include <stdexcept>

namespace tailor::backend::testing {
namespace {

constexpr int64_t kMostChannels = 48, kImages = 3, kBlock = 12;
/// Of the size that elements of a result have: a few roundings, and for Winograd those of its transforms.
constexpr double kDirect = 2e-5, kWinograd = 1e-4;

/// A number below `choices` for each shape and purpose, mixed as the generator SplitMix64 does, so that no two purposes
/// go in step.
int64_t drawn(int64_t shape, uint64_t purpose, int64_t choices) {
  uint64_t z = (uint64_t(shape) * 16 + purpose + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return int64_t((z ^ (z >> 31)) % uint64_t(choices));
}

/// Every side of 1..17 and 32 with every number of channels, stride, padding (beyond the kernel too) and grouping: none,
/// groups of one channel, groups of several. The rest is drawn by the number of the shape: kernels (half of them 3 x 3,
/// which most algorithms are for), width, outputs, other strides and paddings along the width, dilation.
std::vector<Convolution> product() {
  std::vector<int64_t> sides(17);
  std::iota(sides.begin(), sides.end(), 1);
  sides.push_back(32);
  const std::vector<std::array<int64_t, 2>> kernels{{1, 1}, {2, 3}, {5, 1}, {7, 7}};
  std::vector<Convolution> shapes;
  int64_t number = 0;
  for (int64_t channels = 1; channels <= kMostChannels; ++channels)
    for (int64_t stride : {1, 2, 3})
      for (int64_t padding = 0; padding < 4; ++padding)
        for (int64_t grouping = 0; grouping < 3; ++grouping)
          for (int64_t side : sides) {
            ++number;
            auto draw = [&](uint64_t purpose, int64_t choices) { return drawn(number, purpose, choices); };
            const std::array<int64_t, 2> kernel =
                draw(0, 2) == 0 ? std::array<int64_t, 2>{3, 3} : kernels[size_t(draw(1, 4))];
            Convolution c;
            c.images = kImages;
            c.height = side, c.width = sides[size_t(draw(2, int64_t(sides.size())))];
            c.channels = channels, c.outputs = 1 + draw(3, kMostChannels);
            c.kernelHeight = kernel[0], c.kernelWidth = kernel[1];
            c.strideHeight = stride, c.strideWidth = draw(4, 2) == 0 ? stride : 1 + draw(5, 3);
            c.top = padding < 3 ? padding : kernel[0] + 1;
            c.left = padding < 3 ? padding : kernel[1] + 1;
            c.bottom = draw(6, 3) == 0 ? 0 : c.top, c.right = draw(7, 3) == 0 ? 0 : c.left;
            c.dilationHeight = draw(8, 4) == 0 ? 2 : 1;
            if (grouping > 0) {
              c.groups = channels;
              for (int64_t divisor = 2; grouping == 2 && divisor < channels; ++divisor)
                if (channels % divisor == 0) {
                  c.groups = divisor;
                  break;
                }
              if (c.groups == 1 || (grouping == 2 && c.groups == channels)) continue; // met already
              c.outputs = draw(9, 3) == 0 ? 2 * channels : channels;
            }
            if (c.isValid()) shapes.push_back(c);
          }
  return shapes;
}

/// The image behind a batch norm whose rows from `valid` on are padding: 0, 1 or all; a fourth of the shapes read it from
/// memory as it is.
struct Masked {
  KernelText text;
  std::vector<Tensor> arguments;
};

Masked masked(KernelText text, std::vector<Tensor> arguments, int64_t number) {
  const int64_t kind = drawn(number, 10, 4);
  if (kind == 3) return {std::move(text), std::move(arguments)};
  const Shape shape = arguments[0].shape();
  const std::string image = typeOf(shape), vector = typeOf({shape.back()});
  text.kind = "convolution";
  text.arguments += ", %m: " + vector + ", %f: " + vector + ", %s: " + vector + ", %v: tensor<i32>";
  text.ops = "%n = tailor.batch_norm_apply %a, %m, %f, %s valid(%v) : (" + image + ", " + vector + ", " +
             vector + ", " + vector + ", tensor<i32>) -> " + image + "\n" + text.ops;
  text.ops.replace(text.ops.rfind("%a, "), 4, "%n, ");
  for (unsigned seed : {4, 5, 6})
    arguments.push_back(draw(Element::f32, {shape.back()}, 0.5, 1.5, seed));
  const int64_t valid[] = {0, 1, kImages};
  arguments.push_back(Tensor::integer({}, {valid[kind]}));
  return {std::move(text), std::move(arguments)};
}

/// The largest difference, by the size that elements of the result have.
double errorOf(const Tensor& got, const Tensor& expected) {
  double squares = 0, largest = 0;
  for (int64_t i = 0; i < expected.size(); ++i) {
    squares += expected.at(i) * expected.at(i);
    largest = std::max(largest, std::fabs(got.at(i) - expected.at(i)));
    if (!std::isfinite(got.at(i))) return std::numeric_limits<double>::infinity();
  }
  if (largest == 0) return 0;
  return largest / std::sqrt(squares / double(expected.size()));
}

ConvolutionProblem problemOf(const Convolution& c, ConvolutionProduct product) {
  ConvolutionProblem problem;
  problem.product = product;
  problem.image = {c.height, c.width}, problem.output = {c.outputHeight(), c.outputWidth()};
  problem.channels = c.channels, problem.outputs = c.outputs, problem.groups = c.groups;
  problem.kernel = {c.kernelHeight, c.kernelWidth}, problem.strides = {c.strideHeight, c.strideWidth};
  problem.paddingLow = {c.top, c.left}, problem.paddingHigh = {c.bottom, c.right};
  problem.dilation = {c.dilationHeight, c.dilationWidth};
  return problem;
}

/// What the program is made of: what another build has found is no finding about this one.
std::string hashOfProgram() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  if (bytes.empty()) throw std::runtime_error("this program cannot be read");
  return llvm::utohexstr(llvm::xxh3_64bits(bytes));
}

struct Outcome {
  int64_t kernels = 0;
  double worst = 0; ///< as a part of what is allowed
  std::string where = "-";
};

Outcome runBlock(const std::vector<Convolution>& shapes, int64_t first, const CpuTarget& target) {
  std::vector<KernelText> texts;
  std::vector<std::vector<Tensor>> arguments;
  std::vector<std::string> names;
  std::vector<double> allowed;
  for (int64_t number = first; number < std::min<int64_t>(first + kBlock, int64_t(shapes.size())); ++number) {
    const Convolution& shape = shapes[size_t(number)];
    const std::vector<KernelText> plain = kernelTexts(shape);
    const std::vector<std::vector<Tensor>> drawn = drawArguments(shape);
    for (size_t product = 0; product < 3; ++product)
      for (ConvolutionAlgorithm algorithm : kConvolutionAlgorithms) {
        if (!whyNot(algorithm, problemOf(shape, ConvolutionProduct(product)), target).empty()) continue;
        KernelText text = plain[product];
        text.ops.insert(text.ops.find(" : "),
                        " {" + ir::kAlgorithm.str() + " = \"" + nameOf(algorithm).str() + "\"}");
        Masked kernel = masked(std::move(text), drawn[product], number);
        texts.push_back(std::move(kernel.text));
        arguments.push_back(std::move(kernel.arguments));
        names.push_back(nameOf(algorithm).str() + ", product " + std::to_string(product) + ", shape " +
                        std::to_string(number) + ": " + nameOf(shape));
        const bool isWinograd = nameOf(algorithm).starts_with("winograd");
        allowed.push_back(isWinograd ? kWinograd : kDirect);
      }
  }
  Outcome outcome;
  CompiledKernels kernels(texts, target);
  for (size_t i = 0; i < texts.size(); ++i) {
    ++outcome.kernels;
    const double part =
        errorOf(kernels.run(i, arguments[i])[0], kernels.expected(i, arguments[i])[0]) / allowed[i];
    if (part > outcome.worst) outcome.worst = part, outcome.where = names[i];
  }
  return outcome;
}

int run(const std::string& progress, const std::string& targetName, int64_t every, double seconds) {
  const CpuTarget target = targetNamed(targetName);
  if (!canRun(target)) {
    std::printf("skipped: this machine cannot run code for %s\n", targetName.c_str());
    return 0;
  }
  std::map<int64_t, Outcome> done;
  const std::string key = targetName + ' ' + hashOfProgram();
  if (std::ifstream file(progress); !progress.empty())
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string name, hash;
      int64_t first = 0;
      Outcome outcome;
      if (words >> name >> hash >> first >> outcome.kernels >> outcome.worst && name + ' ' + hash == key) {
        std::getline(words >> std::ws, outcome.where);
        done[first] = outcome;
      }
    }
  std::ofstream log;
  if (!progress.empty()) log.open(progress, std::ios::app);
  const std::vector<Convolution> shapes = product();
  const auto start = std::chrono::steady_clock::now();
  const int64_t blocks = (int64_t(shapes.size()) + kBlock - 1) / kBlock;
  int64_t covered = 0, wanted = 0;
  bool stopped = false;
  Outcome all;
  // In an order that spreads what a part of the product covers: steps of the golden section visit every block once.
  int64_t step = int64_t(double(blocks) * 0.618);
  while (std::gcd(step, blocks) != 1)
    ++step;
  for (int64_t index = 0; index < blocks; index += every, ++wanted) {
    const int64_t first = index * step % blocks * kBlock;
    if (!done.contains(first)) {
      stopped = stopped ||
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() > seconds;
      if (stopped) continue;
      const Outcome outcome = done[first] = runBlock(shapes, first, target);
      if (log.is_open())
        log << key << ' ' << first << ' ' << outcome.kernels << ' ' << outcome.worst << ' ' << outcome.where
            << std::endl;
    }
    const Outcome& outcome = done[first];
    ++covered;
    all.kernels += outcome.kernels;
    if (outcome.worst > all.worst) all.worst = outcome.worst, all.where = outcome.where;
  }
  std::printf("%s: %lld kernels in %lld of %lld blocks (%zu shapes in all); the worst error is %.3g of what "
              "is allowed: "
              "%s\n",
              targetName.c_str(), static_cast<long long>(all.kernels), static_cast<long long>(covered),
              static_cast<long long>(wanted), shapes.size(), all.worst, all.where.c_str());
  return all.worst <= 1 ? 0 : 1;
}

} // namespace
} // namespace tailor::backend::testing

int main(int count, char** words) {
  std::string progress, target = "cpu:native";
  long long every = 1;
  double seconds = 1e18;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const bool hasValue = i + 1 < count;
    if (word == "--target" && hasValue)
      target = words[++i];
    else if (word == "--every" && hasValue)
      every = std::atoll(words[++i]);
    else if (word == "--seconds" && hasValue)
      seconds = std::atof(words[++i]);
    else if (!word.starts_with("--") && progress.empty())
      progress = word;
    else
      every = 0;
  }
  if (every < 1 || !(seconds > 0)) {
    std::fprintf(stderr,
                 "usage: convolution_product [PROGRESS] [--target cpu:NAME] [--every N] [--seconds S]\n");
    return 2;
  }
  try {
    return tailor::backend::testing::run(progress, target, every, seconds);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
