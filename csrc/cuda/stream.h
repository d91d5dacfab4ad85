// What a kernel's host function is given beside its Call: where launches go, what kernels share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cuda/device.h"
#include "cuda/error.h"
#include "cuda/run_state.h"

namespace fastnn::cuda {

inline constexpr int kThreads = 256;  // of a block, where a kernel has no reason for another number
// Blocks of kThreads for each multiprocessor: all that fit, so that a grid-stride loop keeps a
// device busy, and its end is not a part-full round of blocks.
inline constexpr int kBlocksPerMultiprocessor = 8;

struct Shape {
  dim3 grid = 1;
  dim3 block = kThreads;
  std::size_t shared = 0;  // bytes of dynamic shared memory
};

struct Launch {
  std::uint32_t node;  // Instr::node of the instruction
  std::string name;    // of its opcode
  Shape shape;
  std::string reason;  // why it is done so, where there was a choice
};

// Host functions run twice: while a program is prepared, when launches are only written down and
// scratch memory only measured, and then for each run (or once, to capture a graph).
class Stream {
 public:
  Stream(Device& device, DeviceRun* run, cudaStream_t queue)
      : device_(device), run_(run), queue_(queue) {}

  Device& device() const { return device_; }
  // In device memory: for kernels only.
  DeviceRun* run() const {
    uses_run_ = true;
    return run_;
  }
  // The same, for kernels that may report a fault.
  DeviceRun* reports() const {
    may_report_ = true;
    return run();
  }

  // kernel<<<shape>>>(arguments...). A launch of no blocks at all is none.
  template <class... Parameters, class... Arguments>
  void launch(void (*kernel)(Parameters...), const Shape& shape, Arguments... arguments) {
    if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
    if (preparing_) {
      check(gpu::load(kernel), name_);
      if (shape.shared > kSharedWithoutAsking) {
        check(gpu::allow_shared(kernel, shape.shared), "asking for shared memory");
      }
      launches_.push_back({node_, name_, shape, reason_});
      return;
    }
    check(gpu::launch(name_, kernel, shape.grid, shape.block, shape.shared, queue_, arguments...),
          name_);
  }

  // Says of this instruction's launches from here on why they are what they are.
  void explain(const std::string& reason) {
    if (preparing_) reason_ = reason;
  }

  // Memory for this instruction's kernels alone, 256-byte aligned.
  template <class T>
  T* scratch(std::int64_t count) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    if (bytes > scratch_bytes_) scratch_bytes_ = bytes;
    return reinterpret_cast<T*>(scratch_);
  }

  // As many blocks of kThreads threads as a grid-stride loop over `items` should have.
  Shape spread(std::int64_t items) const;
  // The same for a loop over floats, four at a time.
  Shape spread_packs(std::int64_t floats) const { return spread((floats + 3) / 4); }
  // The same for the rows of a matrix: blocks are as wide as a row has packs, and cover several
  // rows where that is less than kThreads.
  Shape spread_rows(std::int64_t rows, std::int64_t cols) const;

  // ---- for who calls the host functions
  void begin(std::uint32_t node, const char* name) {
    node_ = node, name_ = name;
    reason_.clear();
  }
  void prepare() { preparing_ = true; }
  void prepared(void* scratch) {
    preparing_ = false;
    scratch_ = scratch;
  }
  std::size_t scratch_bytes() const { return scratch_bytes_; }
  const std::vector<Launch>& launches() const { return launches_; }
  bool uses_run() const { return uses_run_; }
  bool may_report() const { return may_report_; }

 private:
  static constexpr std::size_t kSharedWithoutAsking = 48 << 10;

  Device& device_;
  DeviceRun* run_;
  cudaStream_t queue_;
  mutable bool uses_run_ = false, may_report_ = false;
  std::uint32_t node_ = 0;
  const char* name_ = "";
  std::string reason_;
  bool preparing_ = false;
  void* scratch_ = nullptr;
  std::size_t scratch_bytes_ = 0;
  std::vector<Launch> launches_;
};

}  // namespace fastnn::cuda
