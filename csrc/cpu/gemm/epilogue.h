// What happens to a tile of C once its sums are complete and while it is still in L1.
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
};

FASTNN_INLINE void store_up_to(Vec x, float* p, std::int64_t n) {
  if (n >= Vec::N) {
    x.store(p);
  } else {
    x.store(p, static_cast<int>(n));
  }
}

// last(x, at, lanes) makes of a vector of finished sums, of which there are `lanes`, what goes to
// element `at` of C, which has `width` columns.
template <typename Function>
FASTNN_INLINE void finish_rows(const Epilogue& e, Function last, std::int64_t rows,
                               std::int64_t cols, std::int64_t i, std::int64_t j, float* c,
                               std::int64_t ldc) {
  for (std::int64_t r = 0; r < rows; ++r, c += ldc) {
    const std::int64_t row = (i + r) * e.width + j;
    for (std::int64_t l = 0; l < cols; l += Vec::N) {
      Vec x = load_up_to(c + l, cols - l);
      if (e.bias) x = x + load_up_to(e.bias + j + l, cols - l);
      if (e.before) store_up_to(x, e.before + row + l, cols - l);
      store_up_to(last(x, row + l, cols - l), c + l, cols - l);
    }
  }
}

// Asks L2 for what finish() will need of the saved values and of a chained step, before a tile is
// made: the pieces of rows are too short for the hardware to see where it goes. Not L1, since rows
// of a matrix that is a multiple of 1024 wide share the few lines of one set there.
inline void expect(const Epilogue& e, std::int64_t rows, std::int64_t cols, std::int64_t i,
                   std::int64_t j) {
  const auto ask = [&](const float* matrix) {
    const float* row = matrix + i * e.width + j;
    for (std::int64_t r = 0; r < rows; ++r, row += e.width) {
      for (std::int64_t l = 0; l < cols; l += 16) __builtin_prefetch(row + l, 0, 2);
    }
  };
  if (e.saved) ask(e.saved);
  if (!e.next) return;
  constexpr int kGradient = 1;
  for (int operand = 0; operand < kMaxOperands; ++operand) {
    if (operand == kGradient || e.next->bytes[operand] != e.next->bytes[0]) continue;
    ask(e.next->in<float>(operand));
  }
}

// c[rows, cols], whose first element is (i, j) of C. Where another instruction is chained, it may
// lie anywhere: nobody looks at C.
inline void finish(const Epilogue& e, std::int64_t rows, std::int64_t cols, std::int64_t i,
                   std::int64_t j, float* c, std::int64_t ldc) {
  if (!e.plain()) {
    with_activation(e.activation, e.alpha, [&](auto act) {
      if (e.saved) {
        const auto slope = [&](Vec x, std::int64_t at, std::int64_t lanes) {
          return act.grad(x, load_up_to(e.saved + at, lanes));
        };
        finish_rows(e, slope, rows, cols, i, j, c, ldc);
      } else {
        const auto activate = [&](Vec x, std::int64_t, std::int64_t) { return act(x); };
        finish_rows(e, activate, rows, cols, i, j, c, ldc);
      }
    });
  }
  if (e.next) update(*e.next, {i * e.width + j, rows, cols, e.width, c, ldc});
}

}  // namespace fastnn::FASTNN_ISA
