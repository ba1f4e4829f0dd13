// What LLVM and ptxas make of kernels: accesses of 16 bytes, shuffles, no spills, no contraction.

#include "tests/unit/backend/cuda/harness/simulated_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <unistd.h>

namespace tailor::backend::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

/// %q: the gradient of a norm's operand, behind the mask of its activation.
const std::string kNormGradient =
    "%x: tensor<32x8x8x64xf32>, %m: tensor<64xf32>, %f: tensor<64xf32>, %b: tensor<64xf32>, %v: tensor<i32>, "
    "%g: tensor<32x8x8x64xf32>, %k: tensor<64xf32>, %l: tensor<64xf32>";
const std::string kMaskedGradient =
    "%z = tailor.constant dense<0.0> : tensor<32x8x8x64xf32>\n%n = tailor.batch_norm_apply %x, %m, %f, %b "
    "valid(%v) : (tensor<32x8x8x64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<i32>) -> "
    "tensor<32x8x8x64xf32>\n%h = tailor.relu %n : tensor<32x8x8x64xf32>\n%a = tailor.compare %h ne %z : "
    "tensor<32x8x8x64xf32>\n%t = tailor.where %a, %g, %z : tensor<32x8x8x64xi1>, tensor<32x8x8x64xf32>\n%q = "
    "tailor.batch_norm_grad_apply %t, %x, %m, %f, %k, %l valid(%v) : (tensor<32x8x8x64xf32>, "
    "tensor<32x8x8x64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<i32>) -> "
    "tensor<32x8x8x64xf32>\n";

const std::vector<KernelText>& kernels() {
  static const std::vector<KernelText> texts{
      {"map", "%x: tensor<128x64xf32>, %y: tensor<128x64xf32>",
       "%s = tailor.add %x, %y : tensor<128x64xf32>\n%r = tailor.relu %s : tensor<128x64xf32>", "%r",
       "tensor<128x64xf32>"},
      {"multi_tensor",
       "%w: tensor<4096xf32>, %g: tensor<4096xf32>, %v: tensor<4096xf32>, %lr: tensor<f32>, %mu: "
       "tensor<f32>, %wd: "
       "tensor<f32>",
       "%n, %u = tailor.sgd_update params(%w) grads(%g) velocity(%v) lr(%lr) momentum(%mu) weight_decay(%wd) "
       "decayed([true]) : (tensor<4096xf32>, tensor<4096xf32>, tensor<4096xf32>, tensor<f32>, tensor<f32>, "
       "tensor<f32>) -> (tensor<4096xf32>), (tensor<4096xf32>)",
       "%n, %u", "tensor<4096xf32>, tensor<4096xf32>"},
      {"rows", "%z: tensor<64x100xf32>, %y: tensor<64xi32>",
       "%l = tailor.softmax_cross_entropy %z, %y : tensor<64xi32> reduction(batch_mean) : tensor<64x100xf32> "
       "-> "
       "tensor<f32>",
       "%l", "tensor<f32>"},
      // Rows of whole vectors, read with a bias.
      {"map", "%x: tensor<128x64xf32>, %b: tensor<64xf32>",
       "%w = tailor.broadcast %b dims([1]) : tensor<64xf32> to tensor<128x64xf32>\n%s = tailor.add %x, %w : "
       "tensor<128x64xf32>",
       "%s", "tensor<128x64xf32>"},
      // Tiles of 128, and of 32.
      {"gemm", "%a: tensor<2048x1024xf32>, %b: tensor<1024x1024xf32>",
       "%p = tailor.dot %a, %b contract([1] x [1]) : (tensor<2048x1024xf32>, tensor<1024x1024xf32>) -> "
       "tensor<2048x1024xf32>\n%r = tailor.relu %p : tensor<2048x1024xf32>",
       "%r", "tensor<2048x1024xf32>"},
      {"gemm", "%a: tensor<32x100xf32>, %b: tensor<100x64xf32>",
       "%r = tailor.dot %a, %b contract([1] x [0]) : (tensor<32x100xf32>, tensor<100x64xf32>) -> "
       "tensor<32x64xf32>",
       "%r", "tensor<32x64xf32>"},
      {"gemm", "%x: tensor<2048x1024xbf16>, %y: tensor<1024x1024xbf16>",
       "%a = tailor.cast %x : tensor<2048x1024xbf16> to tensor<2048x1024xf32>\n%b = tailor.cast %y : "
       "tensor<1024x1024xbf16> to tensor<1024x1024xf32>\n%p = tailor.dot %a, %b contract([1] x [1]) : "
       "(tensor<2048x1024xf32>, tensor<1024x1024xf32>) -> tensor<2048x1024xf32>\n%r = tailor.cast %p : "
       "tensor<2048x1024xf32> to tensor<2048x1024xbf16>",
       "%r", "tensor<2048x1024xbf16>"},
      {"convolution", "%xs: tensor<32x16x16x64xbf16>, %ws: tensor<64x64x3x3xbf16>",
       "%x = tailor.cast %xs : tensor<32x16x16x64xbf16> to tensor<32x16x16x64xf32>\n%w = tailor.cast %ws : "
       "tensor<64x64x3x3xbf16> to tensor<64x64x3x3xf32>\n%p = tailor.conv2d %x, %w strides([1, 1]) "
       "padding([1, 1, 1, 1]) dilation([1, 1]) : (tensor<32x16x16x64xf32>, tensor<64x64x3x3xf32>) -> "
       "tensor<32x16x16x64xf32>\n%r = tailor.cast %p : tensor<32x16x16x64xf32> to tensor<32x16x16x64xbf16>",
       "%r", "tensor<32x16x16x64xbf16>"},
      // A convolution behind a norm and its activation.
      {"convolution",
       "%x: tensor<32x16x16x32xf32>, %m: tensor<32xf32>, %f: tensor<32xf32>, %b: tensor<32xf32>, %v: "
       "tensor<i32>, %w: "
       "tensor<32x32x3x3xf32>",
       "%n = tailor.batch_norm_apply %x, %m, %f, %b valid(%v) : (tensor<32x16x16x32xf32>, tensor<32xf32>, "
       "tensor<32xf32>, tensor<32xf32>, tensor<i32>) -> tensor<32x16x16x32xf32>\n%h = tailor.relu %n : "
       "tensor<32x16x16x32xf32>\n%r = tailor.conv2d %h, %w strides([1, 1]) padding([1, 1, 1, 1]) "
       "dilation([1, 1]) : (tensor<32x16x16x32xf32>, tensor<32x32x3x3xf32>) -> tensor<32x16x16x32xf32>",
       "%r", "tensor<32x16x16x32xf32>"},
      // The gradient of a norm and of its activation before both gradients of a convolution; of a shortcut behind one.
      {"convolution",
       kNormGradient + ", %w: tensor<64x32x3x3xf32>, %o: tensor<32x16x16x32xf32>, %d: tensor<32x64xf32>, %c: "
                       "tensor<32x8x8x64xi1>",
       kMaskedGradient +
           "%p = tailor.conv2d_data_grad %q, %w strides([2, 2]) padding([1, 1, 1, 1]) dilation([1, 1]) : "
           "(tensor<32x8x8x64xf32>, tensor<64x32x3x3xf32>) -> tensor<32x16x16x32xf32>\n%zero = "
           "tailor.constant dense<0.0> : "
           "tensor<32x16x16x32xf32>\n%on = tailor.compare %o ne %zero : tensor<32x16x16x32xf32>\n%e = "
           "tailor.broadcast %d dims([0, 3]) : tensor<32x64xf32> to tensor<32x8x8x64xf32>\n%u = tailor.where "
           "%c, %e, %z : tensor<32x8x8x64xi1>, tensor<32x8x8x64xf32>\n%sl = tailor.slice %u from([0, 0, 0, "
           "16]) to([32, 8, 8, 48]) by([1, 1, 1, 1]) : tensor<32x8x8x64xf32> to tensor<32x8x8x32xf32>\n%pd = "
           "tailor.pad %sl low([0, 0, 0, 0]) high([0, 1, 1, 0]) interior([0, 1, 1, 0]) : "
           "tensor<32x8x8x32xf32> to tensor<32x16x16x32xf32>\n%s = tailor.add %pd, %p : "
           "tensor<32x16x16x32xf32>\n%r = tailor.where %on, %s, %zero : tensor<32x16x16x32xi1>, "
           "tensor<32x16x16x32xf32>",
       "%r", "tensor<32x16x16x32xf32>"},
      {"convolution", kNormGradient + ", %y: tensor<32x16x16x32xf32>",
       kMaskedGradient +
           "%r = tailor.conv2d_weight_grad %y, %q strides([2, 2]) padding([1, 1, 1, 1]) "
           "dilation([1, 1]) : (tensor<32x16x16x32xf32>, tensor<32x8x8x64xf32>) -> tensor<64x32x3x3xf32>",
       "%r", "tensor<64x32x3x3xf32>"},
      // Of tf32; of images that are normalised as they are read and then rounded, as if they had been stored in bf16.
      {"gemm", "%x: tensor<2048x1024xf32>, %y: tensor<1024x1024xf32>",
       "%a = tailor.round_tf32 %x : tensor<2048x1024xf32>\n%b = tailor.round_tf32 %y : "
       "tensor<1024x1024xf32>\n"
       "%r = tailor.dot %a, %b contract([1] x [1]) : (tensor<2048x1024xf32>, tensor<1024x1024xf32>) -> "
       "tensor<2048x1024xf32>",
       "%r", "tensor<2048x1024xf32>"},
      {"convolution",
       "%xs: tensor<32x16x16x32xbf16>, %m: tensor<32xf32>, %f: tensor<32xf32>, %b: tensor<32xf32>, %v: "
       "tensor<i32>, %ws: tensor<32x32x3x3xbf16>",
       "%x = tailor.cast %xs : tensor<32x16x16x32xbf16> to tensor<32x16x16x32xf32>\n%w = tailor.cast %ws : "
       "tensor<32x32x3x3xbf16> to tensor<32x32x3x3xf32>\n%n = tailor.batch_norm_apply %x, %m, %f, %b "
       "valid(%v) : "
       "(tensor<32x16x16x32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<i32>) -> "
       "tensor<32x16x16x32xf32>\n%h = tailor.relu %n : tensor<32x16x16x32xf32>\n%hs = tailor.cast %h : "
       "tensor<32x16x16x32xf32> to tensor<32x16x16x32xbf16>\n%q = tailor.cast %hs : tensor<32x16x16x32xbf16> "
       "to "
       "tensor<32x16x16x32xf32>\n%r = tailor.conv2d %q, %w strides([1, 1]) padding([1, 1, 1, 1]) "
       "dilation([1, 1]) : (tensor<32x16x16x32xf32>, tensor<32x32x3x3xf32>) -> tensor<32x16x16x32xf32>",
       "%r", "tensor<32x16x16x32xf32>"},
      // Beside a tile of 32, whose registers all blocks get: a loss by rows and a map.
      {"horizontal",
       "%a: tensor<32x100xf32>, %b: tensor<100x64xf32>, %z: tensor<64x100xf32>, %y: tensor<64xi32>, "
       "%x: "
       "tensor<128x64xf32>, %w: tensor<128x64xf32>",
       "%p = tailor.part @kernel5(%a, %b) : (tensor<32x100xf32>, tensor<100x64xf32>) -> "
       "tensor<32x64xf32>\n%l = tailor.part @kernel2(%z, %y) : (tensor<64x100xf32>, tensor<64xi32>) -> "
       "tensor<f32>\n%r = tailor.part @kernel0(%x, %w) : (tensor<128x64xf32>, tensor<128x64xf32>) -> "
       "tensor<128x64xf32>",
       "%p, %l, %r", "tensor<32x64xf32>, tensor<f32>, tensor<128x64xf32>"},
  };
  return texts;
}

/// The PTX of one function.
std::string functionIn(const std::string& ptx, const std::string& name) {
  size_t from = ptx.find(".entry " + name + "(");
  size_t to = ptx.find(".entry ", from + 7);
  return from == std::string::npos ? "" : ptx.substr(from, to == std::string::npos ? to : to - from);
}

TEST(CudaMachineCode, WideAccessesAndExactArithmetic) {
  for (const char* target : {"cuda:sm_80", "cuda:sm_90", "cuda:sm_100"}) {
    SCOPED_TRACE(target);
    SimulatedKernels compiled(kernels(), target);
    EXPECT_THAT(compiled.ptx(), HasSubstr(std::string(".target ") + (target + 5)));
    for (const std::string name : {"kernel0", "kernel1", "kernel3", "kernel4", "kernel5"}) {
      const std::string code = functionIn(compiled.ptx(), name);
      if (name < "kernel4") // threads of products load one by one, for shared memory
        EXPECT_THAT(code, ContainsRegex("ld\\.global[.a-z0-9]*\\.(v4\\.[bf]32|v2\\.b64)")) << name;
      EXPECT_THAT(code, ContainsRegex("st\\.global[.a-z0-9]*\\.(v4\\.[bf]32|v2\\.b64)")) << name;
    }
    EXPECT_THAT(functionIn(compiled.ptx(), "kernel2"), HasSubstr("shfl.sync.bfly"));
    EXPECT_THAT(functionIn(compiled.ptx(), "kernel11"),
                HasSubstr("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"));
    for (const char* name : {"kernel6", "kernel7", "kernel12"})
      EXPECT_THAT(functionIn(compiled.ptx(), name),
                  HasSubstr("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"));
    EXPECT_THAT(functionIn(compiled.ptx(), "kernel5"), Not(HasSubstr("mma.sync")));
    // What LLVM does not mark as rounded, ptxas may contract; what is approximate or flushes denormals would differ from the CPU.
    std::smatch found;
    const std::regex loose("\\s(add|sub|mul|div|sqrt)\\.(f32|approx|full|ftz)[^;]*");
    EXPECT_FALSE(std::regex_search(compiled.ptx(), found, loose)) << found.str();
    EXPECT_THAT(compiled.ptx(), Not(HasSubstr(".ftz")));
  }
}

// The simulator runs a block to its end before the next one, so it cannot see these missing.
TEST(CudaMachineCode, TheLastBlockSeesWhatTheOthersStored) {
  SimulatedKernels compiled(kernels(), "cuda:sm_90");
  const std::string loss = functionIn(compiled.ptx(), "kernel2");
  size_t at = 0;
  for (const char* next : {"st.global", "bar.sync", "fence.acq_rel.gpu", "atom.global.add",
                           "fence.acq_rel.gpu", "bar.sync", "ld.global"}) {
    at = loss.find(next, at);
    ASSERT_NE(at, std::string::npos) << next << " is not where it should be in\n" << loss;
    at += 1;
  }
  // Read-only caches would give what was there before.
  EXPECT_THAT(compiled.ptx(), Not(HasSubstr("ld.global.nc")));
}

TEST(CudaMachineCode, NoSpillsAndFewRegisters) {
  const char* root = std::getenv("CUDA_HOME");
  std::filesystem::path ptxas = std::filesystem::path(root ? root : "/usr/local/cuda") / "bin/ptxas";
  if (!std::filesystem::exists(ptxas)) ptxas = TAILOR_GPU_TOOLS "/nvidia/cu13/bin/ptxas";
  if (!std::filesystem::exists(ptxas))
    GTEST_SKIP() << "no ptxas in CUDA_HOME or /usr/local/cuda; tools/scripts/install-packages gpu";
  const auto folder = std::filesystem::temp_directory_path() / ("tailor-ptxas-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  for (const std::string architecture : {"sm_80", "sm_90", "sm_100"}) {
    SimulatedKernels compiled(kernels(), "cuda:" + architecture);
    std::ofstream(folder / "k.ptx") << compiled.ptx();
    const std::string command = ptxas.string() + " -v -arch=" + architecture + " -o " +
                                (folder / "k.cubin").string() + " " + (folder / "k.ptx").string() + " 2>&1";
    std::string output;
    FILE* pipe = popen(command.c_str(), "r");
    ASSERT_TRUE(pipe);
    char buffer[4096];
    while (size_t read = fread(buffer, 1, sizeof buffer, pipe))
      output.append(buffer, read);
    ASSERT_EQ(pclose(pipe), 0) << output;
    const std::regex used("Used ([0-9]+) registers"), spills("([0-9]+) bytes spill");
    std::vector<int> registers;
    for (auto it = std::sregex_iterator(output.begin(), output.end(), used); it != std::sregex_iterator();
         ++it)
      registers.push_back(std::stoi((*it)[1]));
    ASSERT_EQ(registers.size(), 14u) << output;
    // A multiprocessor has 65536: three blocks of 256 threads with 80. Tiles of 128 hold 64 sums a thread: two blocks fit.
    std::sort(registers.begin(), registers.end());
    EXPECT_LE(registers[10], 80) << output;
    EXPECT_LE(registers[13], 128) << output;
    for (auto it = std::sregex_iterator(output.begin(), output.end(), spills); it != std::sregex_iterator();
         ++it)
      EXPECT_EQ((*it)[1], "0") << output;
  }
  std::filesystem::remove_all(folder);
}

} // namespace
} // namespace tailor::backend::testing
