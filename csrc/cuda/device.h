// The devices: what was found, and what each keeps for the life of the process.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "cuda/portability.h"

namespace fastnn::cuda {

struct DeviceInfo {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  std::int64_t memory = 0;   // bytes
  int multiprocessors = 0;
  // By its clocks, a second: bytes of memory, float32 operations. 0: not known.
  double bandwidth = 0, flops = 0;
};

// What the driver says. Never throws: no driver at all is an answer too.
struct Survey {
  int driver = 0;     // the CUDA version that the driver supports, 13000 for 13.0; 0: there is none
  int runtime = 0;    // the one that this build was made with
  std::string error;  // of counting the devices; empty: none
  std::vector<DeviceInfo> devices;
};
Survey survey();

// Is this a child of the process that used CUDA? Then nothing of it can be used here, nor freed.
bool is_forked();
// Throws std::runtime_error if it is; if nobody has used CUDA yet, this process does now.
void refuse_after_fork();

// A device in use: its stream, and the memory that is given back to be given out again.
class Device {
 public:
  // Throws std::invalid_argument if there is no such device, cuda::Error if it cannot be used, and
  // what refuse_after_fork throws.
  static Device& get(int index);

  int index() const { return index_; }
  const DeviceInfo& info() const { return info_; }
  int shared_limit() const { return shared_limit_; }  // bytes a block may ask for
  // All work of the device is in the order of this stream.
  cudaStream_t stream() const { return stream_; }
  // Held by who enqueues. After a fork nobody waits for it: who had it is not there to give it
  // back.
  [[nodiscard]] std::unique_lock<std::mutex> lock() {
    refuse_after_fork();
    return std::unique_lock(mutex_);
  }
  void synchronize() const;

  void* allocate(std::size_t bytes);
  // For work that is enqueued later; what is enqueued already may go on using it.
  void release(void* memory, std::size_t bytes);
  void release_unused();      // to the driver
  std::size_t free_memory();  // bytes, what is kept for later included
  // Whether memory is kept to be given out again (it is, by default), of sizes rounded up. Tests
  // that look for accesses outside it switch that off.
  static void keep_unused(bool keep);

 private:
  explicit Device(int index);
  void release_all();  // cache_mutex_ is held

  int index_;
  DeviceInfo info_;
  int shared_limit_ = 0;
  cudaStream_t stream_ = nullptr;
  std::mutex mutex_, cache_mutex_;
  std::multimap<std::size_t, void*> unused_;  // by size
};

// A device is current in this thread, for as long as one of these lives. The caller may have
// another one current, and finds it so again.
class Current {
 public:
  // Throws what refuse_after_fork throws.
  explicit Current(const Device& device);
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;
  ~Current() { cudaSetDevice(before_); }

 private:
  int before_ = 0;
};

// Device memory, given back at the end of its life.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(Device& device, std::size_t bytes)
      : device_(&device), bytes_(bytes), data_(device.allocate(bytes)) {}
  DeviceMemory(DeviceMemory&& other) noexcept { *this = std::move(other); }
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(bytes_, other.bytes_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~DeviceMemory() {
    if (data_ != nullptr) device_->release(data_, bytes_);
  }

  Device& device() const { return *device_; }
  char* data() const { return static_cast<char*>(data_); }
  std::size_t bytes() const { return bytes_; }

  // In the order of the device's stream. The host's memory may be reused when `upload` returns, and
  // read when `download` returns.
  void upload(const void* from, std::size_t bytes, std::size_t offset = 0);
  void download(void* to, std::size_t bytes, std::size_t offset = 0) const;
  void fill(int byte);

 private:
  Device* device_ = nullptr;
  std::size_t bytes_ = 0;
  void* data_ = nullptr;
};

}  // namespace fastnn::cuda
