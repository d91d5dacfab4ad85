// Errors of the CUDA runtime as exceptions.
#pragma once

#include <stdexcept>
#include <string>

#include "cuda/portability.h"

namespace fastnn::cuda {

struct Error : std::runtime_error {
  Error(cudaError_t code, const std::string& doing)
      : std::runtime_error("CUDA: " + doing + ": " + cudaGetErrorString(code)), code(code) {}
  cudaError_t code;
};

// `doing` says what failed: "allocating 400 bytes".
inline void check(cudaError_t code, const char* doing) {
  if (code == cudaSuccess) return;
  cudaGetLastError();  // it is told here, not again at the next call
  throw Error(code, doing);
}

}  // namespace fastnn::cuda
