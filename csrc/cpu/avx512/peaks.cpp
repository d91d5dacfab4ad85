#define FASTNN_ISA avx512
#include "cpu/avx512/vec.h"

#include "cpu/kernels/peaks.h"
