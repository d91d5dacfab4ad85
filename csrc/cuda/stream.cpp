#include "cuda/stream.h"

namespace fastnn::cuda {

Shape Stream::spread(std::int64_t items) const {
  const std::int64_t needed = (items + kThreads - 1) / kThreads;
  const std::int64_t at_once =
      std::int64_t{kBlocksPerMultiprocessor} * device_.info().multiprocessors;
  return {dim3(static_cast<unsigned>(needed < at_once ? needed : at_once))};
}

Shape Stream::spread_rows(std::int64_t rows, std::int64_t cols) const {
  const std::int64_t packs = (cols + 3) / 4;
  if (rows == 0 || packs == 0) return {dim3(0)};
  unsigned wide = 1;
  while (wide < packs && wide < kThreads) wide *= 2;
  const unsigned tall = kThreads / wide;
  const std::int64_t across = (packs + wide - 1) / wide, down = (rows + tall - 1) / tall;
  const std::int64_t at_once =
      std::int64_t{kBlocksPerMultiprocessor} * device_.info().multiprocessors;
  // Rows first: a block's second row costs it less than a second piece of the same one.
  const std::int64_t x = across < at_once ? across : at_once;
  const std::int64_t y = (at_once + x - 1) / x;
  return {dim3(static_cast<unsigned>(x), static_cast<unsigned>(y < down ? y : down)),
          dim3(wide, tall)};
}

}  // namespace fastnn::cuda
