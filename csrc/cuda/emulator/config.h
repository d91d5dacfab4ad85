// What the emulator pretends to be, and in which order it does things.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace fastnn::emulator {

struct Config {
  // 0: threads, blocks and streams in their natural order. Otherwise in a random one; odd seeds run
  // one warp as far as it gets before the next, and the stream that is waited for before others.
  std::uint32_t seed = 0;
  int workers = 2;  // OS threads that run blocks
  int devices = 2;
  int driver = 13000;        // as cudaDriverGetVersion writes it; 0: there is none
  int major = 8, minor = 0;  // compute capability
  int multiprocessors = 3;
  std::int64_t memory = std::int64_t{1} << 32;  // bytes of each device
};

Config& config();

// The program did what a GPU would punish, or silently get wrong.
struct Misuse : std::logic_error {
  using std::logic_error::logic_error;
};

inline std::uint32_t next_random(std::uint32_t& state) {  // Marsaglia's xorshift; never 0
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

}  // namespace fastnn::emulator
