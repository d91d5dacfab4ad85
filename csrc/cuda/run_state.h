// What changes from step to step, and what kernels report. It lies in device memory, so that a
// graph captured once serves every step: the last kernel of a step moves it on to the next.
#pragma once

#include <cstdint>

#include "cpu/inline.h"
#include "program/call.h"

namespace fastnn::cuda {

struct DeviceReport {
  int reported;  // 0, or 1 from the first fault on
  Report first;
};

struct DeviceRun {
  std::int64_t step;  // optimizer steps done before this one; also the Philox counter
  std::int64_t row;   // first row of this minibatch
  std::int64_t batch;
  std::uint64_t seed;
  const float* scalars;  // this step's row of the table, in device memory
  std::int64_t scalars_width;
  unsigned arrived;  // blocks of the step's last kernel that are done
  DeviceReport report;

  // To the next step.
  FASTNN_INLINE void advance() {
    ++step;
    row += batch;
    scalars += scalars_width;
    arrived = 0;
  }
};

}  // namespace fastnn::cuda
