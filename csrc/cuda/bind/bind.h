#pragma once

#include <pybind11/pybind11.h>

#include "bind/buffer.h"
#include "program/program.h"

namespace fastnn::cuda {

// Of a space: Memory, (address, bytes, read-only) of somebody else's device memory, or None.
Memory memory_of(pybind11::handle space);

void add_eager(pybind11::module_& module);   // one instruction on somebody else's memory
void add_dlpack(pybind11::module_& module);  // DLPack's capsules, to and fro

// What only the emulator's module has; nothing on a real device. One of the two files beside this
// one defines it.
void add_emulator(pybind11::module_& module);

}  // namespace fastnn::cuda
