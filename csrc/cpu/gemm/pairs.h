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
//   halves_along(words)          what pairs_along was given, rounded
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

// What is packed of a vector: the value, rounded; or, where there are two terms, that and the
// rounding of what it misses. They make a sum that has twice the bits.
template <int kTerms>
struct Words {
  VecI term[kTerms];
};

// What the first of two terms is the rounding of, where not all can be split: infinity and NaN are
// all in the second, beside a 1. Then a product of an infinity is one, and has the right sign,
// though one of four is left out.
FASTNN_INLINE Vec splittable(Vec x) {
  const Vec most = Vec::set(0x1.fep127f);  // bf16's largest: beyond, it would be infinite
  const Vec within = min(max(x, -most), most);
  return select(le(abs(x), Vec::set(0x1.fffffep127f)), within, copy_sign(Vec::set(1.0f), x));
}

// Are all of what two roundings missed finite? Not where a rounding went to infinity.
FASTNN_INLINE bool finite(Vec a, Vec b) {
  const Vec sum = a + b;
  return !any(is_nan(sum - sum));
}

template <int kTerms>
FASTNN_INLINE Words<kTerms> words_along(Vec first, Vec second) {
  VecI high = pairs_along(first, second);
  if constexpr (kTerms == 1) {
    return {high};
  } else {
    Halves rounded = halves_along(high);
    Vec low = first - rounded.first, low_second = second - rounded.second;
    if (!finite(low, low_second)) [[unlikely]] {
      high = pairs_along(splittable(first), splittable(second));
      rounded = halves_along(high);
      low = first - rounded.first, low_second = second - rounded.second;
    }
    return {high, pairs_along(low, low_second)};
  }
}

template <int kTerms>
FASTNN_INLINE Words<kTerms> words_across(Vec even, Vec odd) {
  VecI high = pairs_across(even, odd);
  if constexpr (kTerms == 1) {
    return {high};
  } else {
    const auto lower = [&] { return as_float(shift_left(high, 16)); };
    const auto upper = [&] { return as_float(high & VecI::set(-0x10000)); };
    Vec low_even = even - lower(), low_odd = odd - upper();
    if (!finite(low_even, low_odd)) [[unlikely]] {
      high = pairs_across(splittable(even), splittable(odd));
      low_even = even - lower(), low_odd = odd - upper();
    }
    return {high, pairs_across(low_even, low_odd)};
  }
}

// The first n of a vector's lanes; n may be any number.
FASTNN_INLINE Vec load_some(const float* p, std::int64_t n) {
  if (n >= Vec::N) return Vec::load(p);
  return n > 0 ? Vec::load(p, static_cast<int>(n)) : Vec::zero();
}

// N words along k: elements [0, n) from p on, n of any size.
template <int kTerms>
FASTNN_INLINE Words<kTerms> load_pairs_along(const float* p, std::int64_t n) {
  return words_along<kTerms>(load_some(p, n), load_some(p + Vec::N, n - Vec::N));
}

// N words across: lanes [0, n) of the first two of `rows` rows, which may be fewer or none.
template <int kTerms>
FASTNN_INLINE Words<kTerms> load_pairs_across(const float* p, std::int64_t stride,
                                              std::int64_t rows, std::int64_t n) {
  const Vec even = rows > 0 ? load_some(p, n) : Vec::zero();
  const Vec odd = rows > 1 ? load_some(p + stride, n) : Vec::zero();
  return words_across<kTerms>(even, odd);
}

// The next two write `to` front to back, and the second term, if there is one, `part` words behind
// the first. `pairs` may be more than k has: zeros follow.

// to[pairs][width] = from[k][count]: words lie as the lanes of the product do. width is a multiple
// of N.
template <int kTerms>
void pack_across(const Matrix& from, std::int64_t k, std::int64_t count, std::int64_t pairs,
                 std::int64_t width, Pair* to, std::int64_t part = 0) {
  constexpr int N = Vec::N;
  if (!from.along_k) {
    for (std::int64_t q = 0; q < pairs; ++q) {
      const float* row = from.data + 2 * q * from.stride;
      for (std::int64_t i = 0; i < width; i += N) {
        const auto words = load_pairs_across<kTerms>(row + i, from.stride, k - 2 * q, count - i);
        for (int t = 0; t < kTerms; ++t) words.term[t].store(to + t * part + q * width + i);
      }
    }
    return;
  }
  for (std::int64_t i = 0; i < width; i += N) {
    for (std::int64_t q = 0; q < pairs; q += N) {
      Vec block[kTerms][N];
      FASTNN_UNROLL
      for (int r = 0; r < N; ++r) {
        const std::int64_t left = i + r < count ? k - 2 * q : 0;
        const auto words =
            load_pairs_along<kTerms>(from.data + (i + r) * from.stride + 2 * q, left);
        for (int t = 0; t < kTerms; ++t) block[t][r] = as_float(words.term[t]);
      }
      for (int t = 0; t < kTerms; ++t) {
        transpose(block[t]);
        FASTNN_UNROLL
        for (int r = 0; r < N; ++r) {
          if (q + r < pairs) as_int(block[t][r]).store(to + t * part + (q + r) * width + i);
        }
      }
    }
  }
}

// to[count][ld] = from[k][count] turned: the words of each row lie along k. ld is a multiple of N,
// and rows are written to its end.
template <int kTerms>
void pack_along(const Matrix& from, std::int64_t k, std::int64_t count, std::int64_t ld, Pair* to,
                std::int64_t part = 0) {
  constexpr int N = Vec::N;
  if (from.along_k) {
    for (std::int64_t i = 0; i < count; ++i) {
      const float* row = from.data + i * from.stride;
      for (std::int64_t q = 0; q < ld; q += N) {
        const auto words = load_pairs_along<kTerms>(row + 2 * q, k - 2 * q);
        for (int t = 0; t < kTerms; ++t) words.term[t].store(to + t * part + i * ld + q);
      }
    }
    return;
  }
  for (std::int64_t i = 0; i < count; i += N) {
    for (std::int64_t q = 0; q < ld; q += N) {
      Vec block[kTerms][N];
      FASTNN_UNROLL
      for (int r = 0; r < N; ++r) {
        const std::int64_t p = 2 * (q + r);
        const auto words = load_pairs_across<kTerms>(from.data + p * from.stride + i, from.stride,
                                                     k - p, count - i);
        for (int t = 0; t < kTerms; ++t) block[t][r] = as_float(words.term[t]);
      }
      for (int t = 0; t < kTerms; ++t) {
        transpose(block[t]);
        FASTNN_UNROLL
        for (int r = 0; r < N; ++r) {
          if (i + r < count) as_int(block[t][r]).store(to + t * part + (i + r) * ld + q);
        }
      }
    }
  }
}

}  // namespace fastnn::FASTNN_ISA
