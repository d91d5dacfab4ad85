// How much work an instruction is, and for how many threads: estimated before anything runs, from
// its dims and bytes. An estimate may be off by half; what matters is the order of magnitude.
#pragma once

#include "cpu/kernel_table.h"
#include "program/call.h"

namespace fastnn {

// ns that one thread takes for `call` and what is chained to it.
double alone_ns(const Call& call, const KernelTable& table);

// The most threads that are worth their coordination: each should have kThreadNs of a step to do,
// and kPartNs of an instruction. A thread that takes part costs a step some barriers, and the lines
// that its results travel in.
inline constexpr double kThreadNs = 8000;
inline constexpr double kPartNs = 500;

inline int parts_for(double ns, double least, int most) {
  return ns >= most * least ? most : ns < 2 * least ? 1 : static_cast<int>(ns / least);
}

}  // namespace fastnn
