#include "bind/buffer.h"

#include <cstring>

namespace py = pybind11;

namespace fastnn::bind {

Buffer::Buffer(py::handle object, const std::string& what, int flags) {
  if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) {
    py::error_already_set error;
    throw py::type_error(what + ": expected a C-contiguous array, got " +
                         std::string(py::str(py::type::of(object))) + ": " + error.what());
  }
}

Buffer::Buffer(py::handle object, const std::string& what)
    : Buffer(object, what, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) {
  if (view_.format != nullptr && std::strpbrk(view_.format, "OP&") != nullptr) {
    throw py::type_error(what + ": expected an array of numbers, got one of Python objects");
  }
}

Buffer Buffer::of_bytes(py::handle object, const std::string& what) {
  return Buffer(object, what, PyBUF_C_CONTIGUOUS);
}

std::string Buffer::type_name() const { return view_.format == nullptr ? "B" : view_.format; }

bool Buffer::holds(ElementType type) const {
  std::string name = type_name();
  if (name.size() == 2 && std::strchr("@=<", name[0]) != nullptr) name.erase(0, 1);
  if (name.size() != 1 || view_.itemsize != element_size(type)) return false;
  switch (type) {
    case ElementType::f32:
      return name == "f";
    case ElementType::f64:
      return name == "d";
    case ElementType::i32:
    case ElementType::i64:
      return std::strchr("ilq", name[0]) != nullptr;
    case ElementType::u8:
      return name == "B" || name == "?";
  }
  return false;
}

}  // namespace fastnn::bind
