// The loops around the microkernel of a bf16 product, and how threads share it.
//
// Both operands are packed always: that is where they are rounded. A thread packs what it needs, in
// scratch of its own. A block of rows of A and, a strip of columns after the other, a block of B
// are packed for a block of k; each strip then meets all tiles of the rows. B's strips are kept for
// the next block of rows, if there is one.
//
// `Unit` is the microkernel: DotUnit, or the TileUnit of amx/. The sums of an element of C do not
// know of tiles, strips or blocks: blocks of k are cut between steps of the unit, and a later one
// goes on from the values in C.
#pragma once

#include <cstdint>

#include "cpu/gemm/finish.h"
#include "cpu/gemm/pairs.h"

namespace fastnn::FASTNN_ISA {

namespace base = FASTNN_BASE;

// Blocks: a strip of B is 96 KiB and lies in L2, with the block of A (256 KiB); all strips of a
// block of columns are 1.5 MiB, and lie in L3 where L2 is smaller.
inline constexpr std::int64_t kBlockPairs = 512;
inline constexpr std::int64_t kPairBlockRows = 128;
inline constexpr std::int64_t kPairBlockCols = 768;

// A product of so few rows uses a strip of B once or twice: it is made in pieces that stay in L1.
inline constexpr std::int64_t kFewRows = 8;
inline constexpr std::int64_t kFewRowsPairs = 128;

FASTNN_INLINE std::int64_t block_pairs(std::int64_t rows) {
  return rows <= kFewRows ? kFewRowsPairs : kBlockPairs;
}

// One thread's scratch, in words.
template <class Unit>
struct PairScratch {
  std::int64_t b, tile, total;

  FASTNN_INLINE PairScratch(const Product& q, std::int64_t rows) {
    const std::int64_t strip = Unit::kVecs * Unit::kLanes;
    const std::int64_t pairs = least(round_up(pairs_of(q.k), Unit::kStep), block_pairs(rows));
    const std::int64_t cols =
        rows <= kPairBlockRows ? strip : least(round_up(q.n, Unit::kLanes), kPairBlockCols);
    b = Unit::kTerms * Unit::a_words(least(rows, kPairBlockRows), pairs);
    tile = b + Unit::kTerms * cols * pairs;
    total = tile + Unit::kRows * strip;
  }
};

// The parts of C: `rows` x `cols` of them, the rest of the threads idle. Chosen for the least time
// of the busiest, counting what several threads pack alike.
struct PairGrid {
  int rows, cols;
};

template <class Unit>
PairGrid make_pair_grid(const Product& q, int parts) {
  constexpr std::int64_t kPackCycles = 6;  // of a vector of words
  PairGrid best{1, 1};
  std::int64_t least_cost = INT64_MAX;
  for (int rows = 1; rows <= parts; ++rows) {
    const int cols = parts / rows;
    const std::int64_t m = ceil_div(q.m, rows);
    const std::int64_t vecs = ceil_div(ceil_div(q.n, Unit::kLanes), cols);
    const std::int64_t packed = vecs + ceil_div(m, Unit::kLanes);
    const std::int64_t cost =
        vecs * ceil_div(m, Unit::kRowsPerCycle) + kPackCycles * Unit::kTerms * packed;
    if (cost < least_cost) {
      least_cost = cost;
      best = {rows, cols};
    }
  }
  return best;
}

// c[rows, cols] = A[rows, :] B[:, cols] and what `call` asks of every tile. c is all of C.
template <class Unit>
void multiply_pairs(Unit& unit, const Product& q, const Call& call, Range rows, Range cols,
                    float* c, void* scratch) {
  Pair* words = static_cast<Pair*>(scratch);
  constexpr std::int64_t kLanes = Unit::kLanes;
  const PairScratch<Unit> at(q, rows.end - rows.begin);
  float* passing = static_cast<float*>(scratch) + at.tile;
  const bool finishing = base::has_epilogue(call);
  const Pieces k_blocks(ceil_div(q.k > 0 ? pairs_of(q.k) : 1, Unit::kStep),
                        block_pairs(rows.end - rows.begin) / Unit::kStep);
  const Pieces row_blocks(rows.end - rows.begin, kPairBlockRows);
  const bool keeps_strips = row_blocks.count > 1;
  const std::int64_t block_cols = keeps_strips ? kPairBlockCols : cols.end - cols.begin;

  for (std::int64_t j0 = cols.begin; j0 < cols.end; j0 += block_cols) {
    const std::int64_t j1 = least(j0 + block_cols, cols.end);
    const Pieces strips(ceil_div(j1 - j0, kLanes), Unit::kVecs);
    for (std::int64_t kb = 0, p = 0; kb < k_blocks.count; ++kb) {
      const bool first = kb == 0, last = kb == k_blocks.count - 1;
      const std::int64_t pairs = q.k > 0 ? k_blocks.size(kb) * Unit::kStep : 0;
      const std::int64_t k = least(2 * pairs, q.k - p);
      // A tile that nobody looks at after it is finished need not go to C.
      const bool passes = first && last && call.next;
      for (std::int64_t rb = 0, i = rows.begin; rb < row_blocks.count; ++rb) {
        const std::int64_t block_rows = row_blocks.size(rb);
        const auto a = unit.pack_a(corner(q.a, p, i), k, block_rows, pairs, words);
        const Pieces tiles(block_rows, Unit::kRows);
        for (std::int64_t s = 0, j = j0; s < strips.count; ++s) {
          const int vecs = static_cast<int>(strips.size(s));
          const std::int64_t width = least(vecs * kLanes, j1 - j);
          Pair* b = words + at.b + (keeps_strips ? (j - j0) * pairs * Unit::kTerms : 0);
          if (rb == 0) unit.pack_b(corner(q.b, p, j), k, width, pairs, vecs * kLanes, b);
          for (std::int64_t t = 0, row = 0; t < tiles.count; ++t) {
            const int height = static_cast<int>(tiles.size(t));
            float* to = passes ? passing : c + (i + row) * q.n + j;
            const std::int64_t ldc = passes ? vecs * kLanes : q.n;
            unit.tile(a, row, height, b, vecs, pairs, to, ldc, width, first);
            if (finishing && last) base::finish_tile(call, {i + row, j, height, width}, to, ldc);
            row += height;
          }
          j += width;
        }
        i += block_rows;
      }
      p += k;
    }
  }
}

}  // namespace fastnn::FASTNN_ISA
