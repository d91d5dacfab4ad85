// fastnn._core: few, coarse calls. Arrays come in as buffers; the GIL is released while kernels
// run.
#include "bind/bind.h"
#include "core/team.h"
#include "program/signature.h"

// Safe without a GIL: a Runner serves one run at a time, the team one run at a time, the settings
// are atomic, and everything else is built once and then only read.
PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
  using namespace fastnn;
  module.doc() = "Native runtime of fastnn.";
  // Built now, so that no thread can fork while another is in the middle of building them.
  signatures();
  num_threads();
  bind::add_device(module);
  bind::add_memory(module);
  bind::add_program(module);
  bind::add_execute(module);
  bind::add_peaks(module);
  bind::add_caller(module);
  bind::add_checks(module);
}
