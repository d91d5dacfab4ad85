// One instruction at once, on device memory and a stream that belong to somebody else.
#pragma once

#include <vector>

#include "cuda/device.h"
#include "program/program.h"

namespace fastnn::cuda {

// The device whose memory an address is in; -1: no device's.
int device_of(const void* address);

// The one instruction of `program`, in the order of `queue`. What went wrong: only an instruction
// that looks for it (labels, indices) waits for the stream to tell.
Report execute(const Program& program, Device& device, const std::vector<Memory>& memory,
               cudaStream_t queue, const RunArguments& arguments);

// What `later` is given from now on waits for what `earlier` has been given. Both are `device`'s.
void order(Device& device, cudaStream_t earlier, cudaStream_t later);

// Waits for the stream, then copies to the host.
void download(Device& device, cudaStream_t queue, const void* from, void* to, std::size_t bytes);

// Memory that others get to see. Nobody knows on which streams they use it, so when it is given
// back the device first finishes what it has been given.
class SharedMemory {
 public:
  SharedMemory(Device& device, std::size_t bytes);
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();

  Device& device() const { return device_; }
  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  Device& device_;
  std::size_t bytes_;
  void* data_ = nullptr;
};

}  // namespace fastnn::cuda
