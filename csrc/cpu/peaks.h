// What this machine can do at most: loops that do one thing only, and how fast the team runs them.
// Benchmarks set their own numbers beside these.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fastnn {

struct KernelTable;

// One thread's loop over memory of its own: `arrays` arrays of `floats` floats, one after the
// other, 64-byte aligned, `floats` a multiple of kPeakFloats; arithmetic on registers has one array
// of kPeakFloats, for its factors and its results. Every turn does the same work, and leaves
// something in the memory, so that no compiler can leave a turn out.
struct PeakLoop {
  const char* name;
  void (*run)(float* memory, std::int64_t floats, std::int64_t turns);
  int arrays;
  double flops;  // in a turn
  double bytes;  // in a turn, for every float of an array
};
inline constexpr std::int64_t kPeakFloats = 1024;

// The loops that `table` has, and those of this CPU's bf16 instructions.
std::vector<PeakLoop> peak_loops(const KernelTable& table);

// FLOPs or bytes a second of all threads together, `samples` times over about `seconds` each. An
// array has about `bytes` bytes.
std::vector<double> measure_peak(const PeakLoop& loop, std::int64_t bytes, int threads,
                                 double seconds, int samples);

}  // namespace fastnn
