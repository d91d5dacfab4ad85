#include "cuda/feed.h"

#include "cuda/error.h"

namespace fastnn::cuda {

Feed::Feed(Device& device, std::size_t bytes) : device_(device), bytes_(bytes) {
  const auto lock = device_.lock();
  const Current current(device_);
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
  for (Slot& slot : slots_) {
    slot.memory = DeviceMemory(device, bytes);
    check(cudaHostAlloc(&slot.pinned, bytes, cudaHostAllocDefault), "pinning memory of the host");
    check(cudaEventCreateWithFlags(&slot.copied, cudaEventDisableTiming), "creating an event");
    check(cudaEventCreateWithFlags(&slot.used, cudaEventDisableTiming), "creating an event");
    // The memory may be somebody's who has given it back, with steps that use it still to be done.
    check(cudaEventRecord(slot.used, device.stream()), "recording the end of steps");
  }
}

Feed::~Feed() {
  if (is_forked()) return;
  const auto lock = device_.lock();
  cudaStreamSynchronize(device_.stream());
  cudaStreamSynchronize(stream_);
  for (Slot& slot : slots_) {
    cudaEventDestroy(slot.copied);
    cudaEventDestroy(slot.used);
    cudaFreeHost(slot.pinned);
  }
  cudaStreamDestroy(stream_);
}

char* Feed::fill(int slot) {
  const Current current(device_);
  check(cudaEventSynchronize(slots_[slot].copied), "waiting for a copy");
  return static_cast<char*>(slots_[slot].pinned);
}

void Feed::send(int slot) {
  Slot& one = slots_[slot];
  const Current current(device_);
  check(cudaStreamWaitEvent(stream_, one.used, 0), "waiting for steps");
  check(cudaMemcpyAsync(one.memory.data(), one.pinned, bytes_, cudaMemcpyHostToDevice, stream_),
        "copying to the device");
  check(cudaEventRecord(one.copied, stream_), "recording a copy");
  check(cudaStreamWaitEvent(device_.stream(), one.copied, 0), "waiting for a copy");
}

void Feed::used(int slot) {
  const Current current(device_);
  check(cudaEventRecord(slots_[slot].used, device_.stream()), "recording the end of steps");
}

}  // namespace fastnn::cuda
