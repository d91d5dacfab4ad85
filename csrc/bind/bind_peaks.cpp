#include <pybind11/stl.h>

#include <stdexcept>

#include "bind/bind.h"
#include "bind/run.h"
#include "core/team.h"
#include "cpu/peaks.h"

namespace py = pybind11;
using namespace py::literals;

namespace fastnn::bind {
namespace {

const PeakLoop& named(const std::vector<PeakLoop>& loops, const std::string& name) {
  std::string names;
  for (const PeakLoop& loop : loops) {
    if (name == loop.name) return loop;
    names += (names.empty() ? "" : ", ") + std::string(loop.name);
  }
  throw std::invalid_argument("peak: there is no loop '" + name + "' here; there are " + names);
}

std::vector<double> peak(const std::string& loop, std::int64_t bytes, int threads, double seconds,
                         int samples, const std::optional<std::string>& isa) {
  const std::vector<PeakLoop> loops = peak_loops(table_of(isa));
  const PeakLoop& chosen = named(loops, loop);
  if (bytes < 0 || threads < 0 || threads > kMaxThreads || !(seconds > 0) || samples < 1) {
    throw std::invalid_argument(
        "peak: expected bytes of at least 0, threads from 0 (the default) to " +
        std::to_string(kMaxThreads) + ", seconds above 0, and at least one sample");
  }
  const py::gil_scoped_release released;
  return measure_peak(chosen, bytes, threads > 0 ? threads : num_threads(), seconds, samples);
}

}  // namespace

void add_peaks(py::module_& module) {
  module.def(
      "peak_loops",
      [](const std::optional<std::string>& isa) {
        std::vector<std::string> names;
        for (const PeakLoop& loop : peak_loops(table_of(isa))) names.emplace_back(loop.name);
        return names;
      },
      py::kw_only(), "isa"_a = py::none());
  module.def("peak", &peak, "loop"_a, "bytes"_a = 0, py::kw_only(), "threads"_a = 0,
             "seconds"_a = 0.005, "samples"_a = 5, "isa"_a = py::none());
}

}  // namespace fastnn::bind
