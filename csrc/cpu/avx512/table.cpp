#define FASTNN_ISA avx512
#include "cpu/table.h"
