// The loops around the microkernel, as in BLIS: columns, k and rows are cut so that a block of B
// stays in L3, a block of A in L2 and a strip of B in L1, and all of that only where it pays
// (plan.h).
#pragma once

#include <cstdint>

#include "cpu/gemm/epilogue.h"
#include "cpu/gemm/plan.h"
#include "cpu/gemm/tile.h"
#include "program/call.h"

namespace fastnn::FASTNN_ISA {

// A packed panel of A is written N lanes at a time, which must not run into its own next rows.
static_assert(kTileRows <= Vec::N);

// A strip of B is packed in whole vectors, of which pack_rows knows that many.
static_assert(kTileVecs <= kMostVecs);

// A turned product is made this many columns at a time, in scratch, before it is written to C.
inline constexpr std::int64_t kTurnedCols = 512;

// Rows of a chained gradient that are made, in scratch, before the optimizer goes along them.
inline constexpr std::int64_t kChainedRows = 2 * kTileRows;

// One thread's scratch, in floats. Each piece starts on a cache line.
struct Scratch {
  std::int64_t a, b, turned, chained, total;

  FASTNN_INLINE Scratch(const Product& q, const Plan& plan, bool is_chained) {
    const auto piece = [](bool used, std::int64_t floats) {
      return used ? ceil_div(floats + kPackSlack, 16) * 16 : 0;
    };
    const std::int64_t k = least(q.k, plan.block_k);
    const std::int64_t a_floats = piece(plan.pack_a, least(q.m, kBlockRows) * k);
    const std::int64_t b_floats = piece(plan.pack_b, least(vectors(q.n) * Vec::N, kBlockCols) * k);
    a = 0;
    b = a + a_floats;
    turned = b + b_floats;
    chained = turned + piece(plan.swap, q.m * least(q.n, kTurnedCols));
    total = chained + piece(is_chained, kChainedRows * least(vectors(q.n) * Vec::N, kBlockCols));
  }
};

// Packs B[p .. p + k, j0 .. j1) strip after strip. Where B's rows lie in memory as they are, a few
// rows at a time go to all strips: so each is read from end to end, not in pieces a row apart.
FASTNN_INLINE void pack_strips(const Matrix& b, std::int64_t p, std::int64_t k, std::int64_t j0,
                               std::int64_t j1, Pieces strips, float* to) {
  const std::int64_t step = b.along_k ? k : 8;
  for (std::int64_t row = 0; row < k; row += step) {
    const std::int64_t rows = least(step, k - row);
    for (std::int64_t s = 0, j = j0; s < strips.count; ++s) {
      const std::int64_t width = strips.size(s) * Vec::N;
      pack(b, p + row, j, rows, least(width, j1 - j), width, to + (j - j0) * k + row * width);
      j += width;
    }
  }
}

// Asks for a tile of C that will be made next: by then it is in L1.
FASTNN_INLINE void prefetch(const float* c, std::int64_t rows, std::int64_t cols,
                            std::int64_t ldc) {
  for (std::int64_t i = 0; i < rows; ++i, c += ldc) {
    for (std::int64_t j = 0; j < cols; j += kLine) __builtin_prefetch(c + j, 1);
  }
}

// The tiles of one strip of columns: c[rows, cols] (+)= a b for one block of k. A packed `a` is
// the panels of `tiles`, one after the other.
FASTNN_INLINE void multiply_strip(const Matrix& a, bool packed_a, const float* b, std::int64_t ldb,
                                  std::int64_t k, Pieces tiles, std::int64_t cols, float* c,
                                  std::int64_t ldc, bool first, const Epilogue* epilogue,
                                  std::int64_t i, std::int64_t j) {
  const int vecs = static_cast<int>(vectors(cols));
  const int tail = static_cast<int>(cols - (vecs - 1) * Vec::N);
  const auto find = [&](std::int64_t height) {
    const int rows = static_cast<int>(height);
    const bool along_k = a.along_k && !packed_a;
    return tail < Vec::N
               ? along_k ? find_tile<true, true>(rows, vecs) : find_tile<true, false>(rows, vecs)
           : along_k ? find_tile<false, true>(rows, vecs)
                     : find_tile<false, false>(rows, vecs);
  };
  const Tile longer = tiles.longer ? find(tiles.base + 1) : nullptr;
  const Tile shorter = find(tiles.base);
  for (std::int64_t t = 0, row = 0; t < tiles.count; ++t) {
    const std::int64_t rows = tiles.size(t);
    const float* from = packed_a ? a.data + row * k : a.at(0, row);
    const std::int64_t lda = packed_a ? rows : a.stride;
    float* to = c + row * ldc;
    if (epilogue) expect(*epilogue, rows, cols, i + row, j);
    if (t + 1 < tiles.count) prefetch(to + rows * ldc, tiles.size(t + 1), cols, ldc);
    (t < tiles.longer ? longer : shorter)(k, from, lda, b, ldb, to, ldc, tail, first);
    if (epilogue && !epilogue->by_rows()) finish(*epilogue, rows, cols, i + row, j, to, ldc);
    row += rows;
  }
}

// Rows of the tallest tile: a block with one row less may have one tile less, and taller ones.
FASTNN_INLINE std::int64_t tallest_tile(const Pieces& row_blocks) {
  const std::int64_t first = Pieces(row_blocks.size(0), kTileRows).size(0);
  const std::int64_t last = Pieces(row_blocks.size(row_blocks.count - 1), kTileRows).size(0);
  return first > last ? first : last;
}

// c = A[rows, :] B[:, cols], then the epilogue if there is one. c is where (rows.begin, cols.begin)
// goes.
inline void multiply(const Product& q, const Plan& plan, Range rows, Range cols, float* c,
                     std::int64_t ldc, const Epilogue* epilogue, float* scratch) {
  const bool chained = epilogue && epilogue->next;
  const Scratch at(q, plan, chained);
  float* packed_a = scratch + at.a;
  float* packed_b = scratch + at.b;
  const std::int64_t all_rows = rows.end - rows.begin;
  const Pieces k_blocks(q.k > 0 ? q.k : 1, plan.block_k);  // k = 0 is one empty block
  const Pieces row_blocks(all_rows, chained ? kChainedRows : kBlockRows);
  const int strip_vecs = most_vecs(tallest_tile(row_blocks));
  // Rows that nobody looks at after the optimizer need not go to C, if all of k is done at once.
  const bool passes = chained && k_blocks.count == 1;

  for (std::int64_t j0 = cols.begin; j0 < cols.end; j0 += kBlockCols) {
    const std::int64_t j1 = least(j0 + kBlockCols, cols.end);
    const Pieces strips(vectors(j1 - j0), strip_vecs);
    for (std::int64_t kb = 0, p = 0; kb < k_blocks.count; ++kb) {
      const std::int64_t k = q.k > 0 ? k_blocks.size(kb) : 0;
      const bool first = kb == 0, last = kb == k_blocks.count - 1;
      if (plan.pack_b) {
        pack_strips(q.b, p, k, j0, j1, strips, packed_b);
      }
      for (std::int64_t rb = 0, i = rows.begin; rb < row_blocks.count; ++rb) {
        const Pieces tiles(row_blocks.size(rb), kTileRows);
        if (plan.pack_a) {
          for (std::int64_t t = 0, row = 0; t < tiles.count; ++t) {
            pack(q.a, p, i + row, k, tiles.size(t), tiles.size(t), packed_a + row * k);
            row += tiles.size(t);
          }
        }
        float* block = c + (i - rows.begin) * ldc + (j0 - cols.begin);
        std::int64_t ld_block = ldc;
        if (passes) {
          block = scratch + at.chained;
          ld_block = vectors(j1 - j0) * Vec::N;
        }
        const Matrix a{plan.pack_a ? packed_a : q.a.at(p, i), q.a.stride, q.a.along_k};
        for (std::int64_t s = 0, j = j0; s < strips.count; ++s) {
          const std::int64_t width = strips.size(s) * Vec::N;
          const float* b = plan.pack_b ? packed_b + (j - j0) * k : q.b.at(p, j);
          multiply_strip(a, plan.pack_a, b, plan.pack_b ? width : q.b.stride, k, tiles,
                         least(width, j1 - j), block + (j - j0), ld_block, first,
                         last ? epilogue : nullptr, i, j);
          j += width;
        }
        if (last && epilogue && epilogue->by_rows()) {
          finish(*epilogue, row_blocks.size(rb), j1 - j0, i, j0, block, ld_block);
        }
        i += row_blocks.size(rb);
      }
      p += k;
    }
  }
}

// The same for C^T: q is the swapped product, so its columns are rows of C, and C is [q.n, q.m].
inline void multiply_turned(const Product& q, const Plan& plan, Range rows, Range cols, float* c,
                            const Epilogue& epilogue, float* scratch) {
  float* turned = scratch + Scratch(q, plan, false).turned;
  const std::int64_t width = rows.end - rows.begin;
  for (std::int64_t j = cols.begin; j < cols.end; j += kTurnedCols) {
    const std::int64_t count = least(kTurnedCols, cols.end - j);
    multiply(q, plan, rows, {j, j + count}, turned, count, nullptr, scratch);
    float* to = c + j * q.m + rows.begin;
    for (std::int64_t l = 0; l < count; ++l) {
      for (std::int64_t r = 0; r < width; ++r) to[l * q.m + r] = turned[r * count + l];
    }
    finish(epilogue, count, width, j, rows.begin, to, q.m);
  }
}

}  // namespace fastnn::FASTNN_ISA
