#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tailor::backend {

/// Runs tasks on the cores that this process may have, in the order in which they come.
class TaskQueue {
public:
  /// For about so many tasks: there are no more threads. A thread that the system refuses makes it slower, no more.
  explicit TaskQueue(size_t numTasks);
  /// Waits for what runs; what nobody has begun is left out.
  ~TaskQueue();
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;

  void push(std::function<void()> task);
  /// Runs what nobody has begun, and waits for the rest. Throws what a task threw, of several the one that came first.
  void finish();

private:
  struct Task {
    size_t number;
    std::function<void()> run;
  };

  void close();
  void work();
  bool take(Task& task);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_; ///< not begun
  size_t numPushed_ = 0;
  bool isClosed_ = false;     ///< no more will come
  std::exception_ptr thrown_; ///< by task `thrownBy_`
  size_t thrownBy_ = 0;
  std::vector<std::thread> threads_;
};

} // namespace tailor::backend
