// A data set that does not fit the device comes to it in pieces, through two slots: while steps use
// one, the next piece is copied into the other, from pinned memory, by a stream of its own.
//
//   fill(slot)   where to put a piece; waits until the one before has left
//   send(slot)   copies it, when the steps that used the one before are done; steps that are
//                enqueued from now on begin when it is there
//   used(slot)   the steps that use it have been enqueued
#pragma once

#include <array>

#include "cuda/device.h"

namespace fastnn::cuda {

class Feed {
 public:
  static constexpr int kSlots = 2;

  // `bytes` of a slot.
  Feed(Device& device, std::size_t bytes);
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  ~Feed();

  Device& device() const { return device_; }
  std::size_t bytes() const { return bytes_; }
  const DeviceMemory& memory(int slot) const { return slots_[slot].memory; }

  char* fill(int slot);
  void send(int slot);
  void used(int slot);

 private:
  struct Slot {
    DeviceMemory memory;
    void* pinned = nullptr;
    cudaEvent_t copied = nullptr, used = nullptr;
  };

  Device& device_;
  std::size_t bytes_;
  cudaStream_t stream_ = nullptr;
  std::array<Slot, kSlots> slots_;
};

}  // namespace fastnn::cuda
