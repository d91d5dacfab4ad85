// How many threads this process should use by default, and why.
#pragma once

#include <string>

namespace fastnn {

struct CpuCount {
  int affinity = 1;     // CPUs that the scheduler lets this process run on
  double quota = 0;     // CPUs' worth of time the tightest control group grants; 0: no limit
  int environment = 0;  // FASTNN_NUM_THREADS; 0: not set
  int available = 1;    // min(affinity, floor(quota)), at least 1
  int threads = 1;      // min(available, environment)
};

// Counted once, when first asked.
const CpuCount& cpu_count();

// The rule: a quota of 7.65 CPUs is 7 threads, of 0.5 CPUs 1.
CpuCount combine(int affinity, double quota, int environment);

// The tightest CPU quota over this process's control groups (v1 and v2) and their ancestors, in
// CPUs; 0 when there is none. `root` stands before every path that is read, for tests.
double cgroup_quota(const std::string& root = "");

}  // namespace fastnn
