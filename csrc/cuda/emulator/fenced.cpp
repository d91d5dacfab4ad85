#include "cuda/emulator/fenced.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <utility>

#ifdef FASTNN_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace fastnn::emulator {
namespace {

// Wider than what an index that is off by some rows skips; nothing of it is ever in memory.
constexpr std::size_t kFence = std::size_t{1} << 20;
constexpr unsigned char kNan = 0xff;    // four of them are a NaN; as an index, -1
constexpr unsigned char kSlack = 0xfe;  // between the data and the fences: a NaN too

std::size_t page() {
  static const std::size_t bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

// Memory that AddressSanitizer shall not let kernels touch, or shall again.
void poison([[maybe_unused]] const void* begin, [[maybe_unused]] const void* end) {
#ifdef FASTNN_ASAN
  __asan_poison_memory_region(begin,
                              static_cast<const char*>(end) - static_cast<const char*>(begin));
#endif
}
void unpoison([[maybe_unused]] const void* begin, [[maybe_unused]] const void* end) {
#ifdef FASTNN_ASAN
  __asan_unpoison_memory_region(begin,
                                static_cast<const char*>(end) - static_cast<const char*>(begin));
#endif
}

[[maybe_unused]] bool all(const char* begin, const char* end, unsigned char value) {
  for (const char* p = begin; p < end; ++p) {
    if (static_cast<unsigned char>(*p) != value) return false;
  }
  return true;
}

}  // namespace

Fenced::Fenced(std::size_t bytes, std::size_t alignment) : bytes_(bytes) {
  const std::size_t padded = (bytes + alignment - 1) / alignment * alignment;
  const std::size_t inner = (padded + page() - 1) / page() * page();
  mapped_ = inner + 2 * kFence;
  void* memory =
      mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<char*>(memory);
  data_ = mapping_ + kFence + inner - padded;
  open();
  std::memset(mapping_ + kFence, kSlack, inner);
  fill_with_nan();
  poison(mapping_ + kFence, data_);
  poison(data_ + bytes, mapping_ + mapped_ - kFence);
}

Fenced::Fenced(Fenced&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)),
      mapped_(other.mapped_),
      data_(other.data_),
      bytes_(other.bytes_) {}

Fenced& Fenced::operator=(Fenced&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(mapped_, other.mapped_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Fenced::~Fenced() {
  if (mapping_ == nullptr) return;
  unpoison(mapping_, mapping_ + mapped_);
  munmap(mapping_, mapped_);
}

bool Fenced::near(const void* address) const {
  const char* at = static_cast<const char*>(address);
  return mapping_ != nullptr && at >= mapping_ && at < mapping_ + mapped_;
}

std::string Fenced::place(const void* address) const {
  const char* at = static_cast<const char*>(address);
  const auto counted = [](std::ptrdiff_t n) {
    return std::to_string(n) + (n == 1 ? " byte" : " bytes");
  };
  if (at < data_) return counted(data_ - at) + " before";
  if (at < data_ + bytes_) return counted(at - data_) + " into";
  return counted(at - (data_ + bytes_)) + " past the end of";
}

bool Fenced::intact() const {
#ifdef FASTNN_ASAN
  return true;  // these bytes are poisoned: a write was reported at once
#else
  return all(mapping_ + kFence, data_, kSlack) &&
         all(data_ + bytes_, mapping_ + mapped_ - kFence, kSlack);
#endif
}

void Fenced::mend() {
  std::memset(mapping_ + kFence, kSlack, data_ - (mapping_ + kFence));
  std::memset(data_ + bytes_, kSlack, mapping_ + mapped_ - kFence - (data_ + bytes_));
}

void Fenced::open() {
  mprotect(mapping_ + kFence, mapped_ - 2 * kFence, PROT_READ | PROT_WRITE);
  unpoison(data_, data_ + bytes_);
}

void Fenced::close() {
  poison(data_, data_ + bytes_);
  mprotect(mapping_ + kFence, mapped_ - 2 * kFence, PROT_NONE);
}

void Fenced::fill_with_nan() { std::memset(data_, kNan, bytes_); }

void Fenced::renew() {
#ifdef FASTNN_TSAN
  // New pages: what earlier blocks did to the old ones is forgotten.
  mmap(mapping_ + kFence, mapped_ - 2 * kFence, PROT_READ | PROT_WRITE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  mend();
#endif
  fill_with_nan();
}

}  // namespace fastnn::emulator
