// Dropout, with the CPU's random numbers: Philox4x32-10, block i / 4 for the elements i ... i + 3.
#include "core/philox.h"
#include "cuda/device/loop.h"

namespace fastnn::cuda {
namespace {

__global__ void __launch_bounds__(kThreads)
    dropout_kernel(int64_t n, const float* x, float* y, bool vectors, float scale,
                   std::int32_t last_dropped, std::uint32_t stream, const DeviceRun* run) {
  const std::uint64_t seed = run->seed;
  const auto step = static_cast<std::uint32_t>(run->step);
  for_packs(n, vectors, [&](int64_t i, auto lanes) {
    const PhiloxBlock block = philox(seed, stream, step, static_cast<std::uint64_t>(i) / 4);
    const Vec kept = lanes.load(x + i) * Vec::set(scale);
    const Mask keep = lanewise<Mask>(
        [&](int k) { return static_cast<std::int32_t>(block.word[k] >> 8) > last_dropped; });
    lanes.store(select(keep, kept, Vec::zero()), y + i);
  });
}

}  // namespace

// y = x / (1 - rate) where the element's uniform number (word >> 8) * 2^-24 is at least the rate,
// else 0. The gradient is the same function of dy.
void dropout(const Call& call, Stream& stream) {
  const int64_t n = call.dim[0];
  const float* x = call.in<float>(0);
  float* y = call.out<float>(1);
  const double rate = call.attr[0];
  const float scale = rate < 1 ? static_cast<float>(1.0 / (1.0 - rate)) : 0.0f;
  const auto last_dropped = static_cast<std::int32_t>(__builtin_ceil(rate * 0x1p24)) - 1;
  const auto number = static_cast<std::uint32_t>(static_cast<int64_t>(call.attr[1]));
  stream.launch(dropout_kernel, stream.spread_packs(n), n, x, y, aligned(x, y), scale, last_dropped,
                number, stream.run());
}

}  // namespace fastnn::cuda
