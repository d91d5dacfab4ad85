#define FASTNN_ISA software_tiles
#define FASTNN_BASE generic
#include "cpu/software/tiles.h"

#include "cpu/amx/tile_unit.h"
namespace fastnn::software_tiles {
using Medium = TileUnit<1>;
using High = TileUnit<2>;
inline constexpr char kName[] = "AMX-BF16 in software";
}  // namespace fastnn::software_tiles
#include "cpu/gemm/bf16.h"

namespace fastnn {
const char* tile_fault() { return software_tiles::tile_fault; }
}  // namespace fastnn
