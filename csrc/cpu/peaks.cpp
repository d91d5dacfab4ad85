#include "cpu/peaks.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <memory>

#include "core/memory.h"
#include "core/team.h"
#include "cpu/isa_tables.h"

namespace fastnn {
namespace {

void append(std::vector<PeakLoop>& loops, const PeakLoop* more) {
  for (; more->name != nullptr; ++more) loops.push_back(*more);
}

struct Release {
  void operator()(float* memory) const { release(memory); }
};

}  // namespace

std::vector<PeakLoop> peak_loops(const KernelTable& table) {
  std::vector<PeakLoop> loops;
  append(loops, table.peak_loops());
  for (const PeakLoop* more : bf16_peak_loops()) append(loops, more);
  return loops;
}

std::vector<double> measure_peak(const PeakLoop& loop, std::int64_t bytes, int threads,
                                 double seconds, int samples) {
  const std::int64_t blocks = bytes / static_cast<std::int64_t>(kPeakFloats * sizeof(float));
  const std::int64_t floats =
      kPeakFloats * (loop.bytes > 0 ? std::max<std::int64_t>(blocks, 1) : 1);
  const std::int64_t all = loop.arrays * floats;
  // It lies where the calling thread put it, as a model's parameters do. As floats and as pairs of
  // bf16 the numbers are ordinary ones: zeros would cost less power than real work does.
  std::vector<std::unique_ptr<float, Release>> memory(threads);
  for (auto& block : memory) {
    block.reset(static_cast<float*>(allocate_zeroed(all * sizeof(float))));
    std::fill_n(block.get(), all, std::bit_cast<float>(0x3eaa3eab));
  }

  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  Clock::time_point start;
  std::int64_t turns = 1;
  std::vector<double> own(threads);  // seconds of each thread's loop
  std::vector<double> rates;
  rates.reserve(samples);
  run_on_team(threads, 0, [&](Member& member) {
    while (static_cast<int>(rates.size()) < samples) {
      member.meet([&] { start = Clock::now(); });
      const Clock::time_point mine = Clock::now();
      loop.run(memory[member.part].get(), floats, turns);
      own[member.part] = since(mine);
      member.meet([&] {
        // Of the times, the least tells how long the loop is: others may have been interrupted.
        const double least = *std::min_element(own.begin(), own.begin() + member.parts);
        if (least > seconds / 2) {
          const double work = (loop.flops + loop.bytes * floats) * member.parts;
          rates.push_back(work * turns / since(start));
        } else {
          turns *= least < seconds / 8 ? 4 : 2;
        }
      });
    }
  });
  return rates;
}

}  // namespace fastnn
