// CUDA's C++, as far as fastnn's kernels speak it, for g++: qualifiers, built-in variables, vector
// types, barriers, shuffles, shared memory.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "cuda/emulator/block.h"
#include "cuda/emulator/runtime.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__

#define threadIdx (::fastnn::emulator::Block::mine().self().index)
#define blockIdx (::fastnn::emulator::Block::mine().index())
#define blockDim (::fastnn::emulator::Block::mine().work().block)
#define gridDim (::fastnn::emulator::Block::mine().work().grid)

// The line that calls a function with this last parameter.
#define FASTNN_HERE const char *file = __builtin_FILE(), int line = __builtin_LINE()

// Type name dims: an array in shared memory. Each ends at a fence, and is full of NaN when a block
// starts. It is a reference to an array of that type, so that UBSan knows its bounds.
#define FASTNN_SHARED(Type, name, dims)                                    \
  using name##_array = Type dims;                                          \
  static const int name##_number = ::fastnn::emulator::new_shared_array(); \
  name##_array& name = *static_cast<name##_array*>(                        \
      ::fastnn::emulator::Block::mine().shared_array(name##_number, sizeof(name##_array)))
// Type* name: the dynamic shared memory of the launch.
#define FASTNN_DYNAMIC_SHARED(Type, name) \
  Type* name = static_cast<Type*>(::fastnn::emulator::Block::mine().dynamic_shared())

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

inline void __syncthreads(FASTNN_HERE) {
  fastnn::emulator::Block::mine().wait_at(0, 0, {file, line});
}

inline void __syncwarp(unsigned mask = ~0u, FASTNN_HERE) {
  static const char kind = 0;
  fastnn::emulator::Block::mine().collect(mask, nullptr, &kind, [](void**, unsigned) {},
                                          {file, line});
}

namespace fastnn::emulator {

// Every lane of `mask` gets the value of lane `from`; NaN's bits where that is not in the mask.
template <class T>
T shuffle(unsigned mask, T value, int from, Source where) {
  struct Lane {
    T value, received;
    int from;
  } mine{value, value, from};
  static const char kind = 0;
  Block::mine().collect(
      mask, &mine, &kind,
      [](void** lanes, unsigned mask) {
        for (int i = 0; i < 32; ++i) {
          if (!(mask >> i & 1)) continue;
          Lane& lane = *static_cast<Lane*>(lanes[i]);
          if (mask >> lane.from & 1) {
            lane.received = static_cast<Lane*>(lanes[lane.from])->value;
          } else {
            std::memset(&lane.received, 0xff, sizeof(T));
          }
        }
      },
      where);
  return mine.received;
}

inline int lane() { return static_cast<int>(Block::mine().self().lane); }

}  // namespace fastnn::emulator

template <class T>
T __shfl_sync(unsigned mask, T value, int from, int width = 32, FASTNN_HERE) {
  const int lane = fastnn::emulator::lane();
  const int source = (lane & ~(width - 1)) | (from & (width - 1));
  return fastnn::emulator::shuffle(mask, value, source, {file, line});
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, FASTNN_HERE) {
  const int lane = fastnn::emulator::lane(), other = lane ^ bits;
  const bool outside = (other & ~(width - 1)) > (lane & ~(width - 1));
  return fastnn::emulator::shuffle(mask, value, outside ? lane : other, {file, line});
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32, FASTNN_HERE) {
  const int lane = fastnn::emulator::lane(), other = lane + static_cast<int>(by);
  const bool outside = ((other ^ lane) & ~(width - 1)) != 0;
  return fastnn::emulator::shuffle(mask, value, outside ? lane : other, {file, line});
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32, FASTNN_HERE) {
  const int lane = fastnn::emulator::lane(), other = lane - static_cast<int>(by);
  const bool outside = other < (lane & ~(width - 1));
  return fastnn::emulator::shuffle(mask, value, outside ? lane : other, {file, line});
}
inline unsigned __ballot_sync(unsigned mask, int predicate, FASTNN_HERE) {
  struct Lane {
    int predicate;
    unsigned votes;
  } mine{predicate, 0};
  static const char kind = 0;
  fastnn::emulator::Block::mine().collect(
      mask, &mine, &kind,
      [](void** lanes, unsigned mask) {
        unsigned votes = 0;
        for (int i = 0; i < 32; ++i) {
          if (mask >> i & 1 && static_cast<Lane*>(lanes[i])->predicate) votes |= 1u << i;
        }
        for (int i = 0; i < 32; ++i) {
          if (mask >> i & 1) static_cast<Lane*>(lanes[i])->votes = votes;
        }
      },
      {file, line});
  return mine.votes;
}
inline int __any_sync(unsigned mask, int predicate, FASTNN_HERE) {
  return __ballot_sync(mask, predicate, file, line) != 0;
}

// Integers only: sums of floats in the order of arrival are what fastnn does without. On a GPU what
// was written before is seen by who finds the sum only if a __threadfence lies between; here
// always, for ThreadSanitizer knows no fences.
inline int atomicAdd(int* p, int value) { return __atomic_fetch_add(p, value, __ATOMIC_ACQ_REL); }
inline unsigned atomicAdd(unsigned* p, unsigned value) {
  return __atomic_fetch_add(p, value, __ATOMIC_ACQ_REL);
}
inline int atomicCAS(int* p, int expected, int value) {
  __atomic_compare_exchange_n(p, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

template <class T>
T __ldg(const T* p) {
  return *p;
}
