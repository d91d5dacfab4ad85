// The team: threads that run one function together (SPMD). The caller is part 0, the others sleep
// between runs. There is one team in a process; when it is busy with another caller's run, a run is
// done by its caller alone. Results must therefore not depend on the number of parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/memory.h"
#include "core/seating.h"
#include "core/signal.h"

namespace fastnn {

// Where all parts of a run meet. A central counter: teams are small.
class Barrier {
 public:
  void reset(int parts) {
    parts_ = parts;
    missing_.store(parts, std::memory_order_relaxed);
  }

  // The last to arrive calls `last` before it lets the others go. The others look for it `pauses`
  // times, then sleep; true for those who slept.
  template <typename Function>
  bool meet(int pauses, Function&& last) {
    const std::uint32_t seen = passed_.value();  // cannot advance before we have arrived
    if (missing_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      missing_.store(parts_, std::memory_order_relaxed);
      last();
      passed_.advance();
      return false;
    }
    return passed_.wait_past(seen, pauses);
  }

 private:
  int parts_ = 1;
  alignas(64) std::atomic<int> missing_{1};
  alignas(64) Signal passed_;
};

// One part of a run, as the function that is run sees it.
struct Member {
  int part;
  int parts;
  void* scratch;  // this part's own memory, 64-byte aligned
  std::size_t scratch_bytes;
  int pauses;        // before it sleeps at the next barrier
  int later_pauses;  // at those after it
  Barrier* barrier;  // nullptr when parts == 1
  Seating* seating;

  template <typename Function>
  void meet(Function&& last) {
    if (barrier == nullptr) return last();
    if (barrier->meet(pauses, last)) seating->woken(part, parts);
    pauses = later_pauses;
  }
  void meet() {
    if (barrier != nullptr) meet([] {});
  }
};

using TeamFunction = void (*)(void* context, Member& member);  // must not throw

// Runs `function` on up to `threads` threads, with at least `scratch_bytes` of scratch each.
// Returns how many took part. Throws std::bad_alloc before anything has run.
int run_on_team(int threads, std::size_t scratch_bytes, TeamFunction function, void* context);

// The same for anything callable with a Member&.
template <typename Function>
int run_on_team(int threads, std::size_t scratch_bytes, Function&& function) {
  using Plain = std::remove_reference_t<Function>;
  return run_on_team(
      threads, scratch_bytes,
      [](void* context, Member& member) { (*static_cast<Plain*>(context))(member); }, &function);
}

// The default number of threads of a run. It may exceed the CPUs (tests do that).
int num_threads();
void set_num_threads(int threads);
inline constexpr int kMaxThreads = Seating::kSeats;

// Counts forks: a different value means that this is a child, in which other threads are gone.
std::uint32_t fork_generation();

}  // namespace fastnn
