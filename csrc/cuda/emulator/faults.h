// Accesses that the processor refuses, caught and told.
#pragma once

namespace fastnn::emulator {

// While one lives, a fault of a kernel that this OS thread runs ends its block with an error that
// says which memory was missed; elsewhere it is a crash, as ever.
class FaultGuard {
 public:
  FaultGuard();
  FaultGuard(const FaultGuard&) = delete;
  FaultGuard& operator=(const FaultGuard&) = delete;
  ~FaultGuard();

 private:
  void* own_stack_;
  void* previous_stack_;  // of signals, as sigaltstack describes it
};

// Of the last fault of this OS thread.
const void* fault_address();

}  // namespace fastnn::emulator
