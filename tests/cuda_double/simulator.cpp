#include "tests/cuda_double/simulator.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#if !defined(__x86_64__)
#error "fibers are switched by x86-64 code"
#endif

// Saves what a call preserves and its stack at *save, and goes on where `stack` was saved. The C library's swapcontext asks
// the kernel for the signal mask each time, which takes ten times as long.
extern "C" void tailorSwitchFiber(void** save, void* stack);
asm(R"(
.text
.globl tailorSwitchFiber
.type tailorSwitchFiber, @function
tailorSwitchFiber:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size tailorSwitchFiber, .-tailorSwitchFiber
)");

namespace tailor::backend::testing {
namespace {

constexpr uint32_t kWarp = 32;
constexpr size_t kStackBytes = 64 * 1024;

/// What a thread leaves for others of its warp.
using Words = std::array<uint32_t, 6>;

/// Where the threads of a warp meet: each leaves its words, and takes others' when all are there. Two rounds of words,
/// because a thread may leave those of the next one before the last has taken its own.
struct Meeting {
  uint64_t arrived = 0; ///< of all rounds together
  Words words[2][kWarp] = {};
  uint32_t reasons[2] = {};
};

struct Fiber {
  void* stack = nullptr; ///< where it goes on
  uint64_t rounds = 0;   ///< meetings of its warp it has been at
  uint64_t barriers = 0; ///< of the block
  bool done = false;
};

/// One block at a time.
struct Block {
  const std::function<void()>* body = nullptr;
  void* scheduler = nullptr;
  std::vector<Fiber> fibers;     ///< none where threads never wait
  std::vector<Meeting> meetings; ///< by warp
  uint64_t arrived = 0;          ///< at barriers of the block, of all rounds together
  uint32_t number = 0, count = 0, current = 0, threads = 0;
  std::string problem; ///< empty: none
};
Block* running = nullptr;

void yield() {
  tailorSwitchFiber(&running->fibers[running->current].stack, running->scheduler);
}

void enterFiber() {
  (*running->body)();
  running->fibers[running->current].done = true;
  yield(); // never comes back
}

/// Stacks stay from launch to launch: their pages would be asked for anew each time.
char* stackOf(size_t thread) {
  static std::vector<std::unique_ptr<char[]>> stacks;
  while (stacks.size() <= thread)
    stacks.push_back(std::make_unique_for_overwrite<char[]>(kStackBytes));
  return stacks[thread].get();
}

void prepare(Fiber& fiber, size_t thread) {
  auto top = reinterpret_cast<uintptr_t>(stackOf(thread) + kStackBytes) / 16 * 16;
  auto* words =
      reinterpret_cast<uintptr_t*>(top) - 8; // six registers, the address, one that makes a call's alignment
  std::fill_n(words, 8, 0);
  words[6] = reinterpret_cast<uintptr_t>(&enterFiber);
  fiber.stack = words;
  fiber.rounds = fiber.barriers = 0;
  fiber.done = false;
}

void runFibers(Block& block, const std::vector<uint32_t>& turns) {
  for (size_t thread = 0; thread < block.fibers.size(); ++thread)
    prepare(block.fibers[thread], thread);
  block.arrived = 0;
  block.meetings.assign(block.fibers.size() / kWarp, {});
  auto progress = [&] {
    uint64_t sum = 0;
    for (const Fiber& fiber : block.fibers)
      sum += fiber.rounds + fiber.barriers + fiber.done;
    return sum;
  };
  for (uint64_t before = 0; std::any_of(block.fibers.begin(), block.fibers.end(),
                                        [](const Fiber& fiber) { return !fiber.done; });) {
    for (uint32_t turn : turns) {
      block.current = turn;
      if (!block.fibers[turn].done) tailorSwitchFiber(&block.scheduler, block.fibers[turn].stack);
      if (!block.problem.empty()) throw std::runtime_error(block.problem);
    }
    if (progress() == before) throw std::runtime_error("threads wait for others that never come");
    before = progress();
  }
}

} // namespace

void runBlocks(uint32_t blocks, uint32_t threads, Order order, bool meets,
               const std::function<void()>& beforeBlock, const std::function<void()>& thread) {
  if (threads == 0 || threads % kWarp != 0 || threads > 1024)
    throw std::runtime_error("a block of " + std::to_string(threads) + " threads");
  std::mt19937 random(7);
  auto ordered = [&](uint32_t count) {
    std::vector<uint32_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 0);
    if (order == Order::reverse) std::reverse(numbers.begin(), numbers.end());
    if (order == Order::random) std::shuffle(numbers.begin(), numbers.end(), random);
    return numbers;
  };
  Block block;
  block.body = &thread;
  block.count = blocks;
  block.threads = threads;
  if (meets) block.fibers.resize(threads);
  running = &block;
  for (uint32_t number : ordered(blocks)) {
    block.number = number;
    beforeBlock();
    if (meets) {
      runFibers(block, ordered(threads));
      continue;
    }
    for (uint32_t turn : ordered(threads)) {
      block.current = turn;
      thread();
      if (!block.problem.empty()) throw std::runtime_error(block.problem);
    }
  }
  running = nullptr;
}

uint32_t threadNumber() {
  return running->current;
}

uint32_t blockNumber() {
  return running->number;
}

uint32_t numBlocks() {
  return running->count;
}

uint32_t numThreads() {
  return running->threads;
}

uint32_t barriersPassed() {
  return running->fibers.empty() ? 0 : static_cast<uint32_t>(running->fibers[running->current].barriers);
}

void report(const std::string& problem) {
  if (running->problem.empty()) running->problem = problem;
}

/// The words of all threads of the warp, who come for the same reason: valid until the thread meets them again.
static const Words* meet(uint32_t reason, const Words& words) {
  const uint32_t thread = running->current;
  Fiber& fiber = running->fibers.at(thread);
  Meeting& meeting = running->meetings[thread / kWarp];
  const uint64_t round = fiber.rounds++;
  uint32_t& agreed = meeting.reasons[round % 2];
  if (meeting.arrived == round * kWarp) agreed = reason; // the first of the round
  if (agreed != reason) report("the threads of a warp meet in different operations");
  meeting.words[round % 2][thread % kWarp] = words;
  ++meeting.arrived;
  while (meeting.arrived < (round + 1) * kWarp)
    yield();
  return meeting.words[round % 2];
}

uint32_t exchange(uint32_t bits, uint32_t distance) {
  return meet(distance, {bits})[running->current % kWarp ^ distance][0];
}

/// Which threads have what of the matrices: PTX ISA, matrix fragments for mma.m16n8k16 of bf16 and mma.m16n8k8 of tf32. Of both a
/// line is eight words deep.
void multiplyMatrices(const uint32_t (&a)[4], const uint32_t (&b)[2], const float (&c)[4],
                      uint32_t valuesOfWord, float* d) {
  constexpr uint32_t kReason = 1000; // no distance
  const Words* all = meet(kReason, {a[0], a[1], a[2], a[3], b[0], b[1]});
  const uint32_t lane = running->current % kWarp, group = lane / 4, pair = lane % 4;
  auto value = [&](uint32_t word, uint32_t which) {
    if (valuesOfWord == 1)
      return std::bit_cast<float>(word & 0xffffe000u); // the other bits are not looked at
    return std::bit_cast<float>(which ? word & 0xffff0000u : word << 16);
  };
  for (uint32_t i = 0; i < 4; ++i) {
    const uint32_t lowerRow = i / 2, column = 2 * pair + i % 2; // rows group and group + 8
    d[i] = c[i];
    for (uint32_t word = 0; word < 8; ++word)
      for (uint32_t which = 0; which < valuesOfWord; ++which) {
        const uint32_t upper = word / 4, of = word % 4;
        const float x = value(all[4 * group + of][lowerRow + 2 * upper], which);
        const float y = value(all[4 * column + of][4 + upper], which);
        d[i] += x * y; // the product is exact
      }
  }
}

void waitForBlock() {
  const uint64_t round = running->fibers.at(running->current).barriers++;
  ++running->arrived;
  while (running->arrived < (round + 1) * running->fibers.size())
    yield();
}

} // namespace tailor::backend::testing
