// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): random
// numbers as a function of a key and a counter, so that there is no state to carry or to save.
// Key: the seed. Counter: (block low, block high, step, stream); a block gives four words.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define FASTNN_ANYWHERE __host__ __device__
#else
#define FASTNN_ANYWHERE
#endif

namespace fastnn {

struct PhiloxBlock {
  std::uint32_t word[4];
};

// Always inlined: this header is read by files compiled for different ISAs.
[[gnu::always_inline]] inline FASTNN_ANYWHERE PhiloxBlock philox(std::uint64_t seed,
                                                                 std::uint32_t stream,
                                                                 std::uint32_t step,
                                                                 std::uint64_t block) {
  std::uint32_t c0 = static_cast<std::uint32_t>(block);
  std::uint32_t c1 = static_cast<std::uint32_t>(block >> 32);
  std::uint32_t c2 = step;
  std::uint32_t c3 = stream;
  std::uint32_t k0 = static_cast<std::uint32_t>(seed);
  std::uint32_t k1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(p1);
    c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(p0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return {{c0, c1, c2, c3}};
}

}  // namespace fastnn
