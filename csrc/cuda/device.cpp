#include "cuda/device.h"

#include <unistd.h>

#include <atomic>
#include <memory>
#include <stdexcept>

#include "cuda/error.h"

namespace fastnn::cuda {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;

// The process that called CUDA first; 0: nobody has.
std::atomic<pid_t> owner{0};

std::atomic<bool> keeps_unused{true};

// What is asked for and what is kept: near sizes become equal, with at most an eighth to spare.
std::size_t rounded(std::size_t bytes) {
  if (!keeps_unused) return bytes;
  std::size_t grain = 256;
  if (bytes > kMebibyte) {
    while (grain * 16 <= bytes) grain *= 2;
  }
  return bytes == 0 ? grain : (bytes + grain - 1) / grain * grain;
}

// 0: the device does not say.
double attribute(cudaDeviceAttr which, int index) {
  int value = 0;
  if (cudaDeviceGetAttribute(&value, which, index) == cudaSuccess) return value;
  cudaGetLastError();
  return 0;
}

DeviceInfo info_of(int index) {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, index), "asking for a device's properties");
  const int multiprocessors = properties.multiProcessorCount;
  const double two_a_clock = 2e3;  // clocks are in kHz; memory has two transfers, a lane an fma
  const double lanes = properties.major == 8 && properties.minor == 0 ? 64 : 128;
  const double bits = attribute(cudaDevAttrGlobalMemoryBusWidth, index);
  return {properties.name,
          properties.major,
          properties.minor,
          static_cast<std::int64_t>(properties.totalGlobalMem),
          multiprocessors,
          two_a_clock * attribute(cudaDevAttrMemoryClockRate, index) * bits / 8,
          two_a_clock * attribute(cudaDevAttrClockRate, index) * lanes * multiprocessors};
}

}  // namespace

bool is_forked() {
  const pid_t user = owner;
  return user != 0 && user != getpid();
}

void refuse_after_fork() {
  pid_t expected = 0;
  const pid_t self = getpid();
  if (owner.compare_exchange_strong(expected, self) || expected == self) return;
  throw std::runtime_error(
      "CUDA was used before this process was forked, and the driver does not survive that. Start "
      "the processes with multiprocessing's 'spawn' or 'forkserver' method, or use the device in "
      "the children only.");
}

Survey survey() {
  Survey found;
  cudaDriverGetVersion(&found.driver);
  cudaRuntimeGetVersion(&found.runtime);
  if (found.driver > 0) refuse_after_fork();  // no driver, no harm
  int count = 0;                              // stays as it is where there is no driver
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) {
    cudaGetLastError();
    found.error = cudaGetErrorString(error);
    return found;
  }
  for (int i = 0; i < count; ++i) found.devices.push_back(info_of(i));
  return found;
}

Device& Device::get(int index) {
  refuse_after_fork();

  static std::mutex mutex;
  static auto* devices = new std::vector<std::unique_ptr<Device>>;  // outlive static objects
  const std::lock_guard<std::mutex> lock(mutex);
  if (devices->empty()) devices->resize(survey().devices.size());
  if (index < 0 || index >= static_cast<int>(devices->size())) {
    throw std::invalid_argument("cuda: there is no device " + std::to_string(index) + ", but " +
                                std::to_string(devices->size()) + " are here");
  }
  std::unique_ptr<Device>& device = (*devices)[index];
  if (device == nullptr) device.reset(new Device(index));
  return *device;
}

Device::Device(int index) : index_(index), info_(info_of(index)) {
  const Current current(*this);
  check(cudaDeviceGetAttribute(&shared_limit_, cudaDevAttrMaxSharedMemoryPerBlockOptin, index),
        "asking for a device's shared memory");
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
}

void Device::synchronize() const {
  check(cudaStreamSynchronize(stream_), "waiting for the device");
}

void* Device::allocate(std::size_t bytes) {
  const std::size_t size = rounded(bytes);
  const std::lock_guard<std::mutex> lock(cache_mutex_);
  if (const auto found = unused_.find(size); found != unused_.end()) {
    void* memory = found->second;
    unused_.erase(found);
    return memory;
  }
  const Current current(*this);
  void* memory = nullptr;
  if (cudaMalloc(&memory, size) == cudaSuccess) return memory;
  cudaGetLastError();
  release_all();
  const std::string doing = "allocating " + std::to_string(bytes) + " bytes on device " +
                            std::to_string(index_) + " (" + info_.name + ")";
  check(cudaMalloc(&memory, size), doing.c_str());
  return memory;
}

void Device::release(void* memory, std::size_t bytes) {
  if (is_forked()) return;
  const std::lock_guard<std::mutex> lock(cache_mutex_);
  unused_.emplace(rounded(bytes), memory);
  if (!keeps_unused) release_all();
}

void Device::release_unused() {
  const std::lock_guard<std::mutex> lock(cache_mutex_);
  release_all();
}

std::size_t Device::free_memory() {
  const std::lock_guard<std::mutex> lock(cache_mutex_);
  const Current current(*this);
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "asking for free memory");
  for (const auto& [size, memory] : unused_) free += size;
  return free;
}

void Device::keep_unused(bool keep) { keeps_unused = keep; }

void Device::release_all() {
  for (const auto& [size, memory] : unused_) cudaFree(memory);
  unused_.clear();
}

Current::Current(const Device& device) {
  refuse_after_fork();

  check(cudaGetDevice(&before_), "asking for the current device");
  check(cudaSetDevice(device.index()), "choosing a device");
}

void DeviceMemory::upload(const void* from, std::size_t bytes, std::size_t offset) {
  const Current current(*device_);
  check(cudaMemcpyAsync(data() + offset, from, bytes, cudaMemcpyHostToDevice, device_->stream()),
        "copying to the device");
}

void DeviceMemory::download(void* to, std::size_t bytes, std::size_t offset) const {
  const Current current(*device_);
  check(cudaMemcpyAsync(to, data() + offset, bytes, cudaMemcpyDeviceToHost, device_->stream()),
        "copying from the device");
  device_->synchronize();
}

void DeviceMemory::fill(int byte) {
  const Current current(*device_);
  check(cudaMemsetAsync(data(), byte, bytes_, device_->stream()), "filling device memory");
}

}  // namespace fastnn::cuda
