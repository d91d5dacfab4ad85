#define FASTNN_ISA avx512
#include "cpu/avx512/vec.h"

#include "cpu/kernels/loss_classes.h"
#include "cpu/kernels/softmax.h"
