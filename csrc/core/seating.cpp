#include "core/seating.h"

#include <sched.h>

#include <algorithm>

namespace fastnn {
namespace {

// Moves the calling thread to a CPU that `taken` does not hold, and leaves its affinity as it was.
void move_away(const cpu_set_t& taken) {
  cpu_set_t allowed, others;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;  // more than 1024 CPUs
  CPU_XOR(&others, &allowed, &taken);
  CPU_AND(&others, &others, &allowed);
  if (CPU_COUNT(&others) == 0) return;
  sched_setaffinity(0, sizeof others, &others);
  sched_setaffinity(0, sizeof allowed, &allowed);
}

}  // namespace

void Seating::note(int part) { cpu_[part].store(sched_getcpu() + 1, std::memory_order_relaxed); }

void Seating::woken(int part, int parts) {
  note(part);
  if (part == 0) return;
  const int here = cpu_[part].load(std::memory_order_relaxed);
  bool shared = false;
  cpu_set_t taken;
  CPU_ZERO(&taken);
  for (int other = 0; other < std::min(parts, kSeats); ++other) {
    const int cpu = cpu_[other].load(std::memory_order_relaxed);
    if (other == part || cpu == 0) continue;
    shared |= cpu == here;
    CPU_SET(cpu - 1, &taken);
  }
  if (!shared || here == 0) return;
  move_away(taken);
  note(part);
}

}  // namespace fastnn
