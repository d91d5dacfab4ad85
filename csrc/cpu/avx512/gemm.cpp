#define FASTNN_ISA avx512
#include "cpu/avx512/sizes.h"
#include "cpu/avx512/transpose.h"

#include "cpu/gemm/matmul.h"
