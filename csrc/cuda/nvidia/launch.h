// nvcc's side of portability.h: shared memory, launches.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <tuple>

#define FASTNN_SHARED(Type, name, dims) __shared__ __align__(16) Type name dims
#define FASTNN_DYNAMIC_SHARED(Type, name)                                \
  extern __shared__ __align__(16) unsigned char fastnn_dynamic_shared[]; \
  Type* name = reinterpret_cast<Type*>(fastnn_dynamic_shared)

namespace fastnn::gpu {

// kernel<<<grid, block, dynamic_shared, stream>>>(arguments...); `name` is for the emulator.
template <class... Parameters, class... Arguments>
cudaError_t launch(const char*, void (*kernel)(Parameters...), dim3 grid, dim3 block,
                   std::size_t dynamic_shared, cudaStream_t stream, Arguments... arguments) {
  std::tuple<Parameters...> values{static_cast<Parameters>(arguments)...};
  return std::apply(
      [&](auto&... value) {
        void* pointers[] = {const_cast<void*>(static_cast<const void*>(&value))..., nullptr};
        return cudaLaunchKernel(reinterpret_cast<const void*>(kernel), grid, block, pointers,
                                dynamic_shared, stream);
      },
      values);
}

// Loads a kernel's code now: otherwise its first launch does, which must not be in a captured
// graph.
template <class... Parameters>
cudaError_t load(void (*kernel)(Parameters...)) {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(kernel));
}

// Lets a kernel have more dynamic shared memory than 48 KiB.
template <class... Parameters>
cudaError_t allow_shared(void (*kernel)(Parameters...), std::size_t bytes) {
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                              cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
}

}  // namespace fastnn::gpu
