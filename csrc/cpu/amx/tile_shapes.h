// How many rows, of how many bytes, each tile has.
#pragma once

#include <cstdint>

namespace fastnn {

// The operand of ldtilecfg.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1, start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};  // 0 in both: the tile is not used
  std::uint8_t rows[16] = {};
};
static_assert(sizeof(TileShapes) == 64);

}  // namespace fastnn
