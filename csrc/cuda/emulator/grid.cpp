// A grid: its blocks in the order of the seed, on a few OS threads.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <thread>

#include "cuda/emulator/block.h"
#include "cuda/emulator/faults.h"
#include "cuda/emulator/memory.h"
#include "cuda/emulator/queue.h"

namespace fastnn::emulator {
namespace {

std::atomic<std::int64_t> launch_count{0};

// OS threads that are kept between grids. A job runs once on each of them, and on the caller.
class Pool {
 public:
  void run(int others, const std::function<void()>& job) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      for (; threads_ < others; ++threads_) std::thread([this] { serve(); }).detach();
      job_ = &job;
      wanted_ = running_ = others;
    }
    wake_.notify_all();
    job();
    std::unique_lock<std::mutex> lock(mutex_);
    idle_.wait(lock, [&] { return running_ == 0; });
  }

 private:
  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return wanted_ > 0; });
      --wanted_;
      const std::function<void()>& job = *job_;
      lock.unlock();
      job();
      lock.lock();
      if (--running_ == 0) idle_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  const std::function<void()>* job_ = nullptr;
  int threads_ = 0, wanted_ = 0, running_ = 0;
};

Pool& pool() {
  static Pool* pool = new Pool;  // its threads may outlive static objects
  return *pool;
}

void call(const void* body) { (*static_cast<const std::function<void()>*>(body))(); }

}  // namespace

std::int64_t launches() { return launch_count; }

void run_grid(const Kernel& kernel) {
  const std::uint32_t seed = config().seed;
  const Index grid{kernel.grid.x, kernel.grid.y, kernel.grid.z};
  const Work work{grid,
                  {kernel.block.x, kernel.block.y, kernel.block.z},
                  kernel.dynamic_shared,
                  &call,
                  &kernel.body,
                  seed};
  const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z;
  // A random order: i -> factor i + offset, modulo the number of blocks.
  std::uint64_t factor = 1, offset = 0;
  if (seed != 0) {
    factor = 2 * (seed % 1000) + 1;
    while (std::gcd(factor, blocks) != 1) factor += 2;
    offset = seed;
  }
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> stopped{false};
  std::mutex error_mutex;
  std::string error;
  release_tag(&grid_begin_tag);
  const std::function<void()> job = [&] {
    const FaultGuard guard;
    acquire_tag(&grid_begin_tag);
    for (std::uint64_t i; !stopped && (i = next++) < blocks;) {
      const std::uint64_t at = (i * factor + offset) % blocks;
      const Index index{static_cast<unsigned>(at % grid.x),
                        static_cast<unsigned>(at / grid.x % grid.y),
                        static_cast<unsigned>(at / grid.x / grid.y)};
      const std::string wrong = Block::mine().run(work, index);
      if (wrong.empty()) continue;
      stopped = true;
      const std::lock_guard<std::mutex> lock(error_mutex);
      if (error.empty()) error = wrong;
    }
  };
  const std::uint64_t workers = std::max(1, config().workers);
  pool().run(static_cast<int>(std::min(workers, blocks)) - 1, job);
  acquire_tag(&grid_end_tag);
  ++launch_count;
  if (!error.empty()) throw Misuse(kernel.name + ": " + error);
  check_surroundings(kernel.name);
}

}  // namespace fastnn::emulator
