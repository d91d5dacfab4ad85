// The tile registers of AMX: eight, of up to 16 rows of 64 bytes.
//
// The instructions are written as assembly: GCC's intrinsics of the same names do not tell the
// compiler that they read memory (amxtileintrin.h of GCC 12), so it may store too late.
//
// `software/tiles.h` has the same interface, and is what these instructions do.
#pragma once

#include <cstdint>

#include "cpu/amx/tile_shapes.h"
#include "cpu/inline.h"

namespace fastnn::amx {

struct Tiles {
  // All tiles are zero afterwards.
  FASTNN_INLINE void configure(const TileShapes& shapes) {
    asm volatile("ldtilecfg %0" : : "m"(shapes));
  }
  // Back to the state in which the operating system need not save them.
  FASTNN_INLINE void release() { asm volatile("tilerelease" : : : "memory"); }

  // Rows lie `stride` bytes apart.
  template <int T>
  FASTNN_INLINE void load(const void* from, std::int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(T) : "memory");
  }
  template <int T>
  FASTNN_INLINE void store(void* to, std::int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(T) : "memory");
  }
  template <int T>
  FASTNN_INLINE void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(T));
  }
  // C += A B: pairs of bf16 in A's rows along k, B's rows are pairs of k.
  template <int C, int A, int B>
  FASTNN_INLINE void dot() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(C), "i"(A), "i"(B));
  }
};

}  // namespace fastnn::amx
