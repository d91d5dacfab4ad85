// A 4 x 4 block, rows to columns, in registers.
#pragma once

#include "cpu/generic/vec.h"

namespace fastnn::generic {

FASTNN_INLINE void transpose(Vec (&r)[4]) {
  const auto a = __builtin_shufflevector(r[0].v, r[1].v, 0, 4, 1, 5);
  const auto b = __builtin_shufflevector(r[2].v, r[3].v, 0, 4, 1, 5);
  const auto c = __builtin_shufflevector(r[0].v, r[1].v, 2, 6, 3, 7);
  const auto d = __builtin_shufflevector(r[2].v, r[3].v, 2, 6, 3, 7);
  r[0].v = __builtin_shufflevector(a, b, 0, 1, 4, 5);
  r[1].v = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  r[2].v = __builtin_shufflevector(c, d, 0, 1, 4, 5);
  r[3].v = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

// r = the 4 x 4 block at `from`, turned.
FASTNN_INLINE void load_transposed(const float* from, std::int64_t stride, Vec (&r)[4]) {
  FASTNN_UNROLL
  for (int i = 0; i < 4; ++i) r[i] = Vec::load(from + i * stride);
  transpose(r);
}

}  // namespace fastnn::generic
