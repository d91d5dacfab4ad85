#define FASTNN_ISA avx2
#include "cpu/table.h"
