// What the watch of simulated kernels finds, and what it lets pass: kernels with one fault each, and as they should be.

#include "tests/cuda_double/retarget.h"
#include "tests/cuda_double/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <stdexcept>
#include <vector>

namespace tailor::backend::testing {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kThreads = 64;

/// A kernel of one warp or two over %x of 256 bytes and %y of 1024, with a counter and shared memory.
std::string kernelOf(const std::string& body) {
  return R"(
@kernel_tickets = internal addrspace(1) global [1 x i32] zeroinitializer
@kernel_slab = internal addrspace(3) global [64 x float] undef
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
define void @kernel(ptr %x, ptr %y) "nvvm.reqntid"="64" "tailor.extents"="256,1024" {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %i = zext i32 %t to i64
  %first = icmp eq i32 %t, 0
  %px = getelementptr float, ptr %x, i64 %i
  %slab = addrspacecast ptr addrspace(3) @kernel_slab to ptr
  %ps = getelementptr float, ptr %slab, i64 %i
  %other = xor i64 %i, 1
  %po = getelementptr float, ptr %slab, i64 %other
  %tickets = addrspacecast ptr addrspace(1) @kernel_tickets to ptr
)" + body +
         "\n}\n";
}

/// What the watch says of `blocks` blocks; empty: nothing.
std::string said(const std::string& body, uint32_t blocks = 1, Order order = Order::forward) {
  static std::vector<float> memory(64 + 256, 1.0f); // %y lies right behind %x, as in an arena
  HostKernels kernels(kernelOf(body), /*watched=*/true);
  try {
    kernels.launch(
        "kernel", blocks, kThreads, order,
        {reinterpret_cast<uint64_t>(memory.data()), reinterpret_cast<uint64_t>(memory.data() + 64)});
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(Watch, AnAccessIsHeldToItsOwnOperand) {
  EXPECT_EQ(said("  store float 2.0, ptr %px\n  ret void"), "");
  const std::string wrong =
      said("  %p = getelementptr float, ptr %px, i64 1\n  store float 2.0, ptr %p\n  ret void");
  EXPECT_THAT(
      wrong,
      HasSubstr(
          "kernel 'kernel': thread 63 of block 0 writes outside of argument 0: bytes 256 to 260 of 256"));
  EXPECT_THAT(wrong, HasSubstr("instruction 12: store float"));
  EXPECT_THAT(said("  %p = getelementptr i8, ptr %px, i64 -4\n  %v = load float, ptr %p\n  store float %v, "
                   "ptr %px\n  ret void"),
              HasSubstr("thread 0 of block 0 reads outside of argument 0: bytes -4 to 0 of 256"));
}

TEST(Watch, LanesThatAreMaskedAreNotRead) {
  const std::string load = "  %p = getelementptr float, ptr %x, i64 62\n"
                           "  %v = call <4 x float> @llvm.masked.load.v4f32.p0(ptr align 4 %p, <4 x i1> ";
  const std::string rest = ", <4 x float> zeroinitializer)\n  ret void";
  EXPECT_EQ(said(load + "<i1 true, i1 true, i1 false, i1 false>" + rest), "");
  EXPECT_THAT(said(load + "<i1 true, i1 true, i1 true, i1 false>" + rest),
              HasSubstr("reads outside of argument 0"));
}

TEST(Watch, SharedMemoryIsWrittenBeforeItIsRead) {
  EXPECT_THAT(said("  %v = load float, ptr %ps\n  store float %v, ptr %px\n  ret void"),
              HasSubstr("reads what nobody wrote"));
}

TEST(Watch, ThreadsOfABlockMeetBetweenAWriteAndARead) {
  const std::string write = "  store float 1.0, ptr %ps\n",
                    barrier = "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n",
                    read = "  %v = load float, ptr %po\n  store float %v, ptr %px\n",
                    again = "  store float 2.0, ptr %ps\n  ret void";
  EXPECT_EQ(said(write + barrier + read + barrier + again), "");
  for (Order order : {Order::forward, Order::reverse}) {
    EXPECT_THAT(said(write + read + barrier + again, 1, order),
                ::testing::AnyOf(HasSubstr("what nobody wrote"), HasSubstr("with nothing that orders them")));
    EXPECT_THAT(said(write + barrier + read + again, 1, order), HasSubstr("with nothing that orders them"));
  }
}

/// Every block writes its share to %y; the last one adds them up. Each part can be left out.
struct Meeting {
  std::string barrier = "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n";
  std::string fence = "  fence syncscope(\"device\") acq_rel\n", fenceBehind = fence, barrierBehind = barrier;

  std::string body() const {
    return R"(
  %at = mul i32 %b, 64
  %mine = add i32 %at, %t
  %m = zext i32 %mine to i64
  %pm = getelementptr float, ptr %y, i64 %m
  store float 1.0, ptr %pm
)" + barrier +
           R"(
  br i1 %first, label %ticket, label %met
ticket:
)" + fence +
           R"(
  %before = atomicrmw add ptr %tickets, i32 1 syncscope("device") monotonic
  %last = icmp eq i32 %before, 3
  %flag = select i1 %last, float 1.0, float 0.0
  store float %flag, ptr %slab
)" + fenceBehind +
           R"(
  br label %met
met:
)" + barrierBehind +
           R"(
  %f = load float, ptr %slab
  %is = fcmp oeq float %f, 1.0
  br i1 %is, label %add, label %done
add:
  %theirs = getelementptr float, ptr %y, i64 %i
  %v = load float, ptr %theirs
  store float %v, ptr %px
  store i32 0, ptr %tickets
  br label %done
done:
  ret void)";
  }
};

TEST(Watch, TheLastBlockReadsWhatOthersPublished) {
  EXPECT_EQ(said(Meeting().body(), 4), "");
  EXPECT_EQ(said(Meeting().body(), 4, Order::reverse), "");
  EXPECT_THAT(said(Meeting{.fence = "", .fenceBehind = Meeting().fence}.body(), 4),
              HasSubstr("with nothing that orders them"));
  EXPECT_THAT(said(Meeting{.fence = Meeting().fence, .fenceBehind = ""}.body(), 4),
              HasSubstr("with nothing that orders them"));
  EXPECT_THAT(said(Meeting{.barrier = ""}.body(), 4), HasSubstr("with nothing that orders them"));
  Meeting early;
  early.barrierBehind = "";
  EXPECT_NE(said(early.body(), 4), "");
}

TEST(Watch, BlocksDoNotWriteTheSame) {
  EXPECT_THAT(said("  store float 2.0, ptr %px\n  ret void", 2),
              HasSubstr("thread 0 of block 1 writes what thread 0 of block 0 writes"));
  EXPECT_THAT(said("  %v = load float, ptr %px\n  br i1 %first, label %w, label %d\nw:\n  %n = getelementptr "
                   "float, ptr %x, i64 5\n  "
                   "store float %v, ptr %n\n  br label %d\nd:\n  ret void",
                   2),
              HasSubstr("with nothing that orders them"));
}

TEST(Watch, MemoryOfTheDeviceIsWrittenBeforeItIsRead) {
  alignas(64) float memory[128] = {};
  const auto x = reinterpret_cast<uint64_t>(memory), y = reinterpret_cast<uint64_t>(memory + 64);
  HostKernels kernels(kernelOf("  %v = load float, ptr %px\n  store float %v, ptr %px\n  ret void"), true);
  watch().allocate(x, sizeof memory);
  EXPECT_THROW(kernels.launch("kernel", 1, kThreads, Order::forward, {x, y}), std::runtime_error);
  watch().written(x, 256);
  EXPECT_NO_THROW(kernels.launch("kernel", 1, kThreads, Order::forward, {x, y}));
  watch().release(x);
}

} // namespace
} // namespace tailor::backend::testing
