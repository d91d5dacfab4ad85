// The end of a step.
#include "cuda/advance.h"

namespace fastnn::cuda {
namespace {

__global__ void __launch_bounds__(1) advance_kernel(DeviceRun* run) {
  ++run->step;
  run->row += run->batch;
  run->scalars += run->scalars_width;
}

}  // namespace

void advance(Stream& stream) { stream.launch(advance_kernel, {1, 1}, stream.run()); }

}  // namespace fastnn::cuda
