#include "core/cpu_features.h"
#include "cpu/isa_tables.h"

namespace fastnn {
namespace avx512_bf16 {
const PeakLoop* peak_loops();
}
namespace amx {
const PeakLoop* peak_loops();
}

namespace {

KernelTable with_bf16(const char* isa, KernelTable table, const Bf16Kernels& bf16) {
  table.isa = isa;
  table.bf16 = bf16.name;
  table.kernels[static_cast<int>(Opcode::matmul_nn)] = bf16.matmul_nn;
  table.kernels[static_cast<int>(Opcode::matmul_nt)] = bf16.matmul_nt;
  table.kernels[static_cast<int>(Opcode::matmul_tn)] = bf16.matmul_tn;
  table.scratch_bytes = bf16.scratch_bytes;
  table.workspace_bytes = bf16.workspace_bytes;
  table.matmul_reason = bf16.matmul_reason;
  return table;
}

bool has_avx2() {
  const CpuFeatures& cpu = cpu_features();
  return cpu.avx2 && cpu.fma && cpu.f16c;
}

bool has_avx512() {
  const CpuFeatures& cpu = cpu_features();
  return has_avx2() && cpu.avx512f && cpu.avx512bw && cpu.avx512dq && cpu.avx512vl;
}

// Asks the operating system, once, for what it does not give unasked: so it comes last.
bool has_amx() {
  const CpuFeatures& cpu = cpu_features();
  return has_avx512() && cpu.avx512_bf16 && cpu.amx_tile && cpu.amx_bf16 && amx_permitted();
}

const KernelTable& avx512_table() {
  static const KernelTable table = cpu_features().fast_bf16_dots
                                       ? with_bf16("avx512", avx512::table(), avx512_bf16::kernels)
                                       : avx512::table();
  return table;
}

bool has_dots() { return has_avx512() && cpu_features().avx512_bf16; }

const KernelTable& dots_table() {
  static const KernelTable table = with_bf16("avx512_bf16", avx512::table(), avx512_bf16::kernels);
  return table;
}

const KernelTable& amx_table() {
  static const KernelTable table = with_bf16("amx", avx512::table(), amx::kernels);
  return table;
}

}  // namespace

const std::vector<IsaTable>& isa_tables() {
  static const std::vector<IsaTable> tables = {
      {"generic", &generic::table, [] { return true; }, "any CPU"},
      {"avx2", &avx2::table, &has_avx2, "AVX2, FMA and F16C"},
      {"avx512", &avx512_table, &has_avx512, "AVX-512 F, BW, DQ and VL"},
      {"avx512_bf16", &dots_table, &has_dots, "AVX512-BF16", true},
      {"amx", &amx_table, &has_amx,
       "AMX-TILE, AMX-BF16 and AVX512-BF16, and the operating system's leave to use the tiles"},
  };
  return tables;
}

std::vector<const PeakLoop*> bf16_peak_loops() {
  std::vector<const PeakLoop*> loops;
  if (cpu_features().avx512_bf16) loops.push_back(avx512_bf16::peak_loops());
  if (has_amx()) loops.push_back(amx::peak_loops());
  return loops;
}

}  // namespace fastnn
