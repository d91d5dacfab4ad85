// The operands of a matrix product, as opcodes.def has them.
#pragma once

namespace fastnn {

enum ProductOperand : int {
  kFactorA,
  kFactorB,
  kBias,    // [n]
  kSaved,   // [m, n]: what the derivative of the activation is taken from
  kResult,  // [m, n]
  kBefore   // [m, n]: the result before the activation, or before its derivative
};

}  // namespace fastnn
