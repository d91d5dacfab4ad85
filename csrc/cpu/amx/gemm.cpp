#define FASTNN_ISA amx
#define FASTNN_BASE avx512
#include "cpu/amx/pairs.h"

#include "cpu/amx/tile_unit.h"
namespace fastnn::amx {
using Medium = TileUnit<1>;
using High = TileUnit<2>;
inline constexpr char kName[] = "AMX-BF16";
}  // namespace fastnn::amx
#include "cpu/gemm/bf16.h"
