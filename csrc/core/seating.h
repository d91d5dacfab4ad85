// Keeps the threads of a team on CPUs of their own.
//
// A scheduler that takes all CPUs for busy, as it does where threads have just been spinning, wakes
// a thread on the CPU of the one that wakes it. Two threads of a team then take turns on one CPU:
// while one works the other sleeps, neither is ever seen to wait for a CPU, and so it stays, for
// seconds. Steps of 40 us took 80 to 200 us in one of ten runs on two CPUs.
#pragma once

#include <atomic>

namespace fastnn {

class Seating {
 public:
  static constexpr int kSeats = 1024;

  // The calling thread, which sits in seat `part`, says where it runs.
  void note(int part);
  // The same for a thread that has slept. Where another of the first `parts` seats is on the same
  // CPU it moves away, if it may; part 0 stays: it is the caller's thread.
  void woken(int part, int parts);

 private:
  std::atomic<int> cpu_[kSeats] = {};  // plus 1; 0: never said
};

}  // namespace fastnn
