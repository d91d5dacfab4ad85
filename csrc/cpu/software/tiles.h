// The tile registers of AMX in software: what LDTILECFG, TILERELEASE, TILELOADD, TILESTORED,
// TILEZERO and TDPBF16PS do, after the operations in Intel's manual ("Intel Architecture
// Instruction Set Extensions Programming Reference", chapter 3), and what they refuse.
//
// The interface is that of `amx/tiles.h`. What the CPU would answer with a fault is kept in
// `tile_fault`, and has no other effect.
#pragma once

#include <cstdint>

#include "cpu/amx/tile_shapes.h"
#include "cpu/software/pairs.h"

namespace fastnn::FASTNN_ISA {

// What the first faulting instruction was, or nullptr.
inline thread_local const char* tile_fault = nullptr;

struct Tiles {
  struct Tile {
    int rows, row_bytes;
    std::uint8_t data[16][64];

    float& number(int row, int i) { return reinterpret_cast<float*>(data[row])[i]; }
    std::int32_t pair(int row, int i) const {
      return reinterpret_cast<const std::int32_t*>(data[row])[i];
    }
  };

  void configure(const TileShapes& shapes) {
    configured_ = false;
    for (Tile& tile : tiles_) tile = {};
    if (shapes.palette != 1) return fault("ldtilecfg: palette");
    if (shapes.start_row != 0) return fault("ldtilecfg: start_row");
    for (const std::uint8_t byte : shapes.reserved) {
      if (byte != 0) return fault("ldtilecfg: reserved byte");
    }
    for (int t = 0; t < 16; ++t) {
      const int rows = shapes.rows[t], row_bytes = shapes.row_bytes[t];
      if (rows > 16 || row_bytes > 64) return fault("ldtilecfg: too large a tile");
      if ((rows == 0) != (row_bytes == 0)) return fault("ldtilecfg: half a shape");
      if (t >= 8 && rows != 0) return fault("ldtilecfg: there are eight tiles");
      if (t < 8) tiles_[t] = {rows, row_bytes, {}};
    }
    configured_ = true;
  }

  void release() {
    configured_ = false;
    for (Tile& tile : tiles_) tile = {};
  }

  template <int T>
  void load(const void* from, std::int64_t stride) {
    if (!usable(T)) return fault("tileloadd: the tile has no shape");
    Tile& tile = tiles_[T];
    for (int row = 0; row < 16; ++row) {
      for (int byte = 0; byte < 64; ++byte) {
        const bool inside = row < tile.rows && byte < tile.row_bytes;
        tile.data[row][byte] =
            inside ? static_cast<const std::uint8_t*>(from)[row * stride + byte] : 0;
      }
    }
  }

  template <int T>
  void store(void* to, std::int64_t stride) {
    if (!usable(T)) return fault("tilestored: the tile has no shape");
    const Tile& tile = tiles_[T];
    for (int row = 0; row < tile.rows; ++row) {
      for (int byte = 0; byte < tile.row_bytes; ++byte) {
        static_cast<std::uint8_t*>(to)[row * stride + byte] = tile.data[row][byte];
      }
    }
  }

  template <int T>
  void zero() {
    if (!usable(T)) return fault("tilezero: the tile has no shape");
    for (auto& row : tiles_[T].data) {
      for (std::uint8_t& byte : row) byte = 0;
    }
  }

  template <int C, int A, int B>
  void dot() {
    static_assert(C != A && C != B && A != B, "tdpbf16ps takes three different tiles");
    if (!usable(C) || !usable(A) || !usable(B)) return fault("tdpbf16ps: a tile has no shape");
    Tile &c = tiles_[C], &a = tiles_[A], &b = tiles_[B];
    if (c.row_bytes % 4 || a.row_bytes % 4 || b.row_bytes % 4) {
      return fault("tdpbf16ps: rows are not whole words");
    }
    if (a.rows != c.rows || a.row_bytes / 4 != b.rows || b.row_bytes != c.row_bytes) {
      return fault("tdpbf16ps: shapes do not fit");
    }
    for (int m = 0; m < c.rows; ++m) {
      float even[16] = {}, odd[16] = {};
      for (int k = 0; k < a.row_bytes / 4; ++k) {
        for (int n = 0; n < c.row_bytes / 4; ++n) {
          const std::int32_t x = a.pair(m, k), y = b.pair(k, n);
          even[n] = multiply_add(lower_half(x), lower_half(y), even[n]);
          odd[n] = multiply_add(upper_half(x), upper_half(y), odd[n]);
        }
      }
      for (int n = 0; n < c.row_bytes / 4; ++n) {
        c.number(m, n) = flush(flush(c.number(m, n)) + flush(even[n] + odd[n]));
      }
    }
  }

 private:
  bool usable(int tile) const { return configured_ && tiles_[tile].rows != 0; }

  static void fault(const char* what) {
    if (tile_fault == nullptr) tile_fault = what;
  }

  alignas(64) Tile tiles_[8] = {};
  bool configured_ = false;
};

}  // namespace fastnn::FASTNN_ISA
