// Philox4x32-10 over vectors (`core/philox.h` is the scalar one; the words are the same), and
// dropout.
#pragma once

#include "cpu/kernels/loop.h"

namespace fastnn::FASTNN_ISA {

// Four words for each of N consecutive blocks, one block a lane. The first block is a multiple of
// N, so that all blocks have the same upper 32 bits.
struct PhiloxWords {
  VecI word[4];
};
FASTNN_INLINE PhiloxWords philox(std::uint64_t seed, std::uint32_t stream, std::uint32_t step,
                                 std::uint64_t first_block) {
  const auto low = [](std::uint64_t x) { return static_cast<std::int32_t>(x); };
  VecI c0 = VecI::set(low(first_block)) + VecI::iota();
  VecI c1 = VecI::set(low(first_block >> 32));
  VecI c2 = VecI::set(low(step)), c3 = VecI::set(low(stream));
  std::uint32_t k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
  const VecI m0 = VecI::set(low(0xD2511F53)), m1 = VecI::set(low(0xCD9E8D57));
  for (int round = 0; round < 10; ++round) {
    const VecI high0 = mulhi(c0, m0), low0 = c0 * m0;
    const VecI high1 = mulhi(c2, m1), low1 = c2 * m1;
    c0 = high1 ^ c1 ^ VecI::set(low(k0));
    c1 = low1;
    c2 = high0 ^ c3 ^ VecI::set(low(k1));
    c3 = low0;
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return {{c0, c1, c2, c3}};
}

// y = x / (1 - rate) where the element's uniform number in [0, 1) is at least the rate, else 0.
// Element i has word i % 4 of block i / 4; the uniform number is (word >> 8) * 2^-24. The gradient
// is the same function of dy.
void dropout(const Call& call, const Share& share) {
  constexpr int N = Vec::N;
  const float* x = call.in<float>(0);
  float* y = call.out<float>(1);
  const double rate = call.attr[0];
  const Vec scale = Vec::set(rate < 1 ? static_cast<float>(1.0 / (1.0 - rate)) : 0.0f);
  // (word >> 8) * 2^-24 >= rate, in integers: word >> 8 > ceil(rate 2^24) - 1.
  const VecI last_dropped = VecI::set(static_cast<std::int32_t>(__builtin_ceil(rate * 0x1p24)) - 1);
  const auto stream = static_cast<std::uint32_t>(static_cast<int64_t>(call.attr[1]));
  const auto step = static_cast<std::uint32_t>(call.run->step);
  const Range range = share.split(call.dim[0], kGrain);
  for (int64_t begin = range.begin; begin < range.end; begin += 4 * N) {
    const PhiloxWords words =
        philox(call.run->seed, stream, step, static_cast<std::uint64_t>(begin) / 4);
    // From one block a lane to the order of the elements.
    std::int32_t lanes_of_word[4][N], word_of[4 * N];
    for (int k = 0; k < 4; ++k) words.word[k].store(lanes_of_word[k]);
    for (int lane = 0; lane < N; ++lane) {
      for (int k = 0; k < 4; ++k) word_of[4 * lane + k] = lanes_of_word[k][lane];
    }
    const int64_t end = range.end < begin + 4 * N ? range.end : begin + 4 * N;
    for_vectors(begin, end, [&](int64_t i, auto lanes) {
      const VecI uniform = shift_right(VecI::load(word_of + (i - begin)), 8);
      const Vec kept = lanes.load(x + i) * scale;
      lanes.store(select(gt(uniform, last_dropped), kept, Vec::zero()), y + i);
    });
  }
}

}  // namespace fastnn::FASTNN_ISA
