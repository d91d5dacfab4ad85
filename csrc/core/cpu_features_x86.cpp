// cpuid says what the CPU can do; XCR0 says which registers the operating system saves. An
// instruction set is usable only when both agree.
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "core/cpu_features.h"

namespace fastnn {
namespace {

constexpr bool bit(std::uint64_t word, int index) { return (word >> index) & 1; }

std::uint64_t saved_registers() {
  std::uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<std::uint64_t>(high) << 32 | low;
}

CpuFeatures detect() {
  CpuFeatures found;
  std::uint32_t eax, ebx, ecx, edx;
  if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx)) return found;
  const bool intel = ebx == 0x756e6547;  // "Genu"ineIntel
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return found;
  const bool xgetbv_works = bit(ecx, 27);
  if (!xgetbv_works) return found;
  const std::uint64_t saved = saved_registers();
  const bool ymm = (saved & 0x6) == 0x6;    // xmm and the upper halves of ymm
  const bool zmm = (saved & 0xe6) == 0xe6;  // and opmask, upper zmm, zmm16..31
  const bool tiles = (saved & 0x60000) == 0x60000;
  found.fma = ymm && bit(ecx, 12);
  found.f16c = ymm && bit(ecx, 29);

  std::uint32_t subleaves;
  if (!__get_cpuid_count(7, 0, &subleaves, &ebx, &ecx, &edx)) return found;
  found.avx2 = ymm && bit(ebx, 5);
  found.avx512f = zmm && bit(ebx, 16);
  found.avx512dq = zmm && bit(ebx, 17);
  found.avx512bw = zmm && bit(ebx, 30);
  found.avx512vl = zmm && bit(ebx, 31);
  found.amx_bf16 = tiles && bit(edx, 22);
  found.amx_tile = tiles && bit(edx, 24);
  if (subleaves >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx)) {
    found.avx512_bf16 = zmm && bit(eax, 5);
    // Intel's start one dot in two cycles, and two multiply-adds in each: a Xeon of model 207 makes
    // 86 GFLOP/s of dots and 173 of float32 a core. AMD's (Zen 4) make twice float32's.
    found.fast_bf16_dots = found.avx512_bf16 && !intel;
  }
  return found;
}

}  // namespace

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = detect();
  return features;
}

bool amx_permitted() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM of <asm/prctl.h>
  constexpr long kTileData = 18;               // its bit in XCR0
  static const bool permitted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return permitted;
}

}  // namespace fastnn
