// The memory of a Python object that exports the buffer protocol, held for as long as it is used.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>

#include "program/program.h"
#include "program/signature.h"

namespace fastnn::bind {

class Buffer {
 public:
  Buffer() = default;
  // C-contiguous, of plain data. `what` is its name in messages: "space 3".
  Buffer(pybind11::handle object, const std::string& what);
  // The bytes, of whatever type: NumPy is slow to write down the type of a record.
  static Buffer of_bytes(pybind11::handle object, const std::string& what);
  Buffer(Buffer&& other) noexcept : view_(other.view_) { other.view_ = Py_buffer{}; }
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer() { PyBuffer_Release(&view_); }  // does nothing where nothing is held

  const Py_buffer& view() const { return view_; }
  Memory memory() const { return {view_.buf, view_.len, view_.readonly != 0}; }
  bool holds(ElementType type) const;
  std::string type_name() const;  // as the buffer protocol writes it

 private:
  Buffer(pybind11::handle object, const std::string& what, int flags);

  Py_buffer view_{};
};

}  // namespace fastnn::bind
