// Kernels that try the emulator: what the instructions do, and what becomes of kernels that do
// wrong. Linked into the emulator's module, for tests/cuda/test_emulator.py.
#include <map>
#include <string>

#include "cuda/device/reduce.h"
#include "cuda/emulator/checks.h"

namespace fastnn::cuda {
namespace {

// ---- kernels that do wrong, each in one way; x has n floats, one block has kThreads threads

__global__ void past_the_end(float* x, int n) { x[n + threadIdx.x] = 1; }
__global__ void before_the_start(float* x, int) { x[-1 - static_cast<int>(threadIdx.x)] = 1; }
__global__ void just_outside(float* x, int n) {  // between the data and the fence
  if (threadIdx.x == 0) x[n] = 1;
}
__global__ void nowhere(float*, int n) { *reinterpret_cast<float*>(8L * n) = 1; }
__global__ void past_a_shared_array(float* x, int n) {
  FASTNN_SHARED(float, tile, [kThreads]);
  tile[threadIdx.x + 1] = x[threadIdx.x % n];
}
__global__ void past_dynamic_shared(float* x, int n) {
  FASTNN_DYNAMIC_SHARED(float, tile);
  tile[threadIdx.x + 1] = x[threadIdx.x % n];
}
__global__ void endless_recursion(float* x, int n) {
  volatile char stack[1 << 17];
  stack[0] = static_cast<char>(n);
  x[0] = stack[0];
}

__global__ void barrier_for_some(float*, int) {
  if (threadIdx.x < 100) __syncthreads();
}
__global__ void two_barriers(float*, int) {
  if (threadIdx.x < 128) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
__global__ void barrier_after_leaving(float*, int) {
  if (threadIdx.x == 7) return;
  __syncthreads();
}
__global__ void barrier_never_full(float*, int) {
  if (threadIdx.x < 64) gpu::named_barrier(1, 96);
}
__global__ void shuffle_for_some(float* x, int) {
  if (threadIdx.x % 2 == 0) x[0] = __shfl_xor_sync(kAllLanes, x[1], 1);
}
__global__ void shuffle_without_me(float* x, int) { x[0] = __shfl_xor_sync(1u, x[1], 1); }
__global__ void different_operations(float*, int) {
  if (threadIdx.x % 2 == 0) {
    __syncwarp();
  } else {
    __any_sync(kAllLanes, 1);
  }
}

__global__ void copy_without_wait(float* x, int) {
  FASTNN_SHARED(float, tile, [4 * kThreads]);
  gpu::copy_async<16>(&tile[4 * threadIdx.x], x);
  gpu::commit_copies();
}
__global__ void copy_misaligned(float* x, int) {
  FASTNN_SHARED(float, tile, [4 * kThreads]);
  gpu::copy_async<16>(&tile[4 * threadIdx.x], x + 1);
  gpu::commit_copies();
  gpu::wait_for_copies<0>();
}
__global__ void matrix_misaligned(float* x, int) {
  FASTNN_SHARED(float, tile, [64]);
  std::uint32_t r[4];
  gpu::load_matrix(r, &tile[threadIdx.x % 32 + 1]);
  x[0] = static_cast<float>(r[0]);
}

// ---- what must show in the result: y[t] = x[(t + 1) % kThreads] through shared memory

// Each thread reads what its neighbour in the next warp may not have written yet.
__global__ void missing_barrier(float* x, int) {
  FASTNN_SHARED(float, tile, [kThreads]);
  tile[threadIdx.x] = x[threadIdx.x];
  x[threadIdx.x] = tile[(threadIdx.x + 1) % kThreads];
}
__global__ void right_barrier(float* x, int) {
  FASTNN_SHARED(float, tile, [kThreads]);
  tile[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  x[threadIdx.x] = tile[(threadIdx.x + 1) % kThreads];
}
// As above, by asynchronous copies; `late` waits for all groups but the newest, which is the one.
template <int Newest>
__global__ void copied(float* x, int) {
  FASTNN_SHARED(float, tile, [kThreads]);
  gpu::copy_async<4>(&tile[threadIdx.x], &x[threadIdx.x]);
  gpu::commit_copies();
  gpu::wait_for_copies<Newest>();
  __syncthreads();
  const float y = tile[(threadIdx.x + 1) % kThreads];
  gpu::wait_for_copies<0>();
  __syncthreads();
  x[threadIdx.x] = y;
}
// Warps of 64 threads hand over to the next 64 by barriers of their own.
__global__ void named_barriers(float* x, int) {
  FASTNN_SHARED(float, tile, [kThreads]);
  const int group = threadIdx.x / 64, lane = threadIdx.x % 64;
  tile[threadIdx.x] = x[threadIdx.x];
  gpu::named_barrier(1 + group, 64);
  x[threadIdx.x] = tile[64 * group + (lane + 1) % 64];
}

// All threads of a block read and write one place.
__global__ void unordered_update(float* x, int) { x[0] += 1; }
__global__ void misaligned_vector(float* x, int) {
  const float4 v = *reinterpret_cast<const float4*>(x + 1 + threadIdx.x % 2);
  x[0] = v.x + v.y;
}
__global__ void past_an_inner_array(float* x, int n) {  // but inside the whole
  FASTNN_SHARED(float, tile, [2][16]);
  tile[0][threadIdx.x % 16 + n / 1000 + 1] = 1;
  __syncthreads();
  x[0] = tile[1][0];
}

using Check = void (*)(float*, int);
const std::map<std::string, Check>& checks() {
  static const std::map<std::string, Check> all = {
#define CHECK(name) {#name, &name}
      CHECK(past_the_end),        CHECK(before_the_start),
      CHECK(just_outside),        CHECK(nowhere),
      CHECK(past_a_shared_array), CHECK(past_dynamic_shared),
      CHECK(endless_recursion),   CHECK(barrier_for_some),
      CHECK(two_barriers),        CHECK(barrier_after_leaving),
      CHECK(barrier_never_full),  CHECK(shuffle_for_some),
      CHECK(shuffle_without_me),  CHECK(different_operations),
      CHECK(copy_without_wait),   CHECK(copy_misaligned),
      CHECK(matrix_misaligned),   CHECK(missing_barrier),
      CHECK(unordered_update),    CHECK(misaligned_vector),
      CHECK(past_an_inner_array), CHECK(right_barrier),
      CHECK(named_barriers),
#undef CHECK
      {"copied", &copied<0>},     {"copied_too_late", &copied<1>},
  };
  return all;
}

// One warp: d = a b + d in fragments that load_matrix makes of shared memory.
__global__ void multiply_bf16(const std::uint32_t* a, const std::uint32_t* b, float* d) {
  FASTNN_SHARED(std::uint32_t, rows, [16][8]);   // of a [16, 16], two a word
  FASTNN_SHARED(std::uint32_t, steps, [16][4]);  // of b [16, 8], two neighbours in n a word
  const int lane = threadIdx.x, g = lane / 4, t = lane % 4;
  for (int i = lane; i < 128; i += 32) rows[i / 8][i % 8] = a[i];
  for (int i = lane; i < 64; i += 32) steps[i / 4][i % 4] = b[i];
  __syncwarp();
  std::uint32_t of_a[4], of_b[2];
  gpu::load_matrix(of_a, &rows[lane % 16][lane / 16 * 4]);
  gpu::load_matrix_transposed(of_b, steps[lane % 16]);
  float acc[4] = {};
  gpu::mma_bf16(acc, of_a, of_b);
  for (int i = 0; i < 4; ++i) d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = acc[i];
}

// The same in tf32, a [16, 8] and b [8, 8] in float32, fragments loaded by hand.
__global__ void multiply_tf32(const float* a, const float* b, float* d) {
  const int lane = threadIdx.x, g = lane / 4, t = lane % 4;
  std::uint32_t of_a[4], of_b[2];
  for (int i = 0; i < 4; ++i) of_a[i] = gpu::to_tf32(a[(g + i % 2 * 8) * 8 + t + i / 2 * 4]);
  for (int i = 0; i < 2; ++i) of_b[i] = gpu::to_tf32(b[(t + i * 4) * 8 + g]);
  float acc[4] = {};
  gpu::mma_tf32(acc, of_a, of_b);
  for (int i = 0; i < 4; ++i) d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = acc[i];
}

}  // namespace

void run_check(Device& device, const std::string& name, float* x, int n) {
  const Current current(device);
  const std::size_t shared = name == "past_dynamic_shared" ? kThreads * sizeof(float) : 0;
  check(gpu::launch(name.c_str(), checks().at(name), 1, kThreads, shared, device.stream(), x, n),
        name.c_str());
  device.synchronize();
}

void run_multiply(Device& device, bool bf16, const void* a, const void* b, float* d) {
  const Current current(device);
  if (bf16) {
    check(
        gpu::launch("bf16", multiply_bf16, 1, 32, 0, device.stream(),
                    static_cast<const std::uint32_t*>(a), static_cast<const std::uint32_t*>(b), d),
        "bf16");
  } else {
    check(gpu::launch("tf32", multiply_tf32, 1, 32, 0, device.stream(),
                      static_cast<const float*>(a), static_cast<const float*>(b), d),
          "tf32");
  }
  device.synchronize();
}

}  // namespace fastnn::cuda
