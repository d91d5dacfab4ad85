#define FASTNN_ISA avx2
#include "cpu/avx2/vec.h"

#include "cpu/kernels/loss_classes.h"
#include "cpu/kernels/softmax.h"
