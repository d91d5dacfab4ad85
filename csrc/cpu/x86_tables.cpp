#include "core/cpu_features.h"
#include "cpu/isa_tables.h"

namespace fastnn {
namespace avx512_bf16 {
const PeakLoop* peak_loops();
}

const std::vector<IsaTable>& isa_tables() {
  const CpuFeatures& cpu = cpu_features();
  const bool avx2 = cpu.avx2 && cpu.fma && cpu.f16c;
  const bool avx512 = avx2 && cpu.avx512f && cpu.avx512bw && cpu.avx512dq && cpu.avx512vl;
  static const std::vector<IsaTable> tables = {
      {&generic::table, true, "any CPU"},
      {&avx2::table, avx2, "AVX2, FMA and F16C"},
      {&avx512::table, avx512, "AVX-512 F, BW, DQ and VL"},
  };
  return tables;
}

std::vector<const PeakLoop*> bf16_peak_loops() {
  std::vector<const PeakLoop*> loops;
  if (cpu_features().avx512_bf16) loops.push_back(avx512_bf16::peak_loops());
  return loops;
}

}  // namespace fastnn
