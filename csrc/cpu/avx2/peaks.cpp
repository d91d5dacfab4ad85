#define FASTNN_ISA avx2
#include "cpu/avx2/vec.h"

#include "cpu/kernels/peaks.h"
