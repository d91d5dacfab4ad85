#define FASTNN_ISA software_dot
#define FASTNN_BASE generic
#include "cpu/software/pairs.h"

#include "cpu/gemm/dot_unit.h"
namespace fastnn::software_dot {
using Medium = DotUnit;
using High = void;
inline constexpr char kName[] = "AVX512-BF16 in software";
}  // namespace fastnn::software_dot
#include "cpu/gemm/bf16.h"
