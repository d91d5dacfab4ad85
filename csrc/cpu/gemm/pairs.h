// Operands of a bf16 product: float32 in memory, packed into pairs of bf16.
//
// A bf16 is the upper half of a float32: 8 bits of significand. The instructions that multiply it
// take two steps of k at a time, so what they read is pairs: a 32-bit word with element 2q of k in
// its lower half and element 2q + 1 in its upper half. An operand [k, n] so packed is a matrix
// [ceil(k / 2), n] of words, and a bf16 product is a float32 product of half the k whose
// multiply-add is `dot`.
//
// Packing is where values are rounded: to nearest, ties to even; what is beyond bf16's range
// becomes infinite, NaN stays NaN, denormals become zeros. What is not there (the second of the
// last pair where k is odd, a lane beyond the matrix, a pair that fills up a step) is a zero.
//
// An ISA's `pairs.h` says how its lanes hold pairs:
//   pairs_along(first, second)   2N consecutive elements of k, in two vectors, to N words
//   pairs_across(even, odd)      lane i of two consecutive k to word i
//   dot(a, b, c)                 c + upper halves' product + lower halves' product, lane by lane
#pragma once

#include <cstdint>

#include "cpu/gemm/plan.h"

namespace fastnn::FASTNN_ISA {

using Pair = std::int32_t;

FASTNN_INLINE std::int64_t pairs_of(std::int64_t k) { return (k + 1) / 2; }
FASTNN_INLINE std::int64_t round_up(std::int64_t n, std::int64_t unit) {
  return ceil_div(n, unit) * unit;
}

FASTNN_INLINE Matrix corner(const Matrix& x, std::int64_t p, std::int64_t i) {
  return {x.at(p, i), x.stride, x.along_k};
}

// Which part of a value is packed. `high` and `low` make a sum that has twice the bits: low is the
// rounding error of high, in bf16 itself. Their values are finite, and `high` stays so.
enum class Part { whole, high, low };

template <Part kPart>
FASTNN_INLINE Vec part(Vec x) {
  if constexpr (kPart == Part::whole) {
    return x;
  } else {
    const Vec most = Vec::set(0x1.fep127f);  // bf16's largest
    const VecI bits = as_int(min(max(x, -most), most));
    const VecI tie = shift_right(bits, 16) & VecI::set(1);
    const VecI rounded = (bits + VecI::set(0x7fff) + tie) & VecI::set(-0x10000);
    const Vec high = as_float(rounded);
    return kPart == Part::high ? high : x - high;
  }
}

// The first n of a vector's lanes; n may be any number.
template <Part kPart>
FASTNN_INLINE Vec load_part(const float* p, std::int64_t n) {
  if (n >= Vec::N) return part<kPart>(Vec::load(p));
  return n > 0 ? part<kPart>(Vec::load(p, static_cast<int>(n))) : Vec::zero();
}

// N words along k: elements [0, n) from p on, n of any size.
template <Part kPart>
FASTNN_INLINE VecI load_pairs_along(const float* p, std::int64_t n) {
  return pairs_along(load_part<kPart>(p, n), load_part<kPart>(p + Vec::N, n - Vec::N));
}

// N words across: lanes [0, n) of the first two of `rows` rows, which may be fewer or none.
template <Part kPart>
FASTNN_INLINE VecI load_pairs_across(const float* p, std::int64_t stride, std::int64_t rows,
                                     std::int64_t n) {
  const Vec even = rows > 0 ? load_part<kPart>(p, n) : Vec::zero();
  const Vec odd = rows > 1 ? load_part<kPart>(p + stride, n) : Vec::zero();
  return pairs_across(even, odd);
}

// The next two write `to` front to back. `pairs` may be more than k has: zeros follow.

// to[pairs][width] = from[k][count]: words lie as the lanes of the product do. width is a multiple
// of N.
template <Part kPart>
void pack_across(const Matrix& from, std::int64_t k, std::int64_t count, std::int64_t pairs,
                 std::int64_t width, Pair* to) {
  constexpr int N = Vec::N;
  if (!from.along_k) {
    for (std::int64_t q = 0; q < pairs; ++q) {
      const float* row = from.data + 2 * q * from.stride;
      for (std::int64_t i = 0; i < width; i += N) {
        load_pairs_across<kPart>(row + i, from.stride, k - 2 * q, count - i)
            .store(to + q * width + i);
      }
    }
    return;
  }
  for (std::int64_t i = 0; i < width; i += N) {
    for (std::int64_t q = 0; q < pairs; q += N) {
      Vec block[N];
      FASTNN_UNROLL
      for (int r = 0; r < N; ++r) {
        const std::int64_t left = i + r < count ? k - 2 * q : 0;
        block[r] =
            as_float(load_pairs_along<kPart>(from.data + (i + r) * from.stride + 2 * q, left));
      }
      transpose(block);
      FASTNN_UNROLL
      for (int r = 0; r < N; ++r) {
        if (q + r < pairs) as_int(block[r]).store(to + (q + r) * width + i);
      }
    }
  }
}

// to[count][ld] = from[k][count] turned: the words of each row lie along k. ld is a multiple of N,
// and rows are written to its end.
template <Part kPart>
void pack_along(const Matrix& from, std::int64_t k, std::int64_t count, std::int64_t ld, Pair* to) {
  constexpr int N = Vec::N;
  if (from.along_k) {
    for (std::int64_t i = 0; i < count; ++i) {
      const float* row = from.data + i * from.stride;
      for (std::int64_t q = 0; q < ld; q += N) {
        load_pairs_along<kPart>(row + 2 * q, k - 2 * q).store(to + i * ld + q);
      }
    }
    return;
  }
  for (std::int64_t i = 0; i < count; i += N) {
    for (std::int64_t q = 0; q < ld; q += N) {
      Vec block[N];
      FASTNN_UNROLL
      for (int r = 0; r < N; ++r) {
        const std::int64_t p = 2 * (q + r);
        block[r] = as_float(load_pairs_across<kPart>(from.data + p * from.stride + i, from.stride,
                                                     k - p, count - i));
      }
      transpose(block);
      FASTNN_UNROLL
      for (int r = 0; r < N; ++r) {
        if (i + r < count) as_int(block[r]).store(to + (i + r) * ld + q);
      }
    }
  }
}

}  // namespace fastnn::FASTNN_ISA
