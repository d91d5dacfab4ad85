// Not an x86 CPU: none of these features, the generic kernels serve.
#include "core/cpu_features.h"

namespace fastnn {

const CpuFeatures& cpu_features() {
  static const CpuFeatures features;
  return features;
}

bool amx_permitted() { return false; }

}  // namespace fastnn
