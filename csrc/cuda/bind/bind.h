#pragma once

#include <pybind11/pybind11.h>

namespace fastnn::cuda {

// What only the emulator's module has; nothing on a real device. One of the two files beside this
// one defines it.
void add_emulator(pybind11::module_& module);

}  // namespace fastnn::cuda
