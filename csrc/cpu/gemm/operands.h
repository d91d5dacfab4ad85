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

}  // namespace fastnn::FASTNN_ISA
