// What runs one instruction on arrays, on the CPU or a device: its record, and a space for each of
// its operands.
#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "program/instr.h"
#include "program/program.h"

namespace fastnn::bind {

// Of the bytes of one record.
Instr read_instr(pybind11::handle record);

// The space of an operand: its own, or the one of an earlier operand that is the same memory.
// Validation then sees an output written over its input as what it is.
int space_of(const std::vector<Memory>& memory, const Memory& operand);

}  // namespace fastnn::bind
