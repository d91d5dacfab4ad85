// Kernels of the tests (tests/cuda/native/checks.cu), linked into the emulator's module.
#pragma once

#include <string>

#include "cuda/device.h"

namespace fastnn::cuda {

// One block of kThreads threads of the kernel of that name, on n floats.
void run_check(Device& device, const std::string& name, float* x, int n);

// d [16, 8] = a b by one tensor core instruction: bf16 [16, 16] by [16, 8], or float32 [16, 8] by
// [8, 8] rounded to tf32.
void run_multiply(Device& device, bool bf16, const void* a, const void* b, float* d);

}  // namespace fastnn::cuda
