#include "backend/cpu/TaskQueue.h"

#include "runtime/base/cpu_count.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

namespace tailor::backend {

TaskQueue::TaskQueue(size_t numTasks) {
  const auto cores = static_cast<size_t>(runtime::available_cpus()); // the container's, where it has fewer
  threads_.reserve(cores);
  try {
    for (size_t thread = 1; thread < std::min(cores, numTasks); ++thread)
      threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) { // no thread: finish() runs what nobody takes
  } catch (const std::bad_alloc&) {    // no memory for one: the tasks will say so if they need it
  }
}

TaskQueue::~TaskQueue() {
  {
    const std::lock_guard lock(mutex_);
    tasks_.clear(); // who has not called finish() does not want them any more: an error is on its way
  }
  close();
}

void TaskQueue::push(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back({numPushed_, std::move(task)});
    ++numPushed_;
  }
  changed_.notify_one();
}

void TaskQueue::finish() {
  close();
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

void TaskQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    isClosed_ = true;
  }
  changed_.notify_all();
  work();
  for (std::thread& thread : threads_)
    thread.join();
  threads_.clear();
}

/// What leaves the function of a thread ends the process, so whatever a task throws is kept for finish().
void TaskQueue::work() {
  for (Task task; take(task);) {
    try {
      task.run();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (thrown_ && thrownBy_ < task.number) continue;
      thrown_ = std::current_exception();
      thrownBy_ = task.number;
    }
  }
}

bool TaskQueue::take(Task& task) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return isClosed_ || !tasks_.empty(); });
  if (tasks_.empty()) return false;
  task = std::move(tasks_.front());
  tasks_.pop_front();
  return true;
}

} // namespace tailor::backend
