// The operands of a gather, as opcodes.def has them.
#pragma once

namespace fastnn {

enum GatherOperand : int {
  kData,      // [*, w]
  kOrder,     // [*]
  kGathered,  // [b, w]
};

}  // namespace fastnn
