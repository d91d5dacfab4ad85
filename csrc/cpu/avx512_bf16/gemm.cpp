#define FASTNN_ISA avx512_bf16
#define FASTNN_BASE avx512
#include "cpu/avx512_bf16/pairs.h"

#include "cpu/gemm/dot_unit.h"
namespace fastnn::avx512_bf16 {
using Medium = DotUnit;
using High = void;  // three dots are slower than the float32 product
inline constexpr char kName[] = "AVX512-BF16";
}  // namespace fastnn::avx512_bf16
#include "cpu/gemm/bf16.h"
