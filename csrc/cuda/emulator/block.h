// A thread block: CUDA threads as fibers on one OS thread, which change places only where they
// wait. What kernels see of it (threadIdx, __syncthreads, shuffles ...) is in language.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cuda/emulator/fenced.h"
#include "cuda/emulator/fiber.h"

namespace fastnn::emulator {

struct Index {
  unsigned x = 0, y = 0, z = 0;
};

struct Source {  // a line of a kernel
  const char* file;
  int line;
};

// An asynchronous copy into shared memory that was asked for and not made yet.
struct PendingCopy {
  void* to;
  const void* from;
  int bytes;  // the rest of `size` becomes zeros
  int size;
  int group;
};

struct Thread {
  enum State : std::uint8_t { fresh, ready, at_barrier, in_collective, finished };

  Index index;
  unsigned lane, warp;
  State state;
  int barrier;   // the one it waits at
  Source where;  // likewise
  Fiber* fiber;  // nullptr before it starts
  std::vector<PendingCopy> copies;
  int groups;  // of copies, committed
  std::uint32_t random;
};

// One of the block's sixteen hardware barriers; 0 is that of __syncthreads.
struct Barrier {
  int arrived, expected;
  Source where;
  unsigned phase;
};

// Lanes of a warp that meet in a collective operation.
struct Meeting {
  unsigned mask, arrived;
  const void* kind;  // tells the operations apart
  Source where;
  void* argument[32];
};
struct Warp {
  unsigned existing, gone;  // lanes
  unsigned phase[32];       // meetings so far, by their first lane
  std::vector<Meeting> meetings;
};

struct Work {  // what a grid's blocks run
  Index grid, block;
  std::size_t dynamic_shared;
  void (*body)(const void*);
  const void* arguments;
  std::uint32_t seed;
};

// The block that an OS thread is running, and all that it keeps for the next.
class Block {
 public:
  static Block& mine();

  // "" or what went wrong.
  std::string run(const Work& work, Index index);

  Thread& self() { return *current_; }
  bool running() const { return current_ != nullptr; }
  const Work& work() const { return *work_; }
  Index index() const { return index_; }
  bool random() const { return work_->seed != 0; }
  void* stack_top() const { return running_->top(); }  // of the running thread

  void wait_at(int barrier, int threads, Source where);
  // All lanes of `mask` come here with an argument; the last one calls combine(arguments, mask).
  using Combine = void (*)(void** arguments, unsigned mask);
  void collect(unsigned mask, void* argument, const void* kind, Combine combine, Source where);

  void* shared_array(int id, std::size_t bytes);
  void* dynamic_shared() { return dynamic_.data(); }

  // Ends the block with this error. For running threads.
  [[noreturn]] void fail(const std::string& message);
  // Where the processor resumes after a fault in a kernel.
  [[noreturn]] static void fault();

 private:
  struct SharedArray {
    Fenced memory;
    bool used = false;  // by this block
  };

  static void fiber_body();
  void start(Index index);
  void shuffle();
  Thread* next();
  void give_way();
  void resume(Thread* thread);
  void finish();
  void check_shared();
  std::string stuck() const;
  Fiber* free_fiber(const Thread& thread);

  const Work* work_ = nullptr;
  Index index_;
  unsigned count_ = 0, alive_ = 0;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  Barrier barriers_[16];
  Thread* current_ = nullptr;
  std::vector<unsigned> order_;
  unsigned position_ = 0;
  std::uint32_t random_ = 1;
  std::string error_;

  Fiber os_thread_;
  Fiber* running_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> free_;
  std::vector<SharedArray> shared_;
  std::vector<SharedArray*> used_;
  Fenced dynamic_;
  std::unique_ptr<char[]> tags_;  // ThreadSanitizer's: two for each barrier, two for each lane, one
};

// Shared arrays are numbered as their declarations are met.
int new_shared_array();

// Seen by ThreadSanitizer: everything before a grid is over before it starts, and the other way
// round.
extern char grid_begin_tag, grid_end_tag;

}  // namespace fastnn::emulator
