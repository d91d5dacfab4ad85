// The kernel table of one ISA. Included once by each ISA's table.cpp.
#pragma once

#include "cpu/kernel_table.h"

#define FASTNN_STRING_OF(x) #x
#define FASTNN_STRING(x) FASTNN_STRING_OF(x)

namespace fastnn::FASTNN_ISA {

#define OPCODE(name, operands, attributes) void name(const Call&, const Share&);
#include "program/opcodes.def"
#undef OPCODE
std::size_t scratch_bytes(const Call&);
std::size_t workspace_bytes(const Call&);
void add_halves(const Call&, const Share&);
const char* matmul_reason(std::int64_t m, std::int64_t n, std::int64_t k, char form, int precision);
const PeakLoop* peak_loops();

const KernelTable& table() {
  static constexpr KernelTable table = {
      FASTNN_STRING(FASTNN_ISA),
      nullptr,
      {
#define OPCODE(name, operands, attributes) &name,
#include "program/opcodes.def"
#undef OPCODE
      },
      &scratch_bytes,
      &workspace_bytes,
      &add_halves,
      &matmul_reason,
      &peak_loops,
  };
  return table;
}

}  // namespace fastnn::FASTNN_ISA
