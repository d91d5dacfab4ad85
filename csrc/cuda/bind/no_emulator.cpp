#include "cuda/bind/bind.h"

namespace fastnn::cuda {

void add_emulator(pybind11::module_&) {}

}  // namespace fastnn::cuda
