// Small instructions, one after another in one launch: one block is enough for them, and a launch
// for each would take longer than the work.
#include "cuda/device/small.h"
#include "cuda/join.h"

namespace fastnn::cuda {
namespace {

__global__ void __launch_bounds__(kThreads, 2)
    step_block_kernel(const __grid_constant__ SmallCalls calls, DeviceRun* run) {
  do_all_small(calls, kAllRows, run);
}

}  // namespace

void join_block(std::span<const Call> calls, Stream& stream) {
  SmallCalls all;
  for (const Call& call : calls) all.add(call);
  stream.launch(step_block_kernel, {}, all, stream.reports());
}

}  // namespace fastnn::cuda
