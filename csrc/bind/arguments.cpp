#include "bind/arguments.h"

#include <stdexcept>
#include <string>

namespace py = pybind11;

namespace fastnn::bind {

Buffer take_scalars(py::handle scalars, RunArguments& arguments) {
  if (scalars.is_none()) return {};
  Buffer buffer(scalars, "scalars");
  const Py_buffer& view = buffer.view();
  if (!buffer.holds(ElementType::f32)) {
    throw py::type_error("scalars: expected float32, got elements of type '" + buffer.type_name() +
                         "'");
  }
  if (view.ndim != 2 || view.shape[0] < arguments.steps) {
    throw std::invalid_argument("scalars: expected a table with a row for each of the " +
                                std::to_string(arguments.steps) + " steps, got " +
                                std::to_string(view.ndim) + " dimensions and " +
                                std::to_string(view.ndim > 0 ? view.shape[0] : 0) + " rows");
  }
  arguments.scalars = static_cast<const float*>(view.buf);
  arguments.scalars_width = view.shape[1];
  return buffer;
}

py::object told(const Report& report) {
  if (report.fault == Fault::none) return py::none();
  return py::make_tuple(static_cast<int>(report.fault), report.node, report.step, report.row,
                        report.value, report.limit);
}

}  // namespace fastnn::bind
