// Checks of an instruction against its signature, from the numbers in it to the memory it touches.
// Whatever passes can be given to a kernel: it will stay inside its operands. All checks throw
// std::invalid_argument with the instruction, the operand, what came and what was expected.
#pragma once

#include <cstdint>
#include <string>

#include "program/instr.h"
#include "program/signature.h"

namespace fastnn {

// An instruction with its place in the list, for messages.
struct Site {
  const Instr& instr;
  std::int64_t index;
};

[[noreturn]] void refuse(const Site& site, const std::string& message);
[[noreturn]] void refuse(const Site& site, int operand, const std::string& message);

// The signature of a known opcode.
const Signature& signature_of(const Site& site);

// Bytes of each operand; of one row where the operand has any number of rows; 0 where it is absent.
struct Footprint {
  std::int64_t bytes[kMaxOperands] = {};
};

// Flags, dims, attributes, and which operands are there (Ref::space is not -1).
Footprint check_shapes(const Site& site, const Signature& signature);

// Bytes that an operand occupies: [begin, end) of a space, or of the address space (space 0).
struct Extent {
  std::int64_t space = -1;  // -1: absent
  std::int64_t begin = 0;
  std::int64_t end = 0;

  bool overlaps(const Extent& other) const {
    return space == other.space && begin < other.end && other.begin < end;
  }
};

// What is written overlaps nothing, except that a `~` output may be exactly an input.
void check_aliasing(const Site& site, const Signature& signature, const Extent* extents);

// `site` is marked kChained: `next` must be an optimizer's step whose gradient is exactly the
// product, and what either of the two writes, the other may not touch beside that: tiles of the
// product are still being made while others are applied.
void check_chain(const Site& site, const Extent* extents, const Site& next,
                 const Extent* next_extents);

// How many per-step scalars the instruction reads: run.scalars must have as many columns.
std::int64_t scalar_columns(const Instr& instr);

}  // namespace fastnn
