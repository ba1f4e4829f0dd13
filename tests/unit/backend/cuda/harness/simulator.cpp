#include "tests/unit/backend/cuda/harness/simulator.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include <ucontext.h>

namespace tailor::backend::testing {
namespace {

constexpr uint32_t kWarp = 32;
constexpr size_t kStackBytes = 64 * 1024;

/// Where the threads of a warp meet: each leaves its bits, and takes another's when all are there. Two rounds of bits, because a
/// thread may leave those of the next one before the last has taken its own.
struct Meeting {
  uint64_t arrived = 0; ///< of all rounds together
  uint32_t bits[2][kWarp] = {}, distances[2] = {};
};

struct Fiber {
  ucontext_t context = {};
  std::vector<char> stack;
  uint64_t rounds = 0; ///< meetings it has been at
  bool done = false;
};

/// One block at a time.
struct Block {
  const std::function<void()>* body = nullptr;
  ucontext_t scheduler = {};
  std::vector<Fiber> fibers;
  std::vector<Meeting> meetings; ///< by warp
  uint32_t number = 0, current = 0;
  const char* problem = nullptr;
};
Block* running = nullptr;

void enterFiber() {
  (*running->body)();
  running->fibers[running->current].done = true;
  swapcontext(&running->fibers[running->current].context, &running->scheduler);
}

void yield() {
  swapcontext(&running->fibers[running->current].context, &running->scheduler);
}

void runBlock(Block& block, const std::vector<uint32_t>& turns) {
  running = &block;
  for (Fiber& fiber : block.fibers) {
    getcontext(&fiber.context);
    fiber.stack.resize(kStackBytes);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = nullptr;
    fiber.rounds = 0;
    fiber.done = false;
    makecontext(&fiber.context, enterFiber, 0);
  }
  block.meetings.assign(block.fibers.size() / kWarp, {});
  auto progress = [&] {
    uint64_t sum = 0;
    for (const Fiber& fiber : block.fibers)
      sum += fiber.rounds + fiber.done;
    return sum;
  };
  for (uint64_t before = 0; std::any_of(block.fibers.begin(), block.fibers.end(),
                                        [](const Fiber& fiber) { return !fiber.done; });) {
    for (uint32_t turn : turns) {
      block.current = turn;
      if (!block.fibers[turn].done) swapcontext(&block.scheduler, &block.fibers[turn].context);
      if (block.problem) throw std::runtime_error(block.problem);
    }
    if (progress() == before) throw std::runtime_error("threads of a warp wait for others that never come");
    before = progress();
  }
}

} // namespace

void runBlocks(uint32_t blocks, uint32_t threads, Order order, const std::function<void()>& thread) {
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
  block.fibers.resize(threads);
  for (uint32_t number : ordered(blocks)) {
    block.number = number;
    runBlock(block, ordered(threads));
  }
  running = nullptr;
}

uint32_t threadNumber() {
  return running->current;
}

uint32_t blockNumber() {
  return running->number;
}

uint32_t exchange(uint32_t bits, uint32_t distance) {
  const uint32_t thread = running->current, lane = thread % kWarp;
  Fiber& fiber = running->fibers[thread];
  Meeting& meeting = running->meetings[thread / kWarp];
  const uint64_t round = fiber.rounds++;
  uint32_t& agreed = meeting.distances[round % 2];
  if (meeting.arrived == round * kWarp) agreed = distance; // the first of the round
  if (agreed != distance) running->problem = "the threads of a warp meet in different shuffles";
  meeting.bits[round % 2][lane] = bits;
  ++meeting.arrived;
  while (meeting.arrived < (round + 1) * kWarp)
    yield();
  return meeting.bits[round % 2][lane ^ distance];
}

} // namespace tailor::backend::testing
