// The register of all memory that the CUDA API gave out: device memory, which only kernels and
// copies may touch, and pinned host memory, which only the host may.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace fastnn::emulator {

// nullptr when the device is full.
void* allocate_device(int device, std::size_t bytes);
void* allocate_pinned(std::size_t bytes);
// Throws Misuse for an address that was not given out.
void free_device(void* address);
void free_pinned(void* address);

// The device whose memory holds all of [address, address + bytes); -1: none does.
int device_of(const void* address, std::size_t bytes = 1);
bool is_pinned(const void* address);
std::int64_t bytes_in_use(int device);
std::int64_t allocations();  // that are not freed yet, pinned ones included

// "an access 4 bytes past the end of device memory of 400 bytes", for an address that a kernel
// missed.
std::string describe_access(const void* address);

// After a kernel has run: throws Misuse if it wrote between memory and its fences.
void check_surroundings(const std::string& kernel);

// While one lives, device memory is open: kernels run, or copies.
class Access {
 public:
  Access();
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;
  ~Access();
};

// What a kernel is given beside numbers: throws Misuse if any of the words of an argument is an
// address of the host, or of another device.
void check_argument(const void* argument, std::size_t bytes, int position, int device,
                    const char* kernel);

}  // namespace fastnn::emulator
