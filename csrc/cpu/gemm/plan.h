// How a product will be done, decided by its shape alone: never by the number of threads, so that
// the plan printed is the plan run.
#pragma once

#include <cstdint>

#include "cpu/gemm/pack.h"

namespace fastnn::FASTNN_ISA {

// C[m, n] = A[m, k] B[k, n], each operand as it lies in memory.
struct Product {
  std::int64_t m, n, k;
  Matrix a, b;
};

// form 'n': A[m,k] B[k,n];  'b': A[m,k] B[n,k];  'a': A[k,m] B[k,n].
FASTNN_INLINE Product product(std::int64_t m, std::int64_t n, std::int64_t k, char form,
                              const float* a, const float* b) {
  const bool transposed_a = form == 'a', transposed_b = form == 'b';
  return {
      m, n, k, {a, transposed_a ? m : k, !transposed_a}, {b, transposed_b ? k : n, transposed_b}};
}

// The same product written as C^T = B^T A^T.
FASTNN_INLINE Product swapped(const Product& q) { return {q.n, q.m, q.k, q.b, q.a}; }

FASTNN_INLINE std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
FASTNN_INLINE std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
FASTNN_INLINE std::int64_t vectors(std::int64_t lanes) { return ceil_div(lanes, Vec::N); }

// [0, n) in the fewest pieces of at most `limit`, as equal as can be: 128 rows in tiles of up to 14
// are eight of 13 and two of 12, not nine of 14 and a poor one of 2.
struct Pieces {
  std::int64_t count, base, longer;

  FASTNN_INLINE Pieces(std::int64_t n, std::int64_t limit)
      : count(ceil_div(n, limit)), base(count ? n / count : 0), longer(n - base * count) {}
  FASTNN_INLINE std::int64_t size(std::int64_t i) const { return base + (i < longer); }
};

inline constexpr int kLine = 16;  // floats in a cache line

struct Plan {
  bool swap;  // do C^T = B^T A^T; what follows is about that product
  bool pack_a, pack_b;
  std::int64_t block_k;  // k is done in blocks of at most this
  const char* reason;
  bool dots = false;  // sums in the order of vector.h's dots
};

// Costs in vector instructions for each vector of an operand.
inline constexpr std::int64_t kCopyCost = 3;
inline constexpr std::int64_t kTransposeCost = 6;

// One column, and A's rows along k: vector.h has an order of its own for their sums, whatever m.
inline bool is_dots(const Product& q) { return q.n == 1 && q.a.along_k; }

// Lanes run along n, so a narrow C wastes most of each vector: one of 16 lanes for a layer with one
// output. Then it may be cheaper to let the lanes run along m and to turn the result.
inline bool swap_is_cheaper(const Product& q) {
  if (is_dots(q)) return true;
  if (q.n >= 2 * Vec::N || q.m <= q.n) return false;
  if (q.n == 1) return true;  // vector.h has no tiles to waste
  const std::int64_t read_a = q.a.along_k ? kTransposeCost : 1;
  const std::int64_t read_b = q.b.along_k ? kTransposeCost : 1;
  const std::int64_t plain = vectors(q.n) * (q.m + read_b) * q.k;
  const std::int64_t turned = vectors(q.m) * (q.n + read_a) * q.k + q.m * q.n;
  return turned < plain;
}

// Packing is repaid where what is packed is used often enough: then a strip of B stays in L1 for
// all tiles of a block, and neither factor is spread over many pages and few sets of L1, as are
// rows a multiple of 4 KiB apart. And a large B is read from memory in long pieces.
//
//   B   fits in L2 (kCacheBytes): packed for kManyRows of A, if its own have kSpreadRow elements
//       at most kNearBytes: for kLeastPackedRows; at most kFarBytes: for more than kFewestRows;
//       larger: for more than one tile's
//   A   beside a packed B: for kReusedColumns of B; twice as many where A lies along k, which a
//       tile reads well enough as it is
inline constexpr std::int64_t kManyRows = 256;
inline constexpr std::int64_t kSpreadRow = 128;
inline constexpr std::int64_t kFewestRows = 24;
inline constexpr std::int64_t kNearBytes = std::int64_t{2} << 20;
inline constexpr std::int64_t kReusedColumns = 256;
// A large B that is read in place is read in blocks of so many rows, or of half as many for up to
// kFewestRows of A, which use each block twice or thrice.
inline constexpr std::int64_t kInPlaceK = 128;

// B is read in place in blocks of so many rows; 0: it is packed. Rows of a multiple of 4 KiB share
// few sets of L2, but a block that is no longer, from end to end, than half of L2 has room there.
inline std::int64_t rows_in_place(const Product& q) {
  const std::int64_t row_bytes = sizeof(float) * q.n, bytes = q.k * row_bytes;
  if (q.b.along_k) return 0;
  if (bytes <= kCacheBytes) {
    return q.m >= kManyRows && q.n >= kSpreadRow ? 0 : q.k > 0 ? q.k : 1;
  }
  if (q.m <= kWideRows) return kBlockK;  // one tile: no block is read twice
  if (bytes > kFarBytes) return 0;
  if (q.m <= kFewestRows) return kInPlaceK / 2;
  const std::int64_t rows = least(kInPlaceK, kCacheBytes / row_bytes);
  const bool few = bytes <= kNearBytes && q.m < kLeastPackedRows;
  return few && rows >= kInPlaceK / 2 ? rows : 0;
}

inline Plan make_plan(const Product& given) {
  const bool swap = swap_is_cheaper(given);
  const Product q = swap ? swapped(given) : given;
  if (is_dots(given)) return {true, false, false, q.k, "one column: dots of the rows", true};
  if (q.m == 1) {
    return {swap, false, false, q.k,
            q.b.along_k ? "a vector: the matrix lies along k, turned in registers"
                        : "a vector: the matrix streams through once"};
  }
  const std::int64_t in_place = rows_in_place(q);
  const bool packs_b = in_place == 0;
  const bool packs_a = packs_b && q.n >= kReusedColumns * (q.a.along_k ? 2 : 1);
  Plan plan{swap, packs_a, packs_b, packs_b ? kBlockK : in_place, nullptr};

  if (swap) {
    plan.reason = packs_b ? "turned: n is narrow, the lanes run along m; A packed for that"
                          : "turned: n is narrow, the lanes run along m; A read in place";
  } else if (q.b.along_k) {
    plan.reason = packs_a ? "packed: B is transposed for its lanes, and A is reused"
                          : "half packed: B is transposed for its lanes";
  } else if (packs_b) {
    plan.reason = packs_a ? "packed: A and B are reused" : "half packed: B is reused";
  } else if (in_place < q.k) {
    plan.reason = "direct: too few rows to repay packing B";
  } else {
    plan.reason = "direct: B fits in L2";
  }
  return plan;
}

// How the parts share C: `rows` x `cols` of them, the rest idle. Chosen for the least work of the
// busiest part, counting what several parts read or pack alike. A chained product is shared by rows
// of the parameter, where it has enough of them: side by side in its rows and those of its slots,
// cores would read ahead into lines that the other one writes.
struct Grid {
  int rows, cols;
};

inline Grid make_grid(const Product& q, const Plan& plan, int parts, bool chained) {
  if (chained && (plan.swap ? vectors(q.n) : q.m) >= parts) {
    return plan.swap ? Grid{1, parts} : Grid{parts, 1};
  }
  const auto cost_of = [](const Matrix& x, bool packed) {
    return !packed ? 1 : x.along_k ? kTransposeCost : kCopyCost;
  };
  const std::int64_t cost_a = cost_of(q.a, plan.pack_a), cost_b = cost_of(q.b, plan.pack_b);
  Grid best{1, 1};
  std::int64_t least_cost = INT64_MAX;
  for (int rows = 1; rows <= parts; ++rows) {
    const int cols = parts / rows;
    const std::int64_t m = ceil_div(q.m, rows), n = ceil_div(vectors(q.n), cols);
    const std::int64_t cost = n * (m + cost_b) + cost_a * vectors(m);
    if (cost < least_cost) {
      least_cost = cost;
      best = {rows, cols};
    }
  }
  return best;
}

}  // namespace fastnn::FASTNN_ISA
