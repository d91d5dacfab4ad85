// What happens to a tile of C once its sums are complete and while it is still in L1.
#pragma once

#include <cstdint>

#include "cpu/activation.h"
#include "cpu/gemm/plan.h"
#include "cpu/kernels/activations.h"
#include "cpu/kernels/update.h"

namespace fastnn::FASTNN_ISA {

struct Epilogue {
  const float* bias;  // [n] or nullptr
  float* before;      // [m, n]: keeps the value before the activation; or nullptr
  Activation activation;
  float alpha;
  const Call* next;    // the optimizer's step that takes the result (kChained), or nullptr
  std::int64_t width;  // n: how far rows lie apart in `before`, and in the parameter

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

template <typename Function>
FASTNN_INLINE void finish_rows(const Epilogue& e, Function activate, std::int64_t rows,
                               std::int64_t cols, std::int64_t i, std::int64_t j, float* c,
                               std::int64_t ldc) {
  for (std::int64_t r = 0; r < rows; ++r, c += ldc) {
    float* before = e.before ? e.before + (i + r) * e.width + j : nullptr;
    for (std::int64_t l = 0; l < cols; l += Vec::N) {
      Vec x = load_up_to(c + l, cols - l);
      if (e.bias) x = x + load_up_to(e.bias + j + l, cols - l);
      if (before) store_up_to(x, before + l, cols - l);
      store_up_to(activate(x), c + l, cols - l);
    }
  }
}

// Asks L2 for what finish() will need of a chained step, before a tile is made: the pieces of rows
// are too short for the hardware to see where it goes. Not L1, since rows of a matrix that is a
// multiple of 1024 wide share the few lines of one set there.
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
    with_activation(e.activation, e.alpha,
                    [&](auto activate) { finish_rows(e, activate, rows, cols, i, j, c, ldc); });
  }
  if (e.next) update(*e.next, {i * e.width + j, rows, cols, e.width, c, ldc});
}

}  // namespace fastnn::FASTNN_ISA
