// One table per ISA: a kernel for every opcode, and what the tests want to see beside them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/peaks.h"
#include "program/call.h"

namespace fastnn {

struct KernelTable {
  const char* isa;   // "generic", "avx2", "avx512", "avx512_bf16", "amx"
  const char* bf16;  // the instructions that make bf16 products; nullptr: float32 makes them too
  Kernel kernels[static_cast<int>(Opcode::count)];
  // Bytes of scratch one thread needs for this instruction (packing buffers of a matmul).
  std::size_t (*scratch_bytes)(const Call&);
  // Bytes that all threads share. Where they are not 0 the instruction is done in two passes: its
  // kernel, then, when all threads have met, `second_pass`.
  std::size_t (*workspace_bytes)(const Call&);
  Kernel second_pass;
  // How a matmul of this shape will be done, and why: "direct: B fits L2 (98 KiB)".
  // `form` names the transposed operand: 'n' none (NN), 'b' (NT), 'a' (TN).
  const char* (*matmul_reason)(std::int64_t m, std::int64_t n, std::int64_t k, char form,
                               int precision);
  // What this ISA can do at most; ends with one that has no name.
  const PeakLoop* (*peak_loops)();
};

// What a unit for bf16 puts in the place of a table's products.
struct Bf16Kernels {
  const char* name;
  Kernel matmul_nn, matmul_nt, matmul_tn;
  std::size_t (*scratch_bytes)(const Call&);
  std::size_t (*workspace_bytes)(const Call&);
  const char* (*matmul_reason)(std::int64_t m, std::int64_t n, std::int64_t k, char form,
                               int precision);
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
namespace avx512_bf16 {
extern const Bf16Kernels kernels;
}
namespace amx {
extern const Bf16Kernels kernels;
}

}  // namespace fastnn
