// What happens to the sums of C once they are complete, and while they are still in L1 or L2.
#pragma once

#include <cstdint>

#include "cpu/activation.h"
#include "cpu/gemm/plan.h"
#include "cpu/kernels/activations.h"
#include "cpu/kernels/update.h"

namespace fastnn::FASTNN_ISA {

struct Epilogue {
  const float* bias;   // [n] or nullptr
  const float* saved;  // [m, n]: the sums are multiplied by act'(saved); nullptr: act(sums)
  float* before;       // [m, n]: keeps the value before the activation; or nullptr
  Activation activation;
  float alpha;
  const Call* next;    // the optimizer's step that takes the result (kChained), or nullptr
  std::int64_t width;  // n: how far rows lie apart in `saved`, `before` and the parameter

  bool plain() const { return !bias && !before && activation == Activation::linear; }
  bool empty() const { return plain() && !next; }
  // Is it done with whole rows of a block, and not tile by tile? Rows of C and of `saved` may lie a
  // multiple of 4 KiB apart. Then those of a tile of both do not fit into L1, where all share one
  // set: the tile would come from L2 again, in pieces. So it is with a parameter and its slots.
  bool by_rows() const { return saved || next; }
};

FASTNN_INLINE void store_up_to(Vec x, float* p, std::int64_t n) {
  if (n >= Vec::N) {
    x.store(p);
  } else {
    x.store(p, static_cast<int>(n));
  }
}

// last(x, at, lanes) makes of a vector of finished sums what goes to element `at` of C, which has
// `width` columns. What the epilogue points to is named outside of the loops: a vector may alias
// anything, so it would be looked up again after each store.
template <typename Function>
FASTNN_INLINE void finish_rows(const Epilogue& e, Function last, std::int64_t rows,
                               std::int64_t cols, std::int64_t i, std::int64_t j, float* c,
                               std::int64_t ldc) {
  const float* const bias = e.bias ? e.bias + j : nullptr;
  float* const before = e.before;
  const std::int64_t width = e.width;
  for (std::int64_t r = 0; r < rows; ++r, c += ldc) {
    const std::int64_t row = (i + r) * width + j;
    for_vectors(0, cols, [=](std::int64_t l, auto lanes) {
      Vec x = lanes.load(c + l);
      if (bias) x = x + lanes.load(bias + l);
      if (before) lanes.store(x, before + row + l);
      lanes.store(last(x, row + l, lanes), c + l);
    });
  }
}

// Asks L2 for what finish() will need of a chained step, before a tile is made: the rest of the
// block is made meanwhile. Not L1, which has no room for it.
inline void expect(const Epilogue& e, std::int64_t rows, std::int64_t cols, std::int64_t i,
                   std::int64_t j) {
  if (!e.next) return;
  constexpr int kGradient = 1;
  for (int operand = 0; operand < kMaxOperands; ++operand) {
    if (operand == kGradient || e.next->bytes[operand] != e.next->bytes[0]) continue;
    const float* row = e.next->in<float>(operand) + i * e.width + j;
    for (std::int64_t r = 0; r < rows; ++r, row += e.width) {
      for (std::int64_t l = 0; l < cols; l += 16) __builtin_prefetch(row + l, 0, 2);
    }
  }
}

// c[rows, cols], whose first element is (i, j) of C. Where another instruction is chained, it may
// lie anywhere: nobody looks at C.
inline void finish(const Epilogue& e, std::int64_t rows, std::int64_t cols, std::int64_t i,
                   std::int64_t j, float* c, std::int64_t ldc) {
  if (!e.plain()) {
    with_activation(e.activation, e.alpha, [&](auto act) {
      if (e.saved) {
        const auto slope = [act, saved = e.saved](Vec x, std::int64_t at, auto lanes) {
          return act.grad(x, lanes.load(saved + at));
        };
        finish_rows(e, slope, rows, cols, i, j, c, ldc);
      } else {
        const auto activate = [act](Vec x, std::int64_t, auto) { return act(x); };
        finish_rows(e, activate, rows, cols, i, j, c, ldc);
      }
    });
  }
  if (e.next) update(*e.next, {i * e.width + j, rows, cols, e.width, c, ldc});
}

}  // namespace fastnn::FASTNN_ISA
