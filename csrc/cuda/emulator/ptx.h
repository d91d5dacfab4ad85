// The emulator's side of portability.h: what nvidia/ptx.h has instructions for, lane by lane, with
// the same fragment layouts (they are explained there).
#pragma once

#include <cstdint>

#include "cuda/emulator/language.h"

namespace fastnn::gpu {

void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], FASTNN_HERE);
void mma_tf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], FASTNN_HERE);

void load_matrix(std::uint32_t (&r)[4], const void* row, FASTNN_HERE);
void load_matrix(std::uint32_t (&r)[2], const void* row, FASTNN_HERE);
void load_matrix_transposed(std::uint32_t (&r)[4], const void* row, FASTNN_HERE);
void load_matrix_transposed(std::uint32_t (&r)[2], const void* row, FASTNN_HERE);

// A copy is made when it is waited for (or, with a seed, sometimes at once). Until then its target
// is full of NaN.
void copy_async(void* shared, const void* global, int bytes, int size, FASTNN_HERE);
template <int Size>
void copy_async(void* shared, const void* global, int bytes = Size, FASTNN_HERE) {
  static_assert(Size == 4 || Size == 8 || Size == 16);
  copy_async(shared, global, bytes, Size, file, line);
}
void commit_copies();
void wait_for_copies(int newest);
template <int N>
void wait_for_copies() {
  wait_for_copies(N);
}

inline void named_barrier(int id, int threads, FASTNN_HERE) {
  emulator::Block::mine().wait_at(id, threads, {file, line});
}

inline void store_global(float* p, float4 x) { *reinterpret_cast<float4*>(p) = x; }

std::uint32_t pack_bf16(float low, float high);
std::uint32_t to_tf32(float x);

}  // namespace fastnn::gpu
