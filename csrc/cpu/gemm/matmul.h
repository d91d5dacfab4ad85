// The kernels matmul_nn, matmul_nt and matmul_tn: C = op(A) op(B), and its epilogue.
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
  return {call.in<float>(kBias),
          call.in<float>(kSaved),
          call.out<float>(kBefore),
          static_cast<Activation>(static_cast<int>(call.attr[0])),
          call.scalar(1),
          call.next,
          n};
}

bool has_epilogue(const Call& call) { return !epilogue_of(call, 0).empty(); }
bool finishes_by_rows(const Call& call) { return epilogue_of(call, 0).by_rows(); }

void finish_tile(const Call& call, const TileOfC& tile, float* c, std::int64_t ldc) {
  const Epilogue epilogue = epilogue_of(call, product_of(call).n);
  finish(epilogue, tile.rows, tile.cols, tile.i, tile.j, c, ldc);
}

// A thread's share of c = A B, then the epilogue.
inline void multiply_share(const Product& q, const Plan& plan, const Share& share, float* c,
                           const Epilogue& epilogue) {
  const Epilogue* finishing = epilogue.empty() ? nullptr : &epilogue;
  if (may_skip_zeros(q, plan) && multiply_skipping(q, share.split(q.m), c, finishing,
                                                   static_cast<std::uint64_t*>(share.scratch))) {
    return;
  }
  const Grid grid = make_grid(q, plan, share.parts, epilogue.next);
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

// The second pass: the sum of both halves of k, and the epilogue.
void add_halves(const Call& call, const Share& share) {
  const Product q = product_of(call);
  const Epilogue epilogue = epilogue_of(call, q.n);
  const float* half = static_cast<const float*>(call.workspace);
  const Range rows = share.split(q.m);
  for (std::int64_t i = rows.begin; i < rows.end; ++i) {
    float* c = call.out<float>(kResult) + i * q.n;
    for (std::int64_t j = 0; j < q.n; j += Vec::N) {
      const std::int64_t lanes = q.n - j;
      store_up_to(load_up_to(c + j, lanes) + load_up_to(half + i * q.n + j, lanes), c + j, lanes);
    }
    finish(epilogue, 1, q.n, i, 0, c, q.n);
  }
}

inline void matmul(const Call& call, const Share& share) {
  const Product given = product_of(call);
  if (given.m == 0 || given.n == 0) return;
  const Plan plan = make_plan(given);
  const Product q = plan.swap ? swapped(given) : given;
  if (is_in_halves(call)) {
    static_assert(kLeastHalvedColumns >= 2 * Vec::N);  // so it is not turned
    const Epilogue none{nullptr, nullptr, nullptr, Activation::linear, 0, nullptr, q.n};
    for_halves(q, call, share, [&](const Product& part, const Share& ours, float* c) {
      multiply_share(part, plan, ours, c, none);
    });
    return;
  }
  multiply_share(q, plan, share, call.out<float>(kResult), epilogue_of(call, given.n));
}

void matmul_nn(const Call& call, const Share& share) { matmul(call, share); }
void matmul_nt(const Call& call, const Share& share) { matmul(call, share); }
void matmul_tn(const Call& call, const Share& share) { matmul(call, share); }

std::size_t scratch_bytes(const Call& call) {
  if (form_of(call) == 0) return 0;
  const Product given = product_of(call);
  const Plan plan = make_plan(given);
  const Product q = plan.swap ? swapped(given) : given;
  const std::size_t dense =
      static_cast<std::size_t>(Scratch(q, plan, call.flags & kChained).total) * sizeof(float);
  const std::size_t skipping = static_cast<std::size_t>(skip_bytes(q, plan));
  return dense > skipping ? dense : skipping;
}

// A forward pass with long rows, and weights that stay in the caches, is done in two halves of k:
// then each half of the weights is read by the thread that updates it, and by no other. A core that
// writes what another has read waits until that one has let go of it: 7 ns a cache line, as long as
// Adam takes for 20 weights. Not m, the batch, decides: a row's bits must not depend on the others.
std::size_t workspace_bytes(const Call& call) {
  constexpr std::int64_t kMostElements = 1 << 18;
  const Product q = product_of(call);
  if (form_of(call) != 'n' || q.k < kLongRow || q.n < kLeastHalvedColumns) return 0;
  if (q.k * q.n > kMostElements) return 0;
  return static_cast<std::size_t>(q.m * q.n) * sizeof(float);
}

// All precisions are float32 here.
const char* matmul_reason(std::int64_t m, std::int64_t n, std::int64_t k, char form, int) {
  return make_plan(product(m, n, k, form, nullptr, nullptr)).reason;
}

}  // namespace fastnn::FASTNN_ISA
