// What runs on the CPU and on a device are given by Python, and tell it.
#pragma once

#include <pybind11/pybind11.h>

#include "bind/buffer.h"
#include "program/program.h"

namespace fastnn::bind {

// `scalars` is None or float32 [steps, columns]: `arguments` is given its address and width. What
// is returned keeps it alive.
Buffer take_scalars(pybind11::handle scalars, RunArguments& arguments);

// Of a fault: None, or (fault, node, step, row, value, limit).
pybind11::object told(const Report& report);

}  // namespace fastnn::bind
