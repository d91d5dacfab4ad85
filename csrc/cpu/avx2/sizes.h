// Sizes of the matrix product for 16 registers of 8 lanes; `gemm/tile.h`, `gemm/plan.h` and
// `gemm/vector.h` say what they are for.
#pragma once

#include <cstdint>

namespace fastnn::avx2 {

inline constexpr int kTileRows = 6;
inline constexpr int kTileVecs = 2;
inline constexpr int kWideRows = 4;
inline constexpr int kWideSums = 12;
inline constexpr int kShortRowVecs = 14;
inline constexpr int kTurnedVecs = 2;
inline constexpr int kUnrolledK = 4;
inline constexpr std::int64_t kLeastPackedRows = 49;
inline constexpr std::int64_t kBlockK = 400;  // a strip of B is 25 KiB: it stays in L1
inline constexpr std::int64_t kBlockRows = 16 * kTileRows;
inline constexpr std::int64_t kBlockCols = 1024;
inline constexpr std::int64_t kCacheBytes = 256 * 1024;  // older CPUs have an L2 of just that
inline constexpr std::int64_t kFarBytes = std::int64_t{2} << 20;

}  // namespace fastnn::avx2
