// Products of tiles of bf16 numbers, added to float32: what AMX can do at most.
#include "cpu/peaks.h"

#include "cpu/amx/tiles.h"

namespace fastnn::amx {
namespace {

void peak_tiles(float* memory, std::int64_t, std::int64_t turns) {
  constexpr int kRowBytes = 64;
  TileShapes shapes;
  for (int tile = 0; tile < 8; ++tile) {
    shapes.rows[tile] = 16;
    shapes.row_bytes[tile] = kRowBytes;
  }
  Tiles tiles;
  tiles.configure(shapes);
  tiles.zero<0>(), tiles.zero<1>(), tiles.zero<2>(), tiles.zero<3>();
  tiles.load<4>(memory, kRowBytes), tiles.load<5>(memory + 256, kRowBytes);
  tiles.load<6>(memory + 512, kRowBytes), tiles.load<7>(memory + 768, kRowBytes);
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    tiles.dot<0, 4, 6>(), tiles.dot<1, 4, 7>(), tiles.dot<2, 5, 6>(), tiles.dot<3, 5, 7>();
  }
  tiles.store<0>(memory, kRowBytes);
  tiles.release();
}
static_assert(kPeakFloats == 4 * 256);  // four tiles of factors

}  // namespace

const PeakLoop* peak_loops() {
  static constexpr PeakLoop loops[] = {{"bf16 tiles", &peak_tiles, 1, 4.0 * 2 * 16 * 16 * 32, 0},
                                       {}};
  return loops;
}

}  // namespace fastnn::amx
