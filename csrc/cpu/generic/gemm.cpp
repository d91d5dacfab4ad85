#define FASTNN_ISA generic
#include "cpu/generic/sizes.h"
#include "cpu/generic/transpose.h"

#include "cpu/gemm/matmul.h"
