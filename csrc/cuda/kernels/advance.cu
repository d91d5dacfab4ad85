// The end of a step that no other kernel ends (`step_update.cu` does).
#include "cuda/advance.h"

namespace fastnn::cuda {
namespace {

__global__ void __launch_bounds__(1) advance_kernel(DeviceRun* run) { run->advance(); }

}  // namespace

void advance(Stream& stream) { stream.launch(advance_kernel, {1, 1}, stream.run()); }

}  // namespace fastnn::cuda
