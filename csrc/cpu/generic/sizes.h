// Sizes of the matrix product for 16 registers of 4 lanes; `gemm/tile.h`, `gemm/plan.h` and
// `gemm/vector.h` say what they are for.
#pragma once

#include <cstdint>

namespace fastnn::generic {

inline constexpr int kTileRows = 4;
inline constexpr int kTileVecs = 2;
inline constexpr int kWideRows = 2;
inline constexpr int kWideSums = 8;
inline constexpr int kShortRowVecs = 4;
inline constexpr int kTurnedVecs = 4;
inline constexpr int kUnrolledK = 1;
inline constexpr std::int64_t kLeastPackedRows = 97;
inline constexpr std::int64_t kBlockK = 256;
inline constexpr std::int64_t kBlockRows = 20 * kTileRows;
inline constexpr std::int64_t kBlockCols = 512;
inline constexpr std::int64_t kCacheBytes = 256 * 1024;
inline constexpr std::int64_t kFarBytes = std::int64_t{8} << 20;

}  // namespace fastnn::generic
