// Aligned memory: 64 bytes (a cache line, a vector), and huge pages for large blocks.
#pragma once

#include <cstddef>

namespace fastnn {

inline constexpr std::size_t kAlignment = 64;

// Zero-filled. From 4 MiB on it is aligned to 2 MiB and asks for huge pages. Throws std::bad_alloc.
void* allocate_zeroed(std::size_t bytes);
void release(void* memory);

// A block that only grows, and whose contents do not survive growing.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { release(memory_); }

  void reserve(std::size_t bytes);
  void* data() const { return memory_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace fastnn
