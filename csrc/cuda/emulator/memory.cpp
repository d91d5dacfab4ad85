#include "cuda/emulator/memory.h"

#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>

#include "cuda/emulator/config.h"
#include "cuda/emulator/fenced.h"

namespace fastnn::emulator {
namespace {

constexpr std::size_t kAlignment = 256;  // cudaMalloc's
constexpr int kPinned = -1;

struct Allocation {
  Fenced memory;
  int device;
};

std::recursive_mutex mutex;
std::map<std::uintptr_t, Allocation> registry;  // by the first byte
int open_count = 0;

std::uintptr_t number(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }

const Allocation* holder(const void* address, std::size_t bytes) {
  auto next = registry.upper_bound(number(address));
  if (next == registry.begin()) return nullptr;
  const auto& [begin, allocation] = *--next;
  const std::size_t size = allocation.memory.bytes();
  const bool inside = number(address) - begin <= size && bytes <= size - (number(address) - begin);
  return inside ? &allocation : nullptr;
}

void* allocate(int device, std::size_t bytes) {
  Allocation allocation{Fenced(bytes > 0 ? bytes : 1, kAlignment), device};
  void* data = allocation.memory.data();
  if (device != kPinned && open_count == 0) allocation.memory.close();
  registry.emplace(number(data), std::move(allocation));
  return data;
}

void free_one(void* address, bool pinned) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  const auto found = registry.find(number(address));
  if (found == registry.end() || (found->second.device == kPinned) != pinned) {
    throw Misuse("free of an address that was not allocated, or was freed already");
  }
  registry.erase(found);
}

// Addresses of the host as Linux gives them out: heap, stack, mappings. Smaller words are counts
// (or the heap of a program at a fixed address, which is missed), larger ones are doubles.
bool looks_like_an_address(std::uintptr_t word) {
  return word >= std::uintptr_t{1} << 40 && word < std::uintptr_t{1} << 47;
}

}  // namespace

void* allocate_device(int device, std::size_t bytes) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  const std::int64_t left = config().memory - bytes_in_use(device);
  if (bytes > static_cast<std::size_t>(left > 0 ? left : 0)) return nullptr;
  return allocate(device, bytes);
}

void* allocate_pinned(std::size_t bytes) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  return allocate(kPinned, bytes);
}

void free_device(void* address) { free_one(address, false); }
void free_pinned(void* address) { free_one(address, true); }

int device_of(const void* address, std::size_t bytes) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  const Allocation* allocation = holder(address, bytes);
  return allocation == nullptr ? -1 : allocation->device;
}

bool is_pinned(const void* address) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  const Allocation* allocation = holder(address, 1);
  return allocation != nullptr && allocation->device == kPinned;
}

std::int64_t bytes_in_use(int device) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  std::int64_t bytes = 0;
  for (const auto& [begin, allocation] : registry) {
    if (allocation.device == device) bytes += allocation.memory.bytes();
  }
  return bytes;
}

std::int64_t allocations() {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  return static_cast<std::int64_t>(registry.size());
}

std::string describe_access(const void* address) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  for (const auto& [begin, allocation] : registry) {
    if (!allocation.memory.near(address)) continue;
    return "an access " + allocation.memory.place(address) + " " +
           (allocation.device == kPinned ? "pinned" : "device") + " memory of " +
           std::to_string(allocation.memory.bytes()) + " bytes";
  }
  char text[64];
  std::snprintf(text, sizeof text, "an access to %p, which is no memory of the device", address);
  return text;
}

void check_surroundings(const std::string& kernel) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  for (auto& [begin, allocation] : registry) {
    if (allocation.device == kPinned || allocation.memory.intact()) continue;
    allocation.memory.mend();
    throw Misuse(kernel + ": a write just outside device memory of " +
                 std::to_string(allocation.memory.bytes()) + " bytes");
  }
}

Access::Access() {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  if (open_count++ > 0) return;
  for (auto& [begin, allocation] : registry) {
    if (allocation.device != kPinned) allocation.memory.open();
  }
}

Access::~Access() {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  if (--open_count > 0) return;
  for (auto& [begin, allocation] : registry) {
    if (allocation.device != kPinned) allocation.memory.close();
  }
}

void check_argument(const void* argument, std::size_t bytes, int position, int device,
                    const char* kernel) {
  for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= bytes; at += sizeof(std::uintptr_t)) {
    std::uintptr_t word;
    std::memcpy(&word, static_cast<const char*>(argument) + at, sizeof word);
    if (!looks_like_an_address(word)) continue;
    // One past the end is where an empty operand may lie.
    const int owner = device_of(reinterpret_cast<const void*>(word), 0);
    if (owner == device) continue;
    throw Misuse(
        std::string(kernel) + ": argument " + std::to_string(position) +
        (owner >= 0 ? " points to memory of another device" : " points to memory of the host"));
  }
}

}  // namespace fastnn::emulator
