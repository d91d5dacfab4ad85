#define FASTNN_ISA generic
#include "cpu/generic/vec.h"

#include "cpu/kernels/loss_classes.h"
#include "cpu/kernels/softmax.h"
