// The instruction: plain data, 264 bytes, the same on both sides of the Python border.
// `runtime/program.py` declares the same layout as a NumPy dtype; a test compares the offsets.
#pragma once

#include <cstdint>

namespace fastnn {

inline constexpr int kMaxDims = 8;
inline constexpr int kMaxAttrs = 8;
inline constexpr int kMaxOperands = 8;
// Elements that a reduction to one value sums at a time, so that its order does not depend on
// threads.
inline constexpr std::int64_t kReductionBlock = 4096;

enum class Opcode : std::uint16_t {
#define OPCODE(name, operands, attributes) name,
#include "program/opcodes.def"
#undef OPCODE
  count
};

// Bits of Instr::flags.
enum : std::uint16_t {
  kBarrier = 1,  // all threads meet before this instruction
  kSerial = 2,   // one thread does all of it
  kChained = 4,  // a product that does the next instruction too, an optimizer's step on its result
  kHalved = 8,   // the rows of a gathered matrix may lie in two halves (halves.h)
};

// Where an operand lies: a space (arena, parameters, a bound array, ...) and a byte offset in it.
struct Ref {
  std::int32_t space;  // index into the program's spaces; -1: the operand is absent
  std::int32_t unused;
  std::int64_t offset;  // bytes
};

struct Instr {
  std::uint16_t opcode;
  std::uint16_t flags;
  std::uint32_t node;  // which graph node this came from, for messages
  std::int64_t dims[kMaxDims];
  double attrs[kMaxAttrs];
  Ref operands[kMaxOperands];
};
static_assert(sizeof(Instr) == 264);

}  // namespace fastnn
