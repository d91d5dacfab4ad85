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

  // Returns when the value is no longer `seen`: after up to `pauses` looks, or after a sleep, and
  // then says true.
  bool wait_past(std::uint32_t seen, int pauses) {
    for (int i = pauses; i > 0; --i) {
      if (value() != seen) return false;
      spin_pause();
    }
    sleepers_.fetch_add(1);
    while (value_.load() == seen) value_.wait(seen);
    sleepers_.fetch_sub(1);
    return true;
  }

 private:
  std::atomic<std::uint32_t> value_{0};
  std::atomic<std::uint32_t> sleepers_{0};
};

}  // namespace fastnn
