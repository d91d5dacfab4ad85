#define FASTNN_ISA generic
#include "cpu/table.h"
