// The kernel tables in this build, from the plainest to the fastest. x86_tables.cpp or
// portable_tables.cpp answers, as cpu_features does.
#pragma once

#include <vector>

#include "cpu/kernel_table.h"

namespace fastnn {

struct IsaTable {
  const char* isa;
  const KernelTable& (*table)();  // only where it is usable
  bool (*usable)();               // do this CPU and its operating system allow it?
  const char* needs;              // the features it was compiled with
  bool by_name_only = false;      // not among those that are found: tests, comparisons
};

const std::vector<IsaTable>& isa_tables();

// Loops of the bf16 instructions that this CPU has beside its tables' ISAs.
std::vector<const PeakLoop*> bf16_peak_loops();

}  // namespace fastnn
