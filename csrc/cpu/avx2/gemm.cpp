#define FASTNN_ISA avx2
#include "cpu/avx2/sizes.h"
#include "cpu/avx2/transpose.h"

#include "cpu/gemm/matmul.h"
