// The loops around the microkernel of a bf16 product, and how threads share it.
//
// Both operands are packed always: that is where they are rounded. A thread packs what it needs, in
// scratch of its own: for a block of k a block of rows of A and, a few strips of columns after the
// other, a block of B; each strip then meets all tiles of the rows. B's strips are kept for the
// next block of rows, if there is one.
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

// Where B's rows are long, a strip has too little of each for the memory to be read at speed: then
// so many strips are packed together.
inline constexpr std::int64_t kLongRowOfB = 1024;
inline constexpr int kMostStrips = 4;

// A product of so few rows uses a strip of B once or twice: it is made in pieces that stay in L1,
// or of few pairs of k but of whole rows, if they are long.
inline constexpr std::int64_t kFewRows = 8;
inline constexpr std::int64_t kFewRowsPairs = 128;
inline constexpr std::int64_t kFewRowsPairsOfLong = 32;
inline constexpr int kFewRowsStrips = 32;

FASTNN_INLINE bool has_long_rows(const Product& q) { return !q.b.along_k && q.n >= kLongRowOfB; }

FASTNN_INLINE int strips_together(const Product& q, std::int64_t rows) {
  if (!has_long_rows(q)) return 1;
  return rows <= kFewRows ? kFewRowsStrips : kMostStrips;
}

FASTNN_INLINE std::int64_t block_pairs(const Product& q, std::int64_t rows) {
  if (rows > kFewRows) return kBlockPairs;
  return has_long_rows(q) ? kFewRowsPairsOfLong : kFewRowsPairs;
}

// One thread's scratch, in words.
template <class Unit>
struct PairScratch {
  std::int64_t b, total;

  FASTNN_INLINE PairScratch(const Product& q, std::int64_t rows) {
    const std::int64_t strip = Unit::kVecs * Unit::kLanes;
    const std::int64_t pairs = least(round_up(pairs_of(q.k), Unit::kStep), block_pairs(q, rows));
    const std::int64_t cols = rows <= kPairBlockRows
                                  ? strip * strips_together(q, rows)
                                  : least(round_up(q.n, Unit::kLanes), kPairBlockCols);
    b = Unit::kTerms * Unit::a_words(least(rows, kPairBlockRows), pairs);
    total = b + Unit::kTerms * cols * pairs;
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

// One thread's part of a product.
template <class Unit>
class PairLoops {
 public:
  // c is all of C; `call` says what happens to every tile or block once its sums are complete.
  PairLoops(Unit& unit, const Product& q, const Call& call, float* c, void* scratch)
      : unit_(unit), q_(q), call_(call), c_(c), scratch_(scratch) {}

  // c[rows, cols] = A[rows, :] B[:, cols].
  void multiply(Range rows, Range cols) {
    const std::int64_t all_rows = rows.end - rows.begin;
    const PairScratch<Unit> at(q_, all_rows);
    packed_a_ = static_cast<Pair*>(scratch_);
    packed_b_ = packed_a_ + at.b;
    const Pieces k_blocks(ceil_div(q_.k > 0 ? pairs_of(q_.k) : 1, Unit::kStep),
                          block_pairs(q_, all_rows) / Unit::kStep);
    const Pieces row_blocks(all_rows, kPairBlockRows);
    keeps_strips_ = row_blocks.count > 1;
    together_ = strips_together(q_, all_rows);
    const std::int64_t block_cols = keeps_strips_ ? kPairBlockCols : cols.end - cols.begin;
    for (std::int64_t j = cols.begin; j < cols.end; j += block_cols) {
      const Range block{j, least(j + block_cols, cols.end)};
      for (std::int64_t kb = 0, p = 0; kb < k_blocks.count; ++kb) {
        const std::int64_t pairs = q_.k > 0 ? k_blocks.size(kb) * Unit::kStep : 0;
        k_ = {p, least(2 * pairs, q_.k - p), pairs, kb == 0, kb == k_blocks.count - 1};
        for (std::int64_t rb = 0, i = rows.begin; rb < row_blocks.count; ++rb) {
          multiply_block({i, i + row_blocks.size(rb)}, block, rb == 0);
          i += row_blocks.size(rb);
        }
        p += k_.size;
      }
    }
  }

 private:
  void multiply_block(Range rows, Range cols, bool packs_b) {
    const auto a = Unit::pack_a(corner(q_.a, k_.begin, rows.begin), k_.size, rows.end - rows.begin,
                                k_.pairs, packed_a_);
    const Pieces strips(ceil_div(cols.end - cols.begin, Unit::kLanes), Unit::kVecs);
    for (std::int64_t s = 0, j = cols.begin, group = j; s < strips.count; ++s) {
      if (s % together_ == 0) group = j;
      const std::int64_t kept = keeps_strips_ ? cols.begin : group;
      Pair* b = packed_b_ + (j - kept) * k_.pairs * Unit::kTerms;
      if (packs_b && s % together_ == 0) {
        pack_strips({j, cols.end}, strips, s, least(together_, strips.count - s), b);
      }
      const std::int64_t width = strips.size(s) * Unit::kLanes;
      multiply_strip(a, rows, b, {j, least(j + width, cols.end)});
      j += width;
    }
    if (k_.last && base::finishes_by_rows(call_)) {
      const TileOfC block{rows.begin, cols.begin, rows.end - rows.begin, cols.end - cols.begin};
      base::finish_tile(call_, block, c_ + block.i * q_.n + block.j, q_.n);
    }
  }

  // Packs `count` strips of B from the one numbered `first` on, which begins at cols.begin. Where
  // B's rows lie in memory as they are, a few of them go to all strips before the next few.
  void pack_strips(Range cols, const Pieces& strips, std::int64_t first, std::int64_t count,
                   Pair* to) {
    const std::int64_t step = count > 1 ? 4 : k_.pairs;
    for (std::int64_t p = 0; p < k_.pairs; p += step) {
      Pair* strip = to;
      for (std::int64_t s = first, j = cols.begin; s < first + count; ++s) {
        const std::int64_t width = strips.size(s) * Unit::kLanes;
        Unit::pack_b(corner(q_.b, k_.begin + 2 * p, j), k_.size - 2 * p, least(width, cols.end - j),
                     least(step, k_.pairs - p), width, strip + p * width, k_.pairs * width);
        strip += Unit::kTerms * k_.pairs * width;
        j += width;
      }
    }
  }

  // All tiles of one strip.
  void multiply_strip(const typename Unit::Packed& a, Range rows, const Pair* b, Range cols) {
    const int vecs = static_cast<int>(ceil_div(cols.end - cols.begin, Unit::kLanes));
    const bool finishing = k_.last && base::has_epilogue(call_) && !base::finishes_by_rows(call_);
    const Pieces tiles(rows.end - rows.begin, Unit::kRows);
    for (std::int64_t t = 0, i = rows.begin; t < tiles.count; ++t) {
      const TileOfC tile{i, cols.begin, tiles.size(t), cols.end - cols.begin};
      float* c = c_ + i * q_.n + tile.j;
      unit_.tile(a, i - rows.begin, static_cast<int>(tile.rows), b, vecs, k_.pairs, c, q_.n,
                 tile.cols, k_.first);
      if (finishing) base::finish_tile(call_, tile, c, q_.n);
      i += tile.rows;
    }
  }

  Unit& unit_;
  const Product& q_;
  const Call& call_;
  float* c_;
  void* scratch_;
  Pair *packed_a_, *packed_b_;
  bool keeps_strips_;
  std::int64_t together_;
  struct {
    std::int64_t begin, size, pairs;
    bool first, last;
  } k_;  // the block of k that is done
};

}  // namespace fastnn::FASTNN_ISA
