// Pairs of bf16 where there is AMX: every CPU that has it has AVX512-BF16 to round with.
#pragma once

#include "cpu/amx/tiles.h"
#include "cpu/avx512_bf16/pairs.h"

namespace fastnn::amx {

using namespace avx512_bf16;

}  // namespace fastnn::amx
