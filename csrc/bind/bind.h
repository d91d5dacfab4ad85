// The Python module, one function a subject.
#pragma once

#include <pybind11/pybind11.h>

namespace fastnn::bind {

void add_device(pybind11::module_& module);   // instruction sets, threads
void add_memory(pybind11::module_& module);   // allocate, philox
void add_program(pybind11::module_& module);  // Program, Runner
void add_execute(pybind11::module_& module);  // one instruction on arrays
void add_peaks(pybind11::module_& module);    // what the machine can do at most
void add_caller(pybind11::module_& module);   // a model called on an array
void add_checks(pybind11::module_& module);   // what only tests ask

}  // namespace fastnn::bind
