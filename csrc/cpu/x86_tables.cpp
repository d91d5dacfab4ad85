#include "core/cpu_features.h"
#include "cpu/isa_tables.h"

namespace fastnn {

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

}  // namespace fastnn
