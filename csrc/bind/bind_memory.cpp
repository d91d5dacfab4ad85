#include <pybind11/numpy.h>

#include <stdexcept>

#include "bind/bind.h"
#include "core/memory.h"
#include "core/philox.h"

namespace py = pybind11;
using namespace py::literals;

namespace fastnn::bind {
namespace {

py::array_t<std::uint8_t> allocate(py::ssize_t bytes) {
  if (bytes < 0) {
    throw std::invalid_argument("allocate: expected at least 0 bytes, got " +
                                std::to_string(bytes));
  }
  void* memory = allocate_zeroed(static_cast<std::size_t>(bytes));
  const py::capsule owner(memory, release);
  return py::array_t<std::uint8_t>(bytes, static_cast<std::uint8_t*>(memory), owner);
}

py::array_t<std::uint32_t> philox_words(std::uint64_t seed, std::uint32_t stream,
                                        std::uint32_t step, py::ssize_t count) {
  py::array_t<std::uint32_t> words(count);
  std::uint32_t* out = words.mutable_data();
  for (py::ssize_t i = 0; i < count; ++i) {
    out[i] = philox(seed, stream, step, static_cast<std::uint64_t>(i) / 4).word[i % 4];
  }
  return words;
}

}  // namespace

void add_memory(py::module_& module) {
  module.def("allocate", &allocate, "nbytes"_a);
  module.def("philox", &philox_words, "seed"_a, "stream"_a, "step"_a, "n"_a);
}

}  // namespace fastnn::bind
