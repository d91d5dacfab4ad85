// One table per ISA: a kernel for every opcode, and what the tests want to see beside them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/peaks.h"
#include "program/call.h"

namespace fastnn {

struct KernelTable {
  const char* isa;  // "generic", "avx2", "avx512", "amx"
  Kernel kernels[static_cast<int>(Opcode::count)];
  // Bytes of scratch one thread needs for this instruction (packing buffers of a matmul).
  std::size_t (*scratch_bytes)(const Call&);
  // How a matmul of this shape will be done, and why: "direct: B fits L2 (98 KiB)".
  // `form` names the transposed operand: 'n' none (NN), 'b' (NT), 'a' (TN).
  const char* (*matmul_reason)(std::int64_t m, std::int64_t n, std::int64_t k, char form);
  // What this ISA can do at most; ends with one that has no name.
  const PeakLoop* (*peak_loops)();
};

namespace generic {
const KernelTable& table();
}
namespace avx2 {
const KernelTable& table();
}
namespace avx512 {
const KernelTable& table();
}

}  // namespace fastnn
