#include "core/memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace fastnn {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

void* allocate_zeroed(std::size_t bytes) {
  const bool huge = bytes >= 2 * kHugePage;
  const std::size_t alignment = huge ? kHugePage : kAlignment;
  if (bytes > SIZE_MAX - alignment) throw std::bad_alloc();
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded > 0 ? rounded : alignment);
  if (memory == nullptr) throw std::bad_alloc();
  if (huge) madvise(memory, rounded, MADV_HUGEPAGE);  // a wish: small pages serve too
  std::memset(memory, 0, bytes);
  return memory;
}

void release(void* memory) { std::free(memory); }

void Scratch::reserve(std::size_t bytes) {
  if (bytes <= bytes_) return;
  release(memory_);
  memory_ = nullptr;
  bytes_ = 0;
  memory_ = allocate_zeroed(bytes);
  bytes_ = bytes;
}

}  // namespace fastnn
