#include "bind/run.h"

#include <stdexcept>

#include "cpu/dispatch.h"

namespace py = pybind11;

namespace fastnn::bind {
namespace {

Buffer scalar_table(py::handle scalars, RunArguments& arguments) {
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

}  // namespace

const KernelTable& table_of(const std::optional<std::string>& isa) {
  return isa ? table_named(*isa) : chosen_table();
}

Report run(Runner& runner, RunArguments arguments, py::handle scalars) {
  if (arguments.threads < 0 || arguments.threads > kMaxThreads) {
    throw std::invalid_argument("threads: expected 0 (the default) to " +
                                std::to_string(kMaxThreads) + ", got " +
                                std::to_string(arguments.threads));
  }
  arguments.exactly = arguments.threads > 0;
  if (!arguments.exactly) arguments.threads = num_threads();
  const Buffer held = scalars.is_none() ? Buffer() : scalar_table(scalars, arguments);
  const py::gil_scoped_release released;
  return runner.run(arguments);
}

}  // namespace fastnn::bind
