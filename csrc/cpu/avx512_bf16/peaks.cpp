// Dot products of pairs of bf16 numbers, added to float32: what AVX512-BF16 can do at most.
#include "cpu/peaks.h"
#include "cpu/avx512/vec.h"

namespace fastnn::avx512_bf16 {
namespace {

constexpr int kChains = 24;  // of 32 registers; up to 6 cycles each, two start in one

void peak_dot(float* memory, std::int64_t, std::int64_t turns) {
  const __m512bh a = (__m512bh)_mm512_loadu_si512(memory);
  const __m512bh b = (__m512bh)_mm512_loadu_si512(memory + 16);
  __m512 sums[kChains];
  FASTNN_UNROLL
  for (int i = 0; i < kChains; ++i) sums[i] = _mm512_loadu_ps(memory + 16 * (i + 2));
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    FASTNN_UNROLL
    for (int i = 0; i < kChains; ++i) sums[i] = _mm512_dpbf16_ps(sums[i], a, b);
  }
  FASTNN_UNROLL
  for (int i = 0; i < kChains; ++i) _mm512_storeu_ps(memory + 16 * (i + 2), sums[i]);
}

}  // namespace

const PeakLoop* peak_loops() {
  static constexpr PeakLoop loops[] = {{"bf16 dot", &peak_dot, 1, 4.0 * 16 * kChains, 0}, {}};
  return loops;
}

}  // namespace fastnn::avx512_bf16
