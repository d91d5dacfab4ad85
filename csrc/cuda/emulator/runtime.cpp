#include "cuda/emulator/runtime.h"

#include <cstdio>
#include <map>
#include <mutex>

#include "cuda/emulator/memory.h"
#include "cuda/emulator/queue.h"

using namespace fastnn::emulator;

namespace fastnn::emulator {
namespace {

constexpr std::size_t kSharedWithoutAsking = 48 << 10, kSharedAtMost = 99 << 10;  // of sm_86

thread_local int current_device = 0;
thread_local cudaError_t last_error = cudaSuccess;

std::mutex mutex;
std::map<const void*, std::size_t>& allowed_shared() {
  static std::map<const void*, std::size_t> bytes;
  return bytes;
}

cudaError_t failed(cudaError_t error) { return last_error = error; }

bool fits(const Kernel& kernel) {
  const dim3 &grid = kernel.grid, &block = kernel.block;
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  return threads > 0 && threads <= 1024 && block.z <= 64 && grid.x > 0 && grid.y > 0 &&
         grid.z > 0 && grid.x <= 0x7fffffff && grid.y <= 0xffff && grid.z <= 0xffff;
}

}  // namespace

Config& config() {
  static Config config;
  return config;
}

int device_of_stream(cudaStream_t stream) { return resolve(stream)->device; }

cudaError_t enqueue(cudaStream_t stream, Kernel kernel) {
  if (!fits(kernel)) return failed(cudaErrorInvalidConfiguration);
  {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto found = allowed_shared().find(kernel.function);
    const std::size_t limit =
        found == allowed_shared().end() ? kSharedWithoutAsking : found->second;
    if (kernel.dynamic_shared > limit) return failed(cudaErrorInvalidValue);
  }
  add(stream, {cudaGraphNodeTypeKernel, [kernel = std::move(kernel)] { run_grid(kernel); }});
  return cudaSuccess;
}

cudaError_t allow_shared(const void* kernel, std::size_t bytes) {
  if (bytes > kSharedAtMost) return failed(cudaErrorInvalidValue);
  const std::lock_guard<std::mutex> lock(mutex);
  allowed_shared()[kernel] = bytes;
  return cudaSuccess;
}

}  // namespace fastnn::emulator

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorNotReady:
      return "device not ready";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
  }
  return "unknown error";
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

// ---- devices
cudaError_t cudaDriverGetVersion(int* version) {
  *version = config().driver;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  if (config().driver < 13000) return failed(cudaErrorInsufficientDriver);  // `count` stays
  if (config().devices == 0) return failed(cudaErrorNoDevice);
  *count = config().devices;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device < 0 || device >= config().devices) return failed(cudaErrorInvalidDevice);
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "fastnn's emulator %d", device);
  properties->totalGlobalMem = config().memory;
  properties->major = config().major;
  properties->minor = config().minor;
  properties->multiProcessorCount = config().multiprocessors;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (device < 0 || device >= config().devices) return failed(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = config().multiprocessors;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = config().major;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = config().minor;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = kSharedAtMost;
      return cudaSuccess;
    case cudaDevAttrClockRate:  // an emulator has no speed
    case cudaDevAttrMemoryClockRate:
    case cudaDevAttrGlobalMemoryBusWidth:
      break;
  }
  return failed(cudaErrorInvalidValue);
}
cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= config().devices) return failed(cudaErrorInvalidDevice);
  current_device = device;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = current_device;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = config().memory;
  *free = config().memory - bytes_in_use(current_device);
  return cudaSuccess;
}

// ---- memory
cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  *memory = allocate_device(current_device, bytes);
  return *memory == nullptr ? failed(cudaErrorMemoryAllocation) : cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  work_off_everything();
  free_device(memory);
  return cudaSuccess;
}
cudaError_t cudaMallocAsync(void** memory, std::size_t bytes, cudaStream_t stream) {
  *memory = allocate_device(device_of_stream(stream), bytes);
  return *memory == nullptr ? failed(cudaErrorMemoryAllocation) : cudaSuccess;
}
cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream) {
  if (memory != nullptr) add(stream, {cudaGraphNodeTypeMemcpy, [=] { free_device(memory); }});
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* address) {
  const int device = device_of(address);
  const bool pinned = is_pinned(address);
  *attributes = {pinned        ? cudaMemoryTypeHost
                 : device >= 0 ? cudaMemoryTypeDevice
                               : cudaMemoryTypeUnregistered,
                 device};
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** memory, std::size_t bytes, unsigned) {
  *memory = allocate_pinned(bytes);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  work_off_everything();
  free_pinned(memory);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  stream = resolve(stream);
  const int device = stream->device;
  const bool to_device = kind != cudaMemcpyDeviceToHost;
  const bool from_device = kind != cudaMemcpyHostToDevice;
  if (to_device ? device_of(to, bytes) != device : device_of(to) >= 0) {
    throw Misuse(to_device ? "a copy to memory that is not (all) the device's"
                           : "a copy to the host got an address of the device");
  }
  if (from_device ? device_of(from, bytes) != device : device_of(from) >= 0) {
    throw Misuse(from_device ? "a copy from memory that is not (all) the device's"
                             : "a copy from the host got an address of the device");
  }
  const bool pageable = (!to_device && !is_pinned(to)) || (!from_device && !is_pinned(from));
  if (pageable && stream->capture != nullptr) return failed(cudaErrorStreamCaptureUnsupported);
  if (pageable && !from_device) {  // is staged: the caller may change it at once
    const char* bytes_of = static_cast<const char*>(from);
    std::vector<char> staged(bytes_of, bytes_of + bytes);
    add(stream, {cudaGraphNodeTypeMemcpy,
                 [to, staged = std::move(staged)] { memcpy(to, staged.data(), staged.size()); }});
    return cudaSuccess;
  }
  add(stream, {cudaGraphNodeTypeMemcpy, [=] { memmove(to, from, bytes); }});
  if (pageable) work_off(stream);  // returns when it is done
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (device_of(memory, bytes) != device_of_stream(stream)) {
    throw Misuse("a memset of memory that is not (all) the device's");
  }
  add(stream, {cudaGraphNodeTypeMemset, [=] { memset(memory, value, bytes); }});
  return cudaSuccess;
}
