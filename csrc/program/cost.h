// How much work an instruction is, and so for how many threads: estimated before anything runs,
// from dims and bytes alone. An estimate may be off by half; what counts is the order of magnitude.
#pragma once

#include "cpu/kernel_table.h"
#include "program/call.h"

namespace fastnn {

// ns that one thread takes for `call` and what is chained to it, data in the caches.
double alone_ns(const Call& call, const KernelTable& table);

// A thread that takes part costs a step some barriers, and the time in which cache lines travel to
// it. It should have so much of a step to do, and so much of an instruction.
inline constexpr double kThreadNs = 13000;
inline constexpr double kPartNs = 500;

// For how many threads, of `most`, work of `ns` on one is worth it, with so much for each.
inline int parts_for(double ns, double least, int most) {
  return ns >= most * least ? most : ns < 2 * least ? 1 : static_cast<int>(ns / least);
}

}  // namespace fastnn
