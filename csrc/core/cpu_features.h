// What this CPU and its operating system allow, as bits rather than a ladder: a refused AMX must
// not cost AVX-512. cpu_features_x86.cpp or cpu_features_portable.cpp answers.
#pragma once

namespace fastnn {

struct CpuFeatures {
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool avx512f = false;
  bool avx512bw = false;
  bool avx512dq = false;
  bool avx512vl = false;
  bool avx512_bf16 = false;
  bool fast_bf16_dots = false;  // are they faster than multiply-adds of float32?
  bool amx_tile = false;
  bool amx_bf16 = false;
};

const CpuFeatures& cpu_features();

// May this process use AMX's tiles? Linux gives them only to those who ask, because every thread
// then needs 8 KiB more to be saved in. The first call asks.
bool amx_permitted();

}  // namespace fastnn
