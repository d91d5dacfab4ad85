#define FASTNN_ISA generic
#include "cpu/generic/vec.h"

#include "cpu/kernels/peaks.h"
