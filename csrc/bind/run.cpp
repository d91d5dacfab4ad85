#include "bind/run.h"

#include <stdexcept>

#include "bind/arguments.h"
#include "cpu/dispatch.h"

namespace py = pybind11;

namespace fastnn::bind {
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
  const Buffer held = take_scalars(scalars, arguments);
  const py::gil_scoped_release released;
  return runner.run(arguments);
}

}  // namespace fastnn::bind
