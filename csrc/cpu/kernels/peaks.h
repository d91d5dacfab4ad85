// The loops of `cpu/peaks.h`. Each ISA's peaks.cpp includes this once.
//
// The compiler must not see through them: factors come from memory, results go there, and an empty
// assembler statement that may touch any memory stands between turns, and in the copying loop
// between vectors (it would become a call of memcpy otherwise).
#pragma once

#include "cpu/inline.h"
#include "cpu/peaks.h"

#define FASTNN_OPAQUE __asm__ volatile("" ::: "memory")

namespace fastnn::FASTNN_ISA {
namespace {

// Chains of sums that do not wait for each other: a fused multiply-add takes 4 or 5 cycles, two
// start in each, and 12 chains with two factors fit into 16 registers.
constexpr int kChains = 12;
constexpr int kUnrolled = 8;

void peak_fma(float* memory, std::int64_t, std::int64_t turns) {
  const Vec shrink = Vec::set(memory[0] * 0.0f + 0.5f), add = Vec::set(memory[1] * 0.0f + 1.0f);
  Vec sums[kChains];
  FASTNN_UNROLL
  for (int i = 0; i < kChains; ++i) sums[i] = Vec::load(memory + i * Vec::N);
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    FASTNN_UNROLL
    for (int i = 0; i < kChains; ++i) sums[i] = fma(sums[i], shrink, add);  // nears 2: no denormal
  }
  FASTNN_UNROLL
  for (int i = 0; i < kChains; ++i) sums[i].store(memory + i * Vec::N);
}

void peak_read(float* memory, std::int64_t floats, std::int64_t turns) {
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    Vec sums[kUnrolled];
    FASTNN_UNROLL
    for (int u = 0; u < kUnrolled; ++u) sums[u] = Vec::zero();
    for (std::int64_t i = 0; i < floats; i += kUnrolled * Vec::N) {
      FASTNN_UNROLL
      for (int u = 0; u < kUnrolled; ++u) sums[u] = sums[u] + Vec::load(memory + i + u * Vec::N);
    }
    FASTNN_UNROLL
    for (int u = 0; u < kUnrolled; ++u) sums[u].store(memory + u * Vec::N);
    FASTNN_OPAQUE;
  }
}

void peak_copy(float* memory, std::int64_t floats, std::int64_t turns) {
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    for (std::int64_t i = 0; i < floats; i += kUnrolled * Vec::N) {
      FASTNN_UNROLL
      for (int u = 0; u < kUnrolled; ++u) {
        Vec::load(memory + i + u * Vec::N).store(memory + floats + i + u * Vec::N);
        FASTNN_OPAQUE;
      }
    }
  }
}

// In place: no line of the cache is read only to be written over, as in a copy.
void peak_update(float* memory, std::int64_t floats, std::int64_t turns) {
  const Vec factor = Vec::set(0.5f), add = Vec::set(1.0f);
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    for (std::int64_t i = 0; i < floats; i += kUnrolled * Vec::N) {
      FASTNN_UNROLL
      for (int u = 0; u < kUnrolled; ++u) {
        float* at = memory + i + u * Vec::N;
        fma(Vec::load(at), factor, add).store(at);
      }
    }
    FASTNN_OPAQUE;
  }
}

void peak_triad(float* memory, std::int64_t floats, std::int64_t turns) {
  const Vec factor = Vec::set(0.5f);
  const float* a = memory;
  const float* b = memory + floats;
  float* c = memory + 2 * floats;
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    for (std::int64_t i = 0; i < floats; i += kUnrolled * Vec::N) {
      FASTNN_UNROLL
      for (int u = 0; u < kUnrolled; ++u) {
        const std::int64_t at = i + u * Vec::N;
        fma(Vec::load(a + at), factor, Vec::load(b + at)).store(c + at);
      }
    }
    FASTNN_OPAQUE;
  }
}

}  // namespace

const PeakLoop* peak_loops() {
  static constexpr PeakLoop loops[] = {
      {"fma", &peak_fma, 1, 2.0 * kChains * Vec::N, 0},
      {"read", &peak_read, 1, 0, 4},
      {"copy", &peak_copy, 2, 0, 8},
      {"update", &peak_update, 1, 0, 8},
      {"triad", &peak_triad, 3, 0, 12},
      {},
  };
  static_assert(kPeakFloats % (kUnrolled * Vec::N) == 0 && kPeakFloats >= kChains * Vec::N);
  return loops;
}

}  // namespace fastnn::FASTNN_ISA

#undef FASTNN_OPAQUE
