// Loops that every family shares: over whole vectors with one partial vector at the end, over the
// row segments of a flat range, and sums in a fixed order.
#pragma once

#include <cstdint>

#include "cpu/inline.h"
#include "program/call.h"

namespace fastnn::FASTNN_ISA {

using std::int64_t;

inline constexpr int64_t kGrain = 1024;  // elements; shares are cut at multiples of it
// A sum adds up blocks of this many elements, in order. Validation counts the same blocks.
inline constexpr int64_t kSumBlock = kReductionBlock;

// How a kernel's body touches memory: all lanes, or the first n. The same body serves both, so a
// tail element takes the same operations as a full vector's lane.
struct AllLanes {
  FASTNN_INLINE Vec load(const float* p) const { return Vec::load(p); }
  FASTNN_INLINE void store(Vec v, float* p) const { v.store(p); }
  FASTNN_INLINE Vec or_else(Vec v, float) const { return v; }
};

struct FirstLanes {
  int n;
  FASTNN_INLINE Vec load(const float* p) const { return Vec::load(p, n); }
  FASTNN_INLINE void store(Vec v, float* p) const { v.store(p, n); }
  // Lanes beyond n become `other`, the neutral element of a reduction.
  FASTNN_INLINE Vec or_else(Vec v, float other) const {
    return select(Mask::first(n), v, Vec::set(other));
  }
};

// body(i, lanes) for i = begin, begin + N, ... below end.
template <class Body>
FASTNN_INLINE void for_vectors(int64_t begin, int64_t end, Body body) {
  int64_t i = begin;
  for (; i + Vec::N <= end; i += Vec::N) body(i, AllLanes{});
  if (i < end) body(i, FirstLanes{static_cast<int>(end - i)});
}

// body(row, begin, end): the columns of each row of a [*, cols] matrix that lie in a flat range.
template <class Body>
FASTNN_INLINE void for_row_segments(Range flat, int64_t cols, Body body) {
  for (int64_t i = flat.begin; i < flat.end;) {
    const int64_t row = i / cols, begin = i - row * cols;
    const int64_t end = cols < begin + (flat.end - i) ? cols : begin + (flat.end - i);
    body(row, begin, end);
    i += end - begin;
  }
}

// Sum of term(i, lanes) over [begin, end), a range of at most kSumBlock: four vectors of partial
// sums hide the latency of the addition; they and their lanes are added in one fixed tree.
template <class Term>
FASTNN_INLINE float sum_block(int64_t begin, int64_t end, Term term) {
  Vec s0 = Vec::zero(), s1 = s0, s2 = s0, s3 = s0;
  constexpr int N = Vec::N;
  int64_t i = begin;
  for (; i + 4 * N <= end; i += 4 * N) {
    s0 = s0 + term(i, AllLanes{});
    s1 = s1 + term(i + N, AllLanes{});
    s2 = s2 + term(i + 2 * N, AllLanes{});
    s3 = s3 + term(i + 3 * N, AllLanes{});
  }
  for (; i + N <= end; i += N) s0 = s0 + term(i, AllLanes{});
  if (i < end) {
    const FirstLanes lanes{static_cast<int>(end - i)};
    s1 = s1 + lanes.or_else(term(i, lanes), 0.0f);
  }
  return hsum((s0 + s1) + (s2 + s3));
}

// Sum of term(i, lanes) over [0, n): blocks in float32, their totals in float64.
template <class Term>
FASTNN_INLINE double sum(int64_t n, Term term) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kSumBlock) {
    const int64_t end = n < begin + kSumBlock ? n : begin + kSumBlock;
    total += sum_block(begin, end, term);
  }
  return total;
}

// Largest of n values: NaN if any is, -inf if there are none.
FASTNN_INLINE float max_of(const float* x, int64_t n) {
  Vec best = Vec::set(-__builtin_inff());
  for_vectors(0, n, [&](int64_t i, auto lanes) {
    best = max(best, lanes.or_else(lanes.load(x + i), -__builtin_inff()));
  });
  return hmax(best);
}

}  // namespace fastnn::FASTNN_ISA
