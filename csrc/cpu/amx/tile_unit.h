// The microkernel of a bf16 product over AMX's tiles: up to 32 x 32 of C in four tiles, fed by two
// of A and two of B. Each load of a tile feeds two multiplications.
//
//   tmm0 tmm1     C's rows [0, r)     tmm4   A's rows [0, r)     tmm6   B's columns [0, 16)
//   tmm2 tmm3     C's rows [r, rows)  tmm5   A's rows [r, rows)  tmm7   B's columns [16, 32)
//
// One step takes 16 pairs of k: both sums of a step, that of the products of even k and that of
// odd k, are chains of their own from 0; then C += even + odd. So the bits are not those of
// DotUnit, but do not depend on tiles, blocks or threads either. k is filled up with zeros to whole
// steps.
#pragma once

#include <cstdint>

#include "cpu/amx/tile_shapes.h"
#include "cpu/gemm/pairs.h"

namespace fastnn::FASTNN_ISA {

// kTermCount 1: values are rounded to bf16. 2: split into a high and a low part; of the four
// products of parts, that of the low ones is left out.
template <int kTermCount>
class TileUnit {
 public:
  static constexpr int kRows = 32, kVecs = 2;
  static constexpr int kLanes = 16;
  static constexpr int kStep = 16;
  static constexpr int kTerms = kTermCount;
  static constexpr int kRowsPerCycle = 16 / (2 * kTerms - 1);
  static constexpr bool kDots = false;

  struct Packed {
    const Pair* data;
    std::int64_t ld;    // words from one row to the next
    std::int64_t part;  // words from the first terms to the second
  };

  static std::int64_t a_words(std::int64_t rows, std::int64_t pairs) {
    return rows * distance(pairs);
  }

  static Packed pack_a(const Matrix& a, std::int64_t k, std::int64_t rows, std::int64_t pairs,
                       Pair* to) {
    const std::int64_t ld = distance(pairs), part = rows * ld;
    pack_along<kTerms>(a, k, rows, ld, to, part);
    return {to, ld, part};
  }

  // The second terms go `part` words behind the first.
  static void pack_b(const Matrix& b, std::int64_t k, std::int64_t cols, std::int64_t pairs,
                     std::int64_t width, Pair* to, std::int64_t part) {
    pack_across<kTerms>(b, k, cols, pairs, width, to, part);
  }

  // c[rows, cols] (+)= a[row .. row + rows, :] b, where b is packed as `vecs` tiles side by side.
  void tile(const Packed& a, std::int64_t row, int rows, const Pair* b, int vecs,
            std::int64_t pairs, float* c, std::int64_t ldc, std::int64_t cols, bool first) {
    const int width = vecs * kLanes;
    if (cols == width) return whole_tile(a, row, rows, b, vecs, pairs, c, ldc, first);
    // A tile is stored with all its columns: not where C has fewer.
    alignas(64) float whole[kRows * kVecs * kLanes];
    if (!first) copy(c, ldc, rows, cols, whole, width);
    whole_tile(a, row, rows, b, vecs, pairs, whole, width, first);
    copy(whole, width, rows, cols, c, ldc);
  }

  void release() { tiles_.release(); }

 private:
  // Rows an odd number of cache lines apart, whole steps of k each.
  static std::int64_t distance(std::int64_t pairs) { return (pairs / kStep | 1) * kStep; }

  static void copy(const float* from, std::int64_t ld, std::int64_t rows, std::int64_t cols,
                   float* to, std::int64_t ldto) {
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < cols; ++j) to[i * ldto + j] = from[i * ld + j];
    }
  }

  void whole_tile(const Packed& a, std::int64_t row, int rows, const Pair* b, int vecs,
                  std::int64_t pairs, float* c, std::int64_t ldc, bool first) {
    configure(rows);
    const Packed at{a.data + row * a.ld, a.ld, a.part};
    if (rows > 16) {
      vecs == 2 ? run<2, 2>(at, b, pairs, c, ldc, first) : run<2, 1>(at, b, pairs, c, ldc, first);
    } else {
      vecs == 2 ? run<1, 2>(at, b, pairs, c, ldc, first) : run<1, 1>(at, b, pairs, c, ldc, first);
    }
  }

  // Where there are more than 16 rows, both tiles in a column get half of them.
  void configure(int rows) {
    if (rows == rows_) return;
    rows_ = rows;
    upper_ = rows > 16 ? (rows + 1) / 2 : rows;
    TileShapes shapes;
    const auto shape = [&](int tile, int height) {
      shapes.rows[tile] = static_cast<std::uint8_t>(height);
      shapes.row_bytes[tile] = height > 0 ? 64 : 0;
    };
    for (const int tile : {0, 1, 4}) shape(tile, upper_);
    for (const int tile : {2, 3, 5}) shape(tile, rows - upper_);
    for (const int tile : {6, 7}) shape(tile, 16);
    tiles_.configure(shapes);
  }

  template <int kTall, int kWide>
  void run(const Packed& a, const Pair* b, std::int64_t pairs, float* c, std::int64_t ldc,
           bool first) {
    constexpr std::int64_t kWidth = kWide * kLanes;
    float* lower = c + upper_ * ldc;
    if (first) {
      each_of_c<kTall, kWide>([&](auto t) { tiles_.template zero<t.value>(); });
    } else {
      each_of_c<kTall, kWide>([&](auto t) {
        tiles_.template load<t.value>((t.value < 2 ? c : lower) + t.value % 2 * kLanes, 4 * ldc);
      });
    }
    for (std::int64_t p = 0; p < pairs; p += kStep) {
      const Pair *a_high = a.data + p, *b_high = b + p * kWidth;
      if constexpr (kTerms == 2) {
        load_a<kTall>(a_high + a.part, a.ld);
        load_b<kWide>(b_high);
        dots<kTall, kWide>();
        load_a<kTall>(a_high, a.ld);
        dots<kTall, kWide>();
        load_b<kWide>(b_high + pairs * kWidth);
        dots<kTall, kWide>();
      } else {
        load_a<kTall>(a_high, a.ld);
        load_b<kWide>(b_high);
        dots<kTall, kWide>();
      }
    }
    each_of_c<kTall, kWide>([&](auto t) {
      tiles_.template store<t.value>((t.value < 2 ? c : lower) + t.value % 2 * kLanes, 4 * ldc);
    });
  }

  template <int kTall>
  FASTNN_INLINE void load_a(const Pair* a, std::int64_t ld) {
    tiles_.template load<4>(a, 4 * ld);
    if constexpr (kTall == 2) tiles_.template load<5>(a + upper_ * ld, 4 * ld);
  }

  template <int kWide>
  FASTNN_INLINE void load_b(const Pair* b) {
    tiles_.template load<6>(b, 4 * kWide * kLanes);
    if constexpr (kWide == 2) tiles_.template load<7>(b + kLanes, 4 * kWide * kLanes);
  }

  template <int kTall, int kWide>
  FASTNN_INLINE void dots() {
    tiles_.template dot<0, 4, 6>();
    if constexpr (kWide == 2) tiles_.template dot<1, 4, 7>();
    if constexpr (kTall == 2) tiles_.template dot<2, 5, 6>();
    if constexpr (kTall == 2 && kWide == 2) tiles_.template dot<3, 5, 7>();
  }

  template <int T>
  struct Number {
    static constexpr int value = T;
  };

  template <int kTall, int kWide, class Function>
  FASTNN_INLINE static void each_of_c(Function function) {
    function(Number<0>());
    if constexpr (kWide == 2) function(Number<1>());
    if constexpr (kTall == 2) function(Number<2>());
    if constexpr (kTall == 2 && kWide == 2) function(Number<3>());
  }

  Tiles tiles_;
  int rows_ = 0, upper_ = 0;  // for which the tiles are configured
};

}  // namespace fastnn::FASTNN_ISA
