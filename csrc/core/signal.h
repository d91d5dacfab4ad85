// How threads wait for each other: look for a while (fast, but burns the CPU), then sleep.
#pragma once

#include <atomic>
#include <cstdint>

namespace fastnn {

inline void spin_pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// How many pauses one thread spins before it sleeps. A wait that ended in sleep halves it, one that
// ended in time doubles it: beside a busy neighbour, whom spinning cannot hurry, it soon gives up.
class Patience {
 public:
  void set_limit(int pauses) {
    limit_ = pauses;
    if (pauses_ > limit_ || pauses_ < floor()) pauses_ = limit_;
  }
  int pauses() const { return pauses_; }
  void rewarded() { pauses_ = pauses_ * 2 < limit_ ? pauses_ * 2 : limit_; }
  void disappointed() { pauses_ = pauses_ / 2 > floor() ? pauses_ / 2 : floor(); }

 private:
  int floor() const { return limit_ / 32 + 1; }
  int limit_ = 1;
  int pauses_ = 1;
};

// A counter that one thread advances and others wait to see advanced.
class Signal {
 public:
  std::uint32_t value() const { return value_.load(std::memory_order_acquire); }

  // Both sides are sequentially consistent: either the sleeper sees the new value, or the one who
  // advances sees the sleeper.
  void advance() {
    value_.fetch_add(1);
    if (sleepers_.load() > 0) value_.notify_all();
  }

  // Returns when the value is no longer `seen`.
  void wait_past(std::uint32_t seen, Patience& patience) {
    for (int i = patience.pauses(); i > 0; --i) {
      if (value() != seen) {
        patience.rewarded();
        return;
      }
      spin_pause();
    }
    patience.disappointed();
    sleepers_.fetch_add(1);
    while (value_.load() == seen) value_.wait(seen);
    sleepers_.fetch_sub(1);
  }

 private:
  std::atomic<std::uint32_t> value_{0};
  std::atomic<std::uint32_t> sleepers_{0};
};

}  // namespace fastnn
