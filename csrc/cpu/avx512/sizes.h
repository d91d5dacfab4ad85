// Sizes of the matrix product for 32 registers of 16 lanes; `gemm/tile.h`, `gemm/plan.h` and
// `gemm/vector.h` say what they are for.
#pragma once

#include <cstdint>

namespace fastnn::avx512 {

inline constexpr int kTileRows = 8;
inline constexpr int kTileVecs = 3;
inline constexpr int kWideRows = 6;
inline constexpr int kWideSums = 24;
inline constexpr int kShortRowVecs = 16;
inline constexpr int kTurnedVecs = 1;
inline constexpr int kUnrolledK = 1;
inline constexpr std::int64_t kLeastPackedRows = 97;
inline constexpr std::int64_t kBlockK = 192;  // a strip of B is 36 KiB: it stays in L1
inline constexpr std::int64_t kBlockRows = 16 * kTileRows;
inline constexpr std::int64_t kBlockCols = 1024;
inline constexpr std::int64_t kCacheBytes = 512 * 1024;  // half of the 1 MiB L2 of such CPUs
inline constexpr std::int64_t kFarBytes = std::int64_t{8} << 20;

}  // namespace fastnn::avx512
