// A product as its instruction gives it.
#pragma once

#include "cpu/gemm/plan.h"
#include "program/call.h"
#include "program/product.h"

namespace fastnn::FASTNN_ISA {

// 'n', 'b' or 'a' for matmul_nn, _nt or _tn, as `product` takes it; 0 for other instructions.
FASTNN_INLINE char form_of(const Call& call) {
  switch (static_cast<Opcode>(call.opcode)) {
    case Opcode::matmul_nn:
      return 'n';
    case Opcode::matmul_nt:
      return 'b';
    case Opcode::matmul_tn:
      return 'a';
    default:
      return 0;
  }
}

FASTNN_INLINE Product product_of(const Call& call) {
  // opcodes.def names the dims in the order of first appearance: [m,k] [k,n], [m,k] [n,k], [k,m]
  // [k,n]
  const std::int64_t* dim = call.dim;
  const float *a = call.in<float>(kFactorA), *b = call.in<float>(kFactorB);
  const char form = form_of(call);
  return form == 'a' ? product(dim[1], dim[2], dim[0], form, a, b)
                     : product(dim[0], dim[2], dim[1], form, a, b);
}

// Is it made in two halves? Of k, the second of which the workspace gets; or, where A is transposed
// and its rows lie in halves, of the rows of C. See program/halves.h.
FASTNN_INLINE bool is_in_halves(const Call& call) { return call.workspace || call.flags & kHalved; }

// Calls multiply(part, its share, its C) for the halves that this thread has to do with.
template <class Multiply>
FASTNN_INLINE void for_halves(const Product& q, const Call& call, const Share& share,
                              Multiply multiply) {
  const bool of_k = q.a.along_k, apart = call.flags & kHalved;
  const std::int64_t width = of_k ? q.k : q.m, rows = of_k ? q.m : q.k;  // of A as it lies
  share.in_halves([&](int half, const Share& ours) {
    const std::int64_t begin = half == 0 ? 0 : width / 2;
    const std::int64_t size = half == 0 ? width / 2 : width - width / 2;
    Product part = q;
    part.a.data += begin * (apart ? rows : 1);
    if (apart) part.a.stride = size;
    float* c = call.out<float>(kResult);
    if (of_k) {
      part.k = size;
      part.b = corner(q.b, begin, 0);
      if (half == 1) c = static_cast<float*>(call.workspace);
    } else {
      part.m = size;
      c += begin * q.n;
    }
    multiply(part, ours, c);
  });
}

}  // namespace fastnn::FASTNN_ISA
