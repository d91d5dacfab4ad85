// An optimizer's step on a piece of its parameter: what the optimizer kernels do with their shares,
// and what a chained product does with the rows of the gradient that it has finished.
#pragma once

#include <cstdint>

#include "program/call.h"

namespace fastnn::FASTNN_ISA {

// `rows` x `cols` elements of the parameter and its slots, from element `begin` on, rows `stride`
// apart; the gradient of the first at `gradient`, its rows `gradient_stride` apart.
struct Piece {
  std::int64_t begin, rows, cols, stride;
  const float* gradient;
  std::int64_t gradient_stride;
};

// Does the instruction `call`, an optimizer's, on one piece. Every element goes through the same
// operations, whatever the piece.
void update(const Call& call, const Piece& piece);

}  // namespace fastnn::FASTNN_ISA
