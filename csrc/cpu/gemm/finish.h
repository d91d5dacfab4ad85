// A product as those see it who make its tiles in other object files: the bf16 products (bf16.h),
// which borrow from the instruction set that they add to (FASTNN_BASE) its epilogues and its
// float32 products.
#pragma once

#include <cstddef>
#include <cstdint>

#include "program/call.h"

#ifndef FASTNN_BASE  // an instruction set of its own
#define FASTNN_BASE FASTNN_ISA
#endif

namespace fastnn {

struct TileOfC {
  std::int64_t i, j;        // its first element
  std::int64_t rows, cols;  // its size
};

namespace FASTNN_BASE {

// Does anything happen to the sums of this product once they are complete?
bool has_epilogue(const Call& call);
// And is that done with whole rows of a block at once? See Epilogue::by_rows.
bool finishes_by_rows(const Call& call);
// That, to one tile: bias, activation or its derivative, and what is chained. See epilogue.h.
void finish_tile(const Call& call, const TileOfC& tile, float* c, std::int64_t ldc);

void matmul_nn(const Call& call, const Share& share);
void matmul_nt(const Call& call, const Share& share);
void matmul_tn(const Call& call, const Share& share);
std::size_t scratch_bytes(const Call& call);
std::size_t workspace_bytes(const Call& call);
const char* matmul_reason(std::int64_t m, std::int64_t n, std::int64_t k, char form, int precision);

}  // namespace FASTNN_BASE
}  // namespace fastnn
