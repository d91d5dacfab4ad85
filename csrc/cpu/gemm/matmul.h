// The kernels matmul_nn, matmul_nt and matmul_tn: C = act(op(A) op(B) + bias).
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/gemm/finish.h"
#include "cpu/gemm/operands.h"
#include "cpu/gemm/product.h"
#include "cpu/gemm/vector.h"
#include "cpu/gemm/zeros.h"

namespace fastnn::FASTNN_ISA {

inline Epilogue epilogue_of(const Call& call, std::int64_t n) {
  return {call.in<float>(2),
          call.out<float>(4),
          static_cast<Activation>(static_cast<int>(call.attr[0])),
          call.scalar(1),
          call.next,
          n};
}

bool has_epilogue(const Call& call) { return !epilogue_of(call, 0).empty(); }

void finish_tile(const Call& call, const TileOfC& tile, float* c, std::int64_t ldc) {
  const Epilogue epilogue = epilogue_of(call, product_of(call).n);
  finish(epilogue, tile.rows, tile.cols, tile.i, tile.j, c, ldc);
}

inline void matmul(const Call& call, const Share& share) {
  const Product given = product_of(call);
  if (given.m == 0 || given.n == 0) return;
  const Plan plan = make_plan(given);
  const Product q = plan.swap ? swapped(given) : given;
  float* c = call.out<float>(3);
  const Epilogue epilogue = epilogue_of(call, given.n);
  const Epilogue* finishing = epilogue.empty() ? nullptr : &epilogue;

  if (may_skip_zeros(q, plan) && multiply_skipping(q, share.split(q.m), c, finishing,
                                                   static_cast<std::uint64_t*>(share.scratch))) {
    return;
  }
  const Grid grid = make_grid(q, plan, share.parts);
  const int row = share.part / grid.cols, col = share.part % grid.cols;
  if (row >= grid.rows) return;
  const Range rows{q.m * row / grid.rows, q.m * (row + 1) / grid.rows};
  const std::int64_t vecs = vectors(q.n);
  const Range cols{vecs * col / grid.cols * Vec::N,
                   least(vecs * (col + 1) / grid.cols * Vec::N, q.n)};
  if (rows.begin == rows.end || cols.begin >= cols.end) return;

  float* scratch = static_cast<float*>(share.scratch);
  if (q.m == 1) {
    multiply_vector(q, plan, cols, c, finishing);
  } else if (plan.swap) {
    multiply_turned(q, plan, rows, cols, c, epilogue, scratch);
  } else {
    multiply(q, plan, rows, cols, c + rows.begin * q.n + cols.begin, q.n, finishing, scratch);
  }
}

void matmul_nn(const Call& call, const Share& share) { matmul(call, share); }
void matmul_nt(const Call& call, const Share& share) { matmul(call, share); }
void matmul_tn(const Call& call, const Share& share) { matmul(call, share); }

std::size_t scratch_bytes(const Call& call) {
  if (form_of(call) == 0) return 0;
  const Product given = product_of(call);
  const Plan plan = make_plan(given);
  const Product q = plan.swap ? swapped(given) : given;
  const std::size_t dense = static_cast<std::size_t>(Scratch(q, plan).total) * sizeof(float);
  const std::size_t skipping = may_skip_zeros(q, plan) ? skip_words(q) * sizeof(std::uint64_t) : 0;
  return dense > skipping ? dense : skipping;
}

// All precisions are float32 here.
const char* matmul_reason(std::int64_t m, std::int64_t n, std::int64_t k, char form, int) {
  return make_plan(product(m, n, k, form, nullptr, nullptr)).reason;
}

}  // namespace fastnn::FASTNN_ISA
