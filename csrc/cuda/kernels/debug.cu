// Finding where numbers went wrong.
#include "cuda/device/loop.h"

namespace fastnn::cuda {
namespace {

__global__ void __launch_bounds__(kThreads)
    check_finite_kernel(int64_t n, const float* x, bool vectors, Reporter report) {
  for_packs(n, vectors, [&](int64_t i, auto lanes) {
    const Vec v = lanes.load(x + i);
    const Mask wrong = is_nan(v - v);  // 0 for finite v, else NaN
    if (!any(wrong)) return;
    int k = 3;  // the first of them, found by constant indices: `wrong` stays in registers
    for (int j = 2; j >= 0; --j) k = wrong.v[j] ? j : k;
    report(Fault::not_finite, i + k, 0, 0);
  });
}

}  // namespace

// Reports an element that is not finite, in the name of the instruction that made it.
void check_finite(const Call& call, Stream& stream) {
  const int64_t n = call.dim[0];
  const float* x = call.in<float>(0);
  stream.launch(check_finite_kernel, stream.spread_packs(n), n, x, aligned(x),
                Reporter(stream, static_cast<std::uint32_t>(call.attr[0])));
}

}  // namespace fastnn::cuda
