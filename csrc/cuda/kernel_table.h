// A host function for each opcode: void name(const Call&, Stream&), in namespace fastnn::cuda.
#pragma once

#include "cpu/kernel_table.h"
#include "cuda/stream.h"

namespace fastnn::cuda {

using Kernel = void (*)(const Call&, Stream&);

// nullptr: none yet.
Kernel kernel_of(std::uint16_t opcode);

// What Program wants to know of kernels when it validates a list: which there are.
const KernelTable& kernels_there();

}  // namespace fastnn::cuda
